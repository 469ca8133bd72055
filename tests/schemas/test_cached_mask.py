"""A cached mask is that of the same cells, and of no others."""

import gc
import weakref

import pandas as pd
import pyarrow as pa
import pytest

from schemas.cells.arrow_columns import TEXT_DTYPE, CachedMask, to_arrow


def column(*cells: str | None) -> pd.Series:
    return pd.Series(list(cells), dtype=TEXT_DTYPE)


@pytest.fixture
def checked() -> list[list[str]]:
    return []


@pytest.fixture
def check(checked: list[list[str]]) -> CachedMask:
    def is_short(cells: pd.Series) -> pd.Series:
        checked.append(list(cells))
        return cells.str.len() < 3

    return CachedMask(lambda cells: is_short(cells).astype(bool))


def test_the_same_cells_are_checked_once(check: CachedMask, checked: list[list[str]]) -> None:
    cells = column("a", "abcd")
    frame = pd.DataFrame({"x": cells}).copy()
    assert list(check(cells)) == list(check(frame["x"])) == [True, False]
    assert len(checked) == 1


def test_the_mask_has_the_index_of_the_column(check: CachedMask) -> None:
    cells = column("a", "abcd")
    check(cells)
    assert list(check(cells.set_axis([7, 9])).index) == [7, 9]


def test_a_part_of_the_cells_is_another_column(check: CachedMask) -> None:
    cells = pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(["a", "abcd", "b"])])))
    assert list(check(cells)) == [True, False, True]
    assert list(check(cells[1:])) == [False, True]
    assert list(check(cells[:2])) == [True, False]


def test_a_stored_mask_is_not_computed(check: CachedMask, checked: list[list[str]]) -> None:
    cells = column("a", "abcd")
    check.store(cells, pd.Series([False, True]))
    assert (list(check(cells)), checked) == ([False, True], [])


def test_other_cells_at_the_same_address_are_checked_anew(check: CachedMask, checked: list[list[str]]) -> None:
    for number in range(200):
        long = number % 2 == 0
        assert list(check(column("abcd" if long else "abc"[:2]))) == [not long]
        gc.collect(0)
    assert len(checked) == 200


def test_the_cache_keeps_no_cells_alive(check: CachedMask) -> None:
    cells = column("a", "abcd")
    array = weakref.ref(to_arrow(cells))
    check(cells.copy())
    del cells
    gc.collect()
    assert array() is None
