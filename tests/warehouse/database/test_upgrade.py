"""A warehouse that release 0.1.0 made gets the new tables and columns by itself, and keeps its contacts.

The files in `release_0_1` are dumps of it: two contacts, then an update with a new contact and a segment.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import inspect

from schemas.catalogue import load_catalogue
from tests.warehouse.conftest import Importer
from warehouse.contacts.segments import list_segments
from warehouse.contacts.suppressions import load_suppressions
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.import_list.entries import get_import, list_imports
from warehouse.merge.change_list import import_changes
from warehouse.removal.delete import delete_contacts
from warehouse.removal.erase import erase_people
from warehouse.removal.suppress import suppress_addresses
from warehouse.undo.undo import undo_import

DUMPS = Path(__file__).with_name("release_0_1")


@pytest.fixture
def old_warehouse(
    warehouse_url: str, warehouse_schema: str | None, open_warehouse: Callable[[], Warehouse]
) -> Warehouse:
    """A warehouse of release 0.1.0."""
    if warehouse_schema is None:
        file = sqlite3.connect(warehouse_url.removeprefix("sqlite:///"))
        file.executescript((DUMPS / "sqlite.sql").read_text())
        file.close()
    else:
        dump = (DUMPS / "postgres.sql").read_text().replace("release_0_1", warehouse_schema)
        with psycopg.connect(warehouse_url, autocommit=True) as server:
            server.execute(f"create schema {warehouse_schema}; {dump}".encode())
    return open_warehouse()


def test_an_old_warehouse_is_upgraded_by_the_next_import(old_warehouse: Warehouse, tmp_path: Path) -> None:
    catalogue = load_catalogue()
    for _ in range(2):
        migrate(old_warehouse, catalogue)
    people = Importer(old_warehouse, catalogue, tmp_path)
    before = people.contacts()
    assert [contact["name"] for contact in before] == ["Anna", "Bob", "Cid"]
    people([{"email": "bob@example.com", "name": "Rob"}], fields=["name"])
    assert [contact["name"] for contact in people.contacts()] == ["Anna", "Rob", "Cid"]
    assert [segment["members"] for segment in list_segments(old_warehouse)] == [2]
    assert [row["import_id"] for row in list_imports(old_warehouse)] == [3, 2, 1]
    assert [get_import(old_warehouse, number)["journalled"] for number in (1, 2, 3)] == [None, None, 1]
    with old_warehouse.read_transaction() as connection:
        assert inspect(connection).get_view_names(old_warehouse.schema) == ["contact_changes"]


def test_an_old_warehouse_can_delete_and_suppress(old_warehouse: Warehouse) -> None:
    assert load_suppressions(old_warehouse) is None
    batch = pa.RecordBatch.from_pydict({"email": ["bob@example.com", "zoe@example.com"]})
    deleted = delete_contacts(old_warehouse, source="delete of list.csv", emails=[batch])
    assert (deleted["import_id"], deleted["deleted"]) == (3, 1)
    assert undo_import(old_warehouse, 3, load_catalogue())["contacts"]["reinserted"] == 1
    suppress_addresses(old_warehouse, [batch], reason="complaint")
    suppressed = load_suppressions(old_warehouse)
    assert suppressed is not None
    assert suppressed.contain(["bob@example.com", "ann@example.com"]).tolist() == [True, False]


def test_an_old_warehouse_shows_changes_and_erases_people(old_warehouse: Warehouse, tmp_path: Path) -> None:
    """On PostgreSQL its emails have another collation than those of a new warehouse."""
    catalogue = load_catalogue()
    migrate(old_warehouse, catalogue)
    people = Importer(old_warehouse, catalogue, tmp_path)
    people([{"email": "bob@example.com", "name": "Rob"}, {"email": "dan@example.com", "name": "Dan"}], fields=["name"])
    changed = [(change.email, change.field) for change in import_changes(old_warehouse, 3, catalogue)]
    assert changed == [("bob@example.com", "name"), ("dan@example.com", None)]
    batch = pa.RecordBatch.from_pydict({"email": ["bob@example.com"]})
    assert erase_people(old_warehouse, [batch], lambda *_: []).report["deleted"] == 1
    assert [contact["name"] for contact in people.contacts()] == ["Anna", "Cid", "Dan"]
