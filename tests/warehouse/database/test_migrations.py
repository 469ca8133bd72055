"""Migrations add tables and columns, and remove nothing."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import inspect, text

from schemas.catalogue import FieldCatalogue, load_catalogue
from schemas.errors.warehouse import FieldTypeChanged, WarehouseUnusable
from tests.warehouse.conftest import on_postgres
from warehouse.contacts.segments import list_segments
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables, migrate
from warehouse.database.stored_fields import stored_fields
from warehouse.import_list.entries import get_last_row_count, list_imports, start_import
from warehouse.tables import WarehouseTables

EMAIL = {"id": "email", "type": "email", "identity": True}


def catalogue(**types: str) -> FieldCatalogue:
    fields: list[dict[str, Any]] = [EMAIL, *({"id": id, "type": type} for id, type in types.items())]
    return FieldCatalogue.model_validate({"fields": fields})


def consent_catalogue(*consent: str) -> FieldCatalogue:
    field = {"id": "ads", "type": "radio", "options": consent or ("no", "yes"), "consent": consent}
    return FieldCatalogue.model_validate({"fields": [EMAIL, field]})


def columns(warehouse: Warehouse) -> set[str]:
    with warehouse.read_transaction() as connection:
        return {column["name"] for column in inspect(connection).get_columns("contacts", warehouse.schema)}


OWN = {"contact_id", "email", "created_at", "updated_at", "created_by_import", "updated_by_import"}


def test_the_built_in_catalogue_gets_its_columns(warehouse: Warehouse) -> None:
    migrate(warehouse, load_catalogue())
    assert columns(warehouse) == OWN | set(load_catalogue().ids)


def test_the_import_list_needs_no_catalogue(warehouse: Warehouse) -> None:
    create_tables(warehouse)
    create_tables(warehouse)
    assert list_imports(warehouse) == []


def test_a_new_field_gets_a_column_and_a_removed_one_keeps_it(warehouse: Warehouse) -> None:
    migrate(warehouse, catalogue(name="text", points="integer"))
    migrate(warehouse, catalogue(name="text", order="date"))
    assert columns(warehouse) == OWN | {"name", "points", "order"}


def test_the_consent_list_of_a_field_is_that_of_the_last_catalogue_with_it(warehouse: Warehouse) -> None:
    def stored() -> tuple[str, ...]:
        with warehouse.read_transaction() as connection:
            [field] = stored_fields(connection, warehouse.schema)
        return field.consent

    migrate(warehouse, consent_catalogue("no", "yes"))
    assert stored() == ("no", "yes")
    migrate(warehouse, consent_catalogue("yes", "maybe", "no"))
    migrate(warehouse, catalogue())
    assert stored() == ("yes", "maybe", "no")
    migrate(warehouse, consent_catalogue())
    assert stored() == ()


def test_an_older_warehouse_gets_its_columns_before_its_contacts(warehouse: Warehouse) -> None:
    """On PostgreSQL the first import creates the contacts, and it may have failed."""
    migrate(warehouse, consent_catalogue("no", "yes"), contacts=False)
    with warehouse.write_transaction() as connection:
        connection.execute(text(f"alter table {warehouse.schema or 'main'}.contact_fields drop column consent"))
    create_tables(warehouse)
    assert columns(warehouse) == OWN | {"ads"}


def test_a_warehouse_of_an_older_release_gets_the_columns_that_are_new(warehouse: Warehouse) -> None:
    """Its imports do not change and are listed with new ones."""
    create_tables(warehouse)
    old = start_import(warehouse, source="old.csv", merge_policy="overwrite", started_at=datetime.now(UTC))
    with warehouse.write_transaction() as connection:
        connection.execute(text(f"alter table {warehouse.schema or 'main'}.imports drop column retry_of"))
        connection.execute(text(f"alter table {warehouse.schema or 'main'}.imports drop column series"))
        connection.execute(text(f"update {warehouse.schema or 'main'}.imports set status = 'completed', read = 7"))
        connection.execute(text(f"drop table {warehouse.schema or 'main'}.segments"))
    create_tables(warehouse)
    new = start_import(
        warehouse, source="new.csv", merge_policy="overwrite", started_at=datetime.now(UTC), retry_of=old
    )
    assert [(row["source"], row["retry_of"]) for row in list_imports(warehouse)] == [
        ("new.csv", old),
        ("old.csv", None),
    ]
    assert (get_last_row_count(warehouse, "old.csv"), get_last_row_count(warehouse, "new.csv")) == (7, None)
    assert new == old + 1
    assert list_segments(warehouse) == []


@pytest.mark.parametrize("between", [(), ({},)], ids=["at once", "after it was removed"])
def test_a_changed_type_is_refused_and_adds_nothing(warehouse: Warehouse, between: tuple[dict[str, str], ...]) -> None:
    for types in ({"points": "integer"}, *between):
        migrate(warehouse, catalogue(**types))
    with pytest.raises(FieldTypeChanged) as caught:
        migrate(warehouse, catalogue(name="text", points="decimal"))
    assert (caught.value.field, caught.value.stored, caught.value.wanted) == ("points", "integer", "decimal")
    assert "name" not in columns(warehouse)


@pytest.mark.parametrize(("type", "fits"), [("varchar(80)", True), ("integer", False)])
def test_an_existing_column_is_used_if_its_type_fits(warehouse: Warehouse, type: str, fits: bool) -> None:
    migrate(warehouse, catalogue())
    with warehouse.write_transaction() as connection:
        connection.execute(text(f"alter table {warehouse.schema or 'main'}.contacts add column name {type}"))
    if fits:
        migrate(warehouse, catalogue(name="text"))
    else:
        with pytest.raises(WarehouseUnusable, match="of another type"):
            migrate(warehouse, catalogue(name="text"))


def test_several_processes_can_migrate_at_once(open_warehouse: Callable[[], Warehouse]) -> None:
    warehouses = [open_warehouse() for _ in range(4)]
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(warehouses))

    def run(warehouse: Warehouse) -> None:
        barrier.wait()
        try:
            migrate(warehouse, load_catalogue())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[warehouse]) for warehouse in warehouses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@on_postgres
def test_a_new_field_waits_for_a_merge(
    open_warehouse: Callable[[], Warehouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits as long as other imports do, and not the second that it waits for queries."""
    monkeypatch.setattr("warehouse.errors.RETRY_DELAYS", ())
    one, other = open_warehouse(), open_warehouse()
    migrate(one, catalogue())
    migrating = threading.Thread(target=migrate, args=[other, catalogue(name="text")])
    with one.write_transaction() as connection:
        one.backend.lock_tables(connection, WarehouseTables(one.schema).contacts)
        migrating.start()
        migrating.join(2)
    migrating.join()
    assert "name" in columns(one)


def test_migrating_a_complete_warehouse_does_not_lock_it(open_warehouse: Callable[[], Warehouse]) -> None:
    one, other = open_warehouse(), open_warehouse()
    migrate(one, load_catalogue())
    with one.write_transaction() as connection:
        connection.execute(text(f"delete from {one.schema or 'main'}.contacts"))
        migrate(other, load_catalogue())
