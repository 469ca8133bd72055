"""The journal has what an import found and wrote, in the fields that it changed, and nothing else."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import column, insert, select, table

from schemas.catalogue import FieldCatalogue
from tests.warehouse.conftest import NOON, Importer, on_postgres
from warehouse.backends.postgres import PostgresBackend
from warehouse.database.migrations import migrate
from warehouse.import_list.entries import get_import
from warehouse.merge.journal import prune_journals
from warehouse.tables import WarehouseTables, after, before

ANN, BOB, CID = "ann@example.org", "bob@example.org", "cid@example.org"
COLUMNS = ("import_id", "contact_id", "email", "field", "before", "after")


def changed_cells(importer: Importer) -> list[tuple[Any, ...]]:
    """The view as any SQL client reads it."""
    view = table("contact_changes", *(column(name) for name in COLUMNS), schema=importer.warehouse.schema)
    with importer.warehouse.read_transaction() as connection:
        rows = connection.execute(select(view).order_by(view.c.import_id, view.c.contact_id, view.c.field))
        return [tuple(row) for row in rows]


def journal_rows(importer: Importer) -> int:
    journal = WarehouseTables(importer.warehouse.schema).journal
    with importer.warehouse.read_transaction() as connection:
        return len(connection.execute(select(journal.c.contact_id)).all())


def test_the_journal_has_the_changed_fields_of_the_changed_contacts(importer: Importer) -> None:
    importer([{"email": ANN, "name": "Ann", "order": "1"}, {"email": BOB, "points": 5}])
    rows: list[dict[str, Any]] = [
        {"email": ANN, "name": "Anna", "order": "1", "birthdate": date(1990, 1, 2), "spent": 12.5},
        {"email": BOB, "points": 5, "vip": True},
        {"email": CID, "name": "Cid"},
    ]
    assert importer(rows).counts.updated == 2
    importer([{"email": ANN}], fields=["name"], blanks="clear")
    assert changed_cells(importer) == [
        (2, 1, ANN, "birthdate", None, "1990-01-02"),
        (2, 1, ANN, "name", "Ann", "Anna"),
        (2, 1, ANN, "spent", None, "12.5"),
        (2, 2, BOB, "vip", None, "true"),
        (3, 1, ANN, "name", "Anna", None),
    ]
    assert [get_import(importer.warehouse, number)["journalled"] for number in (1, 2, 3)] == [0, 2, 1]


@on_postgres
def test_before_postgresql_18_the_journal_is_the_same(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PostgresBackend, "returns_old_values", lambda *_: False)
    test_the_journal_has_the_changed_fields_of_the_changed_contacts(importer)


def test_the_journal_has_when_and_by_what_a_contact_was_updated_before(importer: Importer) -> None:
    importer([{"email": ANN, "name": "Ann"}])
    importer([{"email": ANN, "name": "Anna"}])
    importer([{"email": ANN, "name": "Anne"}])
    journal = WarehouseTables(importer.warehouse.schema).journal.c
    with importer.warehouse.read_transaction() as connection:
        query = select(journal[before("updated_by_import")], journal[after("updated_by_import")], journal.action)
        rows = connection.execute(query.order_by(journal.import_id)).all()
    assert [tuple(row) for row in rows] == [(None, 2, "updated"), (2, 3, "updated")]


def test_a_first_import_and_an_unchanged_night_write_no_journal(importer: Importer) -> None:
    rows = [{"email": ANN, "name": "Ann"}]
    importer(rows)
    importer(rows)
    importer([{"email": ANN, "name": "Anna"}], "fill-empty")
    importer([{"email": ANN, "name": "Anna"}], "insert-only")
    assert journal_rows(importer) == 0


def test_an_import_without_a_journal_has_none(importer: Importer) -> None:
    importer([{"email": ANN, "name": "Ann"}])
    assert importer([{"email": ANN, "name": "Anna"}], journal=False).counts.updated == 1
    assert journal_rows(importer) == 0
    assert get_import(importer.warehouse, 2)["journalled"] is None


def test_older_journals_are_pruned(importer: Importer) -> None:
    importer([{"email": ANN, "name": "Ann"}])
    importer([{"email": ANN, "name": "Anna"}])
    assert prune_journals(importer.warehouse, NOON) == 0
    assert journal_rows(importer) == 1
    assert prune_journals(importer.warehouse, NOON + timedelta(seconds=1)) == 2
    assert prune_journals(importer.warehouse, NOON + timedelta(seconds=1)) == 0
    assert journal_rows(importer) == 0
    assert get_import(importer.warehouse, 2)["journalled"] is None


@on_postgres
def test_many_journals_are_pruned_at_once(importer: Importer) -> None:
    """More than PostgreSQL takes parameters."""
    imports = WarehouseTables(importer.warehouse.schema).imports
    values = {"source": "a.csv", "merge_policy": "overwrite", "status": "completed", "journalled": 0}
    row = {**values, "started_at": NOON, "finished_at": NOON}
    with importer.warehouse.write_transaction() as connection:
        connection.execute(insert(imports), [row] * 66_000)
    assert prune_journals(importer.warehouse, NOON + timedelta(seconds=1)) == 66_000


@pytest.mark.parametrize("length", [55, 56, 57, 63])
def test_fields_with_long_names_have_their_own_columns(importer: Importer, length: int) -> None:
    names = [f"{'x' * (length - 1)}{letter}" for letter in "ab"]
    fields = [{"id": name, "type": "text"} for name in names]
    catalogue = FieldCatalogue.model_validate({"fields": [{"id": "email", "type": "email", "identity": True}, *fields]})
    for _ in range(2):
        migrate(importer.warehouse, catalogue)
    long = Importer(importer.warehouse, catalogue, importer.folder)
    long([{"email": ANN, names[0]: "1", names[1]: "2"}])
    long([{"email": ANN, names[0]: "3", names[1]: "4"}])
    assert [cells[3:] for cells in changed_cells(long)] == [(names[0], "1", "3"), (names[1], "2", "4")]


def test_a_field_that_the_catalogue_gets_later_is_in_the_view(importer: Importer) -> None:
    importer([{"email": ANN, "name": "Ann"}])
    more = {"id": "city", "type": "text"}
    fields = [*(field.model_dump() for field in importer.catalogue.fields), more]
    catalogue = FieldCatalogue.model_validate({"fields": fields})
    migrate(importer.warehouse, catalogue)
    Importer(importer.warehouse, catalogue, importer.folder)([{"email": ANN, "city": "Vic"}])
    assert changed_cells(importer) == [(2, 1, ANN, "city", None, "Vic")]


def test_an_empty_text_counts_as_empty_in_the_journal(importer: Importer) -> None:
    contacts = WarehouseTables(importer.warehouse.schema, importer.catalogue.fields).contacts
    row = {"email": ANN, "name": "", "created_at": NOON, "updated_at": NOON, "created_by_import": 0}
    with importer.warehouse.write_transaction() as connection:
        connection.execute(insert(contacts).values(row))
    importer([{"email": ANN, "name": "Ann"}])
    assert changed_cells(importer) == [(1, 1, ANN, "name", None, "Ann")]
