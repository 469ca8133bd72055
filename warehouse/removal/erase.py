"""Erases people for good: contacts, memberships, journal, rejections and rejected files; their addresses stay out."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    delete,
    except_,
    exists,
    func,
    or_,
    select,
    union,
    update,
)

from schemas.cells.suppressed_emails import AT_SIGNS, SuppressedEmails, hash_emails
from schemas.field_types import FieldType
from schemas.fields import Field
from schemas.rejected_rows import ErasedRow, RejectedFile
from schemas.validation.rules import Rule
from warehouse.contacts.suppressions import lock_suppressions, require_key, suppress
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.database.stored_fields import stored_fields
from warehouse.import_list.entries import COMPLETED, PLANNED, RUNNING
from warehouse.removal.chosen_contacts import choose_contacts, count_chosen, email_table
from warehouse.tables import WarehouseTables, after, before

REASON = "erased"
ROWS_PER_FETCH = 5_000
RECORDS_PER_QUERY = 500


# Erases the rows with one of these addresses in a file; finds them only, if the last argument is false.
EraseRows = Callable[[RejectedFile, SuppressedEmails, bool], Iterable[ErasedRow]]


@dataclass(frozen=True)
class Erasure:
    """The report of an erase, and what else it reached. `running` imports may still write a rejected file."""

    report: dict[str, Any]
    suppressed: int
    rejected_rows: int
    running: int


def erase_people(
    warehouse: Warehouse, emails: Iterable[pa.RecordBatch], erase_rows: EraseRows, *, dry_run: bool = False
) -> Erasure:
    """Erase everything about these addresses in one transaction, and suppress them.

    `emails` are batches with the column `email`, in the form in which emails are stored. The files are written inside
    the transaction, so that two erases do not write one file at once. An erase that was interrupted is completed by
    repeating it. A dry run writes nothing.
    """
    migrate(warehouse)
    backend = warehouse.backend
    with warehouse.write_transaction(dry_run=dry_run) as connection:
        fields = stored_fields(connection, warehouse.schema)
        tables = WarehouseTables(warehouse.schema, fields)
        backend.lock_tables(connection, tables.contacts, tables.segment_members)
        lock_suppressions(warehouse, connection, tables)
        backend.tune_for_merge(connection)
        key = require_key(connection, tables)
        listed = email_table(warehouse, connection)
        hashes: list[bytes] = []
        suppressed = 0
        for batch in emails:
            texts = batch["email"].to_pylist()
            hashes += hash_emails(key, texts)
            suppressed += suppress(connection, tables, key, texts, REASON)
            backend.append_batch(connection, listed, batch)
        chosen = choose_contacts(warehouse, connection, _contacts_of(tables, listed))
        found, memberships = count_chosen(connection, tables, chosen)
        _erase_contacts(connection, tables, fields, chosen, listed)
        listed.drop(connection)
        chosen.drop(connection)
        erased = SuppressedEmails.of(key, hashes)
        # Counted first: an import that ends between the two has a rejected file that is erased or counted.
        running = connection.scalar(
            select(func.count()).select_from(tables.imports).where(tables.imports.c.status == RUNNING)
        )
        rejected = _erase_rejected(connection, tables, erased, erase_rows, write=not dry_run)
    status = PLANNED if dry_run else COMPLETED
    report = {"import_id": None, "status": status, "found": found, "deleted": found, "members": memberships}
    return Erasure(report, suppressed, rejected, running or 0)


def _contacts_of(tables: WarehouseTables, listed: Table) -> Select[Any]:
    """The numbers of the contacts with these emails, and of deleted ones that had them.

    Another program may have stored an email in capitals.
    """
    contacts, journal, addresses = tables.contacts, tables.journal, select(listed.c.email)
    had_one = func.lower(journal.c.email).in_(addresses)
    is_there = exists(select(contacts.c.contact_id).where(contacts.c.contact_id == journal.c.contact_id))
    present = select(contacts.c.contact_id).where(func.lower(contacts.c.email).in_(addresses))
    gone = select(journal.c.contact_id).where(had_one, ~is_there)
    return select(union(present, gone).subquery().c.contact_id)


def _erase_contacts(
    connection: Connection, tables: WarehouseTables, fields: Sequence[Field], chosen: Table, listed: Table
) -> None:
    ids, addresses = select(chosen.c.contact_id), select(listed.c.email)
    for table in (tables.segment_members, tables.journal_members, tables.journal, tables.contacts):
        connection.execute(delete(table).where(table.c.contact_id.in_(ids)))
    journal = tables.journal
    # These rows have no email, so they may be about the person. Such contacts were deleted by another program, or
    # without a journal.
    for table in (tables.journal_members, journal):
        connection.execute(delete(table).where(table.c.contact_id.in_(_contacts_without_email(tables))))
    # Of one that has another email now.
    connection.execute(delete(journal).where(func.lower(journal.c.email).in_(addresses)))
    for field in fields:
        if field.type is FieldType.EMAIL:  # of other contacts: the cell counts as unchanged then
            old, new = journal.c[before(field.id)], journal.c[after(field.id)]
            with_address = or_(func.lower(old).in_(addresses), func.lower(new).in_(addresses))
            connection.execute(update(journal).where(with_address).values({old: None, new: None}))


def _contacts_without_email(tables: WarehouseTables) -> CompoundSelect[tuple[int]]:
    """Contacts that are gone and of which the journals have rows, but no email."""
    journal = tables.journal
    return except_(
        select(journal.c.contact_id),
        select(tables.contacts.c.contact_id),
        select(journal.c.contact_id).where(journal.c.email.is_not(None)),
    )


def _rejected_records(connection: Connection, tables: WarehouseTables, erased: SuppressedEmails) -> dict[int, set[int]]:
    """The records, by import, that have one of these addresses in a stored value or message."""
    table, records = tables.rejections, dict[int, set[int]]()
    texts = (table.c.value, table.c.message)
    has_address: ColumnElement[bool] = or_(*(text.contains(sign) for text in texts for sign in AT_SIGNS))
    rows = connection.execute(
        select(table.c.import_id, table.c.record_number, *texts).where(has_address),
        execution_options={"yield_per": ROWS_PER_FETCH},
    )
    for some in rows.partitions():
        found = erased.are_in([f"{row.value or ''}\n{row.message or ''}" for row in some])
        for row, has_one in zip(some, found, strict=True):
            if has_one:
                records.setdefault(row.import_id, set()).add(row.record_number)
    return records


def _erase_rejected(
    connection: Connection, tables: WarehouseTables, erased: SuppressedEmails, erase_rows: EraseRows, *, write: bool
) -> int:
    """Erase the rejected rows of these addresses in the table and in the files; returns how many rows there are."""
    records = _rejected_records(connection, tables, erased)
    in_files: dict[int, int] = {}
    for import_id, file, is_retry in _rejected_files(connection, tables):
        if rows := list(erase_rows(file, erased, write)):
            in_files[import_id] = sum(row.new for row in rows)
            stored = _records_of_retry(connection, tables, import_id) if is_retry else None
            records.setdefault(import_id, set()).update(_numbers(rows, stored))
    in_table = {number: _erase_rejections(connection, tables, number, found) for number, found in records.items()}
    return sum(max(in_files.get(number, 0), found) for number, found in in_table.items())


def _rejected_files(connection: Connection, tables: WarehouseTables) -> Iterator[tuple[int, RejectedFile, bool]]:
    """The rejected files of all imports, and whether their rows show the record numbers of a first import."""
    imports = tables.imports
    reports = connection.execute(select(imports.c.import_id, imports.c.report).where(imports.c.report.is_not(None)))
    for import_id, text in reports.all():
        report: Mapping[str, Any] = json.loads(text)
        if report.get("rejected_file"):
            file = RejectedFile(report["rejected_file"], report["dialect"]["delimiter"])
            yield import_id, file, bool((report.get("retry_of") or {}).get("first"))


def _records_of_retry(connection: Connection, tables: WarehouseTables, import_id: int) -> list[int]:
    """The record numbers of a retry in the table, in the order of the rows of its file."""
    rejections = tables.rejections.c
    stored = select(rejections.record_number).where(rejections.import_id == import_id).distinct()
    return list(connection.scalars(stored.order_by(rejections.record_number)))


def _numbers(rows: Sequence[ErasedRow], of_retry: Sequence[int] | None) -> set[int]:
    """The record numbers of erased rows in the table."""
    if of_retry is not None:
        return {of_retry[row.place] for row in rows if row.place < len(of_retry)}
    return {row.record for row in rows if row.record is not None}


def _erase_rejections(connection: Connection, tables: WarehouseTables, import_id: int, records: Iterable[int]) -> int:
    """Keep of these records what is kept of a suppressed one: number, line and code. Returns how many had more."""
    table, numbers, erased = tables.rejections, sorted(records), 0
    empty = dict.fromkeys(("column_name", "field", "message", "value"))
    for start in range(0, len(numbers), RECORDS_PER_QUERY):
        some = numbers[start : start + RECORDS_PER_QUERY]
        of_records = (
            table.c.import_id == import_id,
            table.c.record_number.in_(some),
            table.c.code != str(Rule.SUPPRESSED),
        )
        erased += connection.scalar(select(func.count(table.c.record_number.distinct())).where(*of_records)) or 0
        connection.execute(update(table).where(*of_records).values(code=str(Rule.SUPPRESSED), **empty))
    return erased
