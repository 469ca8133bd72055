"""The one transaction of an import: contacts, members, columns, rejections and the list, all or nothing."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Insert, Table, exists, insert, literal, select, update

from schemas.choices import Blanks, MergePolicy
from schemas.errors.base import Interrupted
from schemas.errors.request import ApprovalOutdated
from warehouse.backends.bulk import append_frame
from warehouse.contacts.segments import require_segment
from warehouse.database.connection import Warehouse, lock_tables, tune_for_merge
from warehouse.import_list.entries import COMPLETED, RUNNING, columns_from_report
from warehouse.import_list.retries import RetriedRecords, RetryCounts, save_retried_records
from warehouse.merge.staging import Staging
from warehouse.merge.statements import MergeCounts, merge, merge_statements
from warehouse.storable_text import escape_unstorable
from warehouse.tables import WarehouseTables

ReportData = dict[str, Any]


@dataclass(frozen=True)
class LoadResult:
    """What a committed import did, and the report that was stored with it."""

    counts: MergeCounts
    segment_added: int
    report: ReportData


def _now() -> datetime:
    return datetime.now(UTC)


def load_import(
    warehouse: Warehouse,
    import_id: int,
    *,
    staging: Staging,
    policy: MergePolicy,
    blanks: Blanks = Blanks.KEEP,
    segment: str | None = None,
    accepted: int,
    columns: Iterable[Mapping[str, Any]],
    rejections: Iterable[pd.DataFrame],
    retried_records: RetriedRecords | None = None,
    report: Callable[[MergeCounts, int, RetryCounts | None], ReportData],
    approved: tuple[MergeCounts, int] | None = None,
    now: Callable[[], datetime] = _now,
) -> LoadResult:
    """Merge what is staged and complete the import; nothing is written unless all of it is.

    `columns` has `column_name`, `field`, `outcome`, `empty_cells`; the frames of `rejections` the
    columns of that table but `import_id`; `mending` is of a retry alone; `report` composes the report
    from the counts. Merges take turns. Safe to call again after any failure, also when the answer to
    the commit was lost: an import that turns out to be completed is not merged twice. ApprovalOutdated
    where it would come to other counts or another number of new members than the `approved` ones.
    """
    tables = WarehouseTables(warehouse.schema, staging.fields)
    with staging.write_transaction() as connection:
        if (done := _already_loaded(connection, tables, import_id)) is not None:
            return done
        lock_tables(connection, tables.contacts, tables.segment_members)
        tune_for_merge(connection)
        if segment is not None:
            require_segment(connection, tables, segment)
        names = [field.id for field in staging.fields]
        statements = merge_statements(
            tables.contacts, staging.table, staging.changes, names, policy, blanks, import_id=import_id, now=now()
        )
        counts = merge(connection, statements, accepted=accepted)
        added = _add_members(connection, tables, staging.table, segment, import_id)
        if approved not in (None, (counts, added)):
            raise ApprovalOutdated
        _insert_columns(connection, tables, import_id, columns)
        _insert_rejections(connection, tables, import_id, rejections)
        mended = save_retried_records(connection, tables, import_id, retried_records) if retried_records else None
        content = report(counts, added, mended)
        _complete(connection, tables, import_id, counts, content, now)
        return LoadResult(counts, added, content)


def _already_loaded(connection: Connection, tables: WarehouseTables, import_id: int) -> LoadResult | None:
    row = connection.execute(
        select(tables.imports).where(tables.imports.c.import_id == import_id).with_for_update()
    ).one()
    if row.status == RUNNING:
        return None
    if row.status != COMPLETED:
        raise Interrupted(Interrupted.PROCESS_DIED)  # somebody took it for dead and said so, and that is how it stays
    counts = MergeCounts(row.inserted, row.updated, row.unchanged, row.skipped)
    return LoadResult(counts, row.segment_added or 0, json.loads(row.report))


def member_statement(tables: WarehouseTables, staged: Table, segment: str, import_id: int) -> Insert:
    """Make members of the staged contacts that are in the warehouse and not in the segment yet."""
    contacts, members = tables.contacts, tables.segment_members
    member = exists().where(members.c.segment_id == segment, members.c.contact_id == contacts.c.contact_id)
    rows = (
        select(literal(segment), contacts.c.contact_id, literal(import_id))
        .join(staged, staged.c.email == contacts.c.email)
        .where(~member)
    )
    return insert(members).from_select(["segment_id", "contact_id", "import_id"], rows, include_defaults=False)


def _add_members(
    connection: Connection, tables: WarehouseTables, staged: Table, segment: str | None, import_id: int
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
    connection: Connection, tables: WarehouseTables, import_id: int, rejections: Iterable[pd.DataFrame]
) -> None:
    for frame in rejections:
        append_frame(connection, tables.rejections, frame.assign(import_id=import_id))


def _complete(
    connection: Connection,
    tables: WarehouseTables,
    import_id: int,
    counts: MergeCounts,
    content: ReportData,
    now: Callable[[], datetime],
) -> None:
    values = {**columns_from_report(content), **asdict(counts), "status": COMPLETED, "finished_at": now()}
    connection.execute(update(tables.imports).where(tables.imports.c.import_id == import_id).values(values))
