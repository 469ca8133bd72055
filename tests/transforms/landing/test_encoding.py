"""Bytes are recognised as UTF-8 exactly if Python decodes them, in blocks of any size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.landing.encoding import Utf8Checker, is_utf8

PADDING = "é" * 4096
PIECES = st.one_of(
    st.text(max_size=5).map(str.encode),
    st.binary(max_size=4),
    st.sampled_from([b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80", b"\xe2\x82", b"\x80"]),
)


def decodes(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.lists(PIECES, max_size=6), st.booleans())
def test_bytes_are_utf8_where_python_decodes_them(pieces: list[bytes], long: bool) -> None:
    data = b"".join(pieces) + PADDING.encode() * long
    assert is_utf8(data) is decodes(data)


@given(st.lists(PIECES, max_size=8))
def test_utf_8_is_recognised_wherever_the_stream_is_cut(blocks: list[bytes]) -> None:
    stream = Utf8Checker()
    for block in blocks:
        stream.add(block)
    assert stream.is_valid() is decodes(b"".join(blocks))


@pytest.mark.parametrize("cut", range(5))
def test_a_character_may_come_in_two_blocks(cut: int) -> None:
    text = "a😀".encode()
    stream = Utf8Checker()
    stream.add(text[:cut])
    stream.add(text[cut:])
    assert stream.is_valid()
    assert len(text) == 5
