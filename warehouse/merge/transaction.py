"""The one transaction of an import: contacts, members, columns, rejections and the list, all or nothing."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import (
    Connection,
    Exists,
    FromClause,
    Insert,
    Table,
    Text,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from schemas.cells.suppressed_emails import SuppressedEmails
from schemas.errors.base import Interrupted
from warehouse.contacts.segments import require_segment
from warehouse.contacts.suppressions import read_suppressions
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import contacts_exist, create_contacts
from warehouse.import_list.entries import COMPLETED, RUNNING, columns_from_report
from warehouse.import_list.retries import RetriedRecords, RetryCounts, save_retried_records
from warehouse.merge.change_counts import FieldChanges
from warehouse.merge.execution import MergeCounts, MergeResult, become_contacts, merge
from warehouse.merge.plan import JoiningMembers, summarise
from warehouse.merge.policies import MergeRules
from warehouse.merge.staging import Staging
from warehouse.merge.statements import Comparison, merge_statements
from warehouse.storable_text import escape_unstorable, escape_unstorable_column
from warehouse.tables import WarehouseTables

ReportData = dict[str, Any]
RECORDS_PER_QUERY = 1000
MULTIPLIER, MODULI = 2_654_435_761, ((1 << 31) - 1, 2_147_483_629)  # primes; squares of the remainders fit into 64 bits


@dataclass(frozen=True)
class MergeNumbers:
    """What the report of an import says about its merge."""

    counts: MergeCounts
    changes: Mapping[str, FieldChanges]
    segment_added: int
    retry: RetryCounts | None = None


@dataclass(frozen=True)
class SuppressionCheck:
    """What the check of the file knew, and what to do with addresses that were suppressed since.

    `known` is the number of the last suppression that was known. `reject` rejects the rows with an address that was
    suppressed since; it returns how many rows are still accepted, and the record numbers of those that are not.
    """

    known: int
    reject: Callable[[SuppressedEmails], tuple[int, Sequence[int]]]


def _now() -> datetime:
    return datetime.now(UTC)


def load_import(
    staging: Staging,
    import_id: int,
    *,
    rules: MergeRules,
    segment: str | None = None,
    accepted: int,
    columns: Iterable[Mapping[str, Any]],
    rejections: Iterable[pd.DataFrame],
    retried_records: RetriedRecords | None = None,
    report: Callable[[MergeNumbers], ReportData],
    approve: Callable[[MergeCounts, str], None] | None = None,
    journal: bool = True,
    suppressions: SuppressionCheck | None = None,
    now: Callable[[], datetime] = _now,
) -> ReportData:
    """Merge the staged rows and complete the import, or write nothing; returns the report that is stored.

    `columns` has `column_name`, `field`, `outcome`, `empty_cells`. The frames of `rejections` have the columns of
    that table except `import_id`. `report` builds the report from the numbers. Merges wait for each other. All of
    these are asked for only after `suppressions` was.

    Safe to repeat after any failure, also when the answer to the commit was lost: a completed import is not merged
    again. Interrupted when it was closed as failed. `approve` gets the counts and the digest of all changes, and
    raises when something else was planned.
    """
    warehouse = staging.warehouse
    tables, backend = WarehouseTables(warehouse.schema, staging.fields), warehouse.backend
    with staging.write_transaction() as connection:
        if (completed := _completed_before(connection, tables, import_id)) is not None:
            return completed
        # A plan is compared with a table, and without inserts there is nothing to become one.
        may_become = rules.policy.inserts and approve is None
        becomes_contacts = staging.tables.becomes_contacts and not _find_or_create_contacts(
            connection, warehouse, create=not may_become
        )
        if not becomes_contacts:
            backend.lock_tables(connection, tables.contacts, tables.segment_members)
        backend.tune_for_merge(connection)
        if segment is not None:
            require_segment(connection, tables, segment)
        store = backend.materialize
        if suppressions is not None:
            accepted, removed = _reject_suppressed(connection, tables, staging.tables.staged, suppressions, accepted)
            if removed:  # which other connections cannot see before the commit
                store = backend.create_table_as
        staged: FromClause = staging.tables.staged
        if becomes_contacts:
            result = become_contacts(
                warehouse, connection, staging.tables.staged, rules, import_id=import_id, now=now(), accepted=accepted
            )
            staged = tables.contacts.alias("staged")
        else:
            statements = merge_statements(
                tables,
                staging.tables,
                staging.fields,
                rules,
                import_id=import_id,
                now=now(),
                journal=journal,
                returns_old=backend.returns_old_values(connection),
            )
            check = approve and partial(
                _check_plan, connection, tables, staged, segment, statements.comparison, approve
            )
            result = merge(connection, statements, store, accepted=accepted, check=check)
        counts = result.counts
        added = _add_members(connection, tables, staged, segment, import_id)
        _insert_columns(connection, tables, import_id, columns)
        _insert_rejections(warehouse, connection, tables, import_id, rejections)
        retried = save_retried_records(connection, tables, import_id, retried_records) if retried_records else None
        content = report(MergeNumbers(counts, result.changes, added, retried))
        _complete(connection, tables, import_id, counts, content, now, counts.updated if journal else None)
        return content


def _check_plan(
    connection: Connection,
    tables: WarehouseTables,
    staged: FromClause,
    segment: str | None,
    comparison: Comparison,
    approve: Callable[[MergeCounts, str], None],
    result: MergeResult,
) -> None:
    """Give `approve` the counts and the digest of what the merge is going to do; it raises unless this was planned."""
    joining = find_joining(connection, tables, tables.contacts, staged, segment)
    approve(result.counts, summarise(connection, comparison, result).digest(result.counts, joining))


def _find_or_create_contacts(connection: Connection, warehouse: Warehouse, *, create: bool) -> bool:
    """Whether the table of contacts exists; with `create`, afterwards. Others who would create it wait."""
    warehouse.backend.lock_migrations(connection)
    if create:
        create_contacts(connection, warehouse)
    return contacts_exist(connection, warehouse)


def _reject_suppressed(
    connection: Connection, tables: WarehouseTables, staged: Table, check: SuppressionCheck, accepted: int
) -> tuple[int, bool]:
    """Remove the staged rows of addresses that were suppressed since the file was checked.

    Returns how many stay, and whether any was removed. What is suppressed after this comes after the import.
    """
    newer = read_suppressions(connection, tables, after=check.known)
    if newer is None:
        return accepted, False
    accepted, records = check.reject(newer)
    for start in range(0, len(records), RECORDS_PER_QUERY):
        some = records[start : start + RECORDS_PER_QUERY]
        connection.execute(delete(staged).where(staged.c.record_number.in_(some)))
    return accepted, bool(records)


def _completed_before(connection: Connection, tables: WarehouseTables, import_id: int) -> ReportData | None:
    """The report of this import if it is completed already; its row stays locked."""
    row = connection.execute(
        select(tables.imports).where(tables.imports.c.import_id == import_id).with_for_update()
    ).one()
    if row.status == RUNNING:
        return None
    if row.status != COMPLETED:
        raise Interrupted(Interrupted.PROCESS_DIED)  # another process closed it as dead; the list must stay right
    report: ReportData = json.loads(row.report)
    return report


def member_statement(tables: WarehouseTables, staged: FromClause, segment: str, import_id: int) -> Insert:
    """Adds the contacts of the staged rows to the segment, unless they are members."""
    contacts = tables.contacts
    rows = (
        select(literal(segment), contacts.c.contact_id, literal(import_id))
        .join(staged, staged.c.email == contacts.c.email)
        .where(~_is_member(tables, contacts, segment))
    )
    return insert(tables.segment_members).from_select(
        ["segment_id", "contact_id", "import_id"], rows, include_defaults=False
    )


def _is_member(tables: WarehouseTables, contacts: FromClause, segment: str) -> Exists:
    members = tables.segment_members
    return exists().where(members.c.segment_id == segment, members.c.contact_id == contacts.c.contact_id)


def find_joining(
    connection: Connection, tables: WarehouseTables, contacts: FromClause, staged: FromClause, segment: str | None
) -> JoiningMembers:
    """The existing contacts that the merge would make members of the segment."""
    if segment is None:
        return JoiningMembers()
    first, second = MODULI
    mixed = (contacts.c.contact_id * MULTIPLIER) % first
    joining = (
        select(func.count(), func.coalesce(func.sum(mixed * mixed % second), 0))
        .select_from(contacts.join(staged, staged.c.email == contacts.c.email))
        .where(~_is_member(tables, contacts, segment))
    )
    number, checksum = connection.execute(joining).one()
    return JoiningMembers(number, int(checksum))


def _add_members(
    connection: Connection, tables: WarehouseTables, staged: FromClause, segment: str | None, import_id: int
) -> int:
    if segment is None:
        return 0
    statement = member_statement(tables, staged, segment, import_id)
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def _insert_columns(
    connection: Connection, tables: WarehouseTables, import_id: int, columns: Iterable[Mapping[str, Any]]
) -> None:
    rows = [
        {key: escape_unstorable(value) if isinstance(value, str) else value for key, value in column.items()}
        | {"import_id": import_id}
        for column in columns
    ]
    if rows:
        connection.execute(insert(tables.import_columns), rows)


def _insert_rejections(
    warehouse: Warehouse,
    connection: Connection,
    tables: WarehouseTables,
    import_id: int,
    rejections: Iterable[pd.DataFrame],
) -> None:
    for frame in rejections:
        batch = _as_batch(tables.rejections, frame.assign(import_id=import_id))
        warehouse.backend.append_batch(connection, tables.rejections, batch)


def _as_batch(table: Table, frame: pd.DataFrame) -> pa.RecordBatch:
    """The columns of a table from a frame; texts become storable."""
    return pa.RecordBatch.from_pydict(
        {
            column.name: escape_unstorable_column(frame[column.name])
            if isinstance(column.type, Text)
            else pa.array(frame[column.name], pa.int64(), from_pandas=True)
            for column in table.columns
        }
    )


def _complete(
    connection: Connection,
    tables: WarehouseTables,
    import_id: int,
    counts: MergeCounts,
    content: ReportData,
    now: Callable[[], datetime],
    journalled: int | None,
) -> None:
    values = {**columns_from_report(content), **asdict(counts), "status": COMPLETED, "finished_at": now()}
    values["journalled"] = journalled
    connection.execute(update(tables.imports).where(tables.imports.c.import_id == import_id).values(values))
