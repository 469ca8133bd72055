"""The rejected file as a workbook: text cells, each as it was."""

import io
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.errors.request import OutputNotWritable
from transforms.parsing.csv_writer import csv_bytes, csv_header, remove_guard
from transforms.results.rejected_workbook import write_workbook

NAMES = ["email", "note"]
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=20
)  # XML has neither


def workbook_of(rows: list[list[str]], scratch: Path, delimiter: str = ";") -> io.BytesIO:
    """The workbook of a rejected file with these rows."""
    frame = pd.DataFrame(rows, columns=NAMES, dtype=TEXT_DTYPE)
    rejected = io.BytesIO(b"\xef\xbb\xbf" + csv_header(NAMES, delimiter) + csv_bytes(frame, delimiter))
    sink = io.BytesIO()
    write_workbook(rejected, delimiter, sink, "correct.xlsx", str(scratch))
    sink.seek(0)
    return sink


@settings(max_examples=200)
@given(notes=st.lists(TEXTS, min_size=1, max_size=5))
@example(notes=["+34651234567", "=1+1", "'=1+1", "''@x", "-1", "0034", "1.0", "a;b", 'say "so"'])
@example(notes=["two\nlines", "a\r\nb", "a\rb", "_x000D_", "\x01\x1f", " x ", "\x00", "😀"])
def test_reading_the_workbook_gives_the_cells_of_the_csv(
    notes: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [[f"a{number}@example.com", note] for number, note in enumerate(notes)]
    book = workbook_of(rows, tmp_path_factory.getbasetemp())
    found = CalamineWorkbook.from_filelike(book).get_sheet_by_index(0).to_python()
    assert found[0] == NAMES
    assert [remove_guard(str(row[1])) for row in found[1:]] == notes


def test_a_guard_is_not_shown_in_the_workbook(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(workbook_of([["a@b.com", "+34651234567"], ["b", "=x"]], tmp_path)).worksheets[0]
    assert [row[1].value for row in sheet.iter_rows(min_row=2)] == ["+34651234567", "=x"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}, "no formula, no number"


def test_every_cell_is_formatted_as_text_so_that_typed_values_stay(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(workbook_of([["a@b.com", ""]], tmp_path)).worksheets[0]
    assert sheet["A2"].number_format == "@"
    assert sheet.column_dimensions["A"].number_format == "@"


def test_a_cell_that_no_spreadsheet_takes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputNotWritable, match="32,767"):
        workbook_of([["a@b.com", "x" * 32_768]], tmp_path)


def test_no_file_stays_in_the_scratch_folder(tmp_path: Path) -> None:
    workbook_of([["a@b.com", "x"]], tmp_path)
    assert not list(tmp_path.iterdir())
