"""Staging in PostgreSQL: COPY into temporary tables, on a connection that is kept for the merge."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pyarrow as pa
import pyarrow.csv
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from warehouse.connection import Warehouse

# Every value is quoted and no null is: so an empty text stays apart from a blank cell.
AS_CSV = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
ROWS_A_WRITE = 10_000


class PostgresStore:
    """Temporary tables of one session; they are gone when it is."""

    def __init__(self, warehouse: Warehouse, staged: Table, excluded: Table) -> None:
        self._warehouse, self._staged, self._excluded = warehouse, staged, excluded
        self._connection = warehouse.writer()
        try:
            with self._connection.begin():
                self._connection.execute(CreateTable(staged))
                self._connection.execute(CreateTable(excluded))
        except BaseException:
            self.close()
            raise

    def add(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        with self._connection.begin():
            copy_batches(self._connection, self._staged, batches)

    def exclude(self, numbers: pa.RecordBatch) -> None:
        losers = select(self._excluded.c.record_number)
        with self._connection.begin():
            copy_batches(self._connection, self._excluded, iter([numbers]))
            self._connection.execute(delete(self._staged).where(self._staged.c.record_number.in_(losers)))
            self._connection.execute(delete(self._excluded))

    def is_alive(self) -> bool:
        """Whether the session that staged is still there; a lost one is replaced in silence, and has no such table."""
        try:
            with self._connection.begin():
                self._connection.exec_driver_sql("select from pg_temp.staged limit 1")
        except SQLAlchemyError:
            return False
        return True

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._connection.begin():
            yield self._connection

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        with self._connection.begin():
            self._connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
            yield self._connection

    def close(self) -> None:
        """End the session, and the temporary tables with it."""
        self._connection.invalidate()
        self._connection.close()


def copy_batches(connection: Connection, table: Table, batches: Iterator[pa.RecordBatch]) -> None:
    """Append record batches, whose columns are named as the table's are, by COPY."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    names = connection.dialect.identifier_preparer
    for batch in batches:
        columns = [names.quote(column) for column in batch.schema.names]
        statement = f"copy {names.format_table(table)} ({', '.join(columns)}) from stdin (format csv)"
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for start in range(0, batch.num_rows, ROWS_A_WRITE):
                copy.write(_csv(batch.slice(start, ROWS_A_WRITE)))


def _csv(batch: pa.RecordBatch) -> memoryview:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(batch, sink, AS_CSV)
    return memoryview(sink.getvalue())
