"""The view `contact_changes`: the journal by cell, as text."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Text,
    case,
    cast,
    false,
    func,
    literal,
    select,
    true,
    union_all,
)

from schemas.field_types import Storage
from schemas.fields import Field
from warehouse.tables import WarehouseTables, after, before

MAX_TERMS = 250  # of one compound select; SQLite takes at most 500


def contact_changes(tables: WarehouseTables, fields: Sequence[Field]) -> CompoundSelect[Any]:
    """One row for each changed cell. The email is that of the contact now; if it is gone, that in its own row.

    Of deleted contacts, only the rows of their delete have one: another look into the journal would read all of it.
    """
    journal, contacts = tables.journal.alias("j"), tables.contacts.alias("c")  # once: an alias copies every column
    terms = [_changes_of(journal, contacts, field) for field in fields]
    groups = [terms[start : start + MAX_TERMS] for start in range(0, len(terms), MAX_TERMS)]
    return union_all(*(select(union_all(*group).subquery()) for group in groups))


def _changes_of(journal: FromClause, contacts: FromClause, field: Field) -> Any:
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
