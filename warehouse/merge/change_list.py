"""Lists changed cells as text: those of one import, and those of one contact."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Select, Text, exists, func, literal, select, union_all

from schemas.catalogue import FieldCatalogue
from schemas.cells.decimals import plain_decimal
from schemas.errors.changes import JournalGone, NothingChanged
from schemas.fields import Field
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.database.stored_fields import stored_fields
from warehouse.import_list.entries import COMPLETED, get_import
from warehouse.merge.journal import INSERTED, UPDATED
from warehouse.tables import WarehouseTables, after, before, emails_of_deleted

FETCHED_ROWS = 5_000


class Change(NamedTuple):
    """One changed cell; or, without a field, a contact that was inserted or deleted."""

    email: str | None
    contact_id: int | None  # None for a contact that is not inserted yet
    field: str | None
    kind: str
    before: str | None
    after: str | None


class HistoryEntry(NamedTuple):
    """One change of one contact."""

    at: datetime
    import_id: int
    source: str
    field: str
    before: str | None
    after: str | None


def cell_text(value: Any) -> str | None:
    """A stored value as text, as an export writes it."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Decimal):
        return str(plain_decimal(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def kind_of(old: Any, new: Any) -> str:
    """How a cell changed from one value to another."""
    return "filled" if old is None else "cleared" if new is None else "replaced"


def import_changes(warehouse: Warehouse, import_id: int, catalogue: FieldCatalogue) -> Iterator[Change]:
    """The changes of an import or an undo by email, then in the catalogue's order.

    NothingChanged where it has merged nothing, JournalGone where it has no journal.
    """
    migrate(warehouse)
    entry = get_import(warehouse, import_id)
    if entry["status"] != COMPLETED:
        raise NothingChanged(import_id, entry["status"], entry["repeats"])
    if entry["journalled"] is None:
        raise JournalGone(import_id)
    with warehouse.read_transaction() as connection:
        fields = stored_fields(connection, warehouse.schema, catalogue.fields)
        statement = _changes_statement(WarehouseTables(warehouse.schema, fields), fields, import_id)
        for row in connection.execute(statement, execution_options={"yield_per": FETCHED_ROWS}):
            yield from _changes_of(row, fields)


def _changes_statement(tables: WarehouseTables, fields: Sequence[Field], import_id: int) -> Select[Any]:
    journal, contacts = tables.journal, tables.contacts
    of_import = journal.c.import_id == import_id
    deleted = emails_of_deleted(journal)
    journalled = (
        select(journal.c.contact_id, func.coalesce(contacts.c.email, deleted.c.email).label("email"), journal.c.action)
        .select_from(
            journal.outerjoin(contacts, contacts.c.contact_id == journal.c.contact_id).outerjoin(
                deleted, deleted.c.contact_id == journal.c.contact_id
            )
        )
        .where(of_import)
    )
    created = select(contacts.c.contact_id, contacts.c.email, literal(INSERTED, Text)).where(
        contacts.c.created_by_import == import_id,
        ~exists(select(journal.c.contact_id).where(of_import, journal.c.contact_id == contacts.c.contact_id)),
    )
    entries = union_all(journalled, created).subquery("entries")
    values = [side for field in fields for side in (journal.c[before(field.id)], journal.c[after(field.id)])]
    return (
        select(entries.c.email, entries.c.contact_id, entries.c.action, *values)
        .select_from(entries.outerjoin(journal, (journal.c.contact_id == entries.c.contact_id) & of_import))
        .order_by(entries.c.email, entries.c.contact_id)
    )


def _changes_of(row: Any, fields: Sequence[Field]) -> Iterator[Change]:
    email, contact_id, action, *values = row
    if action != UPDATED:
        yield Change(email, contact_id, None, action, None, None)
        return
    for field, (old, new) in zip(fields, pairs(values), strict=True):
        if old != new:
            yield Change(email, contact_id, field.id, kind_of(old, new), cell_text(old), cell_text(new))


def pairs(values: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The values two by two."""
    return zip(values[::2], values[1::2], strict=True)


def contact_history(warehouse: Warehouse, email: str, catalogue: FieldCatalogue) -> list[HistoryEntry]:
    """The changes of the contact with this email, and of deleted ones that had it, newest first."""
    migrate(warehouse)
    with warehouse.read_transaction() as connection:
        fields = stored_fields(connection, warehouse.schema, catalogue.fields)
        tables = WarehouseTables(warehouse.schema, fields)
        imports, journal, contacts = tables.imports, tables.journal, tables.contacts
        numbers = {
            *connection.scalars(select(contacts.c.contact_id).where(contacts.c.email == email)),
            *connection.scalars(select(journal.c.contact_id).where(journal.c.email == email)),
        }
        values = [side for field in fields for side in (journal.c[before(field.id)], journal.c[after(field.id)])]
        statement = (
            select(imports.c.finished_at, imports.c.import_id, imports.c.source, *values)
            .join(journal, journal.c.import_id == imports.c.import_id)
            .where(journal.c.contact_id.in_(numbers))
            .order_by(imports.c.finished_at.desc(), imports.c.import_id.desc(), journal.c.contact_id)
        )
        return [entry for row in connection.execute(statement) for entry in _history_of(row, fields)]


def _history_of(row: Any, fields: Sequence[Field]) -> Iterator[HistoryEntry]:
    at, import_id, source, *values = row
    for field, (old, new) in zip(fields, pairs(values), strict=True):
        if old != new:
            yield HistoryEntry(at, import_id, source, field.id, cell_text(old), cell_text(new))
