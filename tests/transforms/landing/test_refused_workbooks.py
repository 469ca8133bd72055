"""Workbooks that are not read: web pages, damaged and protected ones, and ones above a limit; and the child process."""

import io
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msoffcrypto.format.ooxml
import pytest

from schemas.errors.limits import WorkbookTooLarge
from schemas.errors.source import (
    ArchiveRefused,
    SourceError,
    SourceNotText,
    WorkbookHasSeveralSheets,
    WorkbookProtected,
    WorkbookUnreadable,
)
from tests.transforms.landing.test_archives import zipped
from tests.transforms.landing.test_workbooks import AS_CSV, CONTACTS, landed, text_of
from tests.workbooks import book, text_row, with_part, with_rows
from transforms.landing.archives import ExpansionLimits

HTML = "<html><body><table><tr><td>email</td></tr></table></body></html>"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HTML.encode(), id="html"),
        pytest.param(b"\r\n  <TABLE border=1><tr><td>email</td></tr></TABLE>", id="table"),
        pytest.param(HTML.encode("utf-16"), id="html-in-utf-16"),
        pytest.param("\ufeff<!DOCTYPE html>".encode() + HTML.encode(), id="byte-order-mark"),
        pytest.param(b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>', id="xml-of-2003"),
        pytest.param(b"MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\n", id="mhtml"),
    ],
)
def test_a_web_page_named_xls_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceNotText, match=r"save it as \.xlsx or as CSV"):
        landed(tmp_path, content, "list.xls")


def encrypted(content: bytes) -> bytes:
    sink = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(content)).encrypt("secret", sink)
    return sink.getvalue()


def encrypted_ods() -> bytes:
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'
        "</manifest:manifest>"
    )
    return zipped(("mimetype", ODS_MIMETYPE), ("META-INF/manifest.xml", manifest.encode()), ("content.xml", b"\1\2\3"))


NO_SUCH_STRING = '<row><c t="s"><v>9</v></c></row>'
ONE_SHEET = book({"Sheet": CONTACTS})
ODS_MIMETYPE = b"application/vnd.oasis.opendocument.spreadsheet"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("content", "name", "error", "reason"),
    [
        pytest.param(encrypted(ONE_SHEET), "a.xlsx", WorkbookProtected, "without one", id="password"),
        pytest.param(encrypted_ods(), "a.ods", WorkbookProtected, "without one", id="password-of-an-ods"),
        pytest.param(ONE_SHEET[:-100], "a.xlsx", WorkbookUnreadable, "incomplete", id="truncated"),
        pytest.param(ONE_SHEET.replace(b"sheet1", b"sheet9"), "a.xlsx", WorkbookUnreadable, "damaged", id="no-sheet"),
        pytest.param(with_rows(["<row><c>"]), "a.xlsx", WorkbookUnreadable, "damaged", id="broken-xml"),
        pytest.param(with_rows([NO_SUCH_STRING]), "a.xlsx", WorkbookUnreadable, "damaged", id="no-string"),
        pytest.param(OLE + bytes(2000), "a.xls", WorkbookUnreadable, "incomplete", id="junk-named-xls"),
        pytest.param(OLE + bytes(2000), "a.doc", SourceNotText, "old Office", id="old-document"),
        pytest.param(OLE + "Workbook\0".encode("utf-16-le"), "a.xls", WorkbookUnreadable, "damaged", id="header-only"),
        pytest.param(zipped(("[Content_Types].xml", b"")), "a.docx", SourceNotText, "office", id="docx"),
        pytest.param(zipped(("mimetype", ODS_MIMETYPE[:-11] + b"text")), "a.odt", SourceNotText, "office", id="odt"),
        pytest.param(zipped(("inside.xlsx", ONE_SHEET)), "a.zip", ArchiveRefused, "archive again", id="inside-a-zip"),
    ],
)  # fmt: skip
def test_a_workbook_that_cannot_be_read_is_an_error(
    tmp_path: Path, content: bytes, name: str, error: type[SourceError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        landed(tmp_path, content, name)
    assert {path.name for path in (tmp_path / "import").iterdir()} <= {"source.csv"}


# Limits


@pytest.mark.parametrize(
    ("rows", "limits", "variable"),
    [
        pytest.param(['<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'],
                     {}, "CONTACTS_WORKBOOK_MEMORY", id="sparse"),
        pytest.param([text_row(number, "abcd") for number in range(1, 27)], {"workbook_cells": 103},
                     "CONTACTS_WORKBOOK_CELLS", id="cells"),
        pytest.param(["<row/>" * 4_000_000], {}, "CONTACTS_EXPANDED_RATIO", id="bomb"),
        pytest.param(["<row/>" * 1_000], {"size": 5_000}, "CONTACTS_EXPANDED_BYTES", id="expanded-bytes"),
    ],
)  # fmt: skip
def test_a_workbook_above_a_limit_is_an_error_that_names_the_setting(
    tmp_path: Path, rows: list[str], limits: dict[str, int], variable: str
) -> None:
    with pytest.raises(WorkbookTooLarge, match=variable):
        landed(tmp_path, with_rows(rows), limits=ExpansionLimits(**limits))


def test_a_bomb_that_claims_to_be_small_is_an_error(tmp_path: Path) -> None:
    content = with_rows(["<row/>" * 4_000_000], size=1_000)
    with pytest.raises((WorkbookUnreadable, WorkbookTooLarge)):
        landed(tmp_path, content)


def test_a_sheet_of_all_columns_is_read(tmp_path: Path) -> None:
    text = text_of(landed(tmp_path, with_rows(['<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>2</v></c></row>'])))
    assert text == f"1{',' * 16_383}2\r\n"


def test_a_hundred_thousand_rows_are_read_with_the_memory_of_the_child(tmp_path: Path) -> None:
    rows = (text_row(number, (f"person{number}@example.com", "Ana", "Vic")) for number in range(1, 100_001))
    text = text_of(landed(tmp_path, with_rows(rows), limits=ExpansionLimits(workbook_memory=512 << 20)))
    assert text.count("\r\n") == 100_000 and text.endswith("person100000@example.com,Ana,Vic\r\n")


def test_two_workbooks_are_read_at_once(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor() as pool:
        texts = list(pool.map(lambda folder: text_of(landed(folder, ONE_SHEET)), folders))
    assert texts == [AS_CSV, AS_CSV]


LAND = """
import sys
from transforms.landing.land import land
from transforms.work_folder import ImportFolder
land(sys.argv[1], ImportFolder.local(sys.argv[2]))
"""


def children_of(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(each) for each in found]


def has_ended(process: int) -> bool:
    """Whether it is gone, or only waits until somebody asks for its exit status."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the test finds the child in /proc")
def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(with_rows(text_row(number, "abcdefghijkl") for number in range(1, 100_001)))
    (tmp_path / "import").mkdir()
    parent = subprocess.Popen([sys.executable, "-P", "-c", LAND, path, tmp_path / "import"])
    deadline = time.monotonic() + 60
    while not (children := children_of(parent.pid)):
        assert parent.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)  # the child reads the workbook
    assert not has_ended(children[0])
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while not has_ended(children[0]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("sheet", ["", "!nope"])
def test_more_sheet_names_than_a_pipe_holds_are_an_error_that_lists_the_first(tmp_path: Path, sheet: str) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(book({f"{number:03}{'я' * 28}": [["email"], ["a@b.com"]] for number in range(400)}))
    (tmp_path / "import").mkdir()
    ran = subprocess.run(
        [sys.executable, "-P", "-c", LAND, f"{path}{sheet}", tmp_path / "import"],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert f"019{'я' * 28} and 380 more" in ran.stderr


def test_a_message_does_not_grow_with_the_name_of_a_sheet(tmp_path: Path) -> None:
    """The format limits it to 31 letters; a file need not."""
    content = book({"First": [["a"]], "Second": [["a"]]})
    long = with_part(content, "xl/workbook.xml", b'"First"', b'"' + b"F" * 1_000_000 + b'"')
    with pytest.raises(WorkbookHasSeveralSheets, match="FFF…, Second") as caught:
        landed(tmp_path, long)
    assert len(str(caught.value)) < 2_000
