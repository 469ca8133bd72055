"""Make the warehouse fit for an import: create what is missing, and never take anything away."""

from typing import Any

from sqlalchemy import Column, Connection, insert, inspect, select, text
from sqlalchemy.schema import CreateSchema
from sqlalchemy.types import TypeEngine

from schemas.catalogue import Field, FieldCatalogue
from schemas.errors.base import FieldTypeChanged, WarehouseUnusable
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.tables import COLUMN_TYPES, WarehouseTables

# Any number will do, as long as every version of this project asks for the same one.
MIGRATION_LOCK_KEY = 0x636F6E74616374


@retry_transient
def create_tables(warehouse: Warehouse) -> None:
    """Create the tables, without the fields, so that an import with a wrong catalogue is listed all the same.

    A warehouse that an older release made gets the columns that are new; they are nullable, so its rows stay as they
    are. Looks before it locks, as `prepare` does: a ready warehouse is only read, and nobody waits for a merge.
    """
    tables = WarehouseTables(warehouse.schema)
    with warehouse.read_transaction() as connection:
        if not _missing_columns(connection, tables):
            return
    with warehouse.write_transaction() as connection:
        _lock_migrations(connection)
        if tables.metadata.schema and not inspect(connection).has_schema(tables.metadata.schema):
            connection.execute(CreateSchema(tables.metadata.schema))
        tables.metadata.create_all(connection)
        for column in _missing_columns(connection, tables):
            _add_column(connection, column)


@retry_transient
def migrate(warehouse: Warehouse, catalogue: FieldCatalogue) -> None:
    """Give every field of the catalogue its column; FieldTypeChanged when one is stored as another type."""
    create_tables(warehouse)
    tables = WarehouseTables(warehouse.schema)
    with warehouse.read_transaction() as connection:
        if not _new_fields(connection, tables, catalogue):
            return
    with warehouse.write_transaction() as connection:
        _lock_migrations(connection)
        for field in _new_fields(connection, tables, catalogue):
            _add_field(connection, tables, field, warehouse.name)


def _lock_migrations(connection: Connection) -> None:
    """Let one process prepare at a time; a writing SQLite transaction has its turn by having begun."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK_KEY})
        # Who reads the contacts now is waited for, and who comes later waits behind us: so not for long, but often.
        connection.execute(text("set local lock_timeout to '1s'"))


def _missing_columns(connection: Connection, tables: WarehouseTables) -> list[Column[Any]]:
    """What the warehouse's tables have not; every column of a table that is not there."""
    wanted = tables.metadata.tables.values()
    found = inspect(connection).get_multi_columns(tables.metadata.schema, filter_names=[each.name for each in wanted])
    present = {(table, column["name"]) for (_, table), columns in found.items() for column in columns}
    return [column for table in wanted for column in table.columns if (table.name, column.name) not in present]


def _add_column(connection: Connection, column: Column[Any]) -> None:
    names, kind = connection.dialect.identifier_preparer, column.type.compile(connection.dialect)
    add = f"alter table {names.format_table(column.table)} add column {names.quote(column.name)} {kind}"
    connection.exec_driver_sql(add)


def _new_fields(connection: Connection, tables: WarehouseTables, catalogue: FieldCatalogue) -> list[Field]:
    known = tables.contact_fields.c
    rows = connection.execute(select(known.field, known.type))
    stored: dict[str, str] = {row.field: row.type for row in rows}
    for field in catalogue.fields:
        if stored.get(field.id, field.type) != field.type:
            raise FieldTypeChanged(field.id, stored[field.id], field.type.value)
    return [field for field in catalogue.fields if field.id not in stored]


def _add_field(connection: Connection, tables: WarehouseTables, field: Field, warehouse: str) -> None:
    columns = inspect(connection).get_columns(tables.contacts.name, tables.contacts.schema)
    present = {column["name"]: column["type"] for column in columns}
    column = Column(field.id, COLUMN_TYPES[field.storage])
    if field.id not in present:
        tables.contacts.append_column(column)
        _add_column(connection, column)
    elif not _same_kind(present[field.id], column.type):
        reason = f"contacts has a column {field.id!r} of another type ({present[field.id]}), which no import made"
        raise WarehouseUnusable(warehouse, reason)
    connection.execute(insert(tables.contact_fields).values(field=field.id, type=field.type.value))


def _same_kind(present: TypeEngine[object], wanted: TypeEngine[object]) -> bool:
    """Whether a column somebody else made can hold the field: text in any text, a number in any such number."""
    return present._type_affinity is wanted._type_affinity
