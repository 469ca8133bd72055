"""The rules that a record can break, by their codes; the codes are stable, the texts are not."""

from collections.abc import Mapping
from enum import StrEnum


class Rule(StrEnum):
    """Codes as reports, rejected files and the warehouse show them."""

    ROW_TOO_SHORT = "row-too-short"
    ROW_TOO_LONG = "row-too-long"
    ROW_BAD_QUOTING = "row-bad-quoting"
    ROW_UNDECODABLE = "row-undecodable"
    EMAIL_MISSING = "email-missing"
    EMAIL_INVALID = "email-invalid"
    VALUE_MISSING = "value-missing"
    TEXT_INVALID = "text-invalid"
    PHONE_HAS_SPACES = "phone-has-spaces"
    PHONE_INVALID = "phone-invalid"
    PHONE_AMBIGUOUS = "phone-ambiguous"
    DATE_INVALID = "date-invalid"
    INTEGER_INVALID = "integer-invalid"
    DECIMAL_INVALID = "decimal-invalid"
    DECIMAL_AMBIGUOUS = "decimal-ambiguous"
    BOOLEAN_INVALID = "boolean-invalid"
    OPTION_UNKNOWN = "option-unknown"
    DUPLICATE_EMAIL = "duplicate-email"
    SUPPRESSED = "suppressed"

    @property
    def malformed(self) -> bool:
        """Whether the record could not be read as cells, so that no cell rule applies to it."""
        return self.value.startswith("row-")


EXPECTED: dict[Rule, str] = {
    Rule.ROW_TOO_SHORT: "as many cells as the header has columns",
    Rule.ROW_TOO_LONG: "as many cells as the header has columns",
    Rule.ROW_BAD_QUOTING: "a cell that starts with a quote ends with one, quotes inside it doubled",
    Rule.ROW_UNDECODABLE: "text in the file's encoding",
    Rule.EMAIL_MISSING: "the email that identifies the contact",
    Rule.EMAIL_INVALID: "a valid address such as name@example.com",
    Rule.VALUE_MISSING: "a value, since the catalogue rejects rows without one",
    Rule.TEXT_INVALID: "text without NUL characters, and not the formula of a spreadsheet",
    Rule.PHONE_HAS_SPACES: "a phone without spaces",
    Rule.PHONE_INVALID: "a valid phone such as +34651234567, or a national number of --default-prefix",
    Rule.PHONE_AMBIGUOUS: "a phone with its +, or one that can only be read as a national number",
    Rule.DATE_INVALID: "a day that exists, written yyyy-mm-dd",
    Rule.INTEGER_INVALID: "digits that start with 1 to 9, at most 9223372036854775807",
    Rule.DECIMAL_INVALID: "digits with an optional - and decimal point, at most 15 significant digits",
    Rule.DECIMAL_AMBIGUOUS: "a decimal point and no thousands signs, since other numbers have a decimal comma",
    Rule.BOOLEAN_INVALID: "true or false, or 1 or 0",
    Rule.OPTION_UNKNOWN: "an option ID of the field",
    Rule.DUPLICATE_EMAIL: "one row an email",
    Rule.SUPPRESSED: "an address that was not erased or suppressed",
}


def sort_by_count(codes: Mapping[str, int]) -> list[tuple[str, int]]:
    """Codes with their counts, the most frequent first, then by name."""
    return sorted(codes.items(), key=lambda pair: (-pair[1], pair[0]))
