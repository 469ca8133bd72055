"""Writes CSV that is safe in spreadsheets, which run a cell that looks like a formula.

Such a cell gets one `'` in front: a guard. A cell that starts with guards of its own gets one more. Reading any file
removes one guard, so every text that was written comes back unchanged.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from schemas.cells.arrow_columns import TEXT_DTYPE, series_like, to_arrow
from schemas.cells.cell_bytes import first_bytes

_GUARDED = r"^'+[=+@\t\r-]"
_FORMULA = r"^'*[=+@\t\r-]"
_PLAIN_DECIMAL = r"^-[0-9]+(?:\.[0-9]+)?$"
_FIRST_OF_DANGEROUS = np.frombuffer(b"'=+@\t\r-", np.uint8)  # most columns have no such cell


def add_guards(column: pd.Series) -> pd.Series:
    """The column with guards before cells that a spreadsheet would run."""
    text = to_arrow(column)
    if not len(text) or not np.isin(first_bytes(text), _FIRST_OF_DANGEROUS).any():
        return column
    plain = pc.match_substring_regex(text, _PLAIN_DECIMAL)
    dangerous = pc.and_not(pc.match_substring_regex(text, _FORMULA), plain)
    return series_like(column, pc.if_else(dangerous, pc.binary_join_element_wise("'", text, ""), text))


def remove_guards(column: pd.Series) -> tuple[pd.Series, int]:
    """The column without one guard per cell, and how many cells had one."""
    text = to_arrow(column)
    if not pc.any(pc.starts_with(text, "'")).as_py():
        return column, 0
    guarded = pc.match_substring_regex(text, _GUARDED)
    count = pc.sum(guarded).as_py() or 0
    return series_like(column, pc.if_else(guarded, pc.utf8_slice_codeunits(text, 1), text)), count


def remove_guard(text: str) -> str:
    """One text without its guard."""
    return text[1:] if re.match(_GUARDED, text) else text


def csv_bytes(cells: pd.DataFrame, delimiter: str = ",") -> bytes:
    """Rows of text as guarded CSV without a header; a null is an empty cell, and column names may repeat."""
    guarded = {str(index): to_arrow(add_guards(cells.iloc[:, index])) for index in range(cells.shape[1])}
    return _to_csv(guarded, delimiter)


def _to_csv(columns: dict[str, pa.Array], delimiter: str) -> bytes:
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="needed")
    pyarrow.csv.write_csv(pa.table(columns), sink, options)
    return bytes(sink.getvalue())


def csv_header(names: Sequence[str], delimiter: str = ",") -> bytes:
    """The header of a guarded CSV."""
    cells = to_arrow(add_guards(pd.Series(list(names), dtype=TEXT_DTYPE)))
    return _to_csv({str(index): cells.slice(index, 1) for index in range(len(names))}, delimiter)
