"""CSV as we write it: for spreadsheets too, which run a cell that looks like a formula.

Such a cell gets one `'` in front, its guard. The guard is taken off when any file is read, and one is put
on where a text has guards of its own, so that what was written comes back to the letter.
"""

import re
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from schemas.cells.arrow_columns import TEXT_DTYPE, series_like, to_arrow

_GUARDED = r"^'+[=+@\t\r-]"
_FORMULA = r"^'*[=+@\t\r-]"
_PLAIN_DECIMAL = r"^-[0-9]+(?:\.[0-9]+)?$"


def add_guards(column: pd.Series) -> pd.Series:
    """The column as it may stand in a CSV that somebody opens in a spreadsheet."""
    text = to_arrow(column)
    plain = pc.match_substring_regex(text, _PLAIN_DECIMAL)
    dangerous = pc.and_not(pc.match_substring_regex(text, _FORMULA), plain)
    return series_like(column, pc.if_else(dangerous, pc.binary_join_element_wise("'", text, ""), text))


def unguard(column: pd.Series) -> tuple[pd.Series, int]:
    """The column without guards, and how many cells had one."""
    text = to_arrow(column)
    if not pc.any(pc.starts_with(text, "'")).as_py():
        return column, 0
    guarded = pc.match_substring_regex(text, _GUARDED)
    count = pc.sum(guarded).as_py() or 0
    return series_like(column, pc.if_else(guarded, pc.utf8_slice_codeunits(text, 1), text)), count


def remove_guard(text: str) -> str:
    """One text without its guard, for headers."""
    return text[1:] if re.match(_GUARDED, text) else text


def csv_bytes(cells: pd.DataFrame, delimiter: str = ",") -> bytes:
    """Rows of text as guarded CSV without a header; a null is an empty cell. Column names do not matter."""
    guarded = {str(place): to_arrow(add_guards(cells.iloc[:, place])) for place in range(cells.shape[1])}
    return _to_csv(guarded, delimiter)


def _to_csv(columns: dict[str, pa.Array], delimiter: str) -> bytes:
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="needed")
    pyarrow.csv.write_csv(pa.table(columns), sink, options)
    return bytes(sink.getvalue())


def csv_header(names: Sequence[str], delimiter: str = ",") -> bytes:
    """The header of such a CSV."""
    cells = to_arrow(add_guards(pd.Series(list(names), dtype=TEXT_DTYPE)))
    return _to_csv({str(place): cells.slice(place, 1) for place in range(len(names))}, delimiter)
