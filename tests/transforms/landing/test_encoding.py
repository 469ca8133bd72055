"""Bytes are recognised as UTF-8 exactly if Python decodes them, in blocks of any size."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.landing.encoding import Utf8Checker, find_encoding, is_utf8

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


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 1 << 20])
@pytest.mark.parametrize(
    ("content", "damage"),
    [
        pytest.param("ééé�����".encode() + b"\xff", "1 damaged place,", id="a-mark-that-was-written-is-a-character"),
        pytest.param("ééé�".encode() + b"\xef\xbf,\xe9", "2 damaged places,", id="half-a-mark-is-damage"),
        pytest.param("éé".encode() + b"\xe2\x82", "1 damaged place,", id="cut-off-at-the-end"),
    ],
)
def test_damaged_places_are_counted_in_blocks_of_any_size(
    content: bytes, damage: str, block_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.landing.encoding.READ_BYTES", block_bytes)
    (tmp_path / "contacts.csv").write_bytes(content)
    found = find_encoding(str(tmp_path / "contacts.csv"), content[:4], utf8=False, declared=None)
    assert found.name == "utf-8"
    assert f"UTF-8 with {damage}" in found.warnings[0]


def test_bytes_that_windows_1252_lacks_suggest_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "mac.csv"
    path.write_bytes("email,name\ra@example.com,Hélène\r".encode("mac-roman"))
    [warning] = find_encoding(str(path), path.read_bytes(), utf8=False, declared=None).warnings
    assert "such as mac-roman" in warning
