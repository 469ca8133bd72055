"""Imports whose process died: closed in the list, and cleared off the disk, by whoever comes next."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.import_runs.work_folders import FilesToKeep, clean_up_folder, folder_name
from flows.reports.report import Report, ReportBuilder
from schemas.errors.base import ContactImportError, Interrupted
from schemas.errors.request import NoFormAnswer
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import RUNNING, fail_import, get_import, list_suspended_imports
from warehouse.import_list.liveness import clear_liveness_key, find_abandoned_imports

EmitEvents = Callable[[Report, str | None], None]
HasEnded = Callable[[str], bool]


def close_abandoned_imports(
    warehouse: Warehouse,
    settings: Settings,
    emit_events: EmitEvents | None = None,
    run_has_ended: HasEnded | None = None,
) -> None:
    """Tell of imports that died while running, or asked a person in vain, that they failed, and tidy up after them.

    `announce` is given the report of each, and the run that it died in. One that waits for a person is asked for by
    `run_has_ended`, where Prefect is at hand: its run may have been cancelled since. A folder on another machine is
    left to that machine. An error here stops no import: the next one tries again.
    """
    with suppress(ContactImportError):
        for dead in find_abandoned_imports(warehouse):
            if dead["status"] == RUNNING:
                _tell(warehouse, dead, Interrupted(Interrupted.PROCESS_DIED), emit_events)
            if dead["alive_key"] is not None:
                _tidy(warehouse, settings, dead["import_id"], dead["alive_key"])
        for waiting in list_suspended_imports(warehouse):
            if waiting["waits_until"] < datetime.now(UTC):
                _tell(warehouse, waiting, NoFormAnswer(), emit_events)
            elif run_has_ended and run_has_ended(waiting["flow_run_id"]):
                _tell(warehouse, waiting, Interrupted(), emit_events)


def _tidy(warehouse: Warehouse, settings: Settings, import_id: int, key: int) -> None:
    report = get_import(warehouse, import_id)["report"] or {}
    if clean_up_folder(settings, folder_name(import_id, key), FilesToKeep(bool(report.get("rejected_file")))):
        clear_liveness_key(warehouse, import_id)


def _tell(
    warehouse: Warehouse, dead: Mapping[str, Any], error: ContactImportError, emit_events: EmitEvents | None
) -> None:
    report = report_of_abandoned(dead, error)
    closed = fail_import(
        warehouse,
        dead["import_id"],
        error_code=error.code,
        error_message=str(error),
        report=report,
        finished_at=datetime.now(UTC),
    )
    if closed and emit_events:  # else somebody was faster, or it was completed after all
        emit_events(report, dead["flow_run_id"])


def report_of_abandoned(row: Mapping[str, Any], error: ContactImportError) -> Report:
    """What can be said of an import that cannot say it itself: what it had entered in the list."""
    request = ImportRequest.model_construct(source=row["source"], merge=row["merge_policy"], retry_of=row["retry_of"])
    report = ReportBuilder(request, import_id=row["import_id"]).failed(error)
    return {**report, "sha256": row["sha256"]}
