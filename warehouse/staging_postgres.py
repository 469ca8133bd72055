"""Staging in PostgreSQL: COPY into unlogged tables of a transaction that also merges, so nobody ever sees them."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pyarrow as pa
import pyarrow.csv
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable, DropTable

from warehouse.connection import Warehouse

# Every text is quoted and no null is: so an empty text stays apart from a blank cell.
AS_CSV = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
ROWS_A_WRITE = 2_000  # as much as a socket holds: the server then reads some rows while we write the next


# It is open while a file is read and checked, whatever the server thinks of transactions that idle or last.
NO_HURRY = """
select set_config(name, '0', true) from pg_settings
where name in ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""


class PostgresStore:
    """Tables made, merged from and dropped in one transaction, which takes them along however it ends.

    They are no temporary tables, since PostgreSQL reads those with a single process.
    """

    def __init__(self, warehouse: Warehouse, staged: Table, excluded: Table) -> None:
        self._warehouse, self._staged, self._excluded = warehouse, staged, excluded
        self._connection = warehouse.writer()
        try:
            self._connection.begin()
            self._connection.exec_driver_sql(NO_HURRY)
            self._connection.execute(CreateTable(staged))
            self._connection.execute(CreateTable(excluded))
        except BaseException:
            self.close()
            raise

    def add(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        copy_batches(self._connection, self._staged, batches)

    def exclude(self, numbers: pa.RecordBatch) -> None:
        losers = select(self._excluded.c.record_number)
        copy_batches(self._connection, self._excluded, iter([numbers]))
        self._connection.execute(delete(self._staged).where(self._staged.c.record_number.in_(losers)))
        self._connection.execute(delete(self._excluded))

    def is_alive(self) -> bool:
        """Whether the transaction that staged goes on: not once it has failed or ended, or its session is lost."""
        try:
            self._connection.execute(select(self._staged.c.record_number).limit(0))
        except SQLAlchemyError:
            return False
        return True

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commit; what fails before that is undone back to what was staged, so it can be merged again."""
        with self._connection.begin_nested():
            yield self._connection
            for table in (self._staged, self._excluded):
                self._connection.execute(DropTable(table, if_exists=True))
        self._connection.commit()

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """Nothing can be written, and the locks of what was read are given back."""
        with self._connection.begin_nested() as look:
            self._connection.exec_driver_sql("set transaction read only")
            yield self._connection
            look.rollback()

    def close(self) -> None:
        """End the session, and with it the transaction and its tables."""
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
