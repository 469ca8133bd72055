"""A remembered verdict is that of the same cells, and of no others."""

import gc
import weakref

import pandas as pd
import pyarrow as pa
import pytest

from schemas.columns import TEXT, Remembered, to_arrow


def column(*cells: str | None) -> pd.Series:
    return pd.Series(list(cells), dtype=TEXT)


@pytest.fixture
def asked() -> list[list[str]]:
    return []


@pytest.fixture
def judge(asked: list[list[str]]) -> Remembered:
    def is_short(cells: pd.Series) -> pd.Series:
        asked.append(list(cells))
        return cells.str.len() < 3

    return Remembered(lambda cells: is_short(cells).astype(bool))


def test_the_same_cells_are_judged_once(judge: Remembered, asked: list[list[str]]) -> None:
    cells = column("a", "abcd")
    frame = pd.DataFrame({"x": cells}).copy()
    assert list(judge(cells)) == list(judge(frame["x"])) == [True, False]
    assert len(asked) == 1


def test_the_verdict_comes_on_the_index_that_is_asked(judge: Remembered) -> None:
    cells = column("a", "abcd")
    judge(cells)
    assert list(judge(cells.set_axis([7, 9])).index) == [7, 9]


def test_a_part_of_the_cells_is_another_column(judge: Remembered) -> None:
    cells = pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(["a", "abcd", "b"])])))
    assert list(judge(cells)) == [True, False, True]
    assert list(judge(cells[1:])) == [False, True]
    assert list(judge(cells[:2])) == [True, False]


def test_a_verdict_told_is_a_verdict_known(judge: Remembered, asked: list[list[str]]) -> None:
    cells = column("a", "abcd")
    judge.remember(cells, pd.Series([False, True]))
    assert (list(judge(cells)), asked) == ([False, True], [])


def test_cells_in_the_place_of_others_are_judged_anew(judge: Remembered, asked: list[list[str]]) -> None:
    for number in range(200):
        long = number % 2 == 0
        assert list(judge(column("abcd" if long else "abc"[:2]))) == [not long]
        gc.collect(0)
    assert len(asked) == 200


def test_cells_that_nobody_has_any_more_are_forgotten(judge: Remembered) -> None:
    """Whoever remembered them would keep the memory of a chunk that is long done."""
    cells = column("a", "abcd")
    array = weakref.ref(to_arrow(cells))
    judge(cells.copy())
    del cells
    gc.collect()
    assert array() is None
