"""The flow that undoes an import, and shows as an artifact what was restored and what was kept."""

from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.config.request import UndoRequest
from flows.config.settings import Settings
from flows.import_runs.recovery import close_abandoned_imports
from flows.import_runs.run_states import failed_state, log_and_redact_error, undo_run_name
from flows.prefect_lookups import run_has_ended
from flows.publishing.artifacts import publish_import_list, publish_undo
from flows.publishing.events import emit_events
from flows.reports.combined import failure_line
from flows.reports.models import ErrorReport, UndoReport
from flows.reports.phrases import undo_line
from schemas.catalogue import load_catalogue
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.undo.undo import undo_import


@flow(name="undo-import", flow_run_name=undo_run_name, persist_result=False)
def undo_contacts_import(request: UndoRequest) -> State[dict[str, Any]]:
    """Undo an import: restore the cells that still have its values, delete the contacts that it added.

    Args:
        request: The number of the import, and whether to count only.
    """
    settings = Settings.load()
    try:
        report = _undo(request, settings)
    except Exception as error:
        redacted = log_and_redact_error(error)
        failure = ErrorReport(code=redacted.code, message=str(redacted))
        return failed_state(failure_line(failure), {"status": "failed", "error": failure.model_dump()})
    publish_undo(report, settings)
    publish_import_list(settings)
    return Completed(message=undo_line(report), data=report.model_dump())


def _undo(request: UndoRequest, settings: Settings) -> UndoReport:
    url = settings.warehouse_url.get_secret_value()
    with Warehouse.open(url, settings.warehouse_schema, create=False) as warehouse:
        create_tables(warehouse)
        close_abandoned_imports(warehouse, settings, emit_events, run_has_ended)
        report = undo_import(
            warehouse,
            request.import_id,
            load_catalogue(settings.catalogue),
            dry_run=request.dry_run,
            journal=settings.journal == "on",
            flow_run_id=str(runtime.flow_run.id),
        )
    return UndoReport.model_validate(report)
