"""Imports whose process died: the next command closes them in the list and deletes their files."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.import_runs.work_folders import FilesToKeep, clean_up_folder, folder_name
from flows.reports.builder import ImportReportBuilder
from flows.reports.models import ImportReport
from schemas.errors.base import ContactImportError, Interrupted
from schemas.errors.request import NoFormAnswer
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import RUNNING, fail_import, get_import, list_suspended_imports
from warehouse.import_list.liveness import clear_liveness_key, find_abandoned_imports

EmitEvents = Callable[[ImportReport, str | None], None]
HasEnded = Callable[[str], bool]


def close_abandoned_imports(
    warehouse: Warehouse,
    settings: Settings,
    emit_events: EmitEvents | None = None,
    run_has_ended: HasEnded | None = None,
) -> None:
    """Close as failed the imports whose process died, or whose question was never answered, and delete their files.

    `emit_events` gets the report of each and the run that it belonged to. `run_has_ended` asks Prefect about the run
    of a suspended import, which may have been cancelled. A folder on another machine is left to that machine. An
    error here stops no import: the next one tries again.
    """
    with suppress(ContactImportError):
        for row in find_abandoned_imports(warehouse):
            if row["status"] == RUNNING:
                _close(warehouse, row, Interrupted(Interrupted.PROCESS_DIED), emit_events)
            if row["alive_key"] is not None:
                _clean_up(warehouse, settings, row["import_id"], row["alive_key"])
        for row in list_suspended_imports(warehouse):
            if row["waits_until"] < datetime.now(UTC):
                _close(warehouse, row, NoFormAnswer(), emit_events)
            elif run_has_ended and run_has_ended(row["flow_run_id"]):
                _close(warehouse, row, Interrupted(), emit_events)


def _clean_up(warehouse: Warehouse, settings: Settings, import_id: int, key: int) -> None:
    report = get_import(warehouse, import_id)["report"] or {}
    with suppress(Exception):  # the next command tries again
        if clean_up_folder(settings, folder_name(import_id, key), FilesToKeep(bool(report.get("rejected_file")))):
            clear_liveness_key(warehouse, import_id)


def _close(
    warehouse: Warehouse, row: Mapping[str, Any], error: ContactImportError, emit_events: EmitEvents | None
) -> None:
    report = report_of_abandoned(row, error)
    closed = fail_import(
        warehouse,
        row["import_id"],
        error_code=error.code,
        error_message=str(error),
        report=report.model_dump(),
        finished_at=datetime.now(UTC),
        seen=row,
    )
    if closed and emit_events:  # otherwise another process closed it, or it was completed after all
        emit_events(report, row["flow_run_id"])


def report_of_abandoned(row: Mapping[str, Any], error: ContactImportError) -> ImportReport:
    """The report of an import that can no longer write it, from its row in the list."""
    request = ImportRequest.model_construct(source=row["source"], merge=row["merge_policy"], retry_of=row["retry_of"])
    report = ImportReportBuilder(request, import_id=row["import_id"]).failed(error)
    return report.model_copy(update={"sha256": row["sha256"]})
