"""Imports into a warehouse with one catalogue, undos of them, and edits by another program."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from schemas.catalogue import FieldCatalogue
from tests.warehouse.conftest import NOON, Importer
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.tables import WarehouseTables
from warehouse.undo.undo import undo_import

ANN, BOB, CID = "ann@example.org", "bob@example.org", "cid@example.org"
CONSENT = ("none", "subscribed", "unsubscribed")
CATALOGUE = FieldCatalogue.model_validate(
    {
        "fields": [
            {"id": "email", "type": "email", "identity": True},
            {"id": "city", "type": "text"},
            {"id": "points", "type": "integer"},
            {"id": "spent", "type": "decimal"},
            {"id": "born", "type": "date"},
            {"id": "vip", "type": "boolean"},
            {"id": "status", "type": "radio", "options": list(CONSENT), "consent": CONSENT},
        ]
    }
)
NO_KEPT = {"later-import": 0, "edited": 0, "consent": 0, "email-taken": 0, "suppressed": 0}


@pytest.fixture
def people(warehouse: Warehouse, tmp_path: Path) -> Importer:
    migrate(warehouse, CATALOGUE)
    return Importer(warehouse, CATALOGUE, tmp_path)


def undo(people: Importer, number: int, **more: Any) -> dict[str, Any]:
    return undo_import(people.warehouse, number, CATALOGUE, **more)


def edit(people: Importer, email: str, *, sets_updated_at: bool = True, **values: Any) -> None:
    """Another program changes a contact."""
    contacts = WarehouseTables(people.warehouse.schema, CATALOGUE.fields).contacts
    moment = {"updated_at": NOON + timedelta(days=1)} if sets_updated_at else {}
    with people.warehouse.write_transaction() as connection:
        connection.execute(update(contacts).where(contacts.c.email == email).values({**values, **moment}))


def remove(people: Importer, email: str) -> None:
    contacts = WarehouseTables(people.warehouse.schema).contacts
    with people.warehouse.write_transaction() as connection:
        connection.execute(delete(contacts).where(contacts.c.email == email))


def members(people: Importer) -> list[tuple[Any, ...]]:
    table = WarehouseTables(people.warehouse.schema).segment_members
    with people.warehouse.read_transaction() as connection:
        rows = connection.execute(select(table).order_by(table.c.segment_id, table.c.contact_id))
        return [tuple(row) for row in rows]


def counts(report: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The numbers that are not 0."""
    names = ("contacts", "cells", "members", "kept")
    return {name: found for name in names if (found := {key: n for key, n in report[name].items() if n})}
