"""A look at a cell's edges misses no white space, wherever it is."""

import sys

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from schemas.cell_bytes import first_bytes, have_byte, may_be_blank, may_need_trimming
from schemas.columns import TEXT, trimmed

ALL = pa.array([chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000])
WHITE = ALL.filter(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(ALL)), 0))


def test_every_white_space_character_is_doubtful_at_either_edge() -> None:
    assert len(WHITE) > 20
    for before, after in (("", "x"), ("x", ""), ("é", ""), ("", "")):
        cells = pa.chunked_array([pc.binary_join_element_wise(before, WHITE, after, "")])
        assert may_need_trimming(cells).all(), (before, after)
    assert may_be_blank(first_bytes(pa.chunked_array([WHITE]))).all()


def test_names_and_empty_columns_are_not_looked_at_further() -> None:
    names = pa.chunked_array([["Ann", "José", "Núñez", "Ève", "A Coruña", "'"]])
    assert not may_need_trimming(names).any()
    assert may_need_trimming(pa.chunked_array([["", None, "x"]])).tolist() == [True, True, False]
    assert len(may_need_trimming(pa.chunked_array([], pa.string()))) == 0


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(["a", " b", "c ", "\u00a0d\u2003", "é", ""], id="some"),
        pytest.param(["", " ", "\t\r\n"], id="nothing but blanks"),
        pytest.param([None, "x ", None], id="nulls"),
        pytest.param([" x"] * 3, id="all"),
    ],
)
def test_trimming_the_doubtful_ones_trims_all(cells: list[str | None]) -> None:
    """A slice of a longer column, as chunks are; its index is no matter."""
    column = pd.Series(["outside ", *cells, " outside"], dtype=TEXT).iloc[1:-1]
    expected = [None if cell is None else cell.strip() or None for cell in cells]
    found = trimmed(column)
    assert pa.array(found).to_pylist() == expected
    assert list(found.index) == list(column.index)


def test_a_byte_is_found_in_the_cells_alone() -> None:
    column = pa.array(["\0", "a", "b\0c", "d"])
    assert have_byte(pa.chunked_array([column]), b"\0")
    assert have_byte(pa.chunked_array([column.slice(2, 1)]), b"\0")
    assert not have_byte(pa.chunked_array([column.slice(1, 1), column.slice(3)]), b"\0")
