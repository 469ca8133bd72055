"""A PostgreSQL role needs a schema of its own and nothing else, as docs/security.md says."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from schemas.catalogue import FieldCatalogue
from schemas.errors.warehouse import WarehouseUnusable
from tests.warehouse.conftest import Importer
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate

DOCS = Path(__file__).parents[3] / "docs" / "security.md"


@pytest.fixture
def role(postgres_url: str) -> Iterator[tuple[str, str]]:
    """A role created by the statements of the docs, in a database without public rights; its URL and name."""
    name, database = f"importer_{uuid.uuid4().hex[:8]}", f"own_{uuid.uuid4().hex[:8]}"
    [block] = re.findall(r"```sql\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    statements = block.replace("contacts_importer", name).replace("crm", database)
    address = make_url(postgres_url).set(database=database)
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"create database {database}".encode())
    try:
        with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as owner:
            owner.execute(statements.encode())
            owner.execute(b"create schema others; create table others.secret (x int); create table public.mine (x int)")
        own = address.set(username=name, password="choose-one")
        yield own.render_as_string(hide_password=False), name
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute(f"drop database if exists {database} with (force)".encode())
            server.execute(f"drop role if exists {name}".encode())


def import_one(address: str, catalogue: FieldCatalogue, folder: Path) -> int:
    """Create the tables and import a contact; gives the number of inserted ones."""
    with Warehouse.open(address, "contacts") as warehouse:
        migrate(warehouse, catalogue, contacts=False)
        return Importer(warehouse, catalogue, folder)([{"email": "a@example.com", "name": "Ann"}]).counts.inserted


def test_an_import_needs_no_more_than_the_docs_grant(
    role: tuple[str, str], small_catalogue: FieldCatalogue, tmp_path: Path
) -> None:
    address, _ = role
    assert import_one(address, small_catalogue, tmp_path) == 1
    with psycopg.connect(address, autocommit=True) as connection:
        for forbidden in (
            "select * from others.secret",
            "select * from public.mine",
            "create table public.x (x int)",
            "create temporary table x (x int)",
            "create schema another",
            "create role another",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())


@pytest.mark.parametrize(
    ("ready", "may"),
    [
        pytest.param(False, "", id="another role owns the schema"),
        pytest.param(True, "usage", id="no new tables allowed"),
    ],
)
def test_a_missing_right_is_named_without_the_password(
    ready: bool, may: str, role: tuple[str, str], postgres_url: str, small_catalogue: FieldCatalogue, tmp_path: Path
) -> None:
    address, name = role
    if ready:
        import_one(address, small_catalogue, tmp_path)
    database = make_url(address).database
    owner = make_url(postgres_url).set(database=database).render_as_string(hide_password=False)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(b"alter schema contacts owner to current_user")
        if may:
            connection.execute(f"grant {may} on schema contacts to {name}".encode())
    with pytest.raises(WarehouseUnusable) as refused:
        import_one(address, small_catalogue, tmp_path)
    assert "permission denied" in str(refused.value)
    assert "choose-one" not in str(refused.value)
