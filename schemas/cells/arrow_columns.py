"""Whole-column operations on text, on Arrow underneath a pandas series.

Columns here are series of dtype `ArrowDtype(string)`, one cell a row, null where the cell is blank.
Values that need a library one by one are judged once for each distinct value.
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

# What an accepted cell becomes, and is staged as; a double is exact for the digits that a decimal may have.
ARROW_TYPES: dict[Storage, pa.DataType] = {
    Storage.TEXT: pa.string(),
    Storage.DATE: pa.date32(),
    Storage.BIGINT: pa.int64(),
    Storage.NUMERIC: pa.float64(),
    Storage.BOOLEAN: pa.bool_(),
}

Mask: TypeAlias = pd.Series


def to_arrow(column: pd.Series) -> pa.ChunkedArray:
    """The Arrow array beneath a column, not copied, and the same object each time."""
    array = column.array.__arrow_array__()
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def series_like(column: pd.Series, array: pa.ChunkedArray) -> pd.Series:
    """An Arrow array as a series on the index of `column`."""
    return pd.Series(pd.arrays.ArrowExtensionArray(array), index=column.index, name=column.name)


def mask_like(column: pd.Series, array: pa.ChunkedArray, null: bool = True) -> Mask:
    """An Arrow boolean array as a plain mask; `null` is the verdict on blank cells."""
    values = (array.fill_null(null) if array.null_count else array).to_numpy()
    return pd.Series(values, index=column.index, name=column.name)


def trim(column: pd.Series) -> pd.Series:
    """Cells without outer white space; what is then empty is null."""
    candidates = pd.Series(may_need_trimming(to_arrow(column)), index=column.index)
    if not candidates.any():
        return column
    cells = column[candidates]
    text = pc.utf8_trim_whitespace(to_arrow(cells))
    text = pc.if_else(pc.equal(pc.binary_length(text), 0), None, text)
    return replace_where(column, candidates, series_like(cells, text))


def matches(column: pd.Series, pattern: str) -> Mask:
    """Which cells match an RE2 pattern somewhere (linear in the cell's length); blank cells do."""
    return mask_like(column, pc.match_substring_regex(to_arrow(column), pattern))


def map_unique(column: pd.Series, judge: Callable[[str], str | None]) -> pd.Series:
    """Each distinct value through `judge`; where it returns None, the cell stays as it is."""
    coded = to_arrow(column).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    values = coded.dictionary.to_pylist()
    judged = [value if (found := judge(value)) is None else found for value in values]
    if judged == values:
        return column
    return series_like(column, pa.chunked_array([pa.array(judged, pa.string()).take(coded.indices)]))


def check_unique(column: pd.Series, judge: Callable[[str], bool]) -> Mask:
    """Which cells `judge` accepts, asked once for each distinct value; blank cells pass."""
    distinct = pc.unique(to_arrow(column)).to_pylist()
    refused = [value for value in distinct if value is not None and not judge(value)]
    return ~is_one_of(column, refused)


def check_remaining(column: pd.Series, known: Mask, judge: Callable[[pd.Series], Mask]) -> Mask:
    """`known`, and what `judge` says of the cells that it leaves open."""
    if known.all():
        return known
    values = known.to_numpy(bool, copy=True)
    values[~values] = judge(column[~known]).to_numpy(bool)
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
    """`values`, shorter and in order, put in the places that `where` marks."""
    array = pc.replace_with_mask(
        to_arrow(column).combine_chunks(), pa.array(where.to_numpy()), to_arrow(values).combine_chunks()
    )
    return series_like(column, pa.chunked_array([array]))


def positions(mask: Mask) -> np.ndarray:
    """Row positions at which a mask is true."""
    return np.flatnonzero(mask.to_numpy())
