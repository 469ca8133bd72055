"""Messages about rejected cells and records: what is wrong, and what to write instead.

They quote the contact's value. They go to the rejected file, the warehouse and the artifacts that people review,
never to a log or an exception.
"""

import re
from collections.abc import Callable

from schemas.cells.decimals import DECIMAL, SIGNIFICANT_DIGITS
from schemas.cells.emails import explain_invalid_email
from schemas.cells.phones import example_phone, plus_reading, read_phone, to_e164
from schemas.field_types import FieldType
from schemas.fields import Field, header_key
from schemas.presets.model import ColumnRule
from schemas.validation.rules import EXPECTED, Rule
from transforms.cells.nearest_name import nearest_name
from transforms.cells.normalise import NormaliseContext
from transforms.cells.translate import titles

MAX_QUOTED_LENGTH = 60
_MIN_SIMILARITY = 0.6  # from 0 to 1; an option that is less similar is not suggested
MAX_LISTED = 5  # wrong options of one cell that a message names
MAX_KNOWN_OPTIONS = 20  # valid options that a message names

_ISO_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def quoted(value: str) -> str:
    """A value in quotes, shortened if it is long."""
    text = value if len(value) <= MAX_QUOTED_LENGTH else f"{value[:MAX_QUOTED_LENGTH]}…"
    return f"'{text}'"


def _phone_has_spaces(value: str, field: Field, context: NormaliseContext) -> str:
    if phone := read_phone("".join(value.split()), context.default_prefix):
        return f"{quoted(value)} has spaces; write {phone}"
    example = example_phone(context.default_prefix)
    return f"{quoted(value)} has spaces and is not a valid phone without them; write a number such as {example}"


def _phone_invalid(value: str, field: Field, context: NormaliseContext) -> str:
    digits = re.sub(r"[-().\s/]", "", value)
    if (phone := read_phone(digits, context.default_prefix)) is not None:
        return f"{quoted(value)} has characters other than digits; write {phone}"
    example = example_phone(context.default_prefix)
    return f"{quoted(value)} is not a valid phone; write it with its international prefix, such as {example}"


def _phone_ambiguous(value: str, field: Field, context: NormaliseContext) -> str:
    prefix = context.default_prefix
    plus, national = plus_reading(value, prefix), to_e164(value, prefix)
    written = f"0{value}" if to_e164(f"0{value}", prefix) == national else national
    return f"{quoted(value)} may be {plus}, or {national} with the prefix {prefix}; write {plus} or {written}"


def _decimal_ambiguous(value: str, field: Field, context: NormaliseContext) -> str:
    return (
        f"{quoted(value)} may be {value.replace('.', '')} or {value}, since other numbers of the column have a decimal "
        f"comma; write {value.replace('.', '')} or {value}0"
    )


def _date_invalid(value: str, field: Field, context: NormaliseContext) -> str:
    if _ISO_SHAPE.fullmatch(value):
        return f"{quoted(value)} is a day that does not exist; correct the day or the month"
    return f"{quoted(value)} is not an ISO date; write yyyy-mm-dd, such as 1990-12-31"


def _integer_invalid(value: str, field: Field, context: NormaliseContext) -> str:
    if re.fullmatch(r"[1-9][0-9]*", value, re.ASCII):
        return f"{quoted(value)} is too large; write at most 9223372036854775807"
    return f"{quoted(value)} is not a whole number above 0; write only digits, without zeros in front"


def _decimal_invalid(value: str, field: Field, context: NormaliseContext) -> str:
    point = value.replace(",", ".", 1)
    digits = re.sub(r"^-?[0.]*|\.", "", point)
    if re.search(DECIMAL, point) and point != value and len(digits) <= SIGNIFICANT_DIGITS:
        return f"{quoted(value)} has a decimal comma; write {point}"
    if re.search(DECIMAL, point):
        return f"{quoted(value)} has more than 15 significant digits; write a rounded number"
    return f"{quoted(value)} is not a decimal; write digits with a point, such as 12.50"


def _option_unknown(value: str, field: Field, context: NormaliseContext) -> str:
    parts = value.split("|") if field.type is FieldType.CHECKBOX else [value]
    wrong = list(dict.fromkeys(part for part in parts if part not in field.option_ids))
    more = [f"and {len(wrong) - MAX_LISTED} more"] if len(wrong) > MAX_LISTED else []
    return "; ".join([*dict.fromkeys(_wrong_option(part, field) for part in wrong[:MAX_LISTED]), *more])


def _wrong_option(part: str, field: Field) -> str:
    if not part.strip():
        return "an option between two '|' is empty; remove one '|'"
    key = header_key(part)
    for option in field.options:
        if key and key in (header_key(option.label), header_key(option.id)):
            is_label = key == header_key(option.label) and part != option.id
            kind = "a label" if is_label else "not written as the option is"
            return f"{quoted(part)} is {kind}; write the ID '{option.id}'"
    near = None if field.is_consent else nearest_name(header_key(part), field.option_ids, at_least=_MIN_SIMILARITY)
    if near:
        return f"{quoted(part)} is not an option; did you mean '{near}'?"
    known = ", ".join(field.option_ids[:MAX_KNOWN_OPTIONS])
    return f"{quoted(part)} is not an option; write one of: {known}"


def _message(problem: str) -> Callable[[str, Field, NormaliseContext], str]:
    return lambda value, field, context: f"{quoted(value)} {problem}"


_MESSAGES: dict[Rule, Callable[[str, Field, NormaliseContext], str]] = {
    Rule.EMAIL_MISSING: lambda value, field, context: "the email is empty; write it, because it identifies the contact",
    Rule.EMAIL_INVALID: lambda value, field, context: (
        f"{quoted(value)} is not a valid email: {explain_invalid_email(value)}"
    ),
    Rule.VALUE_MISSING: lambda value, field, context: f"{field.label or field.id} is empty; write a value",
    Rule.TEXT_INVALID: _message("contains a NUL character; remove it"),
    Rule.PHONE_HAS_SPACES: _phone_has_spaces,
    Rule.PHONE_INVALID: _phone_invalid,
    Rule.PHONE_AMBIGUOUS: _phone_ambiguous,
    Rule.DATE_INVALID: _date_invalid,
    Rule.INTEGER_INVALID: _integer_invalid,
    Rule.DECIMAL_INVALID: _decimal_invalid,
    Rule.DECIMAL_AMBIGUOUS: _decimal_ambiguous,
    Rule.BOOLEAN_INVALID: _message("is neither true nor false; write true, false, 1 or 0"),
    Rule.OPTION_UNKNOWN: _option_unknown,
}


def explain_cell(rule: Rule, value: str, field: Field, context: NormaliseContext) -> str:
    """Why a cell was rejected, and what to write."""
    return _MESSAGES[rule](value, field, context)


def explain_rule(rule: ColumnRule) -> str:
    """What the preset of a column reads in addition to the rules' own format."""
    return f"(in this column the preset also reads: {', '.join(titles(rule)[:MAX_LISTED])})"


def explain_row(rule: Rule, cells: int | None, width: int, has_lone_cr: bool = False) -> str:
    """Why a record could not be read as a row of cells. `cells` is None if the record may not be shown."""
    if rule in (Rule.ROW_TOO_SHORT, Rule.ROW_TOO_LONG):
        too_many = "few" if rule is Rule.ROW_TOO_SHORT else "many"
        has = f"too {too_many} cells" if cells is None else f"{cells} cell{'s' * (cells != 1)}"
        return f"the record has {has}; the header has {width} columns, so write {width} cells"
    if rule is Rule.ROW_BAD_QUOTING:
        if has_lone_cr:
            return (
                "a carriage return (CR) is outside quotes, or a quote is not closed; quote the cell, or remove the CR"
            )
        return (
            "a quote is not closed where its cell ends, or quotes inside cells may enclose a delimiter; put the whole "
            "cell in quotes, and double the quotes inside"
        )
    return f"the record's bytes are not {EXPECTED[rule]}; correct them, or name the file's --encoding"


def explain_remaining_code(rule: Rule) -> str:
    """Why a record of a rejected file is rejected again."""
    return f"rejection_codes still says {rule}; correct the record and clear that cell"


def explain_duplicate(winner: int, kept: bool) -> str:
    """Which record has the same email, and whether that one was kept."""
    if kept:
        return f"record {winner} has the same email and was kept; correct one of the emails to import both"
    return f"several records have this email, record {winner} first, and none was kept; remove all but one"
