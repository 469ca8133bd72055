"""An export can be imported: it changes nothing in the same warehouse, and fills an empty one."""

import csv
import uuid
from pathlib import Path

import psycopg
import pytest

from tests.flows.conftest import Contacts, Database, Ran

HEADER = [
    "email", "name", "surname", "mobile_phone", "birthdate", "newsletter_subscription_status", "points", "city",
    "total_spent", "vip", "gender", "interests", "alternative_email",
]  # fmt: skip
ROWS = [
    ["A@example.com", "Ana, \"la\" Gil", "=1+1", "651234567", "1980-02-29", "none", "5", "Cádiz\nEl Puerto", "1.50",
     "TRUE", "f", "music|sports", "other@example.com"],
    ["b@example.com", "NULL", "-", "", "", "", "", "", "-0.05", "0", "", "", ""],
    ["c@example.com", "'quoted'", "'=x", "+447400437766", "0001-01-01", "subscribed", "9223372036854775807", "東京",
     "123456789012345", "", "x", "books", ""],
    ["d@example.com", "two\r\nlines", "a;b\tc", "", "9999-12-31", "", "10", "", "0.000001", "", "", "travel", ""],
    ["e@example.com", "", "", "", "", "", "", "", "-0", "", "", "", ""],
    ["f@example.com", "''@guarded", "\"", "", "", "", "", "back\\slash", "100000000000000", "1", "", "", ""],
]  # fmt: skip


@pytest.fixture
def filled(contacts: Contacts) -> Contacts:
    path = contacts.folder / "contacts.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *ROWS])
    ran = contacts("import", path, "--gaps", "allow", "--json")
    assert ran.json["rows"] == {"read": len(ROWS), "accepted": len(ROWS), "rejected": 0}, ran.json["rejections"]
    return contacts


def export(contacts: Contacts, name: str) -> Path:
    path = contacts.folder / name
    assert contacts("export", "--output", path) == Ran(0, "", "")
    return path


@pytest.mark.parametrize("policy", ["overwrite", "fill-empty", "update-only"])
@pytest.mark.parametrize("gaps", ["allow", "catalogue"])
def test_an_export_imports_unchanged(policy: str, gaps: str, filled: Contacts) -> None:
    if (policy, gaps) == ("fill-empty", "catalogue"):
        pytest.skip("as with overwrite")
    before = filled.database.rows("contacts")
    path = export(filled, "export.csv")
    report = filled("import", path, "--merge", policy, "--gaps", gaps, "--json").json
    assert report["contacts"] == {"inserted": 0, "updated": 0, "unchanged": len(ROWS), "skipped": 0}
    assert filled.database.rows("contacts") == before


def test_an_export_fills_an_empty_warehouse(
    filled: Contacts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres_url: str
) -> None:
    """Also one of the other kind; its own export is the same file, byte for byte."""
    path = export(filled, "export.csv")
    expected = filled.database.contacts()
    schema = f"test_{uuid.uuid4().hex[:12]}"
    for other in (Database(f"sqlite:///{tmp_path / 'other.db'}", None), Database(postgres_url, schema)):
        monkeypatch.setenv("CONTACTS_WAREHOUSE_URL", other.url)
        monkeypatch.setenv("CONTACTS_WAREHOUSE_SCHEMA", schema)
        report = filled("import", path, "--gaps", "allow", "--json").json
        assert report["contacts"]["inserted"] == len(ROWS), report["rejections"]
        assert other.contacts() == expected
        assert export(filled, "again.csv").read_bytes() == path.read_bytes()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop schema {schema} cascade".encode())


def test_an_export_holds_what_was_stored(filled: Contacts) -> None:
    ran = filled("export")
    assert (ran.status, ran.err) == (0, "")
    exported = list(csv.DictReader(ran.out.splitlines(keepends=True)))
    assert exported[0]["email"] == "a@example.com"
    assert exported[0]["surname"] == "'=1+1"
    assert exported[0]["interests"] == "sports|music"
    assert [row["total_spent"] for row in exported] == [
        "1.5", "-0.05", "123456789012345", "0.000001", "0", "100000000000000"
    ]  # fmt: skip


def test_an_empty_warehouse_exports_a_header(command: Contacts) -> None:
    assert command("segments", "create", "any").status == 0
    ran = command("export")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith('"email","name","surname"')
    assert ran.out.count("\n") == 1
