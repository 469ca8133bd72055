"""The rules on cells that Pandera has no check for, each as a mask over a whole column.

A check takes a column as `transforms.cells.normalise` leaves it. Its mask is true for the cells that keep
the rule; blank cells keep every rule.
"""

from collections.abc import Collection

import pandas as pd
import pyarrow.compute as pc

from schemas.cells.arrow_columns import Mask, check_remaining, check_unique, mask_like, matches, to_arrow
from schemas.cells.cell_bytes import have_byte
from schemas.cells.decimals import valid_decimals
from schemas.cells.emails import valid_emails
from schemas.cells.phone_columns import valid_phones

# Days that exist in the calendar that ISO 8601 uses for all years; year 0000 is not valid.
_YEAR = r"(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP_YEAR = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = r"(?:0[1-9]|1[0-9]|2[0-8])"
DATE = (
    rf"^(?:{_YEAR}-(?:(?:0[1-9]|1[0-2])-{_DAY}|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    rf"|{_LEAP_YEAR}-02-29)$"
)

FORMULA = r'^="(.*)"$'
LARGEST_INTEGER = str(2**63 - 1)
INTEGER = r"^[1-9][0-9]{0,18}$"

WHITE_SPACE = r"[\s\v\x{1c}-\x{1f}\x{85}\p{Z}]"


def is_plain_text(column: pd.Series) -> Mask:
    """Neither a NUL character nor the `="…"` in which spreadsheets export texts."""
    array = to_arrow(column)
    plain = pd.Series(True, index=column.index)
    if have_byte(array, b"\0"):
        plain &= ~mask_like(column, pc.match_substring(array, "\0"), null=False)
    if have_byte(array, b"="):
        plain &= ~mask_like(column, pc.match_substring_regex(array, FORMULA), null=False)
    return plain


def is_email(column: pd.Series) -> Mask:
    return valid_emails(column)


def is_decimal(column: pd.Series) -> Mask:
    return valid_decimals(column)


def has_no_spaces(column: pd.Series) -> Mask:
    return check_remaining(column, valid_phones(column), _no_spaces)


def is_phone_or_spaced(column: pd.Series) -> Mask:
    """So a phone with spaces is reported for its spaces alone."""
    return check_remaining(column, valid_phones(column), lambda rest: ~_no_spaces(rest))


def _no_spaces(column: pd.Series) -> Mask:
    return ~mask_like(column, pc.match_substring_regex(to_arrow(column), WHITE_SPACE), null=False)


def is_integer(column: pd.Series) -> Mask:
    array = to_arrow(column)
    fits = pc.or_(pc.less(pc.binary_length(array), 19), pc.less_equal(array, LARGEST_INTEGER))
    return matches(column, INTEGER) & mask_like(column, fits)


def known_options(column: pd.Series, options: Collection[str]) -> Mask:
    """Whether all parts of a checkbox cell are options."""
    known = set(options)
    return check_unique(column, lambda cell: known.issuperset(cell.split("|")))
