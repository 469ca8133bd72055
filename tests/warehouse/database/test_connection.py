"""Opening a warehouse succeeds, or fails with the reason and without a password."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from schemas.errors.warehouse import TransientWarehouseError, WarehouseUnusable
from tests.warehouse.conftest import on_postgres
from tests.warehouse.merge.test_staging import cut_connections
from warehouse.backends import sqlite
from warehouse.backends.postgres import PostgresBackend
from warehouse.backends.sqlite import SqliteBackend
from warehouse.database.connection import Warehouse

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("", "cannot be read", id="empty"),
        pytest.param("contacts.db", "cannot be read", id="a path"),
        pytest.param(f"postgresql://me:{SECRET}@host:{SECRET}/db", "cannot be read", id="no port"),
        pytest.param(f"postgresql://me:x@{SECRET}@host/db", "%40", id="an @ in the password"),
        pytest.param(f"mysql://me:{SECRET}@host/db", "not supported", id="mysql"),
        pytest.param(f"nosuch://me:{SECRET}@host/db", "not supported", id="no such kind"),
        pytest.param("sqlite://", "names no file", id="memory"),
        pytest.param("sqlite:///:memory:", "names no file", id="named memory"),
        pytest.param("sqlite:///{tmp}", "is a folder", id="a folder"),
        pytest.param("sqlite:///{tmp}/a-file/contacts.db", "cannot be made", id="a folder below a file"),
        pytest.param("sqlite:///{tmp}/a-file", "not a database", id="no database"),
        pytest.param(f"sqlite:///{{tmp}}/{'x' * 300}.db", "too long", id="a name that is too long"),
        pytest.param(f"postgresql://me:{SECRET}@no-such-host.invalid/db", "not known|resolve", id="no such host"),
        pytest.param("postgresql://127.0.0.1/db?nosuch=option", "nosuch", id="no such option"),
    ],
)
def test_an_invalid_url_is_refused_without_its_password(url: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("no database " * 100)
    with pytest.raises(WarehouseUnusable, match=reason) as caught:
        Warehouse.open(url.format(tmp=tmp_path))
    assert SECRET not in str(caught.value)


def test_a_file_that_cannot_be_looked_at_is_refused_for_reading_too(tmp_path: Path) -> None:
    with pytest.raises(WarehouseUnusable, match="too long"):
        Warehouse.open(f"sqlite:///{tmp_path}/{'x' * 300}.db", create=False)


@pytest.mark.parametrize(
    "change", [{"database": "no_such_database"}, {"username": "no_such_user"}], ids=["database", "user"]
)
def test_an_unknown_database_or_user_of_a_server_is_refused(change: dict[str, str], postgres_url: str) -> None:
    url = make_url(postgres_url).set(**change)  # type: ignore[arg-type]
    with pytest.raises(WarehouseUnusable, match=next(iter(change.values()))):
        Warehouse.open(url.render_as_string(hide_password=False))


def test_a_server_that_does_not_answer_is_a_transient_error() -> None:
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
    ],
)
def test_the_name_of_a_server_has_no_password_and_the_driver_is_psycopg(url: str, name: str) -> None:
    backend = PostgresBackend(make_url(url), None)
    assert backend.name == name
    assert backend.engine.url.drivername == "postgresql+psycopg"


def test_the_name_of_a_file_is_its_url() -> None:
    assert SqliteBackend(make_url("sqlite:///data/contacts.db"), None).name == "sqlite:///data/contacts.db"


def test_opening_creates_the_folder_of_a_sqlite_file_and_readers_continue_during_a_write(tmp_path: Path) -> None:
    with Warehouse.open(f"sqlite:///{tmp_path}/a/b/contacts.db") as warehouse, warehouse.write_transaction() as writer:
        writer.execute(text("create table t (x)"))
        with warehouse.read_transaction() as reader:
            assert reader.scalar(text("select count(*) from sqlite_master")) == 0
            assert reader.scalar(text("pragma journal_mode")) == "wal"
            assert reader.scalar(text("pragma foreign_keys")) == 1


def test_a_new_sqlite_file_has_large_pages_and_an_existing_one_keeps_its_size(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.execute("pragma page_size = 4096")
        old.execute("create table t (x)")
    for name, size in ("new.db", sqlite.PAGE_BYTES), ("old.db", 4096):
        with Warehouse.open(f"sqlite:///{tmp_path / name}") as warehouse, warehouse.write_transaction() as writer:
            writer.execute(text("create table if not exists t (x)"))
            writer.execute(text("insert into t values (1)"))
            assert writer.scalar(text("pragma page_size")) == size, name


def test_an_exception_rolls_a_write_transaction_back(warehouse: Warehouse, warehouse_schema: str | None) -> None:
    with warehouse.write_transaction() as connection:
        if warehouse_schema:
            connection.execute(text(f"create schema {warehouse_schema}"))
        connection.execute(text(f"create table {warehouse_schema or 'main'}.t (x int)"))
    with contextlib.suppress(KeyError), warehouse.write_transaction() as connection:
        connection.execute(text(f"insert into {warehouse_schema or 'main'}.t values (1)"))
        raise KeyError
    with warehouse.read_transaction() as connection:
        assert connection.scalar(text(f"select count(*) from {warehouse_schema or 'main'}.t")) == 0


def test_a_writer_that_waited_too_long_for_a_sqlite_file_gets_a_transient_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path / 'contacts.db'}"
    with Warehouse.open(url) as one, Warehouse.open(url) as other, one.write_transaction():
        expected = pytest.raises(TransientWarehouseError, match="locked")
        with expected, other.write_transaction():
            pass


def test_several_threads_can_open_a_new_sqlite_file_at_once(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            Warehouse.open(f"sqlite:///{tmp_path / 'contacts.db'}").close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@on_postgres
def test_a_connection_cut_between_two_uses_is_replaced(
    open_warehouse: Callable[[], Warehouse], postgres_url: str
) -> None:
    warehouse = open_warehouse()
    cut_connections(postgres_url)
    with warehouse.read_transaction() as connection:
        assert connection.scalar(text("select 1")) == 1
