"""Errors of drivers become transient or permanent errors that quote no contact."""

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from schemas.errors.warehouse import TransientWarehouseError, WarehouseUnusable
from warehouse.backends.base import Backend
from warehouse.backends.postgres import PostgresBackend
from warehouse.backends.sqlite import SqliteBackend
from warehouse.contacts.suppressions import load_suppressions
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.errors import RETRY_DELAYS
from warehouse.import_list.entries import get_latest_day
from warehouse.import_list.repeats import find_repeated_import

CONTACT = "ann@example.org"
POSTGRES = PostgresBackend(make_url("postgresql://host/crm"), None)
SQLITE = SqliteBackend(make_url("sqlite:///contacts.db"), None)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("insert into t values (:v), (:v)", id="unique violation"),
        pytest.param("insert into t values (:v || repeat('x', 50))", id="too long"),
        pytest.param("select cast(:v as integer)", id="not a number"),
        pytest.param("do $$ begin raise exception 'ann@example.org exists'; end $$", id="raised by a trigger"),
        pytest.param("insert into no_such_table values (:v)", id="no such table"),
    ],
)
def test_an_error_quotes_no_contact(statement: str, postgres_url: str) -> None:
    refused = pytest.raises(WarehouseUnusable)
    with Warehouse.open(postgres_url) as warehouse, refused as caught, warehouse.write_transaction() as connection:
        connection.execute(text("create temporary table t (email varchar(40) unique)"))
        connection.execute(text(statement), {"v": CONTACT} if ":v" in statement else {})
    assert CONTACT not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(psycopg.errors.DeadlockDetected(), id="deadlock"),
        pytest.param(psycopg.errors.SerializationFailure(), id="serialization failure"),
        pytest.param(psycopg.errors.LockNotAvailable(), id="lock timeout"),
        pytest.param(psycopg.errors.CannotConnectNow(), id="starting up"),
        pytest.param(psycopg.errors.AdminShutdown(), id="shutting down"),
        pytest.param(psycopg.errors.TooManyConnections(), id="too many connections"),
        pytest.param(psycopg.OperationalError("the connection is lost"), id="connection lost"),
        pytest.param(psycopg.OperationalError("FATAL:  the database system is starting up"), id="not up yet"),
    ],
)
def test_an_error_that_may_not_occur_again_is_transient(error: Exception) -> None:
    assert isinstance(POSTGRES.as_warehouse_error(error), TransientWarehouseError)


@pytest.mark.parametrize(
    ("backend", "error"),
    [
        pytest.param(
            POSTGRES,
            psycopg.OperationalError('FATAL:  password authentication failed for user "me"'),
            id="password",
        ),
        pytest.param(POSTGRES, psycopg.errors.DiskFull(), id="disk full"),
        pytest.param(POSTGRES, psycopg.errors.ReadOnlySqlTransaction(), id="read only"),
        pytest.param(POSTGRES, psycopg.errors.InsufficientPrivilege(), id="no right"),
        pytest.param(SQLITE, sqlite3.OperationalError("disk I/O error"), id="disk broken"),
    ],
)
def test_an_error_that_would_occur_again_is_permanent(backend: Backend, error: Exception) -> None:
    with pytest.raises(WarehouseUnusable), backend.translate_errors():
        raise error


@pytest.mark.parametrize("warehouse_url", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    ("table", "read"),
    [
        pytest.param("imports", lambda warehouse: get_latest_day(warehouse, "contacts.csv"), id="latest day"),
        pytest.param(
            "imports",
            lambda warehouse: find_repeated_import(warehouse, names=["contacts.csv"], fingerprint="f", sha256="s"),
            id="repeated import",
        ),
        pytest.param("suppressions", load_suppressions, id="suppressions"),
    ],
)
def test_a_short_read_that_cannot_lock_its_table_is_repeated(
    warehouse: Warehouse, postgres_url: str, table: str, read: Callable[[Warehouse], Any]
) -> None:
    create_tables(warehouse)
    options = f"{'&' if '?' in postgres_url else '?'}options=-c%20lock_timeout%3D50ms"
    with (
        psycopg.connect(postgres_url) as other,
        Warehouse.open(postgres_url + options, warehouse.schema) as impatient,
    ):
        other.execute(f"lock table {warehouse.schema}.{table} in access exclusive mode".encode())
        release = threading.Timer(RETRY_DELAYS[0] / 2, other.rollback)
        release.start()
        assert read(impatient) is None
        release.join()
