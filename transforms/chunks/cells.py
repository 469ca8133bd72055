"""The cells of one column of a chunk, as the rules judge them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.cell_bytes import first_bytes, may_be_blank
from transforms.mapping.columns import ColumnMapping, MappedColumn


def judged_cells(table: pa.Table, column: MappedColumn) -> pa.ChunkedArray:
    """A column's cells as the rules judge them: translated, if a preset changed any."""
    return table[column.translated_key if column.rule and column.translated_key in table.column_names else column.key]


def blank_cells(cells: pa.ChunkedArray) -> np.ndarray:
    """A mask of the cells that are empty or only white space; the null cells of malformed records are not blank."""
    blank = may_be_blank(first_bytes(cells))
    candidates = np.flatnonzero(blank)
    if len(candidates):
        text = pc.utf8_trim_whitespace(cells.take(pa.array(candidates)))
        blank[candidates] = np.asarray(pc.fill_null(pc.equal(pc.binary_length(text), 0), False))
    return blank


def to_series(cells: pa.ChunkedArray) -> pd.Series:
    """Cells as a pandas column, without a copy."""
    return pd.Series(pd.arrays.ArrowExtensionArray(cells))


def raw_frame(table: pa.Table, mapping: ColumnMapping) -> pd.DataFrame:
    """The mapped columns' cells as text, translated, and the preset's constants; one column per field."""
    cells = {column.field.id: judged_cells(table, column) for column in mapping.mapped if column.field}
    for constant in mapping.constants:
        cells[constant.field.id] = pa.chunked_array([pa.repeat(pa.scalar(constant.value), table.num_rows)])
    return pd.DataFrame({field: to_series(column) for field, column in cells.items()})
