"""`contacts delete`, as a person or a script uses it."""

from pathlib import Path

import pytest

from tests.flows.conftest import Contacts, is_one_line
from warehouse.contacts.segments import create_segment
from warehouse.database.connection import Warehouse

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
PEOPLE = "email,name\nann@example.com,Ann\nbob@example.com,Bob\ncid@example.com,Cid\n"


@pytest.fixture
def people(contacts: Contacts) -> Contacts:
    with Warehouse.open(contacts.database.url, contacts.database.schema) as warehouse:
        from warehouse.database.migrations import create_tables

        create_tables(warehouse)
        create_segment(warehouse, "vip")
    contacts.load(PEOPLE, "--segment", "vip")
    return contacts


def emails(people: Contacts) -> list[str]:
    return sorted(people.database.contacts())


def test_a_list_is_read_like_an_import_and_its_other_cells_do_not_matter(people: Contacts) -> None:
    text = "id;Correo;Phone\n1; ANN@example.com ;not a phone\n2;nobody@example.com;\n3;no address;+34651234567\n"
    file = people.file(text.encode("utf-16"), "left.csv")
    planned = people("delete", file, "--dry-run", "--json")
    assert planned.json == {"import_id": None, "status": "planned", "found": 1, "deleted": 1, "members": 1}
    assert "1 of 3 rows have no valid email, the first on line 4" in planned.err
    assert "no address" not in planned.err
    assert len(emails(people)) == 3
    done = people("delete", file, "--json")
    assert done.json == {"import_id": 2, "status": "completed", "found": 1, "deleted": 1, "members": 1}
    assert emails(people) == ["bob@example.com", "cid@example.com"]
    assert people("imports", "2", "--json").json == done.json
    assert "contacts undo 2" in people("imports", "2").out
    assert "delete of " in people("imports").out
    retry = people("import", file, "--retry-of", "2", "--json").json
    assert (retry["status"], retry["error"]["code"]) == ("failed", "import-not-completed")
    assert people("undo", "2").status == 0
    assert len(emails(people)) == 3


def test_a_segment_is_deleted_with_the_number_of_the_dry_run(people: Contacts) -> None:
    planned = people("delete", "--segment", "vip", "--dry-run").out
    assert "3 contacts with 3 memberships would be deleted" in planned
    assert "the same command with --expect 3 instead of --dry-run" in planned
    wrong = people("delete", "--segment", "vip", "--expect", "2", "--json")
    assert (wrong.status, wrong.json["error"]["code"]) == (1, "other-number-of-contacts")
    assert "--expect 3" in wrong.json["error"]["message"]
    assert len(emails(people)) == 3
    assert "contacts undo 2" in people("delete", "--segment", "vip", "--expect", "3").out
    assert emails(people) == []
    assert "0" in people("segments", "list").out


def test_a_list_may_name_its_column(people: Contacts) -> None:
    file = people.file("Client,ann@example.com\nBob,bob@example.com\n", "left.csv")
    assert people("delete", file, "--no-header", "--map", "column_2=email", "--json").json["deleted"] == 2


@one_warehouse
def test_bad_input_is_one_line_and_deletes_nothing(people: Contacts) -> None:
    no_email = people.file("name,city\nAnn,Vic\n", "no_email.csv")
    wrong = people.file("email,name\nAnn,ann@example.com\n", "wrong.csv")
    empty = people.file("email\n", "empty.csv")
    for words, code, hint in (
        ((no_email,), "no-email-column", "--map"),
        ((wrong,), "no-email-in-list", "--map COLUMN=email"),
        ((empty,), "no-email-in-list", "--map COLUMN=email"),
        (("missing.csv",), "source-not-found", "missing.csv"),
        (("--segment", "none", "--expect", "1"), "unknown-segment", "vip"),
        (("--segment", "vip"), "usage", "--expect"),
        (("--segment", "vip", wrong), "usage", "one of the two"),
        ((), "usage", "one of the two"),
    ):
        ran = people("delete", *words, "--json")
        assert (ran.status, ran.json["error"]["code"]) == (2 if code == "usage" else 1, code)
        is_one_line(ran, hint)
        assert "ann@example.com" not in ran.err
    assert len(emails(people)) == 3
    assert len(people.database.imports()) == 1


@one_warehouse
def test_a_warehouse_that_does_not_exist_is_not_created(command: Contacts) -> None:
    file = command.file(PEOPLE)
    is_one_line(command("delete", file), "warehouse")
    is_one_line(command("suppressions", "add", file, "--dry-run"), "warehouse")
    assert not Path(command.database.url.removeprefix("sqlite:///")).exists()
