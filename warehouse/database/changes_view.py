"""The view `contact_changes`: the journal by cell, as text."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Text, case, cast, false, func, literal, select, true, union_all

from schemas.field_types import Storage
from schemas.fields import Field
from warehouse.tables import WarehouseTables, after, before


def contact_changes(tables: WarehouseTables, fields: Sequence[Field]) -> CompoundSelect[Any]:
    """One row for each changed cell. The email is that of the contact now; if it is gone, that in its own row.

    Of deleted contacts, only the rows of their delete have one: another look into the journal would read all of it.
    """
    return union_all(*(_changes_of(tables, field) for field in fields))


def _changes_of(tables: WarehouseTables, field: Field) -> Any:
    journal, contacts = tables.journal.alias("j"), tables.contacts.alias("c")
    old, new = journal.c[before(field.id)], journal.c[after(field.id)]
    return (
        select(
            journal.c.import_id,
            journal.c.contact_id,
            func.coalesce(contacts.c.email, journal.c.email).label("email"),
            literal(field.id).label("field"),
            column_as_text(old, field.storage).label("before"),
            column_as_text(new, field.storage).label("after"),
        )
        .select_from(journal.outerjoin(contacts, contacts.c.contact_id == journal.c.contact_id))
        .where(old.is_distinct_from(new))
    )


def column_as_text(column: ColumnElement[Any], storage: Storage) -> ColumnElement[str]:
    """A stored value as text, the same on every database."""
    if storage is Storage.BOOLEAN:
        return case((column == true(), "true"), (column == false(), "false"))
    return cast(column, Text)
