"""Cells that a spreadsheet would run as formulas, guarded by one `'` in files that we write.

The guard is taken off when any file is read, and one is put on where a text has guards of its own, so
that what was written comes back to the letter.
"""

import re

import pandas as pd
import pyarrow.compute as pc

from schemas.columns import like, to_arrow

_GUARDED = r"^'+[=+@\t\r-]"
_DANGEROUS = r"^'*[=+@\t\r-]"
_PLAIN_DECIMAL = r"^-[0-9]+(?:\.[0-9]+)?$"


def guard(column: pd.Series) -> pd.Series:
    """The column as it may stand in a CSV that somebody opens in a spreadsheet."""
    text = to_arrow(column)
    plain = pc.match_substring_regex(text, _PLAIN_DECIMAL)
    dangerous = pc.and_not(pc.match_substring_regex(text, _DANGEROUS), plain)
    return like(column, pc.if_else(dangerous, pc.binary_join_element_wise("'", text, ""), text))


def unguard(column: pd.Series) -> tuple[pd.Series, int]:
    """The column without guards, and how many cells had one."""
    text = to_arrow(column)
    if not pc.any(pc.starts_with(text, "'")).as_py():
        return column, 0
    guarded = pc.match_substring_regex(text, _GUARDED)
    count = pc.sum(guarded).as_py() or 0
    return like(column, pc.if_else(guarded, pc.utf8_slice_codeunits(text, 1), text)), count


def unguarded(text: str) -> str:
    """One text without its guard, for headers."""
    return text[1:] if re.match(_GUARDED, text) else text
