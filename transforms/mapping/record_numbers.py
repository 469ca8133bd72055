"""The columns of a rejected file: where its rows come from, and why they were rejected."""

import pyarrow as pa
import pyarrow.compute as pc

from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.parsing.layout import REJECTION_COLUMNS

NUMBER, LINE, CODES, _, RAW, MARK = REJECTION_COLUMNS
_RECORD_NUMBER = "^[1-9][0-9]{0,17}$"


def rejection_column(mapping: ColumnMapping, name: str = NUMBER) -> MappedColumn | None:
    """The column with the first import's record numbers, or another column of a rejected file; None if absent."""
    return next((column for column in reversed(mapping.columns) if column.name == name), None)


def parse_record_numbers(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells that are record or line numbers; null for any other text."""
    texts = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.fill_null(pc.match_substring_regex(texts, _RECORD_NUMBER), False), texts, None)
