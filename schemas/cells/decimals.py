"""Decimals as text, in the form in which they are stored and exported."""

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.arrow_columns import (
    CachedMask,
    Mask,
    check_remaining,
    mask_like,
    matches,
    replace_where,
    series_like,
    to_arrow,
)

# A double holds 15 significant digits exactly, down to about 1e-307; hence at most 300 places.
DECIMAL = r"^-?[0-9]+(?:\.[0-9]{1,300})?$"
SIGNIFICANT_DIGITS = 15


def _shows(decimal: str, thousands: str) -> str:
    """Numbers in which this sign must be the decimal one, with a currency sign or none."""
    groups = rf"[0-9]{{1,3}}(?:[{thousands} '\x{{2019}}\x{{A0}}\x{{202F}}][0-9]{{3}})+{decimal}[0-9]+"
    several_groups = rf"[0-9]{{1,3}}(?:[{thousands}][0-9]{{3}}){{2,}}"
    no_group = rf"[0-9]+{decimal}(?:[0-9]{{1,2}}|[0-9]{{4,}})|(?:[0-9]{{4,}}|0[0-9]*){decimal}[0-9]{{3}}"
    return rf"^[^0-9]{{0,4}}(?:{groups}|{several_groups}|{no_group})[^0-9]{{0,4}}$"


COMMA_ONLY = _shows(",", ".")
POINT_ONLY = _shows(r"\.", ",")
EITHER_SIGN = r"^-?[1-9][0-9]{0,2}\.[0-9]{3}$"  # the point is a decimal or a thousands sign

_PLAIN = r"^(?:-?(?:[1-9][0-9]*(?:\.[0-9]*[1-9])?|0\.[0-9]*[1-9])|0)$"


def plain_decimal(value: Decimal | float) -> str:
    """The number without exponent, trailing zeros or a sign before zero."""
    digits = format(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), "f")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if digits == "-0" else digits


def plain_decimals(column: pd.Series) -> pd.Series:
    """Decimals without needless zeros: `-007.50` becomes `-7.5`; other cells stay as they were written."""
    plain = _plain(column)
    valid = check_remaining(column, plain, _are_decimals)
    padded = valid & ~plain
    if padded.any():
        rest = column[padded]
        column = replace_where(column, padded, series_like(rest, _without_padding(to_arrow(rest))))
    valid_decimals.store(column, valid)
    return column


def _plain(column: pd.Series) -> Mask:
    """Which cells are in stored form and short enough to be exact; blank cells pass."""
    array = to_arrow(column)
    few = pc.less_equal(pc.binary_length(array), SIGNIFICANT_DIGITS)
    return mask_like(column, pc.and_(few, pc.match_substring_regex(array, _PLAIN)))


def _without_padding(array: pa.ChunkedArray) -> pa.ChunkedArray:
    if pc.any(pc.match_substring_regex(array, "^-?0[0-9]")).as_py():
        array = pc.replace_substring_regex(array, r"^(-?)0+([0-9])", r"\1\2")
    short = pc.ascii_rtrim(pc.ascii_rtrim(array, characters="0"), characters=".")
    array = pc.if_else(pc.match_substring(array, "."), short, array)
    return pc.if_else(pc.equal(array, "-0"), "0", array)


def _are_decimals(column: pd.Series) -> Mask:
    """Trailing zeros count as significant digits, as they do in `Decimal`; leading ones do not."""
    digits = pc.replace_substring(pc.utf8_ltrim(to_arrow(column), characters="-0."), ".", "")
    few = pc.less_equal(pc.binary_length(digits), SIGNIFICANT_DIGITS)
    return matches(column, DECIMAL) & mask_like(column, few)


valid_decimals = CachedMask(lambda column: check_remaining(column, _plain(column), _are_decimals))
"""Which cells hold a decimal, in stored form or not; blank cells pass."""
