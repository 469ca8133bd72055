"""Workbooks: a sheet is landed as CSV, each row a line, each cell as its type says."""

import datetime
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from schemas.catalogue import FieldCatalogue
from schemas.errors.source import (
    MemberNotFound,
    SourceEmpty,
    WorkbookHasSeveralSheets,
)
from tests.transforms.pipeline import check
from tests.workbooks import binary_book, book, convert_with_libreoffice, with_part, with_rows
from transforms.landing.archives import DEFAULT_LIMITS, ExpansionLimits, split_member
from transforms.landing.land import Landed, land
from transforms.landing.workbook_reader import cell_name
from transforms.work_folder import ImportFolder

CONTACTS = [["email", "name"], ["ana@example.com", "Ana"], ["bea@example.com", "Bea"]]
AS_CSV = "email,name\r\nana@example.com,Ana\r\nbea@example.com,Bea\r\n"
SHEET = "xl/worksheets/sheet1.xml"


def landed(
    folder: Path,
    content: bytes,
    name: str = "book.xlsx",
    sheet: str = "",
    limits: ExpansionLimits = DEFAULT_LIMITS,
) -> Landed:
    (folder / name).write_bytes(content)
    into = folder / "import"
    into.mkdir(exist_ok=True)
    return land(f"{folder / name}{sheet}", ImportFolder.local(into), limits=limits)


def text_of(source: Landed) -> str:
    return Path(source.path).read_bytes().decode()


def one_column(folder: Path, *cells: Any) -> tuple[list[str], tuple[str, ...]]:
    """The cells of a sheet with this column as they are landed, and the warnings."""
    source = landed(folder, book({"Sheet": [[cell] for cell in cells]}))
    return text_of(source).split("\r\n")[:-1], source.warnings


def written(*cells: tuple[Any, str | None]) -> bytes:
    """A workbook by xlsxwriter: each cell with its number format in a row of its own."""
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as workbook:
        sheet = workbook.add_worksheet()
        for row, (value, number_format) in enumerate(cells):
            sheet.write(row, 0, value, workbook.add_format({"num_format": number_format}) if number_format else None)
    return sink.getvalue()


DAY = datetime.datetime(2020, 1, 2)  # noqa: DTZ001 - times of a spreadsheet have no zone


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        pytest.param(DAY, "dd/mm/yyyy", "2020-01-02", id="day"),
        pytest.param(DAY, "dd/mm/yyyy hh:mm", "2020-01-02", id="midnight"),
        pytest.param(DAY.replace(hour=3, minute=4, second=5), "yyyy-mm-dd hh:mm", "2020-01-02 03:04:05", id="time"),
        pytest.param(DAY, "mmm-yy", "2020-01-02", id="shown-as-month"),
        pytest.param(43832.0000000001, "dd/mm/yyyy", "2020-01-02", id="day-with-a-rounding-error"),
        pytest.param(datetime.time(3, 4, 5), "hh:mm", "03:04:05", id="time-of-day"),
        pytest.param(1.5, "[h]:mm", "36:00:00", id="duration"),
        pytest.param(34651234567, None, "34651234567", id="whole-number"),
        pytest.param(-3.0, None, "-3", id="negative"),
        pytest.param(-0.0, None, "0", id="negative-zero"),
        pytest.param(1e14, None, "100000000000000", id="no-exponent"),
        pytest.param(1e-7, None, "0.0000001", id="no-negative-exponent"),
        pytest.param(13.75, None, "13.75", id="decimal"),
        pytest.param(0.25, "0%", "0.25", id="percentage"),
        pytest.param(1234.5, "#,##0.00 €", "1234.5", id="currency"),
        pytest.param(0.1 + 0.2, None, "0.3", id="rounding-error"),
        pytest.param(True, None, "true", id="true"),
        pytest.param(False, None, "false", id="false"),
        pytest.param("0651", None, "0651", id="text-of-digits"),
        pytest.param("1.0", None, "1.0", id="text-of-a-number"),
        pytest.param("  x ", None, "  x ", id="white-space"),
        pytest.param('a,"b', None, '"a,""b"', id="quoted"),
        pytest.param("a\nb\rc", None, '"a\nb\rc"', id="line-breaks"),
        pytest.param("Ñandú 😀", None, "Ñandú 😀", id="beyond-ascii"),
    ],
)
def test_a_cell_becomes_text_by_its_type(tmp_path: Path, value: Any, number_format: str | None, expected: str) -> None:
    source = landed(tmp_path, written(("first", None), (value, number_format)))
    assert text_of(source) == f"first\r\n{expected}\r\n"
    assert (source.encoding, source.warnings, source.is_sheet) == ("utf-8", (), True)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        pytest.param("1234567890123456", "1234567890123456", id="16-digits"),
        pytest.param("1.23456789012346E+19", "12345678901234600000", id="20-digits"),
        pytest.param("1E+300", f"1{'0' * 300}", id="301-digits"),
        pytest.param("0.12345678901234567", "0.123456789012346", id="fraction-is-rounded"),
    ],
)
def test_more_than_15_digits_are_reported_with_their_row(tmp_path: Path, stored: str, expected: str) -> None:
    source = landed(tmp_path, with_rows(f"<row><c><v>{each}</v></c></row>" for each in ("1", stored)))
    assert text_of(source) == f"1\r\n{expected}\r\n"
    assert "1 number has more than 15 digits, the first in row 2" in "".join(source.warnings)


def test_errors_keep_their_text_and_are_counted(tmp_path: Path) -> None:
    cells, warnings = one_column(tmp_path, "name", "#N/A", "#DIV/0!", 't="e"')
    assert cells == ["name", "#N/A", "#DIV/0!", '"t=""e"""']
    assert warnings == ("2 cells have an error such as #N/A instead of a value; its text was kept",)


def test_a_formula_without_a_stored_value_is_blank_with_a_warning(tmp_path: Path) -> None:
    cells, warnings = one_column(tmp_path, "name", "x", "=1+1", "y", "=A1")
    assert cells == ["name", "x", "", "y"]
    assert "2 formulas have no stored value, the first in A3" in "".join(warnings)


def test_a_formula_with_a_stored_value_is_its_value(tmp_path: Path) -> None:
    rows = [
        '<row><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>"a"</f><v>a</v></c></row>',
        '<row><c r="A2" t="str"><f>IF(1,"","")</f><v></v></c><c r="B2" t="b"><f>TRUE()</f><v>1</v></c></row>',
    ]
    source = landed(tmp_path, with_rows(rows))
    assert (text_of(source), source.warnings) == ("2,a\r\n,true\r\n", ())


def test_parts_with_a_namespace_prefix_are_read_the_same(tmp_path: Path) -> None:
    content = book({"Sheet": [["name", "#N/A"], ["=1+1", "x"]]})
    for old, new in ((b"<", b"<x:"), (b"<x:/", b"</x:"), (b"xmlns=", b"xmlns:x="), (b"<x:?", b"<?")):
        content = with_part(content, SHEET, old, new)
    source = landed(tmp_path, content)
    assert text_of(source) == "name,#N/A\r\n,x\r\n"
    assert [each.split(" no ")[0].split(" an ")[0] for each in source.warnings] == ["1 cell has", "1 formula has"]


def test_dates_since_1904_are_the_days_that_the_sheet_shows(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.epoch = CALENDAR_MAC_1904
    workbook.worksheets[0]["A1"] = datetime.date(2020, 1, 2)
    workbook.save(tmp_path / "saved.xlsx")
    assert text_of(landed(tmp_path, (tmp_path / "saved.xlsx").read_bytes())) == "2020-01-02\r\n"


def test_merged_cells_have_their_value_in_the_first_row_only(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    for row in (("name", "city"), ("Ana", "Vic"), ("Bea", None)):
        workbook.worksheets[0].append(row)
    workbook.worksheets[0].merge_cells("B2:B3")
    workbook.save(tmp_path / "saved.xlsx")
    source = landed(tmp_path, (tmp_path / "saved.xlsx").read_bytes())
    assert text_of(source) == "name,city\r\nAna,Vic\r\nBea,\r\n"
    assert "merged over several rows in 1 place, the first at B2" in "".join(source.warnings)


# Sheets


def test_the_only_sheet_with_cells_is_read_without_its_name(tmp_path: Path) -> None:
    assert text_of(landed(tmp_path, book({"Notes": [], "Contacts": CONTACTS, "Sheet3": []}))) == AS_CSV


def test_several_sheets_with_cells_are_an_error_that_lists_them(tmp_path: Path) -> None:
    with pytest.raises(WorkbookHasSeveralSheets) as caught:
        landed(tmp_path, book({"One": CONTACTS, "Empty": [], "Two": CONTACTS, "Three": CONTACTS}))
    assert caught.value.sheets == ("One", "Two", "Three")
    assert "book.xlsx!One'" in str(caught.value)


@pytest.mark.parametrize("name", ["Sheet 2", "sheet 2", "Q1!", "a!b", "Año", "!"])
def test_a_sheet_is_named_after_an_exclamation_mark(tmp_path: Path, name: str) -> None:
    real = name.capitalize() if name == "sheet 2" else name
    content = book({"Other": [["x"]], real: CONTACTS})
    assert text_of(landed(tmp_path, content, "my!book.xlsx", f"!{name}")) == AS_CSV


def test_a_sheet_that_is_not_there_is_an_error_that_lists_the_sheets(tmp_path: Path) -> None:
    with pytest.raises(MemberNotFound) as caught:
        landed(tmp_path, book({"One": CONTACTS, "Two": CONTACTS}), sheet="!Three")
    assert caught.value.members == ("One", "Two")


def test_hidden_rows_and_columns_are_read_like_the_others(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(CONTACTS):
            sheet.write_row(number, 0, row)
        sheet.set_row(1, None, None, {"hidden": True})
        sheet.set_column(1, 1, None, None, {"hidden": True})
    source = landed(tmp_path, sink.getvalue())
    assert (text_of(source), source.warnings) == (AS_CSV, ())


def test_a_hidden_sheet_is_read_only_by_its_name_and_reported(tmp_path: Path) -> None:
    content = book({"Contacts": CONTACTS, "Lists": [["x"]]}, hidden=["Lists"])
    source = landed(tmp_path, content)
    assert text_of(source) == AS_CSV
    assert source.warnings == ("hidden sheets were not read: 'Lists'; to import one, name it after a '!'",)
    assert text_of(landed(tmp_path, content, sheet="!Lists")) == "x\r\n"


@pytest.mark.parametrize("sheet", ["", "!Sheet"])
def test_a_workbook_without_cells_is_empty(tmp_path: Path, sheet: str) -> None:
    with pytest.raises(SourceEmpty):
        landed(tmp_path, book({"Sheet": []}), sheet=sheet)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("https://host/book.xlsx!Sheet 2", ("https://host/book.xlsx", "Sheet 2")),
        ("s3://bucket/book.XLSM!Q1!", ("s3://bucket/book.XLSM", "Q1!")),
        ("sftp://host/export-*.ods!a!b", ("sftp://host/export-*.ods", "a!b")),
        ("https://host/list.zip!a!b.csv", ("https://host/list.zip", "a!b.csv")),
        ("book.xlsx!", ("book.xlsx!", None)),
        ("!Sheet", ("!Sheet", None)),
        ("notes!.csv", ("notes!.csv", None)),
    ],
)
def test_a_source_is_split_at_the_mark_after_its_file(source: str, parts: tuple[str, str | None]) -> None:
    assert split_member(source) == parts


# Rows are lines


def test_rows_keep_their_numbers_below_blank_rows_and_line_breaks(small_catalogue: FieldCatalogue) -> None:
    rows: list[list[Any]] = [["A title\nof two lines"], [], ["email", "name"]]
    rows += [["a\n@", "Ana\nMaria"], [], ["b", "x\ry"], ["c", "C"]]
    found = check(book({"Sheet": rows}), small_catalogue, name="book.xlsx", skip_lines=2)
    assert found.lines == [(1, 4), (2, 6), (3, 7)]
    assert [each[6] for each in found.rejections] == ["a\n@", "b", "c"]


@pytest.mark.parametrize(("rows", "kept"), [(1, 2), (2, 1), (3, 0)])
def test_the_last_rows_are_skipped_whatever_their_cells_contain(
    rows: int, kept: int, small_catalogue: FieldCatalogue
) -> None:
    cells = [["email", "name"], ["a@b.com", "A"], ["b@b.com", 'B "b"\nb'], ["Total", 'two "\nlines"\nand more']]
    found = check(book({"Sheet": cells}), small_catalogue, name="book.xlsx", skip_last=rows)
    assert (len(found.accepted), found.rejections) == (kept, [])


@pytest.mark.parametrize("block_bytes", [32, 1 << 20])
def test_row_numbers_do_not_depend_on_the_blocks(small_catalogue: FieldCatalogue, block_bytes: int) -> None:
    rows = [["email", "name"]] + [
        [f"{number}@", "two\nlines\r, and more" if number % 3 else "x"] for number in range(9)
    ]
    found = check(book({"Sheet": rows}), small_catalogue, block_bytes, name="book.xlsx")
    assert found.lines == [(number, number + 1) for number in range(1, 10)]


def test_delimiters_in_cells_do_not_matter(small_catalogue: FieldCatalogue) -> None:
    content = book({"Sheet": [["email"], ["a@example.com;b"], ["c@example.com;d"]]})
    found = check(content, small_catalogue, name="book.xlsx", delimiter=";")
    assert found.read == 2 and found.delimiter == ","
    assert found.warnings == ("the file is a workbook, so --delimiter, --quote and --escape were not used",)


def test_an_encoding_does_not_apply_to_a_workbook_and_a_warning_says_so(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(book({"Sheet": [["email", "name"], ["ana@example.com", "Núria"]]}))
    source = land(str(path), ImportFolder.local(tmp_path), encoding="utf-16")
    assert text_of(source) == "email,name\r\nana@example.com,Núria\r\n"
    assert source.warnings == ("the file is a workbook, so --encoding was not used",)


def test_empty_rows_and_columns_before_the_data_stay(tmp_path: Path) -> None:
    assert text_of(landed(tmp_path, book({"Sheet": [[], [None, "email"], [None, "x"]]}))) == "\r\n,email\r\n,x\r\n"


def test_the_header_may_be_anywhere_in_the_sheet(small_catalogue: FieldCatalogue) -> None:
    rows: list[list[Any]] = [["Customers of May"], [], [None, "email", "name"], [None, "a@example.com", "Ana"]]
    found = check(book({"Sheet": rows}), small_catalogue, name="book.xlsx", skip_lines=2)
    assert [(row["email"], row["name"]) for row in found.accepted] == [("a@example.com", "Ana")]
    assert [(each["position"], each["column"]) for each in found.columns] == [
        (1, "column_1"),
        (2, "email"),
        (3, "name"),
    ]


# Formats and content


@pytest.mark.parametrize("extension", ["xlsx", "xls", "ods"])
def test_libreoffice_writes_every_format_with_the_same_cells(tmp_path: Path, extension: str) -> None:
    rows: list[list[Any]] = [
        ["email", "birthdate", "phone", "price", "vip", "note"],
        ["ana@example.com", datetime.date(1990, 12, 31), 34651234567, 1234.5, True, "uno\ndos; tres"],
    ]
    path = tmp_path / "made.xlsx"
    path.write_bytes(book({"Sheet": rows}))
    saved = convert_with_libreoffice(path, extension)
    vip = "1" if extension == "ods" else "true"  # LibreOffice itself takes it for a number
    assert text_of(landed(tmp_path, saved.read_bytes(), "any.name")) == (
        "email,birthdate,phone,price,vip,note\r\n"
        f'ana@example.com,1990-12-31,34651234567,1234.5,{vip},"uno\ndos; tres"\r\n'
    )


def test_an_xlsb_is_read_like_an_xlsx(tmp_path: Path) -> None:
    source = landed(tmp_path, binary_book(["email", "points"], ["ana@example.com", 5.0], ["bea@example.com", True]))
    assert text_of(source) == "email,points\r\nana@example.com,5\r\nbea@example.com,true\r\n"


@pytest.mark.parametrize("extension", ["ods", "xls"])
def test_errors_that_libreoffice_wrote_keep_their_text(tmp_path: Path, extension: str) -> None:
    path = tmp_path / "made.xlsx"
    rows: list[list[Any]] = [[None, "name", "x"], [None, "=1/0", True], [None, "=NA()", False]]
    path.write_bytes(book({"Uno": [["=1/0"]], "Año": rows}))
    saved = convert_with_libreoffice(path, extension)
    source = landed(tmp_path, saved.read_bytes(), f"book.{extension}", "!Año")
    true, false = ("1", "0") if extension == "ods" else ("true", "false")
    assert text_of(source) == f",name,x\r\n,#DIV/0!,{true}\r\n,#N/A,{false}\r\n"
    which = "cells of all sheets" if extension == "ods" else "cells"
    assert f"{which} have an error" in "".join(source.warnings)


def test_a_csv_named_xls_is_read_as_csv(tmp_path: Path) -> None:
    source = landed(tmp_path, b"email;name\na@example.com;Ana\n", "list.xls")
    assert not source.is_sheet and text_of(source).startswith("email;")


@pytest.mark.parametrize(
    ("target", "part"),
    [
        pytest.param(b"/xl/worksheets/sheet1.xml", b"/xl/worksheets/sheet1.xml", id="absolute"),
        pytest.param(b"/xl/worksheets/sheet1.xml", b"worksheets/sheet1.xml", id="relative"),
    ],
)
def test_errors_are_found_however_the_workbook_names_its_sheet(tmp_path: Path, target: bytes, part: bytes) -> None:
    content = with_part(book({"Sheet": [["#N/A"]]}), "xl/_rels/workbook.xml.rels", target, part)
    assert part in zipfile.ZipFile(io.BytesIO(content)).read("xl/_rels/workbook.xml.rels")
    assert text_of(landed(tmp_path, content)) == "#N/A\r\n"


@pytest.mark.parametrize(
    ("row", "column", "name"), [(0, 0, "A1"), (4, 25, "Z5"), (9, 26, "AA10"), (1_048_575, 16_383, "XFD1048576")]
)
def test_cells_are_named_as_in_spreadsheets(row: int, column: int, name: str) -> None:
    assert cell_name(row, column) == name
