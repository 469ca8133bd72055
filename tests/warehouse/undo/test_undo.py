"""An undo takes back what still is as the import left it, and can be undone itself."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Connection, select, update

from schemas.catalogue import FieldCatalogue
from schemas.errors.changes import AlreadyUndone, JournalGone, NothingChanged
from schemas.errors.request import UnknownImport
from schemas.errors.warehouse import TransientWarehouseError
from tests.warehouse.conftest import NOON, Importer, on_postgres
from tests.warehouse.undo.conftest import ANN, BOB, CATALOGUE, CID, NO_KEPT, counts, edit, members, undo
from warehouse.contacts.segments import create_segment
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import (
    fail_import,
    get_import,
    get_last_row_count,
    get_latest_day,
    list_imports,
    record_landing,
    skip_import,
)
from warehouse.merge.change_list import Change, contact_history, import_changes
from warehouse.merge.journal import prune_journals
from warehouse.removal.delete import delete_contacts
from warehouse.tables import WarehouseTables
from warehouse.undo.undo import undo_import


def test_an_undo_restores_cells_and_deletes_what_was_inserted(people: Importer) -> None:
    create_segment(people.warehouse, "vip")
    people([{"email": ANN, "city": "Vic", "points": 1}, {"email": BOB, "city": "Reus"}])
    before = people.contacts()
    people(
        [{"email": ANN, "city": "Olot", "spent": 1.5, "vip": True}, {"email": CID, "city": "Salt"}],
        segment="vip",
    )
    after = people.contacts()
    report = undo(people, 2)
    assert report == {
        "import_id": 3,
        "undoes": 2,
        "status": "completed",
        "contacts": {"deleted": 1, "restored": 1, "reinserted": 0, "kept": 0, "gone": 0},
        "cells": {"restored": 3, "kept": 0, "gone": 0},
        "members": {"removed": 2, "added": 0},
        "kept": NO_KEPT,
    }
    assert people.contacts() == before
    assert members(people) == []
    row = get_import(people.warehouse, 3)
    assert (row["source"], row["status"], row["undoes"], row["report"]) == (
        "undo of import 2",
        "completed",
        2,
        report,
    )

    redo = undo(people, 3)
    assert counts(redo) == {
        "contacts": {"restored": 1, "reinserted": 1},
        "cells": {"restored": 3},
        "members": {"added": 2},
    }
    assert people.contacts() == after
    assert members(people) == [("vip", 1, 2), ("vip", 3, 2)]

    again = undo(people, 2)
    assert counts(again) == counts(report)
    assert people.contacts() == before
    assert counts(undo(people, 5)) == counts(redo)
    assert people.contacts() == after
    assert counts(undo(people, 6)) == counts(report)  # of the redo itself
    assert people.contacts() == before
    assert members(people) == []


def test_a_dry_run_counts_the_same_and_writes_nothing(people: Importer) -> None:
    create_segment(people.warehouse, "vip")
    people([{"email": ANN, "city": "Vic"}])
    people([{"email": ANN, "city": "Olot"}, {"email": BOB}], segment="vip")
    before, members_before = people.contacts(), members(people)
    planned = undo(people, 2, dry_run=True)
    assert (planned["status"], planned["import_id"], planned["undoes"]) == ("planned", None, 2)
    assert (people.contacts(), members(people), len(list_imports(people.warehouse))) == (before, members_before, 2)
    assert counts(undo(people, 2)) == counts(planned)
    redo = undo(people, 3, dry_run=True)
    assert counts(undo(people, 3)) == counts(redo)


def test_changes_of_a_deleted_contact_still_name_it(people: Importer) -> None:
    people([{"email": email, "city": "Vic"} for email in (ANN, BOB)])
    people([{"email": email, "city": "Olot"} for email in (ANN, BOB)])
    emails = pa.RecordBatch.from_pydict({"email": [BOB]})
    delete_contacts(people.warehouse, source="delete of left.csv", emails=[emails])
    assert [change.email for change in import_changes(people.warehouse, 2, CATALOGUE)] == [ANN, BOB]
    listed: list[Change] = []
    undo(people, 2, use_changes=listed.extend)
    assert [(change.email, change.kind) for change in listed] == [(ANN, "replaced"), (BOB, "gone")]


def test_a_field_with_another_type_in_the_catalogue_is_listed_and_restored_as_stored(people: Importer) -> None:
    people([{"email": ANN, "city": "Vic", "points": 1}])
    people([{"email": ANN, "city": "Olot", "points": 2}])
    types = {"city": "date", "points": "text"}
    fields = [{**each.model_dump(), "type": types.get(each.id, each.type)} for each in CATALOGUE.fields]
    changed = FieldCatalogue.model_validate({"fields": fields})
    history = contact_history(people.warehouse, ANN, changed)
    assert [(each.field, each.before, each.after) for each in history] == [
        ("city", "Vic", "Olot"),
        ("points", "1", "2"),
    ]
    listed: list[Change] = []
    undo_import(people.warehouse, 2, changed, use_changes=listed.extend)
    assert [change.after for change in listed] == ["Vic", "1"]
    assert (people.contacts()[0]["city"], people.contacts()[0]["points"]) == ("Vic", 1)


def test_an_edit_since_the_import_is_not_dated_back(people: Importer) -> None:
    """Otherwise the contact would look unchanged, and an undo of its first import would delete it."""
    people([{"email": ANN, "city": "Vic"}])
    people([{"email": ANN, "city": "Olot"}])
    edit(people, ANN, points=5)
    assert counts(undo(people, 2)) == {"contacts": {"restored": 1}, "cells": {"restored": 1}}
    assert counts(undo(people, 1)) == {"contacts": {"kept": 1}}
    assert people.contacts()[0]["points"] == 5


def test_what_cannot_be_undone_is_an_error_and_changes_nothing(people: Importer) -> None:
    people([{"email": ANN, "city": "Vic"}])
    people([{"email": ANN, "city": "Olot"}], journal=False)
    failed = people.start()
    fail_import(people.warehouse, failed, error_code="x", error_message="y", report={}, finished_at=NOON)
    running = people.start()
    people([{"email": ANN, "city": "Salt"}])
    undone = undo(people, 5)["import_id"]
    before = people.contacts()
    for number, error, hint in (
        (99, UnknownImport, "99"),
        (failed, NothingChanged, "failed"),
        (running, NothingChanged, "when it has ended"),
        (5, AlreadyUndone, f"contacts undo {undone}"),
        (2, JournalGone, "no journal"),
    ):
        for dry_run in (False, True):
            with pytest.raises(error, match=hint):
                undo(people, number, dry_run=dry_run)
    skipped = people.start()
    skip_import(people.warehouse, skipped, repeats=1, report={}, finished_at=NOON)
    for number, hint in ((failed, "failed"), (running, "when it has ended"), (skipped, "import 1 did the same")):
        with pytest.raises(NothingChanged, match=hint):
            list(import_changes(people.warehouse, number, CATALOGUE))
    assert people.contacts() == before
    assert len(list_imports(people.warehouse)) == 7


def test_an_undo_whose_answer_was_lost_is_not_done_twice(people: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    people([{"email": ANN, "city": "Vic"}])
    people([{"email": ANN, "city": "Olot"}])
    commit, lost = Warehouse.write_transaction, ["the answer to the undo"]

    @contextmanager
    def losing_one_answer(warehouse: Warehouse, **more: Any) -> Iterator[Connection]:
        with commit(warehouse, **more) as connection:
            yield connection
        if lost:
            raise TransientWarehouseError("the test", lost.pop())

    monkeypatch.setattr(Warehouse, "write_transaction", losing_one_answer)
    report = undo(people, 2)
    assert not lost
    assert (report["import_id"], report["status"], report["cells"]["restored"]) == (3, "completed", 1)
    assert len(list_imports(people.warehouse)) == 3
    with pytest.raises(AlreadyUndone):
        undo(people, 2)


@on_postgres
def test_a_journal_is_not_pruned_during_its_undo(people: Importer, open_warehouse: Callable[[], Warehouse]) -> None:
    people([{"email": ANN, "city": "Vic"}])
    people([{"email": ANN, "city": "Olot"}])
    with people.warehouse.write_transaction() as connection:
        connection.execute(update(WarehouseTables(people.warehouse.schema).imports).values(finished_at=NOON))
    pruned: list[int] = []
    pruning = threading.Thread(target=lambda: pruned.append(prune_journals(open_warehouse(), NOON + timedelta(days=1))))

    def prune_meanwhile(_: Iterator[Change]) -> None:
        pruning.start()
        pruning.join(1)

    report = undo(people, 2, use_changes=prune_meanwhile)
    pruning.join()
    assert report["cells"]["restored"] == 1
    assert people.contacts()[0]["city"] == "Vic"
    assert pruned == [2]


def test_an_undo_without_a_journal_stores_no_membership(people: Importer) -> None:
    create_segment(people.warehouse, "vip")
    people([{"email": ANN, "city": "Vic"}], segment="vip")
    assert undo(people, 1, journal=False)["members"]["removed"] == 1
    with people.warehouse.read_transaction() as connection:
        assert connection.execute(select(WarehouseTables(people.warehouse.schema).journal_members)).all() == []


def test_of_two_undos_at_once_one_is_done(people: Importer, open_warehouse: Callable[[], Warehouse]) -> None:
    people([{"email": ANN, "city": "Vic"}])
    people([{"email": ANN, "city": "Olot"}])
    done: list[Any] = []
    barrier = threading.Barrier(2)

    def run(warehouse: Warehouse) -> None:
        barrier.wait()
        try:
            done.append(undo_import(warehouse, 2, CATALOGUE)["status"])
        except AlreadyUndone:
            done.append("already undone")

    threads = [threading.Thread(target=run, args=[open_warehouse()]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["already undone", "completed"]
    assert people.contacts()[0]["city"] == "Vic"


@on_postgres
def test_an_undo_outlasts_the_transaction_timeouts_of_the_server(people: Importer, postgres_url: str) -> None:
    people([{"email": ANN, "city": "Vic"}])
    options = "options=-c%20idle_in_transaction_session_timeout%3D200ms%20-c%20transaction_timeout%3D500ms"
    strict = f"{postgres_url}{'&' if '?' in postgres_url else '?'}{options}"
    with Warehouse.open(strict, people.warehouse.schema) as warehouse:
        undo_import(warehouse, 1, CATALOGUE, use_changes=lambda _: time.sleep(0.7))
    assert people.contacts() == []


def test_an_undo_keeps_the_members_of_a_large_segment(people: Importer) -> None:
    """No index finds the segments of a contact: a look for each of them would take minutes."""
    create_segment(people.warehouse, "vip")
    emails = [f"contact-{number}@example.org" for number in range(40_000)]
    people([{"email": email} for email in emails])
    people([{"email": email} for email in emails[:-1]], segment="vip")
    assert counts(undo(people, 1))["contacts"] == {"deleted": 1, "kept": len(emails) - 1}


def test_an_undone_import_has_no_row_count_for_the_next_one(people: Importer) -> None:
    people([{"email": ANN}], report=lambda merged: {"rows": {"read": 7, "accepted": 1, "rejected": 6}})
    assert get_last_row_count(people.warehouse, "contacts.csv") == 7
    undo(people, 1)
    assert get_last_row_count(people.warehouse, "contacts.csv") is None
    undo(people, 2)
    assert get_last_row_count(people.warehouse, "contacts.csv") == 7


def test_the_day_of_an_undone_import_does_not_count_for_the_order_of_days(people: Importer) -> None:
    for day in (date(2026, 3, 1), date(2026, 3, 2)):
        number = people.start()
        record_landing(people.warehouse, number, sha256="", source_day=day)
        with people.staging(number) as staging:
            staging.add(people.write([{"email": ANN, "city": str(day)}]))
            staging.ensure_staged()
            people.load(staging, 1)
    assert get_latest_day(people.warehouse, "contacts.csv") == (2, date(2026, 3, 2))
    undo(people, 2)
    assert get_latest_day(people.warehouse, "contacts.csv") == (1, date(2026, 3, 1))
    undo(people, 3)
    assert get_latest_day(people.warehouse, "contacts.csv") == (2, date(2026, 3, 2))


def test_fields_that_the_catalogue_no_longer_has_are_restored_too(people: Importer) -> None:
    people([{"email": ANN, "city": "Vic", "points": 1}])
    people([{"email": ANN, "city": "Olot", "points": 2}])
    small = FieldCatalogue.model_validate({"fields": [{"id": "email", "type": "email", "identity": True}]})
    undo_import(people.warehouse, 2, small)
    assert (people.contacts()[0]["city"], people.contacts()[0]["points"]) == ("Vic", 1)
