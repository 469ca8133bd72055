"""Staging in PostgreSQL: COPY into unlogged tables of a transaction that also merges, so nobody ever sees them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable, DropTable

from warehouse.backends.copying import copy_batches
from warehouse.database.connection import Warehouse

# It is open while a file is read and checked, whatever the server thinks of transactions that idle or last.
DISABLE_TRANSACTION_TIMEOUTS = """
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
            self._connection.exec_driver_sql(DISABLE_TRANSACTION_TIMEOUTS)
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
    def write_transaction(self) -> Iterator[Connection]:
        """Commit; what fails before that is undone back to what was staged, so it can be merged again."""
        with self._connection.begin_nested():
            yield self._connection
            for table in (self._staged, self._excluded):
                self._connection.execute(DropTable(table, if_exists=True))
        self._connection.commit()

    @contextmanager
    def read_transaction(self) -> Iterator[Connection]:
        """Nothing can be written, and the locks of what was read are given back."""
        with self._connection.begin_nested() as look:
            self._connection.exec_driver_sql("set transaction read only")
            yield self._connection
            look.rollback()

    def close(self) -> None:
        """End the session, and with it the transaction and its tables."""
        self._connection.invalidate()
        self._connection.close()
