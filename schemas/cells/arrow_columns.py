"""Operations on whole columns of text, which run on the Arrow array of a pandas series.

Columns are series of dtype `ArrowDtype(string)`, one cell per row, null where the cell is blank.
A function that works value by value is called once for each distinct value.
"""

import weakref
from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.cell_bytes import may_need_trimming
from schemas.field_types import Storage

TEXT_DTYPE = pd.ArrowDtype(pa.string())

# The type of an accepted cell, also in the staging; a double is exact for the digits that a decimal may have.
ARROW_TYPES: dict[Storage, pa.DataType] = {
    Storage.TEXT: pa.string(),
    Storage.DATE: pa.date32(),
    Storage.BIGINT: pa.int64(),
    Storage.NUMERIC: pa.float64(),
    Storage.BOOLEAN: pa.bool_(),
}

Mask: TypeAlias = pd.Series


def to_arrow(column: pd.Series) -> pa.ChunkedArray:
    """The Arrow array of a column, not copied, and the same object each time."""
    array = column.array.__arrow_array__()
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def series_like(column: pd.Series, array: pa.ChunkedArray) -> pd.Series:
    """An Arrow array as a series on the index of `column`."""
    return pd.Series(pd.arrays.ArrowExtensionArray(array), index=column.index, name=column.name)


def mask_like(column: pd.Series, array: pa.ChunkedArray, null: bool = True) -> Mask:
    """An Arrow boolean array as a mask; `null` is its value for blank cells."""
    values = (array.fill_null(null) if array.null_count else array).to_numpy()
    return pd.Series(values, index=column.index, name=column.name)


def trim(column: pd.Series) -> pd.Series:
    """Cells without outer white space; empty ones become null."""
    candidates = pd.Series(may_need_trimming(to_arrow(column)), index=column.index)
    if not candidates.any():
        return column
    cells = column[candidates]
    text = pc.utf8_trim_whitespace(to_arrow(cells))
    text = pc.if_else(pc.equal(pc.binary_length(text), 0), None, text)
    return replace_where(column, candidates, series_like(cells, text))


def matches(column: pd.Series, pattern: str) -> Mask:
    """Which cells contain a match of an RE2 pattern (linear in the cell's length); blank cells pass."""
    return mask_like(column, pc.match_substring_regex(to_arrow(column), pattern))


def map_unique(column: pd.Series, function: Callable[[str], str | None]) -> pd.Series:
    """`function` of each distinct value; where it returns None, the cell stays as it is."""
    coded = to_arrow(column).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    values = coded.dictionary.to_pylist()
    mapped = [value if (found := function(value)) is None else found for value in values]
    if mapped == values:
        return column
    return series_like(column, pa.chunked_array([pa.array(mapped, pa.string()).take(coded.indices)]))


def check_unique(column: pd.Series, is_valid: Callable[[str], bool]) -> Mask:
    """Which cells are valid, by one call for each distinct value; blank cells pass."""
    distinct = pc.unique(to_arrow(column)).to_pylist()
    invalid = [value for value in distinct if value is not None and not is_valid(value)]
    return ~is_one_of(column, invalid)


def check_remaining(column: pd.Series, known: Mask, check: Callable[[pd.Series], Mask]) -> Mask:
    """Which cells are in `known`, or pass a slower `check`, which sees the remaining cells only."""
    if known.all():
        return known
    values = known.to_numpy(bool, copy=True)
    values[~values] = check(column[~known]).to_numpy(bool)
    return pd.Series(values, index=column.index, name=column.name)


class CachedMask:
    """A check of whole columns that keeps its masks: normalising computes them, and validation reads them again.

    The key is the Arrow array, which pandas passes on to copies of a column. The entry goes with the array, so the
    cache keeps no cells of earlier chunks.
    """

    def __init__(self, check: Callable[[pd.Series], Mask]) -> None:
        self._check = check
        self._masks: dict[int, tuple[weakref.ref[pa.ChunkedArray], np.ndarray]] = {}

    def __call__(self, column: pd.Series) -> Mask:
        array = to_arrow(column)
        found = self._masks.get(id(array))
        if found is None or found[0]() is not array:
            return self.store(column, self._check(column))
        return pd.Series(found[1], index=column.index, name=column.name)

    def store(self, column: pd.Series, mask: Mask) -> Mask:
        """Keep a mask that is already known for this column."""
        array, masks = to_arrow(column), self._masks
        key = id(array)  # no other array has it until this one is gone, and then the entry is gone too
        masks[key] = weakref.ref(array, lambda gone: masks.pop(key, None)), mask.to_numpy(bool, copy=True)
        return mask


def is_one_of(column: pd.Series, values: Iterable[str]) -> Mask:
    """Which cells are one of `values`; blank cells are not."""
    return mask_like(column, pc.is_in(to_arrow(column), value_set=pa.array(list(values), pa.string())), null=False)


def replace_where(column: pd.Series, where: Mask, values: pd.Series) -> pd.Series:
    """The column with `values`, in order, in the rows that `where` marks."""
    array = pc.replace_with_mask(
        to_arrow(column).combine_chunks(), pa.array(where.to_numpy()), to_arrow(values).combine_chunks()
    )
    return series_like(column, pa.chunked_array([array]))
