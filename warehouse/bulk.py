"""Statements that each database has ways of its own for, once they are about very many rows."""

from typing import Any

from sqlalchemy import Connection, Select, Table, insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler


class CreateTableAs(ExecutableDDLElement):
    """Make a table of what a query finds; with the names of its columns, and types of the query's own."""

    inherit_cache = False

    def __init__(self, table: Table, rows: Select[Any]) -> None:
        self.table, self.rows = table, rows


@compiles(CreateTableAs)
def _create_table_as(element: CreateTableAs, compiler: DDLCompiler, **_: Any) -> str:
    head = CreateTable(element.table).compile(dialect=compiler.dialect)
    return f"{str(head).partition('(')[0]} AS {compiler.sql_compiler.process(element.rows, literal_binds=True)}"


def write_down(connection: Connection, table: Table, rows: Select[Any]) -> None:
    """Make a table that holds what a query finds.

    PostgreSQL looks with all its processes only where the table is made by the very statement, and looks at everything
    again for the next one unless it is told how few rows these are.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(CreateTableAs(table, rows))
        connection.exec_driver_sql(f"analyze {connection.dialect.identifier_preparer.format_table(table)}")
    else:
        connection.execute(CreateTable(table))
        connection.execute(insert(table).from_select([column.name for column in table.columns], rows))
