"""The import list: one row for every import that was started, whatever its result."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    Update,
    and_,
    case,
    column,
    func,
    insert,
    or_,
    select,
    update,
)

from schemas.errors.request import UnknownImport
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.storable_text import escape_unstorable
from warehouse.tables import COUNT_COLUMNS, WarehouseTables

DEFAULT_LIST_LIMIT = 50
RUNNING, COMPLETED, FAILED, SKIPPED = "running", "completed", "failed", "skipped"
PLANNED = "planned"  # the status of a dry run, which is not in the list
UNDO_POLICY, DELETE_POLICY = "undo", "delete"  # in the column `merge_policy`, of entries that read no contacts
UNLISTED_COLUMNS = ("report", "alive_key", "options", "inbox", "inbox_claim", "inbox_tries")


@retry_transient
def start_import(
    warehouse: Warehouse,
    *,
    source: str,
    merge_policy: str,
    started_at: datetime,
    series: str | None = None,
    flow_run_id: str | None = None,
    retry_of: int | None = None,
    alive_key: int | None = None,
    options: Mapping[str, Any] | None = None,
    claim: Callable[[Connection], Mapping[str, Any]] | None = None,
) -> int:
    """Add an import as `running` before any work, and return its number; repeated for its source, it adds one row.

    `options` are those that a retry keeps. `claim` gives the columns that claim a file of an inbox, or raises.
    """
    row = {
        "source": escape_unstorable(source),
        "series": escape_unstorable(series or source),
        "merge_policy": str(merge_policy),
        "status": RUNNING,
        "started_at": started_at,
        "flow_run_id": flow_run_id,
        "retry_of": retry_of,
        "alive_key": alive_key,
        "options": json.dumps(options) if options else None,
    }
    imports = WarehouseTables(warehouse.schema).imports
    with warehouse.write_transaction() as connection:
        # When the answer to the commit was lost, the key tells this import's row from that of a dead one.
        # All files of an inbox that one look finds have one key.
        same_import = select(imports.c.import_id).where(
            imports.c.alive_key == alive_key, imports.c.status == RUNNING, imports.c.source == row["source"]
        )
        if alive_key is not None and (known := connection.scalar(same_import)) is not None:
            return int(known)
        row |= claim(connection) if claim else {}
        return int(connection.execute(insert(imports).values(row).returning(imports.c.import_id)).scalar_one())


def enter_change(
    connection: Connection, tables: WarehouseTables, source: str, policy: str, now: datetime, **more: Any
) -> int:
    """Add an undo or a delete in its own transaction, and return its number: one that fails leaves no entry."""
    name = escape_unstorable(source)
    values = {"source": name, "series": name, "merge_policy": policy, "status": COMPLETED, "started_at": now, **more}
    imports = tables.imports
    return int(connection.execute(insert(imports).values(values).returning(imports.c.import_id)).scalar_one())


@retry_transient
def record_landing(
    warehouse: Warehouse,
    import_id: int,
    *,
    sha256: str,
    fingerprint: str | None = None,
    source_version: str | None = None,
    source_day: date | None = None,
) -> None:
    """Store which bytes a running import reads, and a fingerprint of how it reads them."""
    values = {"sha256": sha256, "fingerprint": fingerprint, "source_version": source_version}
    values["source_day"] = source_day.isoformat() if source_day else None
    with warehouse.write_transaction() as connection:
        connection.execute(_update_running(warehouse, import_id).values(values))


def fail_import(
    warehouse: Warehouse,
    import_id: int,
    *,
    error_code: str,
    error_message: str,
    report: Mapping[str, Any],
    finished_at: datetime,
    seen: Mapping[str, Any] | None = None,
) -> bool:
    """Close a running import as `failed`; False where it was closed before, which does not change.

    `seen`: the row that another process saw. The import goes on if it was suspended or resumed since.
    """
    error = {"error_code": error_code, "error_message": escape_unstorable(error_message)}
    return _close(warehouse, import_id, FAILED, report, finished_at, error, seen)


@retry_transient
def suspend_import(warehouse: Warehouse, import_id: int, until: datetime) -> None:
    """Store that a running import waits for a person, and has no process meanwhile."""
    with warehouse.write_transaction() as connection:
        connection.execute(_update_running(warehouse, import_id).values(waits_until=until))


@retry_transient
def resume_import(warehouse: Warehouse, import_id: int, flow_run_id: str, alive_key: int | None = None) -> bool:
    """Continue a suspended import of this flow run under another key; False where it was closed meanwhile."""
    change = _update_running(warehouse, import_id).where(column("flow_run_id") == flow_run_id)
    with warehouse.write_transaction() as connection:
        return connection.execute(change.values(waits_until=None, alive_key=alive_key)).rowcount == 1


@retry_transient
def list_suspended_imports(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The imports that wait for a person."""
    imports = WarehouseTables(warehouse.schema).imports
    suspended = select(imports).where(imports.c.status == RUNNING, imports.c.waits_until.is_not(None))
    with warehouse.read_transaction() as connection:
        return [dict(row._mapping) for row in connection.execute(suspended)]


def skip_import(
    warehouse: Warehouse, import_id: int, *, repeats: int, report: Mapping[str, Any], finished_at: datetime
) -> None:
    """Close a running import as `skipped`, since it would do the same as the import `repeats`."""
    _close(warehouse, import_id, SKIPPED, report, finished_at, {"repeats": repeats})


@retry_transient
def list_imports(warehouse: Warehouse, limit: int = DEFAULT_LIST_LIMIT) -> list[dict[str, Any]]:
    """The last imports, newest first, without their reports, with the number of outstanding records of each."""
    tables = WarehouseTables(warehouse.schema)
    imports = tables.imports
    columns = [column for column in imports.columns if column.name not in UNLISTED_COLUMNS]
    with warehouse.read_transaction() as connection:
        rows = connection.execute(
            select(*columns, outstanding_column(tables)).order_by(imports.c.import_id.desc()).limit(limit)
        )
        return [dict(row._mapping) for row in rows]


@retry_transient
def get_import(warehouse: Warehouse, import_id: int) -> dict[str, Any]:
    """One row of the import list, with its `report` as an object; UnknownImport when there is no such row."""
    imports = WarehouseTables(warehouse.schema).imports
    with warehouse.read_transaction() as connection:
        row = connection.execute(select(imports).where(imports.c.import_id == import_id)).one_or_none()
    if row is None:
        raise UnknownImport(import_id)
    return {**row._mapping, "report": json.loads(row.report) if row.report else None}


@retry_transient
def get_last_row_count(warehouse: Warehouse, series: str) -> int | None:
    """How many rows the last completed import of a series read; None if there was none."""
    imports = WarehouseTables(warehouse.schema).imports
    completed = select(imports.c.read).where(
        series_column(imports) == escape_unstorable(series), imports.c.status == COMPLETED, is_in_effect(imports)
    )
    with warehouse.read_transaction() as connection:
        return connection.scalar(completed.order_by(imports.c.import_id.desc()).limit(1))


@retry_transient
def get_latest_day(warehouse: Warehouse, series: str) -> tuple[int, date] | None:
    """The latest day that a source of this series named, with its import."""
    imports = WarehouseTables(warehouse.schema).imports
    dated = select(imports.c.import_id, imports.c.source_day).where(
        series_column(imports) == escape_unstorable(series),
        imports.c.status.in_((COMPLETED, SKIPPED)),
        imports.c.source_day.is_not(None),
        is_in_effect(imports),
    )
    with warehouse.read_transaction() as connection:
        row = connection.execute(dated.order_by(imports.c.source_day.desc()).limit(1)).one_or_none()
    return (row.import_id, date.fromisoformat(row.source_day)) if row else None


def series_column(imports: FromClause) -> ColumnElement[str]:
    """The series of an import, such as the file of each night; an older release stored only the source."""
    return func.coalesce(imports.c.series, imports.c.source)


def columns_from_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the import list that repeat values of the report, and the report itself as text."""
    segment, retry = report.get("segment") or {}, report.get("retry_of") or {}
    counts = {**(report.get("rows") or {}), **(report.get("contacts") or {})}
    return {
        **{count: counts.get(count) for count in COUNT_COLUMNS},
        "segment": segment.get("id"),
        "segment_added": segment.get("added"),
        "rejections_found": sum(report.get("rejections", {}).values()),
        "rejections_kept": report.get("rejections_kept"),
        "first_import": retry.get("first"),
        "report": json.dumps(report),  # ASCII, so that texts no database can store, such as NUL, are kept
    }


def outstanding_records(tables: WarehouseTables) -> ColumnElement[int]:
    """How many of a completed import's rejected records no retry has imported; a retry that is undone has none."""
    imports, retried = tables.imports.c, tables.mended_records
    numbers = select(func.count()).where(
        retried.c.first_import == imports.import_id, retried.c.import_id.not_in(undone_imports(tables.imports))
    )
    return imports.rejected - numbers.scalar_subquery()


def undone_imports(imports: Table) -> Select[tuple[int]]:
    """The numbers of the imports that an undo took back."""
    undone = imports.alias("undone")
    return select(undone.c.import_id).where(undone.c.undone_by.is_not(None))


def is_in_effect(imports: Table) -> ColumnElement[bool]:
    """Whether no undo took an import back, nor the import that a skipped one repeats."""
    undone = undone_imports(imports)
    return and_(imports.c.undone_by.is_(None), or_(imports.c.repeats.is_(None), imports.c.repeats.not_in(undone)))


def outstanding_column(tables: WarehouseTables) -> ColumnElement[int | None]:
    """`outstanding_records` of completed imports; null for retries, whose records count at their first import."""
    imports = tables.imports.c
    is_counted = and_(imports.status == COMPLETED, imports.first_import.is_(None))
    return case((is_counted, outstanding_records(tables))).label("missing")


def _update_running(warehouse: Warehouse, import_id: int) -> Update:
    imports = WarehouseTables(warehouse.schema).imports
    return update(imports).where(imports.c.import_id == import_id, imports.c.status == RUNNING)


@retry_transient
def _close(
    warehouse: Warehouse,
    import_id: int,
    status: str,
    report: Mapping[str, Any],
    finished_at: datetime,
    details: dict[str, Any],
    seen: Mapping[str, Any] | None = None,
) -> bool:
    running = _update_running(warehouse, import_id)
    if seen:
        running = running.where(
            *(column(name).is_not_distinct_from(seen[name]) for name in ("waits_until", "alive_key"))
        )
    values = {**columns_from_report(report), "status": status, "finished_at": finished_at, "waits_until": None}
    with warehouse.write_transaction() as connection:
        return connection.execute(running.values(values | details)).rowcount == 1
