"""Staging for SQLite: a database file of its own beside the warehouse, attached for the merge alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import adbc_driver_sqlite.dbapi
import pyarrow as pa
from sqlalchemy import ClauseElement, Connection, Table, delete, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from warehouse.database.connection import Warehouse

DIALECT = sqlite.dialect()
# The file can be made anew from the staged Arrow files at any time, so nothing is spent on its safety.
UNSAFE_PRAGMAS = ("pragma journal_mode = off", "pragma synchronous = off", "pragma locking_mode = exclusive")
PAGE_SIZE_PRAGMA = "pragma page_size = 16384"  # rows are only appended, and read in order


class SqliteStore:
    """A file with the staged rows; ADBC reads Arrow without making a Python object of any value.

    Seen from inside the file, its tables have no schema; `staging` is what the merge calls the file.
    """

    def __init__(self, warehouse: Warehouse, staged: Table, excluded: Table, path: Path) -> None:
        self._warehouse = warehouse
        self._path = path
        self._writer: adbc_driver_sqlite.dbapi.Connection | None = None
        path.unlink(missing_ok=True)
        self._staged, self._excluded = staged, excluded
        for table in (staged, excluded):
            self._execute(CreateTable(table))

    def add(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        text = pa.schema([field.with_type(pa.string()) if pa.types.is_date(field.type) else field for field in schema])
        for batch in batches:
            # A date is text in SQLite; to let the driver write it takes a quarter of all the time of staging.
            self._ingest(self._staged, batch.cast(text))

    def exclude(self, numbers: pa.RecordBatch) -> None:
        self._ingest(self._excluded, numbers)
        losers = select(self._excluded.c.record_number)
        self._execute(delete(self._staged).where(self._staged.c.record_number.in_(losers)))
        self._execute(delete(self._excluded))

    def is_alive(self) -> bool:
        return self._path.exists()

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        with self._hold_connection_open(), self._attached(self._warehouse.writer()) as connection, connection.begin():
            yield connection

    @contextmanager
    def read_transaction(self) -> Iterator[Connection]:
        with self._attached(self._warehouse.engine.connect()) as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("pragma query_only = on")
            with connection.begin():
                yield connection

    @contextmanager
    def _attached(self, opened: Connection) -> Iterator[Connection]:
        """Attach the file around a transaction: SQLite attaches nothing inside one."""
        self._release()
        with opened as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("attach database ? as staging", (str(self._path),))
            driver.execute("pragma wal_autocheckpoint = 0")  # see `close`
            try:
                yield connection
            finally:
                connection.invalidate()  # so that nobody else is handed a connection with our file attached

    @contextmanager
    def _hold_connection_open(self) -> Iterator[None]:
        """Keep another connection to the warehouse, which then waits in the pool for `close`."""
        with self._warehouse.engine.connect() as other:
            other.exec_driver_sql("select count(*) from sqlite_master")  # it counts from its first look on
            other.rollback()
            yield

    def close(self) -> None:
        """Forget what was staged, and copy what was committed from the log into the database, readers going on.

        A commit would do that itself before it is done; and the last connection, as it closes, would keep
        readers out meanwhile.
        """
        self._release()
        self._path.unlink(missing_ok=True)
        with suppress(SQLAlchemyError, sqlite3.Error), self._warehouse.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("pragma wal_checkpoint(passive)")

    def _opened(self) -> adbc_driver_sqlite.dbapi.Connection:
        if self._writer is None:
            self._writer = adbc_driver_sqlite.dbapi.connect(str(self._path), autocommit=True)
            for pragma in (*UNSAFE_PRAGMAS, PAGE_SIZE_PRAGMA):
                with self._writer.cursor() as cursor:
                    cursor.execute(pragma)
        return self._writer

    def _ingest(self, table: Table, data: pa.RecordBatch) -> None:
        with self._opened().cursor() as cursor:
            cursor.adbc_ingest(table.name, data, mode="append")

    def _execute(self, statement: ClauseElement) -> None:
        with self._opened().cursor() as cursor:
            cursor.execute(str(statement.compile(dialect=DIALECT)))

    def _release(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
