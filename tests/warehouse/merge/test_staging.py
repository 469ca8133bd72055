"""Staged rows are exact, survive a lost connection and do not touch the contacts."""

import shutil
import sqlite3
import time
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import Connection, event, select, text

from schemas.errors.warehouse import TransientWarehouseError
from tests.warehouse.conftest import Importer, on_postgres, on_sqlite
from warehouse.backends.postgres import ROWS_PER_WRITE
from warehouse.database.connection import Warehouse
from warehouse.merge.execution import MergeCounts
from warehouse.merge.staging import Staging

ANN, BOB, EVE = "ann@example.org", "bob@example.org", "eve@example.org"


def staged(staging: Staging) -> list[str]:
    with staging.rolled_back_transaction() as connection:
        table = staging.tables.staged
        return list(connection.scalars(select(table.c.email).order_by(table.c.record_number)))


def cut_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'contact-import' and datname = current_database()"
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("name", "", id="an empty text, which is not null"),
        pytest.param("name", "NULL", id="the word NULL"),
        pytest.param("name", "\\N", id="null in COPY"),
        pytest.param("name", "a\n\\.\nb", id="end of data in COPY"),
        pytest.param("name", 'say "hi", \\"\r\n\tthere;', id="quotes, breaks, tabs"),
        pytest.param("name", "a\\tb\\", id="a backslash at the end"),
        pytest.param("name", "a\rb", id="a carriage return"),
        pytest.param("name", "a\x1fb", id="a unit separator"),
        pytest.param("name", "'", id="a single quote"),
        pytest.param("name", "  outer space ", id="outer space"),
        pytest.param("name", "😀 ñ \u0301 \u2028", id="beyond ASCII"),
        pytest.param("name", "x" * 1_000_000, id="a million characters"),
        pytest.param("order", "'; drop table contacts; --", id="SQL"),
        pytest.param("birthdate", date(1, 1, 1), id="first day"),
        pytest.param("birthdate", date(9999, 12, 31), id="last day"),
        pytest.param("points", 2**63 - 1, id="largest integer"),
        pytest.param("spent", 999999999999999.0, id="fifteen digits"),
        pytest.param("spent", 0.000000000000001, id="a small decimal"),
        pytest.param("spent", 0.1, id="no binary fraction"),
        pytest.param("spent", 1e22, id="written with an exponent"),
        pytest.param("vip", False, id="false, which is not null"),
    ],
)
def test_a_value_is_stored_unchanged(importer: Importer, field: str, value: Any) -> None:
    row = {"email": ANN, field: value}
    importer([row])
    contact = importer.contacts()[0]
    assert contact[field] == value
    assert all(contact[other.id] is None for other in importer.catalogue.fields if other.id not in row)
    assert importer([row]).counts.updated == 0


def test_more_rows_than_one_write_are_stored(importer: Importer) -> None:
    each = ["Ann", 'say "hi"', None, "a\\b", "Bob", "two\nlines", "Eve", "\x1f"]
    names = [name for name in each for _ in range(ROWS_PER_WRITE)]
    importer([{"email": f"{number}@example.org", "name": name} for number, name in enumerate(names)])
    stored = {contact["email"]: contact["name"] for contact in importer.contacts()}
    assert [stored[f"{number}@example.org"] for number in range(len(names))] == names


def test_excluded_records_are_not_merged(importer: Importer) -> None:
    rows = [{"email": email} for email in (ANN, BOB, ANN, EVE)]
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(rows))
        staging.exclude([1])
        staging.exclude(pa.array([4]))
        staging.exclude([])
        staging.ensure_staged()
        assert staged(staging) == [BOB, ANN]
        assert importer.load(staging, 2).counts == MergeCounts(inserted=2)


def test_an_import_without_rows_is_completed(importer: Importer) -> None:
    with importer.staging(importer.start()) as staging:
        staging.ensure_staged()
        assert importer.load(staging, 0).counts == MergeCounts()


def test_more_columns_and_other_arrow_string_types_are_accepted(importer: Importer) -> None:
    path = importer.folder / "wide.arrow"
    table = pa.table(
        {
            "extra": pa.array([1]),
            "email": pa.array([ANN], pa.large_string()),
            "name": pa.array(["Ann"]).dictionary_encode(),
            "record_number": pa.array([7], pa.int64()),
        }
    )
    pa.feather.write_feather(table, str(path))
    fields = [importer.catalogue["email"], importer.catalogue["name"]]
    with importer.staging(importer.start(), fields) as staging:
        staging.add(str(path))
        staging.ensure_staged()
        importer.load(staging, 1)
    assert importer.contacts()[0]["name"] == "Ann"


def test_staging_locks_no_contacts(importer: Importer) -> None:
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        assert importer([{"email": BOB}]).counts == MergeCounts(inserted=1)
        staging.ensure_staged()
        assert importer.load(staging, 1).counts == MergeCounts(inserted=1)


@on_postgres
def test_rows_are_staged_again_after_a_lost_connection(importer: Importer, postgres_url: str) -> None:
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        cut_connections(postgres_url)
        staging.add(importer.write([{"email": BOB, "record_number": 2}]))
        staging.add(importer.write([{"email": EVE, "record_number": 3}]))
        staging.exclude([3])
        staging.ensure_staged()
        assert staged(staging) == [ANN, BOB]

        cut_connections(postgres_url)
        with pytest.raises(TransientWarehouseError):
            importer.load(staging, 2)
        staging.ensure_staged()
        assert importer.load(staging, 2).counts == MergeCounts(inserted=2)


@on_postgres
def test_staged_rows_are_invisible_and_block_nobody(importer: Importer, postgres_url: str) -> None:
    schema = importer.warehouse.schema
    with psycopg.connect(postgres_url, autocommit=True) as other, importer.staging(importer.start()) as staging:
        tables = f"select count(*) from pg_tables where schemaname = '{schema}'".encode()
        before = other.execute(tables).fetchone()
        other.execute("set lock_timeout to '2s'")
        staging.add(importer.write([{"email": ANN}]))
        with staging.rolled_back_transaction() as connection:
            connection.execute(text(f"select * from {schema}.contacts"))
        assert other.execute(tables).fetchone() == before
        other.execute(f"alter table {schema}.contacts add column somebodys_own text".encode())
        staging.ensure_staged()
        assert importer.load(staging, 1).counts == MergeCounts(inserted=1)
        assert other.execute(tables).fetchone() == before


@on_postgres
def test_a_merge_that_could_not_lock_is_repeated_without_staging_again(importer: Importer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as other, importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        table = staging.tables.staged.name
        other.execute(f"lock table {importer.warehouse.schema}.contacts in row exclusive mode".encode())
        event.listen(importer.warehouse.engine, "savepoint", lower_lock_timeout)
        with pytest.raises(TransientWarehouseError, match="lock timeout"):
            importer.load(staging, 1)
        event.remove(importer.warehouse.engine, "savepoint", lower_lock_timeout)
        other.rollback()
        staging.ensure_staged()
        assert importer.load(staging, 1).counts == MergeCounts(inserted=1)
        assert staging.tables.staged.name == table


@on_postgres
def test_staging_outlasts_the_transaction_timeouts_of_the_server(importer: Importer, postgres_url: str) -> None:
    options = "options=-c%20idle_in_transaction_session_timeout%3D200ms%20-c%20transaction_timeout%3D500ms"
    strict = f"{postgres_url}{'&' if '?' in postgres_url else '?'}{options}"
    number = importer.start()
    with Warehouse.open(strict, importer.warehouse.schema) as warehouse:
        importer.warehouse = warehouse
        with importer.staging(number) as staging:
            staging.add(importer.write([{"email": ANN}]))
            table = staging.tables.staged.name
            time.sleep(0.7)
            staging.ensure_staged()
            assert importer.load(staging, 1).counts == MergeCounts(inserted=1)
            assert staging.tables.staged.name == table


def lower_lock_timeout(connection: Connection, _: str) -> None:
    connection.execute(text("set local lock_timeout to '100ms'"))


@on_sqlite
def test_a_lost_staging_file_is_created_again(importer: Importer) -> None:
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        staging.ensure_staged()
        (staging.folder / "staging.db").unlink()
        staging.ensure_staged()
        assert importer.load(staging, 1).counts == MergeCounts(inserted=1)
    assert not (staging.folder / "staging.db").exists()


@on_sqlite
def test_a_commit_does_not_wait_for_the_wal_to_be_copied(importer: Importer, tmp_path: Path) -> None:
    """The last connection copies the WAL as it closes, and locks readers out, so another one stays open."""
    file = Path(importer.warehouse.engine.url.database or "")
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        importer.load(staging, 1)
        assert file.with_name(f"{file.name}-wal").stat().st_size > 0
    copy = tmp_path / "without-log.db"
    shutil.copyfile(file, copy)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("select email from contacts").fetchall() == [(ANN,)]
