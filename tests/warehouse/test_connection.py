"""A warehouse is reached, or says why not, without telling a secret."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from schemas.errors.base import TransientWarehouseError, WarehouseUnusable
from warehouse.database import connection
from warehouse.database.connection import Warehouse
from warehouse.errors import as_warehouse_error, translate_driver_errors

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("", "cannot be read", id="nothing"),
        pytest.param("contacts.db", "cannot be read", id="a path"),
        pytest.param(f"postgresql://me:{SECRET}@host:{SECRET}/db", "cannot be read", id="no port"),
        pytest.param(f"postgresql://me:x@{SECRET}@host/db", "%40", id="an @ in the password"),
        pytest.param(f"mysql://me:{SECRET}@host/db", "not supported", id="mysql"),
        pytest.param(f"nosuch://me:{SECRET}@host/db", "kind|cannot be", id="no such dialect"),
        pytest.param("sqlite://", "names no file", id="memory"),
        pytest.param("sqlite:///:memory:", "names no file", id="memory, named"),
        pytest.param("sqlite:///{tmp}", "is a folder", id="a folder"),
        pytest.param("sqlite:///{tmp}/a-file/contacts.db", "cannot be made", id="a folder below a file"),
        pytest.param("sqlite:///{tmp}/a-file", "not a database", id="no database"),
        pytest.param(f"postgresql://me:{SECRET}@no-such-host.invalid/db", "not known|resolve", id="no such host"),
        pytest.param("postgresql://127.0.0.1/db?nosuch=option", "nosuch", id="no such option"),
    ],
)
def test_an_address_that_will_never_do(url: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("no database " * 100)
    with pytest.raises(WarehouseUnusable, match=says) as caught:
        Warehouse.open(url.format(tmp=tmp_path))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "change", [{"database": "no_such_database"}, {"username": "nobody_we_know"}], ids=["database", "user"]
)
def test_a_server_that_does_not_know_us(change: dict[str, str], postgres_url: str) -> None:
    url = make_url(postgres_url).set(**change)  # type: ignore[arg-type]
    with pytest.raises(WarehouseUnusable, match=next(iter(change.values()))):
        Warehouse.open(url.render_as_string(hide_password=False))


def test_a_server_that_is_away_may_come_back() -> None:
    with pytest.raises(TransientWarehouseError, match="refused"):
        Warehouse.open(f"postgres://me:{SECRET}@127.0.0.1:1/db")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (
            f"postgres://me:{SECRET}@db.example.org:5433/crm?sslpassword={SECRET}",
            "postgresql://db.example.org:5433/crm",
        ),
        (f"postgresql+psycopg2://me:{SECRET}@db/crm", "postgresql://db/crm"),
        ("postgresql:///crm?host=/run/postgres", "postgresql:///run/postgres/crm"),
        ("sqlite:///data/contacts.db", "sqlite:///data/contacts.db"),
    ],
)
def test_the_name_tells_no_secret_and_the_driver_is_ours(url: str, name: str) -> None:
    address = connection._address(url)
    assert connection._name(address) == name
    assert address.drivername in ("postgresql+psycopg", "sqlite")


def test_the_folder_of_a_sqlite_file_is_made_and_readers_go_on_while_one_writes(tmp_path: Path) -> None:
    with Warehouse.open(f"sqlite:///{tmp_path}/a/b/contacts.db") as warehouse, warehouse.write_transaction() as writer:
        writer.execute(text("create table t (x)"))
        with warehouse.read_transaction() as reader:
            assert reader.scalar(text("select count(*) from sqlite_master")) == 0
            assert reader.scalar(text("pragma journal_mode")) == "wal"
            assert reader.scalar(text("pragma foreign_keys")) == 1


def test_a_new_sqlite_file_has_large_pages_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.execute("pragma page_size = 4096")
        old.execute("create table t (x)")
    for name, size in ("new.db", connection.SQLITE_PAGE_BYTES), ("old.db", 4096):
        with Warehouse.open(f"sqlite:///{tmp_path / name}") as warehouse, warehouse.write_transaction() as writer:
            writer.execute(text("create table if not exists t (x)"))
            writer.execute(text("insert into t values (1)"))
            assert writer.scalar(text("pragma page_size")) == size, name


def test_a_block_that_fails_is_undone(warehouse: Warehouse, warehouse_schema: str | None) -> None:
    with warehouse.write_transaction() as connection:
        if warehouse_schema:
            connection.execute(text(f"create schema {warehouse_schema}"))
        connection.execute(text(f"create table {warehouse_schema or 'main'}.t (x int)"))
    with contextlib.suppress(KeyError), warehouse.write_transaction() as connection:
        connection.execute(text(f"insert into {warehouse_schema or 'main'}.t values (1)"))
        raise KeyError
    with warehouse.read_transaction() as connection:
        assert connection.scalar(text(f"select count(*) from {warehouse_schema or 'main'}.t")) == 0


def test_writers_queue_for_a_sqlite_file_and_give_up_as_transient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path / 'contacts.db'}"
    with Warehouse.open(url) as one, Warehouse.open(url) as other, one.write_transaction():
        expected = pytest.raises(TransientWarehouseError, match="locked")
        with expected, other.write_transaction():
            pass


def test_many_may_open_a_new_sqlite_file_at_once(tmp_path: Path) -> None:
    troubles: list[BaseException] = []

    def run() -> None:
        try:
            Warehouse.open(f"sqlite:///{tmp_path / 'contacts.db'}").close()
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []


CONTACT = "ann@example.org"
BREACHES = [
    pytest.param("insert into t values (:v), (:v)", id="unique violation"),
    pytest.param("insert into t values (:v || repeat('x', 50))", id="too long"),
    pytest.param("select cast(:v as integer)", id="not a number"),
    pytest.param("do $$ begin raise exception 'ann@example.org is in the way'; end $$", id="raised by a trigger"),
    pytest.param("insert into no_such_table values (:v)", id="no such table"),
]


@pytest.mark.parametrize("statement", BREACHES)
def test_no_contact_is_quoted_in_an_error(statement: str, postgres_url: str) -> None:
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
def test_trouble_that_passes_is_transient(error: Exception) -> None:
    assert isinstance(as_warehouse_error("w", error), TransientWarehouseError)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(psycopg.OperationalError('FATAL:  password authentication failed for user "me"'), id="password"),
        pytest.param(psycopg.errors.DiskFull(), id="disk full"),
        pytest.param(psycopg.errors.ReadOnlySqlTransaction(), id="read only"),
        pytest.param(psycopg.errors.InsufficientPrivilege(), id="no right"),
        pytest.param(sqlite3.OperationalError("disk I/O error"), id="disk broken"),
    ],
)
def test_trouble_that_stays_is_not(error: Exception) -> None:
    with pytest.raises(WarehouseUnusable), translate_driver_errors("w"):
        raise error


def test_a_connection_cut_between_two_uses_is_not_noticed(
    open_warehouse: Callable[[], Warehouse], postgres_url: str
) -> None:
    warehouse = open_warehouse()
    if not warehouse.is_postgres:
        pytest.skip("SQLite has no connection to lose")
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'contact-import' and datname = current_database()"
        )
    with warehouse.read_transaction() as connection:
        assert connection.scalar(text("select 1")) == 1


def test_a_sqlite_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(WarehouseUnusable, match="too long"):
        Warehouse.open(f"sqlite:///{tmp_path}/{'x' * 300}.db")
