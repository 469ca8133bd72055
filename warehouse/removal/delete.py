"""Deletes contacts. A delete is an entry of the import list with a journal, so it can be undone."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Table, delete, func, select, update

from schemas.errors.changes import OtherNumberOfContacts
from schemas.fields import Field
from warehouse.contacts.segments import require_segment
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.database.stored_fields import stored_fields
from warehouse.import_list.entries import COMPLETED, DELETE_POLICY, PLANNED, enter_change
from warehouse.merge.journal import journal_deleted
from warehouse.removal.chosen_contacts import choose_contacts, count_chosen, email_table
from warehouse.tables import WarehouseTables
from warehouse.undo.members import REMOVED, journal_members


def delete_contacts(
    warehouse: Warehouse,
    *,
    source: str,
    emails: Iterable[pa.RecordBatch] = (),
    segment: str | None = None,
    expected: int | None = None,
    dry_run: bool = False,
    journal: bool = True,
) -> dict[str, Any]:
    """Delete the contacts with these emails, or the members of the segment, in one transaction; returns the report.

    `emails` are batches with the column `email`, in the form in which emails are stored. UnknownSegment, or
    OtherNumberOfContacts unless there are as many contacts as `expected`. A dry run writes nothing and locks nothing.
    """
    migrate(warehouse)
    backend, now = warehouse.backend, datetime.now(UTC)
    transaction = warehouse.rolled_back_transaction() if dry_run else warehouse.write_transaction()
    with transaction as connection:
        fields = stored_fields(connection, warehouse.schema)
        tables = WarehouseTables(warehouse.schema, fields)
        contacts, members = tables.contacts, tables.segment_members
        if not dry_run:
            backend.lock_tables(connection, contacts, members)
        backend.tune_for_merge(connection)
        contact_ids = select(contacts.c.contact_id)
        if segment is None:
            listed = email_table(warehouse, connection)
            for batch in emails:
                backend.append_batch(connection, listed, batch)
            contact_ids = contact_ids.where(func.lower(contacts.c.email).in_(select(listed.c.email)))
        else:
            require_segment(connection, tables, segment)
            in_segment = select(members.c.contact_id).where(members.c.segment_id == segment)
            contact_ids = contact_ids.where(contacts.c.contact_id.in_(in_segment))
        chosen = choose_contacts(warehouse, connection, contact_ids)
        if segment is None:
            listed.drop(connection)
        found, memberships = count_chosen(connection, tables, chosen)
        if expected is not None and expected != found:
            raise OtherNumberOfContacts(found, expected)
        report = {"import_id": None, "status": PLANNED, "found": found, "deleted": found, "members": memberships}
        if dry_run:
            return report
        import_id = enter_change(connection, tables, source, DELETE_POLICY, now)
        report |= {"import_id": import_id, "status": COMPLETED}
        _delete(connection, tables, fields, chosen, import_id, journal)
        values = {
            "journalled": found if journal else None,
            "report": json.dumps(report),
            "finished_at": datetime.now(UTC),
        }
        connection.execute(update(tables.imports).where(tables.imports.c.import_id == import_id).values(values))
    return report


def _delete(
    connection: Connection,
    tables: WarehouseTables,
    fields: Sequence[Field],
    chosen: Table,
    import_id: int,
    journal: bool,
) -> None:
    contacts, members = tables.contacts, tables.segment_members
    ids = select(chosen.c.contact_id)
    is_member = members.c.contact_id.in_(ids)
    if journal:
        columns = (members.c.segment_id, members.c.contact_id, members.c.import_id.label("member_import"))
        rows = select(*columns).where(is_member)
        connection.execute(journal_members(tables, REMOVED, rows, import_id=import_id))
        connection.execute(journal_deleted(tables, fields, ids, import_id=import_id))
    connection.execute(delete(members).where(is_member))
    connection.execute(delete(contacts).where(contacts.c.contact_id.in_(ids)))
    chosen.drop(connection)
