"""No import brings a suppressed address, and nothing that an import writes shows it."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.import_runs.tasks import merge_staged
from tests.flows.conftest import Contacts, Database, is_one_line
from tests.flows.test_prefect_runs import Runs

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
GONE = "ann@example.com"
LIST = f"email\n{GONE}\n"
# Accepted, twice; with a bad cell; inside a bad email; in a malformed record. Then two other people.
LAST_NIGHT = (
    "email,name,points\n"
    "ANN@example.com,Ann,1\n"
    "ann@example.com,Ann Smith,2\n"
    "ann@example.com,Annie,many\n"
    "Ann <ann@example.com>,Anny,4\n"
    "ann@example.com,Anne,5,6\n"
    "bob@example.com,Bob,7\n"
    "cid@example.com,Cid,many\n"
)
SUPPRESSED = ("1", "2", "3", "4", "5")


def everything(database: Database) -> str:
    """All that the warehouse stores, as text."""
    tables = ("contacts", "segment_members", "imports", "import_columns", "rejections", "journal", "journal_members")
    return json.dumps({table: database.rows(table) for table in tables}, default=str)


def written(contacts: Contacts) -> str:
    """All files of the import folders, as text."""
    files = (contacts.folder / "home" / "imports").rglob("*")
    return "\n".join(path.read_text(errors="replace") for path in files if path.is_file())


def rejected_rows(report: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(Path(report["rejected_file"]).read_text("utf-8-sig"))))


def has_only_numbers_and_codes(contacts: Contacts, report: dict[str, Any]) -> None:
    """Of the rows of a suppressed address, only record, line and code are written."""
    assert report["rows"] == {"read": 7, "accepted": 1, "rejected": 6}
    assert report["rejections"] == {"integer-invalid": 1, "suppressed": 5}
    stored = contacts.database.rows("rejections", order="record_number")
    assert [row["code"] for row in stored] == ["suppressed"] * 5 + ["integer-invalid"]
    assert [row["line_number"] for row in stored] == [2, 3, 4, 5, 6, 8]
    assert all(row[name] is None for row in stored[:5] for name in ("column_name", "field", "message", "value"))
    rows = rejected_rows(report)
    assert [row["rejection_record"] for row in rows] == [*SUPPRESSED, "7"]
    for row in rows[:5]:
        filled = {name: value for name, value in row.items() if value}
        assert set(filled) == {"rejection_record", "rejection_line", "rejection_codes", "rejection_of"}
        assert filled["rejection_codes"] == "suppressed"
    assert sorted(contacts.database.contacts()) == ["bob@example.com"]
    for text in (everything(contacts.database), written(contacts), json.dumps(report)):
        assert "ann" not in text.lower()
        assert "cid@example.com" in text or "cid" not in text


def test_an_import_rejects_a_suppressed_address_and_writes_nothing_of_its_rows(contacts: Contacts) -> None:
    added = contacts("suppressions", "add", contacts.file(LIST, "gone.csv"), "--reason", "complaint", "--json").json
    assert added["suppressed"] == 1
    has_only_numbers_and_codes(contacts, contacts.load(LAST_NIGHT, "--gaps", "allow"))


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Do something between the check of a file and its merge."""

    def before_the_merge(act: Callable[[], Any]) -> None:
        def act_and_merge(*arguments: Any) -> Any:
            act()
            return merge_staged(*arguments)

        monkeypatch.setattr("flows.import_contacts.merge_staged", act_and_merge)

    return before_the_merge


@pytest.mark.parametrize("chunk_bytes", ["16MiB", "1KiB"])
def test_an_address_that_is_suppressed_between_check_and_merge_stays_out(
    contacts: Contacts,
    meanwhile: Callable[[Callable[[], Any]], None],
    monkeypatch: pytest.MonkeyPatch,
    chunk_bytes: str,
) -> None:
    monkeypatch.setenv("CONTACTS_CHUNK_BYTES", chunk_bytes)
    gone, other = contacts.file(LIST, "gone.csv"), contacts.file("email\nzoe@example.com\n", "zoe.csv")
    assert contacts("suppressions", "add", other).status == 0  # so that some are known before
    meanwhile(lambda: contacts("suppressions", "add", gone))
    file = contacts.file(LAST_NIGHT)
    assert contacts("import", file, "--gaps", "allow").status == 0
    has_only_numbers_and_codes(contacts, contacts("imports", "1", "--json").json)


@one_warehouse
@pytest.mark.parametrize(
    ("words", "options", "status"),
    [
        pytest.param(("suppressions", "add"), (), 0, id="suppressed"),
        pytest.param(("erase",), (), 0, id="erased"),
        pytest.param(("erase",), ("--plan", "sha256:" + ".".join(["0" * 16] * 3)), 1, id="the merge fails then"),
    ],
)
def test_the_artifact_of_rejected_rows_shows_nobody_who_left_before_the_merge(
    contacts: Contacts,
    meanwhile: Callable[[Callable[[], Any]], None],
    words: tuple[str, ...],
    options: tuple[str, ...],
    status: int,
) -> None:
    """Although some of the rows were rejected for another reason before."""
    gone = contacts.file(LIST, "gone.csv")
    meanwhile(lambda: contacts(*words, gone))
    assert contacts("import", contacts.file(LAST_NIGHT), "--gaps", "allow", *options).status == status
    [artifact] = [each for each in Runs(contacts).all_artifacts(1) if each.key == "rejected-rows"]
    assert "ann" not in artifact.data.lower()
    assert "cid@example.com" in artifact.data
    assert contacts("imports", "1", "--json").json["rejected_file"] in artifact.description


@one_warehouse
def test_suppressions_that_the_file_does_not_have_change_nothing(
    contacts: Contacts, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    other = contacts.file("email\nzoe@example.com\n", "zoe.csv")
    meanwhile(lambda: contacts("suppressions", "add", other))
    assert contacts("import", contacts.file(LAST_NIGHT), "--gaps", "allow").status == 0
    assert contacts("imports", "1", "--json").json["contacts"]["inserted"] == 2


@one_warehouse
def test_a_suppressed_row_of_a_rejected_file_stays_rejected(contacts: Contacts) -> None:
    contacts("suppressions", "add", contacts.file(LIST, "gone.csv"))
    first = contacts.load(LAST_NIGHT, "--gaps", "allow")
    text = Path(first["rejected_file"]).read_text("utf-8-sig").replace("many", "8")
    contacts("suppressions", "remove", "--email", GONE)
    retry = contacts.load(text, "--retry-of", "1", "--gaps", "allow")
    assert retry["rejections"] == {"suppressed": 5}
    assert retry["retry_of"] == {"id": 1, "first": 1, "mended": 1, "missing": 5}


@one_warehouse
def test_a_check_knows_no_suppressions(contacts: Contacts) -> None:
    contacts("suppressions", "add", contacts.file(LIST, "gone.csv"))
    assert contacts("check", contacts.file(LIST), "--json").json["rows"]["accepted"] == 1


def test_suppressions_are_added_once_listed_without_addresses_and_removed(contacts: Contacts) -> None:
    file = contacts.file(f"E-mail;x\n{GONE};1\n ANN@EXAMPLE.COM;2\nbad;3\nbob@example.com;4\n", "gone.csv")
    contacts.load("email\nbob@example.com\n")
    keys = {"import_id": None, "deleted": 0, "members": 0}
    planned = contacts("suppressions", "add", file, "--dry-run", "--json")
    assert planned.json == {**keys, "status": "planned", "found": 1, "suppressed": 2}
    assert contacts("suppressions", "list", "--json").json == []
    assert contacts("suppressions", "add", file, "--json").json["suppressed"] == 2
    again = contacts("suppressions", "add", file)
    assert "0 addresses suppressed" in again.out
    assert "1 contact with such an address" in again.out
    listed = contacts("suppressions", "list", "--json").json
    assert [row["reason"] for row in listed] == ["added by hand"] * 2
    shown = contacts("suppressions", "list")
    assert "2 of 2 suppressions" in shown.out
    assert "example.com" not in shown.out + json.dumps(listed)
    assert "bob@example.com" in contacts.database.contacts()

    assert "would be no longer suppressed" in contacts("suppressions", "remove", "--email", GONE, "--dry-run").out
    assert contacts("suppressions", "remove", "--email", " Ann@Example.com ", "--json").json["found"] == 1
    is_one_line(contacts("suppressions", "remove", "--email", GONE), "not suppressed")
    assert len(contacts("suppressions", "list", "--json").json) == 1
    contacts.load(LIST)
    assert GONE in contacts.database.contacts()


@one_warehouse
def test_the_same_file_brings_a_person_back_as_the_command_says(contacts: Contacts) -> None:
    contacts("suppressions", "add", contacts.file(LIST, "gone.csv"))
    file = contacts.file(LIST)
    skip = ("--if-same-file", "skip", "--json")
    assert contacts("import", file, *skip).json["rejections"] == {"suppressed": 1}
    said = contacts("suppressions", "remove", "--email", GONE).out
    assert contacts("import", file, *skip).json["status"] == "skipped"
    assert "--if-same-file import" in said
    assert contacts("import", file, "--if-same-file", "import", "--json").json["contacts"]["inserted"] == 1


@one_warehouse
def test_bad_input_is_one_line_and_suppresses_nothing(contacts: Contacts) -> None:
    assert contacts("segments", "create", "vip").status == 0
    for words, code, hint in (
        (("add", contacts.file("name\nAnn\n", "no_email.csv")), "no-email-column", "--map"),
        (("add", contacts.file("email\nAnn\n", "wrong.csv")), "no-email-in-list", "--map COLUMN=email"),
        (("add", "missing.csv"), "source-not-found", "missing.csv"),
        (("remove", "--email", "ann at example"), "usage", "--email"),
        (("remove", "--email", GONE), "not-suppressed", "check how it is written"),
    ):
        ran = contacts("suppressions", *words, "--json")
        assert (ran.status, ran.json["error"]["code"]) == (2 if code == "usage" else 1, code)
        is_one_line(ran, hint)
        assert "ann@" not in ran.err
        assert "ann at" not in ran.err
    assert contacts("suppressions", "list", "--json").json == []
