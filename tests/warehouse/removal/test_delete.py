"""A delete removes contacts with their memberships, and an undo brings them back under their old numbers."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import select, update

from schemas.errors.changes import JournalGone, OtherNumberOfContacts
from schemas.errors.request import UnknownSegment
from tests.warehouse.conftest import Importer
from warehouse.contacts.segments import create_segment
from warehouse.contacts.suppressions import remove_suppression
from warehouse.import_list.entries import get_import, list_imports
from warehouse.merge.change_list import Change, import_changes
from warehouse.removal.delete import delete_contacts
from warehouse.removal.suppress import suppress_addresses
from warehouse.tables import WarehouseTables
from warehouse.undo.undo import undo_import

ANN, BOB, CID, DAN = "ann@example.org", "bob@example.org", "cid@example.org", "dan@example.org"


@pytest.fixture
def people(importer: Importer) -> Importer:
    """Ann and Bob are members; Ann was updated since."""
    create_segment(importer.warehouse, "vip")
    importer([{"email": ANN, "name": "Ann"}, {"email": BOB, "spent": 1.5}], segment="vip")
    importer([{"email": ANN, "name": "Anna", "points": 3}, {"email": CID, "vip": True}])
    return importer


def delete(people: Importer, emails: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    batches = [pa.RecordBatch.from_pydict({"email": [email]}) for email in emails]
    return delete_contacts(people.warehouse, source="delete of list.csv", emails=batches, **more)


def undo(people: Importer, number: int) -> dict[str, Any]:
    report = undo_import(people.warehouse, number, people.catalogue)
    return {name: {key: n for key, n in report[name].items() if n} for name in ("contacts", "members", "kept")}


def members(people: Importer) -> list[tuple[Any, ...]]:
    table = WarehouseTables(people.warehouse.schema).segment_members
    with people.warehouse.read_transaction() as connection:
        return [tuple(row) for row in connection.execute(select(table).order_by(table.c.contact_id))]


def emails_of(people: Importer) -> list[str]:
    return [contact["email"] for contact in people.contacts()]


def test_listed_contacts_are_deleted_once_with_their_memberships(people: Importer) -> None:
    planned = delete(people, [ANN, DAN, ANN], dry_run=True)
    assert planned == {"import_id": None, "status": "planned", "found": 1, "deleted": 1, "members": 1}
    assert len(emails_of(people)) == 3
    assert len(list_imports(people.warehouse)) == 2

    report = delete(people, [ANN, DAN, ANN])
    assert report == {**planned, "import_id": 3, "status": "completed"}
    assert emails_of(people) == [BOB, CID]
    assert members(people) == [("vip", 2, 1)]
    entry = get_import(people.warehouse, 3)
    assert (entry["source"], entry["merge_policy"], entry["status"]) == ("delete of list.csv", "delete", "completed")
    assert (entry["journalled"], entry["report"]) == (1, report)
    assert [(each.email, each.kind) for each in import_changes(people.warehouse, 3, people.catalogue)] == [
        (ANN, "deleted")
    ]


def test_a_delete_is_undone_and_done_again_as_often_as_wanted(people: Importer) -> None:
    before, memberships = people.contacts(), members(people)
    delete(people, [ANN, BOB])
    for number in (3, 5):
        assert undo(people, number) == {"contacts": {"reinserted": 2}, "members": {"added": 2}, "kept": {}}
        assert people.contacts() == before
        assert members(people) == memberships
        assert undo(people, number + 1) == {"contacts": {"deleted": 2}, "members": {"removed": 2}, "kept": {}}
        assert emails_of(people) == [CID]
        assert members(people) == []


def test_a_contact_that_changed_since_its_delete_was_undone_is_not_deleted_again(people: Importer) -> None:
    delete(people, [ANN, BOB])
    undo(people, 3)
    people([{"email": ANN, "name": "Anne"}])
    assert undo(people, 4)["contacts"] == {"deleted": 1, "kept": 1}
    assert emails_of(people) == [ANN, CID]


def test_a_deleted_contact_that_was_imported_again_is_not_inserted_twice(people: Importer) -> None:
    delete(people, [ANN, BOB])
    people([{"email": ANN}])
    assert undo(people, 3) == {
        "contacts": {"reinserted": 1, "kept": 1},
        "members": {"added": 1},
        "kept": {"email-taken": 1},
    }


def test_an_import_can_be_undone_after_one_of_its_contacts_was_deleted(people: Importer) -> None:
    delete(people, [CID])
    assert undo(people, 2)["contacts"] == {"restored": 1, "gone": 1}


def test_the_members_of_a_segment_are_deleted_if_they_are_as_many_as_expected(people: Importer) -> None:
    before = people.contacts()
    assert delete(people, segment="vip", dry_run=True)["found"] == 2
    for dry_run in (False, True):
        with pytest.raises(OtherNumberOfContacts, match="2 contacts would be deleted, not 3"):
            delete(people, segment="vip", expected=3, dry_run=dry_run)
        with pytest.raises(UnknownSegment, match="vip"):
            delete(people, segment="none", expected=0, dry_run=dry_run)
    assert people.contacts() == before
    assert len(list_imports(people.warehouse)) == 2
    assert delete(people, segment="vip", expected=2)["deleted"] == 2
    assert emails_of(people) == [CID]
    undo(people, 3)
    assert people.contacts() == before


def test_an_undo_does_not_insert_a_suppressed_address_again(people: Importer) -> None:
    delete(people, [ANN, BOB])
    batch = pa.RecordBatch.from_pydict({"email": [ANN, DAN]})
    suppress_addresses(people.warehouse, [batch], reason="complaint")
    changes: list[Change] = []
    undo_import(people.warehouse, 3, people.catalogue, dry_run=True, use_changes=changes.extend)
    assert [(each.email, each.kind) for each in changes] == [(ANN, "kept-suppressed"), (BOB, "inserted")]
    assert undo(people, 3) == {
        "contacts": {"reinserted": 1, "kept": 1},
        "members": {"added": 1},
        "kept": {"suppressed": 1},
    }
    assert emails_of(people) == [BOB, CID]
    remove_suppression(people.warehouse, ANN, dry_run=False)
    undo(people, 4)
    undo(people, 3)
    assert emails_of(people) == [ANN, BOB, CID]


def test_a_suppressed_address_that_another_program_stored_in_capitals_stays_out(people: Importer) -> None:
    contacts = WarehouseTables(people.warehouse.schema).contacts
    with people.warehouse.write_transaction() as connection:
        connection.execute(update(contacts).where(contacts.c.email == ANN).values(email="Ann@Example.org"))
    delete(people, [ANN])
    suppress_addresses(people.warehouse, [pa.RecordBatch.from_pydict({"email": [ANN]})], reason="complaint")
    assert undo(people, 3)["kept"] == {"suppressed": 1}


def test_without_a_journal_a_delete_cannot_be_undone(people: Importer) -> None:
    delete(people, [ANN], journal=False)
    assert get_import(people.warehouse, 3)["journalled"] is None
    with pytest.raises(JournalGone):
        undo(people, 3)
    assert emails_of(people) == [BOB, CID]
