"""The bytes at a cell's edges show every cell that may need trimming."""

import sys

import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.cell_bytes import bytes_after, first_bytes, have_byte, may_be_blank, may_need_trimming

ALL = pa.array([chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000])
WHITE = ALL.filter(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(ALL)), 0))


def test_every_white_space_character_is_found_at_either_edge() -> None:
    assert len(WHITE) > 20
    for before, after in (("", "x"), ("x", ""), ("é", ""), ("", "")):
        cells = pa.chunked_array([pc.binary_join_element_wise(before, WHITE, after, "")])
        assert may_need_trimming(cells).all(), (before, after)
    assert may_be_blank(first_bytes(pa.chunked_array([WHITE]))).all()


def test_names_need_no_trimming() -> None:
    names = pa.chunked_array([["Ann", "José", "Núñez", "Ève", "A Coruña", "'"]])
    assert not may_need_trimming(names).any()
    assert may_need_trimming(pa.chunked_array([["", None, "x"]])).tolist() == [True, True, False]
    assert len(may_need_trimming(pa.chunked_array([], pa.string()))) == 0


def test_a_byte_is_found_in_the_cells_alone() -> None:
    column = pa.array(["\0", "a", "b\0c", "d"])
    assert have_byte(pa.chunked_array([column]), b"\0")
    assert have_byte(pa.chunked_array([column.slice(2, 1)]), b"\0")
    assert not have_byte(pa.chunked_array([column.slice(1, 1), column.slice(3)]), b"\0")


def test_the_bytes_after_a_byte_are_found_in_the_cells_alone() -> None:
    column = pa.array(["Ã", "é", "JosÉ", "plain", "â€", None])
    assert bytes_after(pa.chunked_array([column]), b"\xc3") == {0x83, 0xA9, 0x89, 0xA2}
    assert bytes_after(pa.chunked_array([column.slice(1, 1), column.slice(3, 1)]), b"\xc3") == {0xA9}
    assert bytes_after(pa.chunked_array([], pa.string()), b"\xc3") == frozenset()
