"""The journal: what each import found in the contacts that it changed, and what it wrote."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Insert, Select, Update, case, delete, func, insert, literal, select, update

from schemas.fields import Field
from warehouse.backends.base import StagingTables
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.merge.policies import Difference, has_written, stored_value
from warehouse.tables import UtcDateTime, WarehouseTables, after, before

UPDATED, DELETED, INSERTED = "updated", "deleted", "inserted"  # the actions on a contact


def journal_statement(
    tables: WarehouseTables, staging: StagingTables, found: Sequence[Difference], *, import_id: int, now: datetime
) -> Insert:
    """Stores the changed fields of the contacts that the merge is about to update."""
    contacts, staged, changes = tables.contacts, staging.staged, staging.changes
    values: dict[str, ColumnElement[Any]] = {
        "import_id": literal(import_id),
        "contact_id": contacts.c.contact_id,
        "action": literal(UPDATED),
        before("updated_at"): contacts.c.updated_at,
        before("updated_by_import"): contacts.c.updated_by_import,
        after("updated_at"): literal(now, UtcDateTime),
        after("updated_by_import"): literal(import_id),
    }
    for each in found:  # two equal values become null; most cells are equal, which is known without computing them
        values[before(each.field.id)] = case((each.may_differ, func.nullif(each.before, each.after)))
        values[after(each.field.id)] = case((each.may_differ, func.nullif(each.after, each.before)))
    rows = (
        select(*values.values())
        .select_from(changes)
        .join(staged, staged.c.record_number == changes.c.record_number)
        .join(contacts, contacts.c.contact_id == changes.c.contact_id)
        .where(has_written(changes.c.kinds))
        .order_by(staging.journal_order)
    )
    return insert(tables.journal).from_select(list(values), rows, include_defaults=False)


def update_with_journal(
    tables: WarehouseTables, changed: Update, found: Sequence[Difference], *, import_id: int
) -> Insert:
    """The update and its journal as one statement, where the database returns the values from before an update."""
    contacts = tables.contacts
    old, new = contacts.alias("old"), contacts.alias("new")
    names = ("updated_at", "updated_by_import", *(each.field.id for each in found))
    sides = [side for name in names for side in (old.c[name].label(before(name)), new.c[name].label(after(name)))]
    updated = changed.returning(contacts.c.contact_id, *sides).cte("updated").c
    values: dict[str, ColumnElement[Any]] = {
        "import_id": literal(import_id),
        "contact_id": updated.contact_id,
        "action": literal(UPDATED),
        **{side(name): updated[side(name)] for name in names[:2] for side in (before, after)},
    }
    for name in names[2:]:  # two equal values become null
        one, other = stored_value(updated[before(name)]), stored_value(updated[after(name)])
        values |= {before(name): func.nullif(one, other), after(name): func.nullif(other, one)}
    rows = select(*values.values()).order_by(updated.contact_id)
    return insert(tables.journal).from_select(list(values), rows, include_defaults=False)


def journal_deleted(
    tables: WarehouseTables, fields: Sequence[Field], contact_ids: Select[Any], *, import_id: int
) -> Insert:
    """Stores the whole of the contacts that are about to be deleted."""
    contacts = tables.contacts
    values: dict[str, Any] = {
        "import_id": literal(import_id),
        "contact_id": contacts.c.contact_id,
        "action": literal(DELETED),
        **{name: contacts.c[name] for name in ("email", "created_at", "created_by_import")},
        **{before(name): contacts.c[name] for name in ("updated_at", "updated_by_import")},
        **{before(field.id): stored_value(contacts.c[field.id]) for field in fields},
    }
    rows = select(*values.values()).where(contacts.c.contact_id.in_(contact_ids))
    return insert(tables.journal).from_select(list(values), rows, include_defaults=False)


@retry_transient
def prune_journals(warehouse: Warehouse, finished_before: datetime) -> int:
    """Delete the journals of imports that ended before; returns how many imports had one."""
    tables = WarehouseTables(warehouse.schema)
    imports = tables.imports
    old = (imports.c.journalled.is_not(None), imports.c.finished_at < finished_before)
    with warehouse.read_transaction() as connection:
        if connection.execute(select(imports.c.import_id).where(*old).limit(1)).first() is None:
            return 0
    with warehouse.write_transaction() as connection:
        # First, since an undo of one of them holds its row.
        pruned = connection.execute(update(imports).where(*old).values(journalled=None)).rowcount
        without = select(imports.c.import_id).where(
            imports.c.journalled.is_(None), imports.c.finished_at < finished_before
        )
        for table in (tables.journal, tables.journal_members):
            connection.execute(delete(table).where(table.c.import_id.in_(without)))
    return pruned
