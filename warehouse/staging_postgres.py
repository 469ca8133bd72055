"""Staging in PostgreSQL: COPY into unlogged tables of a transaction that also merges, so nobody ever sees them."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable, DropTable

from warehouse.connection import Warehouse

# Plain rows have no mark in them that COPY reads as anything but itself, so the server need not look for quotes.
AS_PLAIN = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none", delimiter="\x1f")
PLAIN = "format text, delimiter E'\\x1f', null ''"
# In others every text is quoted and no null is: so an empty text stays apart from a blank cell.
AS_CSV = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
CSV = "format csv"
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
        for form, texts in groupby(_encoded(batch), key=itemgetter(0)):
            statement = f"copy {names.format_table(table)} ({', '.join(columns)}) from stdin ({form})"
            with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                for _, text in texts:
                    copy.write(text)


def _encoded(batch: pa.RecordBatch) -> Iterator[tuple[str, memoryview]]:
    """Some rows at a time, in the plain form where they allow it."""
    plain = not any(_has_empty_text(column) for column in batch.columns)
    for start in range(0, batch.num_rows, ROWS_A_WRITE):
        rows = batch.slice(start, ROWS_A_WRITE)
        text = _plain(rows) if plain else None
        yield (CSV, _written(rows, AS_CSV)) if text is None else (PLAIN, text)


def _has_empty_text(column: "pa.Array[Any]") -> bool:
    return pa.types.is_string(column.type) and bool(pc.min(pc.binary_length(column)).as_py() == 0)


def _plain(rows: pa.RecordBatch) -> memoryview | None:
    """None where a text has a quote, a line break, the delimiter or a backslash in it."""
    try:
        text = _written(rows, AS_PLAIN)
    except pa.ArrowInvalid:
        return None
    return None if b"\\" in bytes(text) else text


def _written(rows: pa.RecordBatch, form: pyarrow.csv.WriteOptions) -> memoryview:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(rows, sink, form)
    return memoryview(sink.getvalue())
