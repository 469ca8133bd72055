"""Creates the tables and columns that an import needs and the warehouse does not have; it removes nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, insert, inspect, select, update
from sqlalchemy.types import TypeEngine

from schemas.catalogue import FieldCatalogue
from schemas.errors.warehouse import FieldTypeChanged, WarehouseOutdated, WarehouseUnusable
from schemas.fields import Field
from warehouse.database.changes_view import contact_changes
from warehouse.database.connection import Warehouse
from warehouse.database.stored_fields import consent_text, contact_columns, stored_fields
from warehouse.errors import retry_transient
from warehouse.tables import COLUMN_TYPES, CONTACTS, WarehouseTables


@retry_transient
def create_tables(warehouse: Warehouse, *, contacts: bool = True) -> None:
    """Create the tables without the fields, so that an import with a wrong catalogue is listed as well.

    Tables of an older release get the new columns, which are nullable. Like `migrate`, this only reads a warehouse
    that is complete, so it does not wait for a merge. Without `contacts`, that table is not created: the first import
    does it where that is faster.
    """
    _create_tables(warehouse, contacts=contacts)


def _create_tables(warehouse: Warehouse, *, contacts: bool) -> None:
    tables = WarehouseTables(warehouse.schema)
    contacts = contacts or not warehouse.backend.adopts_staged
    with warehouse.read_transaction() as connection:
        if not _missing_columns(connection, tables, contacts=contacts):
            return
    with _altering_transaction(warehouse) as connection:
        warehouse.backend.create_tables(connection, tables)
        added = _missing_columns(connection, tables, contacts=False)
        for column in added:
            _add_column(connection, column)
        for index in {index for column in added for index in column.table.indexes if column.name in index.columns}:
            index.create(connection, checkfirst=True)
        if contacts:
            create_contacts(connection, warehouse)


@retry_transient
def migrate(warehouse: Warehouse, catalogue: FieldCatalogue | None = None, *, contacts: bool = True) -> None:
    """Create the tables, and a column for every field; FieldTypeChanged when one is stored as another type.

    It also stores the consent lists of the catalogue. Without a catalogue, the journal gets its columns for the fields
    that the warehouse has. `contacts` as in `create_tables`; a table that is created later gets its columns from
    `contact_fields`.
    """
    _create_tables(warehouse, contacts=contacts)
    tables = WarehouseTables(warehouse.schema)
    with warehouse.read_transaction() as connection:
        if not (
            _new_fields(connection, tables, catalogue)
            or _changed_consents(connection, tables, catalogue)
            or _missing_journal_columns(connection, warehouse)
        ):
            return
    with _altering_transaction(warehouse) as connection:
        present = contact_columns(connection, warehouse.schema)
        for field in _new_fields(connection, tables, catalogue):
            _add_field(connection, tables, field, present, warehouse.name)
        _store_consents(connection, tables, catalogue)
        _migrate_journal(connection, warehouse)


@retry_transient
def has_contacts(warehouse: Warehouse) -> bool:
    """Whether the table of contacts exists."""
    with warehouse.read_transaction() as connection:
        return contacts_exist(connection, warehouse)


def contacts_exist(connection: Connection, warehouse: Warehouse) -> bool:
    return inspect(connection).has_table(CONTACTS, warehouse.schema)


def create_contacts(connection: Connection, warehouse: Warehouse) -> None:
    """Create the table of contacts with its fields, unless it exists. The caller has the lock of migrations."""
    if not contacts_exist(connection, warehouse):
        fields = stored_fields(connection, warehouse.schema)
        warehouse.backend.create_contacts(connection, WarehouseTables(warehouse.schema, fields).contacts)
        show_journal(connection, warehouse)


@retry_transient
def check_current(warehouse: Warehouse, catalogue: FieldCatalogue) -> None:
    """For those that only read: WarehouseOutdated if a table or column of this release is missing.

    A field may be missing. FieldTypeChanged when one is stored as another type.
    """
    tables = WarehouseTables(warehouse.schema)
    with warehouse.read_transaction() as connection:
        if _missing_columns(connection, tables):
            raise WarehouseOutdated(warehouse.name)
        _new_fields(connection, tables, catalogue)


@contextmanager
def _altering_transaction(warehouse: Warehouse) -> Iterator[Connection]:
    with warehouse.write_transaction() as connection:
        warehouse.backend.lock_migrations(connection)
        if contacts_exist(connection, warehouse):  # wait for a merge first, while queries go on
            warehouse.backend.lock_tables(connection, WarehouseTables(warehouse.schema).contacts)
        warehouse.backend.wait_briefly(connection)
        yield connection


def _missing_journal_columns(connection: Connection, warehouse: Warehouse) -> list[Column[Any]]:
    fields = stored_fields(connection, warehouse.schema)
    journal = WarehouseTables(warehouse.schema, fields).journal
    present = {column["name"] for column in inspect(connection).get_columns(journal.name, journal.schema)}
    return [column for column in journal.columns if column.name not in present]


def _migrate_journal(connection: Connection, warehouse: Warehouse) -> None:
    if missing := _missing_journal_columns(connection, warehouse):
        for column in missing:
            _add_column(connection, column)
        if contacts_exist(connection, warehouse):
            show_journal(connection, warehouse)


def show_journal(connection: Connection, warehouse: Warehouse) -> None:
    """Create or change the view `contact_changes`, which shows the journal by cell and needs the contacts."""
    if fields := stored_fields(connection, warehouse.schema):
        view = contact_changes(WarehouseTables(warehouse.schema, fields), fields)
        warehouse.backend.replace_view(connection, "contact_changes", view)


def _missing_columns(connection: Connection, tables: WarehouseTables, *, contacts: bool = True) -> list[Column[Any]]:
    """The columns that the warehouse does not have; all columns of a table that does not exist.

    Without `contacts`, none of that table if it does not exist.
    """
    wanted = list(tables.metadata.tables.values())
    found = inspect(connection).get_multi_columns(tables.metadata.schema, filter_names=[table.name for table in wanted])
    present = {(table, column["name"]) for (_, table), columns in found.items() for column in columns}
    if not contacts and (CONTACTS, "email") not in present:
        wanted = [table for table in wanted if table.name != CONTACTS]
    return [column for table in wanted for column in table.columns if (table.name, column.name) not in present]


def _add_column(connection: Connection, column: Column[Any]) -> None:
    names, type_name = connection.dialect.identifier_preparer, column.type.compile(connection.dialect)
    statement = f"alter table {names.format_table(column.table)} add column {names.quote(column.name)} {type_name}"
    connection.exec_driver_sql(statement)


def _new_fields(connection: Connection, tables: WarehouseTables, catalogue: FieldCatalogue | None) -> list[Field]:
    if catalogue is None:
        return []
    known = tables.contact_fields.c
    rows = connection.execute(select(known.field, known.type))
    stored: dict[str, str] = {row.field: row.type for row in rows}
    for field in catalogue.fields:
        if stored.get(field.id, field.type) != field.type:
            raise FieldTypeChanged(field.id, stored[field.id], field.type.value)
    return [field for field in catalogue.fields if field.id not in stored]


def _changed_consents(connection: Connection, tables: WarehouseTables, catalogue: FieldCatalogue | None) -> list[Field]:
    """The fields of the catalogue whose consent list is not the stored one."""
    if catalogue is None:
        return []
    known = tables.contact_fields.c
    rows = connection.execute(select(known.field, known.consent))
    stored: dict[str, str | None] = {row.field: row.consent for row in rows}
    return [field for field in catalogue.fields if stored.get(field.id) != consent_text(field)]


def _store_consents(connection: Connection, tables: WarehouseTables, catalogue: FieldCatalogue | None) -> None:
    known = tables.contact_fields
    for field in _changed_consents(connection, tables, catalogue):
        stored = update(known).where(known.c.field == field.id)
        connection.execute(stored.values(consent=consent_text(field)))


def _add_field(
    connection: Connection,
    tables: WarehouseTables,
    field: Field,
    present: Mapping[str, TypeEngine[object]],
    warehouse: str,
) -> None:
    """Add a field; `present` has the columns of the contacts, and is empty where that table does not exist."""
    column = Column(field.id, COLUMN_TYPES[field.storage])
    if present and field.id not in present:
        tables.contacts.append_column(column)
        _add_column(connection, column)
    elif present and not _same_kind(present[field.id], column.type):
        reason = (
            f"contacts has a column {field.id!r} of another type ({present[field.id]}), which no import made; "
            "rename that column, or the field in the catalogue"
        )
        raise WarehouseUnusable(warehouse, reason)
    connection.execute(insert(tables.contact_fields).values(field=field.id, type=field.type.value))


def _same_kind(present: TypeEngine[object], wanted: TypeEngine[object]) -> bool:
    """Whether an existing column can store the field: a text in any text type, a number in any type of that kind."""
    return present._type_affinity is wanted._type_affinity
