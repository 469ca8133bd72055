"""Blocks are whole records, and a record that is too long is an error."""

from pathlib import Path

import pytest

from schemas.errors.limits import RecordTooLarge
from transforms.parsing import blocks, dialect
from transforms.parsing.blocks import cut_blocks
from transforms.parsing.dialect import Dialect
from transforms.parsing.layout import Layout

LAYOUT = Layout(Dialect(","), ("email", "name"), data_start=11, first_line=2)


def cut_up(folder: Path, records: str, block_bytes: int = 10) -> list[str]:
    """The text of each block after the header."""
    path = folder / "contacts.csv"
    path.write_bytes(b"email,name\n" + records.encode())
    data = path.read_bytes()
    return [
        data[block.offset : block.offset + block.length].decode()
        for block in cut_blocks(str(path), "contacts.csv", LAYOUT, block_bytes)
    ]


@pytest.mark.parametrize(
    "records",
    [
        pytest.param("a@x.com,A\nb@x.com,B\n", id="lines"),
        pytest.param('a@x.com,"A\n\nA"\nb@x.com,B', id="quoted-breaks-and-no-last-break"),
        pytest.param('a@x.com,"open\nb@x.com,B\nc@x.com,"C"\n', id="a-stray-quote"),
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 7, 25, 1000])
def test_blocks_add_up_to_the_file_and_end_with_records(tmp_path: Path, records: str, block_bytes: int) -> None:
    found = cut_up(tmp_path, records, block_bytes)
    assert "".join(found) == records
    assert all(block.endswith("\n") for block in found[:-1])
    assert not any(block.startswith("\nA") or block == 'A"\n' for block in found)


def test_the_error_of_a_too_long_record_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_RECORD_BYTES", 1000)
    with pytest.raises(RecordTooLarge) as caught:
        cut_up(tmp_path, "a@x.com,A\n\nb@x.com," + "B" * 3000 + "\n")
    assert caught.value.line == 4


@pytest.mark.parametrize("text", ["", "none", ',"",', '"' * 9, 'a"b,"c""d"\n' * 5])
def test_a_character_is_found_and_counted_in_bytes(text: str) -> None:
    positions = [position for position, character in enumerate(text) if character == '"']
    assert dialect.find_byte(text.encode(), '"').tolist() == positions
    assert dialect.count_byte(text.encode(), '"') == len(positions)
