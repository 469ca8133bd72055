"""Make the warehouse fit for an import: create what is missing, and never take anything away."""

from sqlalchemy import Connection, insert, inspect, select, text
from sqlalchemy.schema import CreateSchema
from sqlalchemy.types import TypeEngine

from schemas.catalogue import Field, FieldCatalogue
from schemas.errors import FieldTypeChanged, WarehouseUnusable
from warehouse.connection import Warehouse
from warehouse.tables import COLUMN_TYPES, WarehouseTables

# Any number will do, as long as every version of this project asks for the same one.
PREPARING = 0x636F6E74616374


def prepare_import_list(warehouse: Warehouse) -> None:
    """Create the tables, without the fields, so that an import with a wrong catalogue is listed all the same.

    Looks before it locks, as `prepare` does: a warehouse that is ready is only read, and nobody waits for a merge.
    """
    tables = WarehouseTables(warehouse.schema)
    with warehouse.reading() as connection:
        if not _missing_tables(connection, tables):
            return
    with warehouse.writing() as connection:
        _take_turns(connection)
        if tables.metadata.schema and not inspect(connection).has_schema(tables.metadata.schema):
            connection.execute(CreateSchema(tables.metadata.schema))
        tables.metadata.create_all(connection)


def prepare(warehouse: Warehouse, catalogue: FieldCatalogue) -> None:
    """Give every field of the catalogue its column; FieldTypeChanged when one is stored as another type."""
    prepare_import_list(warehouse)
    tables = WarehouseTables(warehouse.schema)
    with warehouse.reading() as connection:
        if not _new_fields(connection, tables, catalogue):
            return
    with warehouse.writing() as connection:
        _take_turns(connection)
        for field in _new_fields(connection, tables, catalogue):
            _add_field(connection, tables, field, warehouse.name)


def _take_turns(connection: Connection) -> None:
    """Let one process prepare at a time; a writing SQLite transaction has its turn by having begun."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": PREPARING})


def _missing_tables(connection: Connection, tables: WarehouseTables) -> set[str]:
    present = inspect(connection).get_table_names(schema=tables.metadata.schema)
    return {table.name for table in tables.metadata.tables.values()} - set(present)


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
    wanted = COLUMN_TYPES[field.storage]
    if field.id not in present:
        names, types = connection.dialect.identifier_preparer, wanted.compile(connection.dialect)
        add = f"alter table {names.format_table(tables.contacts)} add column {names.quote(field.id)} {types}"
        connection.exec_driver_sql(add)
    elif not _same_kind(present[field.id], wanted):
        reason = f"contacts has a column {field.id!r} of another type ({present[field.id]}), which no import made"
        raise WarehouseUnusable(warehouse, reason)
    connection.execute(insert(tables.contact_fields).values(field=field.id, type=field.type.value))


def _same_kind(present: TypeEngine[object], wanted: TypeEngine[object]) -> bool:
    """Whether a column somebody else made can hold the field: text in any text, a number in any such number."""
    return present._type_affinity is wanted._type_affinity
