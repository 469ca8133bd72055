"""Rejected rows that were corrected in a spreadsheet import as a retry, whatever program saved them."""

import csv
import datetime
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.flows.conftest import Contacts
from tests.workbooks import SPANISH, convert_with_libreoffice

FIRST = """\
email,name,birthdate,phone,points,notes
ana@example.com,Ana,1990-12-31,+34651234567,1,x
íñigo at example,Íñigo Peña,1990-12-31,+34651234568,5,"uno; ""dos"",
tres"
bea at example,Bea,1985-02-03,651234569,x,=1+1
cid at example,Cid,1985-02-13,+34651234570,7,0034
"""
CORRECTED = {
    "inigo@example.com": {
        "name": "Íñigo Peña",
        "birthdate": "1990-12-31",
        "phone": "+34651234568",
        "points": "5",
        "notes": 'uno; "dos",\ntres',
    },
    "cid@example.com": {
        "name": "Cid",
        "birthdate": "1985-02-13",
        "phone": "+34651234570",
        "points": "7",
        "notes": "0034",
    },
}
CATALOGUE = """\
fields:
  - {id: email, type: email, identity: true}
  - {id: name, type: text}
  - {id: birthdate, type: date}
  - {id: phone, type: phone}
  - {id: points, type: integer}
  - {id: notes, type: text}
"""
SEMICOLONS_WINDOWS_1252 = "Text - txt - csv (StarCalc):59,34,ANSI,1,,1034,false,true,false"
pytestmark = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.fixture
def contacts(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> Contacts:
    """The command, with a catalogue that has a field of notes."""
    monkeypatch.setenv("CONTACTS_CATALOGUE", str(contacts.file(CATALOGUE, "catalogue.yaml")))
    return contacts


def rejected_workbook(contacts: Contacts) -> Path:
    """The rejected rows of a first import as a workbook, with two of three emails corrected."""
    assert contacts.load(FIRST)["rows"]["rejected"] == 3
    path = contacts.folder / "correct.xlsx"
    assert contacts("rejected", "1", "--output", path).status == 0
    workbook = openpyxl.load_workbook(path)
    sheet = workbook.worksheets[0]
    sheet["A2"], sheet["A4"] = "inigo@example.com", "cid@example.com"
    workbook.save(path)
    return path


def check_retry(contacts: Contacts, source: Path) -> dict[str, Any]:
    """Import the source as a retry, which corrects two records of three."""
    ran = contacts("import", source, "--retry-of", "1", "--json")
    assert ran.status == 0
    report: dict[str, Any] = ran.json
    assert report["retry_of"] == {"id": 1, "first": 1, "mended": 2, "missing": 1}
    stored = contacts.database.contacts()
    assert {email: stored[email] for email in CORRECTED} == CORRECTED
    return report


def test_a_corrected_workbook_imports_as_a_retry(contacts: Contacts) -> None:
    report = check_retry(contacts, rejected_workbook(contacts))
    assert report["rejections"] == {"email-invalid": 1, "integer-invalid": 1}
    assert [warning for warning in report["warnings"] if "Windows" in warning] == []


@pytest.mark.parametrize("extension", ["xlsx", "ods", "xls"])
def test_a_workbook_saved_by_libreoffice_in_spanish_imports_as_a_retry(contacts: Contacts, extension: str) -> None:
    saved = convert_with_libreoffice(rejected_workbook(contacts), extension, language=SPANISH)
    check_retry(contacts, saved)


def test_a_csv_that_libreoffice_saved_in_spanish_imports_as_a_retry(contacts: Contacts) -> None:
    """Semicolons and Windows-1252. The workbook kept each cell a text, so LibreOffice changed none."""
    workbook = rejected_workbook(contacts)
    saved = convert_with_libreoffice(workbook, "csv", filter_name=SEMICOLONS_WINDOWS_1252, language=SPANISH)
    assert saved.read_bytes().startswith(b"email;name;") and "Íñigo".encode("cp1252") in saved.read_bytes()
    report = check_retry(contacts, saved)
    assert report["dialect"]["encoding"] == "cp1252"


def test_dates_that_a_spanish_spreadsheet_wrote_are_suggested_as_its_reading(contacts: Contacts) -> None:
    """A spreadsheet that reads the CSV takes its days for dates, and saves them in the form of its language."""
    first = contacts.load(FIRST)
    text = Path(first["rejected_file"]).read_text("utf-8-sig")
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    for row in csv.reader(io.StringIO(text, newline="")):
        sheet.append(row)
    for cell in sheet["C"][1:]:
        cell.value, cell.number_format = datetime.date.fromisoformat(str(cell.value)), "DD/MM/YYYY"
    sheet["A2"], sheet["A4"] = "inigo@example.com", "cid@example.com"
    workbook.save(contacts.folder / "opened.xlsx")
    saved = convert_with_libreoffice(
        contacts.folder / "opened.xlsx", "csv", filter_name=SEMICOLONS_WINDOWS_1252, language=SPANISH
    )
    assert b";31/12/1990;" in saved.read_bytes()
    report = contacts("check", saved, "--json").json
    assert [(each["column"], each["translation"], each["certain"]) for each in report["suggestions"]] == [
        ("birthdate", {"date": "d/m/yyyy"}, True)
    ]


def test_an_existing_workbook_is_not_overwritten_without_force(contacts: Contacts) -> None:
    path = rejected_workbook(contacts)
    assert contacts("rejected", "1", "--output", path).status == 2
    assert contacts("rejected", "1", "--output", path, "--force").status == 0
