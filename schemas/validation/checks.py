"""What a normalised cell of each type must be, as checks on whole columns.

Each check takes a column as `transforms.cells.normalise` leaves it and the field it holds, and returns a
mask of the cells that keep the rule; blank cells keep every rule but the two on missing values.
"""

from typing import NamedTuple, Protocol

import pandas as pd
import pyarrow.compute as pc

from schemas.catalogue import Field
from schemas.cells.arrow_columns import Mask, check_remaining, check_unique, is_one_of, mask_like, matches, to_arrow
from schemas.cells.cell_bytes import have_byte
from schemas.cells.decimals import valid_decimals
from schemas.cells.emails import valid_emails
from schemas.cells.phone_columns import valid_phones
from schemas.field_types import FieldType, Gaps
from schemas.validation.rules import Rule


class CheckFunction(Protocol):
    """A rule on a whole column of one field."""

    def __call__(self, column: pd.Series, field: Field) -> Mask: ...


# Days that exist in the calendar that ISO 8601 uses for all years; year 0000 is not one of ours.
_YEAR = r"(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP_YEAR = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = r"(?:0[1-9]|1[0-9]|2[0-8])"
DATE = (
    rf"^(?:{_YEAR}-(?:(?:0[1-9]|1[0-2])-{_DAY}|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    rf"|{_LEAP_YEAR}-02-29)$"
)

LARGEST_INTEGER = str(2**63 - 1)
INTEGER = r"^[1-9][0-9]{0,18}$"

WHITE_SPACE = r"[\s\v\x{1c}-\x{1f}\x{85}\p{Z}]"


class CellCheck(NamedTuple):
    """A rule and the mask of the cells that keep it."""

    rule: Rule
    passes: CheckFunction


def is_filled(column: pd.Series, field: Field) -> Mask:
    """Which cells are not blank; the only check that blank cells can fail."""
    return column.notna()


def _no_nul(column: pd.Series, field: Field) -> Mask:
    array = to_arrow(column)
    if not have_byte(array, b"\0"):
        return pd.Series(True, index=column.index)
    return ~mask_like(column, pc.match_substring(array, "\0"), null=False)


def _phone_has_no_spaces(column: pd.Series, field: Field) -> Mask:
    return check_remaining(column, valid_phones(column), _no_spaces)


def _no_spaces(column: pd.Series) -> Mask:
    return ~mask_like(column, pc.match_substring_regex(to_arrow(column), WHITE_SPACE), null=False)


def _integer(column: pd.Series, field: Field) -> Mask:
    array = to_arrow(column)
    fits = pc.or_(pc.less(pc.binary_length(array), 19), pc.less_equal(array, LARGEST_INTEGER))
    return matches(column, INTEGER) & mask_like(column, fits)


def _option(column: pd.Series, field: Field) -> Mask:
    return column.isna() | is_one_of(column, field.option_ids)


def _options(column: pd.Series, field: Field) -> Mask:
    known = set(field.option_ids)
    return check_unique(column, lambda cell: known.issuperset(cell.split("|")))


def _phone(column: pd.Series, field: Field) -> Mask:
    return check_remaining(column, valid_phones(column), lambda rest: ~_no_spaces(rest))


CHECKS: dict[FieldType, tuple[CellCheck, ...]] = {
    FieldType.TEXT: (CellCheck(Rule.TEXT_INVALID, _no_nul),),
    FieldType.EMAIL: (CellCheck(Rule.EMAIL_INVALID, lambda column, field: valid_emails(column)),),
    FieldType.PHONE: (
        CellCheck(Rule.PHONE_HAS_SPACES, _phone_has_no_spaces),
        CellCheck(Rule.PHONE_INVALID, _phone),
    ),
    FieldType.DATE: (CellCheck(Rule.DATE_INVALID, lambda column, field: matches(column, DATE)),),
    FieldType.INTEGER: (CellCheck(Rule.INTEGER_INVALID, _integer),),
    FieldType.DECIMAL: (CellCheck(Rule.DECIMAL_INVALID, lambda column, field: valid_decimals(column)),),
    FieldType.BOOLEAN: (
        CellCheck(Rule.BOOLEAN_INVALID, lambda column, field: column.isna() | is_one_of(column, ("true", "false"))),
    ),
    FieldType.RADIO: (CellCheck(Rule.OPTION_UNKNOWN, _option),),
    FieldType.CHECKBOX: (CellCheck(Rule.OPTION_UNKNOWN, _options),),
}


def checks_of(field: Field) -> tuple[CellCheck, ...]:
    """Every check of a field: those of its type, and that it is filled where the row depends on it."""
    if field.identity:
        return (CellCheck(Rule.EMAIL_MISSING, is_filled), *CHECKS[field.type])
    if field.gaps is Gaps.REJECT_ROW:
        return (CellCheck(Rule.VALUE_MISSING, is_filled), *CHECKS[field.type])
    return CHECKS[field.type]
