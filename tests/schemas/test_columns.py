"""Whole-column operations treat each cell as the text operation would."""

import pandas as pd
import pyarrow as pa
import pytest

from schemas.cells.arrow_columns import TEXT_DTYPE, trim


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(["a", " b", "c ", "\u00a0d\u2003", "é", ""], id="some"),
        pytest.param(["", " ", "\t\r\n"], id="nothing but blanks"),
        pytest.param([None, "x ", None], id="nulls"),
        pytest.param([" x"] * 3, id="all"),
    ],
)
def test_cells_are_trimmed_and_empty_ones_become_null(cells: list[str | None]) -> None:
    """A slice of a longer column, as chunks are; its index is no matter."""
    column = pd.Series(["outside ", *cells, " outside"], dtype=TEXT_DTYPE).iloc[1:-1]
    expected = [None if cell is None else cell.strip() or None for cell in cells]
    found = trim(column)
    assert pa.array(found).to_pylist() == expected
    assert list(found.index) == list(column.index)
