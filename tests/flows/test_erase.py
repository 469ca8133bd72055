"""An erased person is nowhere in the warehouse and its import folders, and stays away."""

import csv
import io
import json
import sqlite3
import threading
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from schemas.cells.suppressed_emails import SuppressedEmails
from schemas.rejected_rows import ErasedRow, RejectedFile
from tests.flows.conftest import Contacts, Database, is_one_line
from tests.flows.import_runs.test_recovery import begun
from transforms.results.erased_rows import erase_rows
from warehouse.database.connection import Warehouse
from warehouse.removal.erase import erase_people

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
ANN, BOB = "ann@example.com", "bob@example.com"
FIRST = f"email,name,city,points\n{ANN},Ann Smith,Vic,1\n{BOB},Bob,Reus,2\n"
# Updated; then a bad cell, a bad email, a malformed record and a duplicate of hers; then two rows of Bob.
SECOND = (
    "email;name;city;points\n"
    "ANN@Example.com;Ann Smith;Olot;3\n"
    "ann@example.com;Ann Smith;Olot;seven\n"
    'Ann <ann@example.com>;"Ann ""A"" Smith";Olot;4\n'
    "ann@example.com;Ann Smith;Olot;5;6\n"
    "ann@example.com;Ann Smith;Olot;8\n"
    "bob@example.com;Bob;=Olot;many\n"
    'bob@example.com;"Bob;\nthe second";Olot;few\n'
)


@pytest.fixture
def people(contacts: Contacts) -> Contacts:
    """Ann is a member, was updated, rejected, deleted and brought back: she is in every table."""
    assert contacts("segments", "create", "vip").status == 0
    contacts.load(FIRST, "--segment", "vip")
    contacts.load(SECOND, "--merge", "overwrite", "--duplicates", "first", name="second.csv")
    contacts("delete", contacts.file(FIRST, "both.csv"))
    contacts("undo", "3")
    return contacts


def dump(database: Database) -> str:
    """Every table of the warehouse as text."""
    if database.schema is None:
        with sqlite3.connect(database.url.removeprefix("sqlite:///")) as file:
            return "\n".join(file.iterdump())
    with psycopg.connect(database.url) as server:
        tables = server.execute(
            "select table_name from information_schema.tables where table_schema = %s", [database.schema]
        )
        return json.dumps([database.rows(name) for (name,) in tables], default=str)


def folders(people: Contacts) -> str:
    files = (people.folder / "home" / "imports").rglob("*")
    return "\n".join(path.read_text() for path in files if path.is_file())


def rejected_rows(people: Contacts, number: int) -> list[dict[str, str]]:
    report = people("imports", str(number), "--json").json
    text = Path(report["rejected_file"]).read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=report["dialect"]["delimiter"]))


def is_nowhere(people: Contacts) -> None:
    for text in (dump(people.database), folders(people)):
        assert "ann" not in text.lower().replace("cannot", "")
        assert "smith" not in text.lower()
        assert "seven" not in text


def test_an_erase_reaches_every_place_and_nobody_else(people: Contacts) -> None:
    assert all(text.lower().count("ann") > 5 for text in (dump(people.database), folders(people)))
    bob, his = people.database.contacts()[BOB], rejected_rows(people, 2)[4:]
    before = dump(people.database), folders(people)
    planned = people("erase", "--email", ANN, "--dry-run", "--json").json
    assert planned == {"import_id": None, "status": "planned", "found": 1, "deleted": 1, "members": 1}
    assert (dump(people.database), folders(people)) == before

    done = people("erase", "--email", " Ann@EXAMPLE.com ")
    assert done.status == 0
    assert "1 contact with 1 membership, and 4 rejected rows erased for good, and 1 address suppressed" in done.out
    assert "docs/security.md" in done.out
    is_nowhere(people)
    assert people.database.contacts() == {BOB: bob}
    rows = rejected_rows(people, 2)
    assert rows[4:] == his
    assert his[1]["name"] == "Bob;\nthe second"
    assert [{name: value for name, value in row.items() if value} for row in rows[:4]] == [
        {
            "rejection_record": str(number),
            "rejection_line": str(number + 1),
            "rejection_codes": "suppressed",
            "rejection_of": his[0]["rejection_of"],
        }
        for number in (2, 3, 4, 5)
    ]
    stored = people.database.rows("rejections", order="record_number")
    assert [(row["record_number"], row["value"]) for row in stored] == [
        *((number, None) for number in (2, 3, 4, 5)),
        (6, "many"),
        (7, "few"),
    ]
    assert [row["code"] for row in stored] == ["suppressed"] * 4 + ["integer-invalid"] * 2
    assert people("history", BOB, "--json").json[0]["import_id"]


def test_an_erased_person_stays_erased(people: Contacts) -> None:
    """Whether last night's file brings the address, an undo, or a redo."""
    assert people("erase", people.file(f"E-mail\n{ANN}\n", "gone.csv"), "--json").json["deleted"] == 1
    report = people.load(SECOND, "--merge", "overwrite", "--duplicates", "first", name="second.csv")
    assert report["rejections"] == {"suppressed": 5, "integer-invalid": 2}
    is_nowhere(people)
    for number in ("4", "6", "2", "1"):
        assert people("undo", number, "--json").status == 0
        is_nowhere(people)


def test_an_address_that_is_no_contact_is_suppressed_and_its_rejected_rows_are_erased(contacts: Contacts) -> None:
    contacts.load("email,points\nann@example.com,many\n")
    done = contacts("erase", "--email", ANN)
    assert "0 contacts with 0 memberships, and 1 rejected row erased" in done.out
    assert "0 rejected rows erased for good, and 0 addresses suppressed" in contacts("erase", "--email", ANN).out
    assert "ann@" not in dump(contacts.database) + folders(contacts)
    assert contacts.database.rows("rejections")[0]["value"] is None


def test_rejected_rows_are_erased_whatever_is_around_the_address(contacts: Contacts) -> None:
    cells = [f"{ANN}/{BOB}", f"\u200b{ANN}", f"mailto:{ANN}?subject=x", f"“{ANN}”", "ann＠example.com"]
    contacts.load("".join(f"{line}\n" for line in ["email,points", *(f"{cell},many" for cell in [*cells, BOB])]))
    contacts("erase", "--email", ANN)
    assert "ann" not in (dump(contacts.database) + folders(contacts)).replace("cannot", "")
    stored = contacts.database.rows("rejections", order="record_number")
    assert [row["code"] for row in stored] == ["suppressed"] * 2 * len(cells) + ["integer-invalid"]


def test_the_rows_of_a_retry_are_erased_although_they_show_other_numbers(contacts: Contacts) -> None:
    first = contacts.load(f"email,points\nzoe@example.com,1\n{BOB},nine\n{ANN},many\n")
    contacts.load(Path(first["rejected_file"]).read_text("utf-8-sig"), "--retry-of", "1", name="again.csv")
    contacts("erase", "--email", ANN)
    assert "ann@" not in dump(contacts.database) + folders(contacts)
    assert "many" not in dump(contacts.database) + folders(contacts)
    stored = contacts.database.rows("rejections", order="import_id, record_number")
    assert [(row["import_id"], row["record_number"], row["value"]) for row in stored] == [
        (1, 2, "nine"),
        (1, 3, None),
        (2, 1, "nine"),
        (2, 2, None),
    ]


def test_two_erases_at_once_erase_both_people_everywhere(people: Contacts) -> None:
    barrier = threading.Barrier(2)
    deleted: list[int] = []

    def run(email: str) -> None:
        with Warehouse.open(people.database.url, people.database.schema) as warehouse:
            barrier.wait()
            done = erase_people(
                warehouse,
                [pa.RecordBatch.from_pydict({"email": [email]})],
                erase_rows,
            )
            deleted.append(done.report["deleted"])

    threads = [threading.Thread(target=run, args=[email]) for email in (ANN, BOB)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert deleted == [1, 1]
    is_nowhere(people)
    assert "bob" not in (dump(people.database) + folders(people)).lower()


def test_an_erase_that_was_interrupted_is_completed_by_the_next_one(people: Contacts) -> None:
    """The files may be written although the transaction was rolled back."""

    class Stopped(Exception):
        pass

    def write_and_stop(file: RejectedFile, erased: SuppressedEmails, write: bool) -> list[ErasedRow]:
        if erase_rows(file, erased, write):
            raise Stopped
        return []

    with Warehouse.open(people.database.url, people.database.schema) as warehouse, pytest.raises(Stopped):
        erase_people(warehouse, [pa.RecordBatch.from_pydict({"email": [ANN]})], write_and_stop)
    assert "ann" not in folders(people).lower()
    assert ANN in people.database.contacts()
    assert "4 rejected rows erased" in people("erase", "--email", ANN).out
    is_nowhere(people)


@one_warehouse
def test_a_rejected_file_that_cannot_be_written_stops_the_erase(people: Contacts) -> None:
    file = Path(people("imports", "2", "--json").json["rejected_file"])
    before, text = dump(people.database), file.read_bytes()
    obstacle = Path(f"{file}.partial")
    (obstacle / "x").mkdir(parents=True)
    ran = people("erase", "--email", ANN, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "rejected-file-not-erased")
    is_one_line(ran, str(file), "repeat the command")
    assert (dump(people.database), file.read_bytes()) == (before, text)


@one_warehouse
def test_a_contact_that_has_another_email_by_now_stays_without_the_old_address(people: Contacts) -> None:
    people.database.run(f"update contacts set email = 'new@example.com' where email = '{ANN}'")
    assert people("erase", "--email", ANN, "--json").json["deleted"] == 0
    assert sorted(people.database.contacts()) == [BOB, "new@example.com"]
    assert "ann@" not in dump(people.database) + folders(people)


def test_the_address_leaves_the_journal_of_other_contacts(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second email of Bob was hers. What else changed with it can still be undone."""
    fields = "[{id: email, type: email, identity: true}, {id: other, type: email}, {id: city, type: text}]"
    monkeypatch.setenv("CONTACTS_CATALOGUE", str(contacts.file(f"fields: {fields}\n", "catalogue.yaml")))
    contacts.load(f"email,other,city\n{BOB},zoe@example.com,Vic\n")
    contacts.database.run("update contacts set other = 'Ann@Example.com'")  # as another program may store it
    contacts.load(f"email,other,city\n{BOB},zoe@example.com,Olot\n", "--merge", "overwrite")
    contacts("erase", "--email", ANN)
    assert "ann@" not in dump(contacts.database).lower()
    contacts("undo", "2")
    assert contacts.database.contacts()[BOB] == {"other": "zoe@example.com", "city": "Vic"}


@one_warehouse
def test_a_running_import_is_a_reason_to_repeat_the_erase(people: Contacts) -> None:
    people.database.run("update imports set status = 'running' where import_id = 1")
    ran = people("erase", "--email", ANN, "--json")
    assert ran.json["deleted"] == 1
    assert "1 import running or waiting" in ran.err


@one_warehouse
def test_the_files_of_a_killed_import_are_deleted_with_the_person(people: Contacts) -> None:
    with begun(people) as folder:
        assert "1 import running or waiting" in people("erase", "--email", ANN).err
    assert people("erase", "--email", ANN).err == ""
    assert not folder.exists()


def test_a_journal_of_one_who_was_deleted_without_a_journal_is_erased(
    people: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no email, so it is erased with anybody."""
    monkeypatch.setenv("CONTACTS_JOURNAL", "off")
    people("delete", people.file(f"email\n{ANN}\n", "ann.csv"))
    people.database.run("delete from journal where action <> 'updated'")
    assert people.database.rows("journal") != []
    people("erase", "--email", BOB)
    assert people.database.rows("journal") == []


@one_warehouse
def test_bad_input_is_one_line_and_erases_nothing(people: Contacts) -> None:
    before = dump(people.database)
    no_email = people.file("name,city\nAnn,Vic\n", "no_email.csv")
    wrong = people.file(f"email,name\nAnn,{ANN}\n", "wrong.csv")
    for words, code, hint in (
        ((no_email,), "no-email-column", "--map"),
        ((wrong,), "no-email-in-list", "--map COLUMN=email"),
        (("missing.csv",), "source-not-found", "missing.csv"),
        (("--email", "ann at example"), "usage", "name@example.com"),
        (("--email", ANN, wrong), "usage", "one of the two"),
        ((), "usage", "one of the two"),
    ):
        ran = people("erase", *words, "--json")
        assert (ran.status, ran.json["error"]["code"]) == (2 if code == "usage" else 1, code)
        is_one_line(ran, hint)
        assert ANN not in ran.err
    assert dump(people.database) == before


def test_a_contact_that_another_program_stored_in_capitals_is_erased(contacts: Contacts) -> None:
    contacts.load(FIRST)
    contacts.database.run("update contacts set email = 'Ann@Example.COM' where contact_id = 1")
    assert contacts("erase", "--email", ANN, "--json").json["deleted"] == 1
    assert list(contacts.database.contacts()) == [BOB]
