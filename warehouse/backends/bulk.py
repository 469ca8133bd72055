"""Statements that each database has ways of its own for, once they are about very many rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
from sqlalchemy import Connection, Row, Select, Table, Text, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler

from warehouse.backends.copying import copy_batches
from warehouse.backends.parallel_readers import find_changes_parallel
from warehouse.storable_text import escape_unstorable_column

# A key is plain when its definition is all there is to it: what else somebody said of it would be lost with it.
KEYS = text("""
select quote_ident(c.conname) as name, pg_get_constraintdef(c.oid) as definition,
not (i.indisclustered or i.indisreplident) and k.reltablespace = 0 and k.reloptions is null
and obj_description(c.oid, 'pg_constraint') is null and obj_description(k.oid, 'pg_class') is null as plain
from pg_constraint c join pg_index i on i.indexrelid = c.conindid join pg_class k on k.oid = c.conindid
where c.conrelid = cast(:table as regclass) and c.contype in ('p', 'u')
""")
# Somebody reads the table; it is not ours; somebody's view or foreign key rests on a key.
KEYS_IN_USE_ERRORS = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.DependentObjectsStillExist,
)


class CreateTableAs(ExecutableDDLElement):
    """Make an unlogged table of what a query finds, whose columns have the query's names and types."""

    def __init__(self, table: Table, rows: Select[Any]) -> None:
        self.table, self.rows = table, rows


@compiles(CreateTableAs, "postgresql")
def _create_table_as(element: CreateTableAs, compiler: DDLCompiler, **_: Any) -> str:
    name = compiler.preparer.format_table(element.table)
    return f"create unlogged table {name} as {compiler.sql_compiler.process(element.rows, literal_binds=True)}"


def materialize(connection: Connection, table: Table, rows: Select[Any]) -> None:
    """Make a table that holds what a query finds, whose first column says which staged row it is about.

    PostgreSQL looks with all its processes only where the table is made by the very statement, and looks at everything
    again for the next one unless it is told how few rows these are. SQLite has one processor for a query.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(CreateTableAs(table, rows))
        connection.exec_driver_sql(f"analyze {connection.dialect.identifier_preparer.format_table(table)}")
    else:
        connection.execute(CreateTable(table))
        find_changes_parallel(connection, table, rows)


def append_frame(connection: Connection, table: Table, rows: pd.DataFrame) -> None:
    """Append a frame that has all of the table's columns; its texts are made storable.

    COPY takes PostgreSQL a fifth of the time of inserting row by row, most of which it looks for the import of each.
    """
    batch = pa.RecordBatch.from_pydict(
        {
            column.name: escape_unstorable_column(rows[column.name])
            if isinstance(column.type, Text)
            else pa.array(rows[column.name], pa.int64(), from_pandas=True)
            for column in table.columns
        }
    )
    if connection.dialect.name == "postgresql":
        copy_batches(connection, table, iter([batch]))
    elif batch.num_rows:
        connection.execute(insert(table), batch.to_pylist())


@contextmanager
def deferred_keys(connection: Connection, table: Table) -> Iterator[bool]:
    """Take the keys of an empty table away while it is filled, if that can be done at once; gives whether it was.

    To build them at the end takes PostgreSQL a third of the time of growing them row by row. Readers then wait until
    the transaction ends; one who reads already is not waited for, as both would wait if he went on to write.
    """
    name = connection.dialect.identifier_preparer.format_table(table)
    keys = _drop_keys(connection, name) if connection.dialect.name == "postgresql" else ()
    yield bool(keys)
    for key in keys:
        connection.exec_driver_sql(f"alter table {name} add constraint {key.name} {key.definition}")


def _drop_keys(connection: Connection, name: str) -> Sequence[Row[tuple[str, str, bool]]]:
    try:
        with connection.begin_nested() as attempt:
            connection.exec_driver_sql(f"lock table {name} in access exclusive mode nowait")
            keys = connection.execute(KEYS, {"table": name}).all()
            if not all(key.plain for key in keys):
                attempt.rollback()
                return ()
            for key in keys:
                connection.exec_driver_sql(f"alter table {name} drop constraint {key.name}")
            return keys
    except DBAPIError as error:
        if not isinstance(error.orig, KEYS_IN_USE_ERRORS):
            raise
        return ()
