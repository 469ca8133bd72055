"""The import list: one row for every import ever begun, whatever became of it."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
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
from warehouse.import_list.liveness import find_dead_keys, find_unlocked_keys
from warehouse.storable_text import escape_unstorable
from warehouse.tables import COUNT_COLUMNS, WarehouseTables

DEFAULT_LIST_LIMIT = 50
RUNNING, COMPLETED, FAILED, SKIPPED = "running", "completed", "failed", "skipped"


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
) -> int:
    """Enter an import as `running`, before any work, and give its number; a key is entered once."""
    row = {
        "source": escape_unstorable(source),
        "series": escape_unstorable(series or source),
        "merge_policy": str(merge_policy),
        "status": RUNNING,
        "started_at": started_at,
        "flow_run_id": flow_run_id,
        "retry_of": retry_of,
        "alive_key": alive_key,
    }
    imports = WarehouseTables(warehouse.schema).imports
    with warehouse.write_transaction() as connection:
        # The same again, when the answer to the commit was lost: its own lock tells it from a dead one's row.
        entered = select(imports.c.import_id).where(imports.c.alive_key == alive_key, imports.c.status == RUNNING)
        if alive_key is not None and (known := connection.scalar(entered)) is not None:
            return int(known)
        result = connection.execute(insert(imports).values(row))
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])


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
    """Note which bytes the import is made of, and how it reads them, once they are here."""
    values = {"sha256": sha256, "fingerprint": fingerprint, "source_version": source_version}
    values["source_day"] = source_day.isoformat() if source_day else None
    with warehouse.write_transaction() as connection:
        connection.execute(_change(warehouse, import_id).values(values))


def fail_import(
    warehouse: Warehouse,
    import_id: int,
    *,
    error_code: str,
    error_message: str,
    report: Mapping[str, Any],
    finished_at: datetime,
) -> bool:
    """Close a running import as `failed`; False where it was closed already, and stays as it is."""
    closing = {"error_code": error_code, "error_message": escape_unstorable(error_message)}
    return _close(warehouse, import_id, FAILED, report, finished_at, closing)


@retry_transient
def suspend_import(warehouse: Warehouse, import_id: int, until: datetime) -> None:
    """Note that a running import waits for a person, and has no process meanwhile."""
    with warehouse.write_transaction() as connection:
        connection.execute(_change(warehouse, import_id).values(waits_until=until))


@retry_transient
def resume_import(warehouse: Warehouse, import_id: int, flow_run_id: str, alive_key: int | None = None) -> bool:
    """Go on with an import of this run that waited, alive by another key; False where it has been closed meanwhile."""
    change = _change(warehouse, import_id).where(column("flow_run_id") == flow_run_id)
    with warehouse.write_transaction() as connection:
        return connection.execute(change.values(waits_until=None, alive_key=alive_key)).rowcount == 1


@retry_transient
def list_suspended_imports(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The imports that wait for a person."""
    imports = WarehouseTables(warehouse.schema).imports
    waiting = select(imports).where(imports.c.status == RUNNING, imports.c.waits_until.is_not(None))
    with warehouse.read_transaction() as connection:
        return [dict(row._mapping) for row in connection.execute(waiting)]


def skip_import(
    warehouse: Warehouse, import_id: int, *, repeats: int, report: Mapping[str, Any], finished_at: datetime
) -> None:
    """Close a running import as `skipped`: there was nothing to do but what the import `repeats` did."""
    _close(warehouse, import_id, SKIPPED, report, finished_at, {"repeats": repeats})


@retry_transient
def list_imports(warehouse: Warehouse, limit: int = DEFAULT_LIST_LIMIT) -> list[dict[str, Any]]:
    """The last imports, the newest first, without their reports, but with what is missing from each."""
    tables = WarehouseTables(warehouse.schema)
    imports = tables.imports
    columns = [column for column in imports.columns if column.name not in ("report", "alive_key")]
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
        row = _one(connection, select(imports).where(imports.c.import_id == import_id), import_id)
    return {**row._mapping, "report": json.loads(row.report) if row.report else None}


@retry_transient
def get_last_row_count(warehouse: Warehouse, series: str) -> int | None:
    """How many rows the last completed import of a series read; None if there was none."""
    imports = WarehouseTables(warehouse.schema).imports
    completed = select(imports.c.read).where(
        series_column(imports) == escape_unstorable(series), imports.c.status == COMPLETED
    )
    with warehouse.read_transaction() as connection:
        return connection.scalar(completed.order_by(imports.c.import_id.desc()).limit(1))


def find_abandoned_imports(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Imports whose process died: while `running`, or before it had tidied up after itself. Without their reports.

    One that waits for a person has no process, and is not dead. A running one without a key was begun by an older
    release; after a day, nobody waits for it any more. What a closed one left, on a machine that does not come back
    within a week, is left to pruning.
    """
    imports = WarehouseTables(warehouse.schema).imports
    columns = [column for column in imports.columns if column.name != "report"]
    now = datetime.now(UTC)
    running = and_(imports.c.status == RUNNING, imports.c.waits_until.is_(None))
    untidy = and_(
        imports.c.status != RUNNING,
        imports.c.alive_key.is_not(None),
        imports.c.finished_at > now - timedelta(days=7),
    )
    with warehouse.read_transaction() as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(*columns).where(or_(running, untidy)))]
    keyed = [row for row in rows if row["alive_key"] is not None]
    dead = find_dead_keys(warehouse, [row["alive_key"] for row in keyed if row["status"] == RUNNING])
    dead |= find_unlocked_keys(warehouse, [row["alive_key"] for row in keyed if row["status"] != RUNNING])
    old = now - timedelta(days=1)

    def died(row: Mapping[str, Any]) -> bool:
        return row["started_at"] < old if row["alive_key"] is None else row["alive_key"] in dead

    return [row for row in rows if died(row)]


@retry_transient
def list_live_imports(warehouse: Warehouse) -> list[tuple[int, int]]:
    """The number and the key of every import that runs, or waits for a person."""
    imports = WarehouseTables(warehouse.schema).imports
    living = select(imports.c.import_id, imports.c.alive_key).where(
        imports.c.alive_key.is_not(None), imports.c.status == RUNNING
    )
    with warehouse.read_transaction() as connection:
        return [(row.import_id, row.alive_key) for row in connection.execute(living)]


@retry_transient
def clear_liveness_key(warehouse: Warehouse, import_id: int) -> None:
    """Note that nothing of a closed import is left to tidy; from now on nobody looks whether it lives."""
    imports = WarehouseTables(warehouse.schema).imports
    closed = update(imports).where(imports.c.import_id == import_id, imports.c.status != RUNNING)
    with warehouse.write_transaction() as connection:
        connection.execute(closed.values(alive_key=None))


def get_latest_day(warehouse: Warehouse, series: str) -> tuple[int, date] | None:
    """The import that brought the latest day of a series with a date in its source, and that day."""
    imports = WarehouseTables(warehouse.schema).imports
    mine = select(imports.c.import_id, imports.c.source_day).where(
        series_column(imports) == escape_unstorable(series),
        imports.c.status.in_((COMPLETED, SKIPPED)),
        imports.c.source_day.is_not(None),
    )
    with warehouse.read_transaction() as connection:
        row = connection.execute(mine.order_by(imports.c.source_day.desc()).limit(1)).one_or_none()
    return (row.import_id, date.fromisoformat(row.source_day)) if row else None


def series_column(imports: FromClause) -> ColumnElement[str]:
    """What an import is one of, such as each night's; those of an older release are of their source's."""
    return func.coalesce(imports.c.series, imports.c.source)


def columns_from_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the import list that repeat leaves of the report, and the report itself as text."""
    segment, retry = report.get("segment") or {}, report.get("retry_of") or {}
    leaves = {**(report.get("rows") or {}), **(report.get("contacts") or {})}
    return {
        **{count: leaves.get(count) for count in COUNT_COLUMNS},
        "segment": segment.get("id"),
        "segment_added": segment.get("added"),
        "rejections_found": sum(report.get("rejections", {}).values()),
        "rejections_kept": report.get("rejections_kept"),
        "first_import": retry.get("first"),
        "report": json.dumps(report),  # ASCII: also what no warehouse can hold, such as NUL, comes back whole
    }


def outstanding_column(tables: WarehouseTables) -> ColumnElement[int | None]:
    """How many of an import's rejected records no retry has brought; null for what is itself counted at its first."""
    imports, mended = tables.imports.c, tables.mended_records.c
    brought = select(func.count()).where(mended.first_import == imports.import_id).scalar_subquery()
    counted = and_(imports.status == COMPLETED, imports.first_import.is_(None))
    return case((counted, imports.rejected - brought)).label("missing")


def _one(connection: Connection, statement: Select[Any], import_id: int) -> Row[Any]:
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise UnknownImport(import_id)
    return row


def _change(warehouse: Warehouse, import_id: int) -> Update:
    imports = WarehouseTables(warehouse.schema).imports
    return update(imports).where(imports.c.import_id == import_id, imports.c.status == RUNNING)


@retry_transient
def _close(
    warehouse: Warehouse,
    import_id: int,
    status: str,
    report: Mapping[str, Any],
    finished_at: datetime,
    more: Mapping[str, Any],
) -> bool:
    values = {**columns_from_report(report), "status": status, "finished_at": finished_at, "waits_until": None, **more}
    with warehouse.write_transaction() as connection:
        return connection.execute(_change(warehouse, import_id).values(values)).rowcount == 1
