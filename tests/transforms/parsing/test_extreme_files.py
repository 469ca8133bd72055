"""Extreme files: time and memory are bounded, and a malformed record is rejected alone."""

import tracemalloc
from pathlib import Path

import pytest

from schemas.catalogue import FieldCatalogue
from schemas.errors.limits import RecordTooLarge
from schemas.errors.request import NoEmailColumn
from tests.transforms.pipeline import check
from transforms.parsing import blocks
from transforms.parsing import strict_reader as records
from transforms.parsing.blocks import cut_blocks
from transforms.parsing.dialect import Dialect
from transforms.parsing.layout import Layout


def test_megabyte_cells_are_read_completely(catalogue: FieldCatalogue) -> None:
    cell = 'word, and "more"\n' * (1 << 16)
    quoted = cell.replace('"', '""')
    found = check(f'email,name\na@b.com,"{quoted}"\nbad,x\nc@d.com,y\n', catalogue, block_bytes=1 << 10)
    assert found.column("name") == [cell.strip(), "y"]
    assert found.lines == [(2, 3 + cell.count("\n"))]


def test_thousands_of_columns_are_read(catalogue: FieldCatalogue) -> None:
    """Guards, ragged rows and stray quotes among them. With 10,000 it took four seconds."""
    width = 4_000
    header = ",".join(["email", *(f"note {number}" for number in range(width - 1))])
    guarded, more = "a@b.com" + ",'=x" * (width - 1), "c@d.com" + ",y" * (width - 1)
    found = check(f'{header}\n{guarded}\n{more},z\nshort,row\n"e@f.com"x{",y" * (width - 1)}\n{more}\n', catalogue)
    assert found.codes == [(2, "row-too-long"), (3, "row-too-short"), (4, "row-bad-quoting")]
    assert (len(found.accepted), found.guarded_cells, len(found.columns)) == (2, width - 1, width)


def test_a_header_of_many_long_names_is_refused_before_they_are_compared(catalogue: FieldCatalogue) -> None:
    header = ",".join(["email", *("x" * 800 + str(number) for number in range(20_000))])
    with pytest.raises(RecordTooLarge) as caught:
        check(f"{header}\n", catalogue)
    assert (caught.value.line, caught.value.limit) == (1, 1 << 20)


def test_a_message_shortens_long_names(catalogue: FieldCatalogue) -> None:
    header = ",".join("x" * 800 + str(number) for number in range(1_000))
    with pytest.raises(NoEmailColumn) as caught:
        check(f"{header}\n", catalogue, mapping={"column_2": "name"})
    assert len(str(caught.value)) < 7_000


def test_a_nul_character_rejects_its_record_and_stays_in_a_header(catalogue: FieldCatalogue) -> None:
    found = check("email,name\na@b.com,A\0na\nc@d.com,B\n", catalogue)
    assert (found.codes, found.column("name")) == ([(1, "text-invalid")], ["B"])
    named = check("email,na\0me\na@b.com,x\n", catalogue)
    assert (named.read, named.columns[1]["outcome"]) == (1, "unknown-field")


def test_a_file_of_cr_lines_below_a_header_that_ends_in_lf_is_read_in_linear_time(catalogue: FieldCatalogue) -> None:
    rows = "".join(f'c{number}@b.com,"x"\r' for number in range(20_000))
    found = check(f"email,name\n{rows}bad\r{rows.replace('c', 'd')}", catalogue, block_bytes=1 << 16)
    assert found.codes == [(20_000, "row-bad-quoting")]
    assert len(found.accepted) == 39_998


def test_a_quote_is_followed_up_to_the_record_limit(catalogue: FieldCatalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond that it counts as never closed: its record alone is lost, and reading goes on at the next line."""
    for module in (blocks, records):
        monkeypatch.setattr(module, "MAX_RECORD_BYTES", 4000)
    lines = "".join(f"x{number}@b.com,y\n" for number in range(1000))
    found = check(f'email,name\na@b.com,"open\n{lines}b@b.com,close"\n', catalogue, block_bytes=500)
    assert found.codes == [(1, "row-bad-quoting")]
    assert len(found.accepted) == 1001
    fits = check('email,name\na@b.com,"' + "z\n" * 1500 + '"\n', catalogue, block_bytes=500)
    assert fits.rejections == []


@pytest.mark.parametrize(
    ("start", "filling"),
    [
        pytest.param(b"a@b.com,", b"x", id="letters"),
        pytest.param(b"a@b.com", b",", id="delimiters"),
        pytest.param(b"a@b.com,", b'"', id="quotes"),
        pytest.param(b"a@b.com,", b"\\", id="escapes"),
    ],
)
def test_reading_an_endless_line_takes_bounded_memory(
    start: bytes, filling: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sixteenth of the sizes in use; a gigabyte of it was tried by hand."""
    monkeypatch.setattr(blocks, "MAX_RECORD_BYTES", 1 << 20)
    path = tmp_path / "giant.csv"
    with path.open("wb") as stream:
        stream.write(b"email,name\n" + start)
        for _ in range(64):
            stream.write(filling * (1 << 20))
    layout = Layout(Dialect(",", escape="\\"), ("email", "name"), 11, 2)
    tracemalloc.start()
    try:
        with pytest.raises(RecordTooLarge) as caught:
            list(cut_blocks(str(path), "giant.csv", layout, 1 << 18))
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.line == 2
