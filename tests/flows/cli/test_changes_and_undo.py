"""`contacts changes`, `contacts history` and `contacts undo`, as a person or a script uses them."""

import csv
import io
from pathlib import Path

import pytest

from tests.flows.conftest import Contacts, is_one_line

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
STATUS = "newsletter_subscription_status"
FIRST = f"email,city,points,{STATUS}\nann@example.com,Vic,1,none\nbob@example.com,Reus,2,none\n"
SECOND = (
    f"email,points,city,{STATUS}\nzoe@example.com,7,Salt,none\nbob@example.com,2,=Olot,unsubscribed\n"
    "ann@example.com,3,Vic,none\n"
)
CHANGES = [
    ["email", "contact_id", "field", "kind", "before", "after"],
    ["ann@example.com", "1", "points", "replaced", "1", "3"],
    ["bob@example.com", "2", STATUS, "replaced", "none", "unsubscribed"],
    ["bob@example.com", "2", "city", "replaced", "Reus", "'=Olot"],
    ["zoe@example.com", "3", "", "inserted", "", ""],
]


@pytest.fixture
def imported(contacts: Contacts) -> Contacts:
    contacts.load(FIRST)
    contacts.load(SECOND, "--merge", "overwrite")
    return contacts


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))


def test_changes_are_listed_by_email_and_then_in_the_catalogues_order(imported: Contacts) -> None:
    output = imported.folder / "changes.csv"
    ran = imported("changes", "2", "--output", output, "--json")
    assert ran.status == 0
    assert rows_of(output) == CHANGES
    assert ran.json["contacts"] == {"updated": 2, "inserted": 1, "deleted": 0}
    report = imported("imports", "2", "--json").json
    assert ran.json["changes"] == report["changes"]
    shown = imported("changes", "2").out
    assert "2 updated, 1 inserted" in shown
    assert "Reus" in shown


def test_the_history_of_a_contact_is_newest_first(imported: Contacts) -> None:
    imported.load(SECOND.replace("=Olot", "Berga"), "--merge", "overwrite")
    history = imported("history", " Bob@Example.com", "--json").json
    assert [(each["import_id"], each["field"], each["before"], each["after"]) for each in history] == [
        (3, "city", "=Olot", "Berga"),
        (2, STATUS, "none", "unsubscribed"),
        (2, "city", "Reus", "=Olot"),
    ]
    assert set(history[0]) == {"at", "import_id", "source", "field", "before", "after"}
    assert "Berga" in imported("history", "bob@example.com").out
    assert imported("history", "nobody@example.com", "--json").json == []
    assert "No import changed" in imported("history", "nobody@example.com").out


def test_an_undo_says_what_it_would_do_then_does_it_and_can_be_undone(imported: Contacts) -> None:
    before = imported.database.contacts()
    output = imported.folder / "undo.csv"
    planned = imported("undo", "2", "--dry-run", "--json", "--output", output).json
    assert (planned["status"], planned["import_id"]) == ("planned", None)
    assert imported.database.contacts() == before
    assert rows_of(output)[1:] == [
        ["ann@example.com", "1", "points", "replaced", "3", "1"],
        ["bob@example.com", "2", STATUS, "kept-consent", "unsubscribed", "none"],
        ["bob@example.com", "2", "city", "replaced", "'=Olot", "Reus"],
        ["zoe@example.com", "3", "", "deleted", "", ""],
    ]
    done = imported("undo", "2", "--json").json
    assert done == {
        "import_id": 3,
        "undoes": 2,
        "status": "completed",
        "contacts": {"deleted": 1, "restored": 2, "reinserted": 0, "kept": 0, "gone": 0},
        "cells": {"restored": 2, "kept": 1, "gone": 0},
        "members": {"removed": 0, "added": 0},
        "kept": {"later-import": 0, "edited": 0, "consent": 1, "email-taken": 0, "suppressed": 0},
    }
    assert sorted(imported.database.contacts()) == ["ann@example.com", "bob@example.com"]
    shown = imported("imports", "3").out
    assert "a refusal, which is never taken back" in shown
    assert "contacts undo 3" in shown
    assert "undone by 3" in imported("imports").out
    assert imported("imports", "3", "--json").json == done

    is_one_line(imported("undo", "2"), "already", "contacts undo 3")
    assert imported("undo", "3").status == 0
    assert imported.database.contacts() == before
    ran = imported("changes", "4", "--output", output, "--force")
    assert "1 inserted" in ran.out
    assert rows_of(output)[-1][:4] == ["zoe@example.com", "3", "", "inserted"]


@one_warehouse
def test_an_undo_of_the_older_of_two_imports_says_in_which_order_both_are_taken_back(contacts: Contacts) -> None:
    for city in ("Vic", "Olot", "Salt"):
        contacts.load(f"email,city\nann@example.com,{city}\n", "--merge", "overwrite")
    planned = contacts("undo", "2", "--dry-run").out
    assert "a later import changed, undo that import first. 'contacts history EMAIL' names that import." in planned
    done = contacts("undo", "2").out
    assert "a later import changed, undo import 4, then that import, then import 2 again." in done
    for number in ("4", "3", "2"):
        assert contacts("undo", number).status == 0
    assert contacts.database.contacts()["ann@example.com"]["city"] == "Vic"


@one_warehouse
@pytest.mark.parametrize("name", ["undo", "changes"])
def test_an_unknown_import_or_one_without_its_journal_is_an_error(imported: Contacts, name: str) -> None:
    before = imported.database.contents()
    unknown = imported(name, "99", "--json")
    assert (unknown.status, unknown.json["error"]["code"]) == (1, "unknown-import")
    assert "journals removed" not in imported("imports", "prune", "--older-than", "1d").out
    imported.database.run("update imports set finished_at = '2020-01-01 00:00:00.000000'")
    assert "2 journals removed" in imported("imports", "prune", "--older-than", "1d").out
    gone = imported(name, "2", "--json")
    assert (gone.status, gone.json["error"]["code"]) == (1, "journal-gone")
    assert imported.database.contents() == before


def test_an_import_deletes_the_journals_of_imports_that_ended_before_the_days_to_keep(
    imported: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTACTS_JOURNAL_DAYS", "1")
    imported.load("email\nann@example.com\n")
    assert imported.database.rows("journal") != [], "the imports have just ended"
    imported.database.run("update imports set finished_at = '2020-01-01 00:00:00.000000'")
    imported.load("email\nbob@example.com\n")
    assert imported.database.rows("journal") == []


@one_warehouse
def test_the_same_file_is_imported_again_after_an_undo(imported: Contacts) -> None:
    file = imported.file(SECOND, "again.csv")
    options = ("--merge", "overwrite", "--if-same-file", "skip", "--json")
    assert imported("import", file, *options).json["repeats"] == 2
    imported("undo", "2")
    assert imported("import", file, *options).json["status"] == "completed"


@one_warehouse
def test_the_records_of_an_undone_retry_are_outstanding_again(contacts: Contacts) -> None:
    first = contacts.load("email,points\nann@example.com,1\nbad one,2\nbad two,3\n")
    text = Path(first["rejected_file"]).read_text("utf-8-sig").replace("bad one", "bob@example.com")
    retry = contacts.load(text, "--retry-of", "1")
    assert retry["retry_of"]["missing"] == 1

    def missing() -> int:
        listed = {row["import_id"]: row["missing"] for row in contacts("imports", "--json").json}
        return int(listed[1])

    assert missing() == 1
    assert contacts("undo", "2").status == 0
    assert missing() == 2
    assert contacts("undo", "3").status == 0
    assert missing() == 1
    contacts("undo", "2")
    again = contacts.load(text, "--retry-of", "1")
    assert again["retry_of"]["mended"] == 1
    assert missing() == 1


@one_warehouse
def test_without_a_journal_nothing_can_be_undone(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTS_JOURNAL", "off")
    contacts.load(FIRST)
    is_one_line(contacts("undo", "1"), "no journal")
    file = contacts.file(FIRST)
    for said in (contacts("delete", file, "--dry-run").out, contacts("delete", file).out, contacts("imports", "2").out):
        assert "cannot be undone" in said
        assert "contacts undo" not in said
