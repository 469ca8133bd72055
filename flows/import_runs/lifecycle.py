"""One import in the list, from its start to its end: it lives while its process does, and is closed in any case."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar, cast

from prefect import runtime

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.import_runs.recovery import close_abandoned_imports
from flows.import_runs.run_states import log_and_redact_error
from flows.import_runs.work_folders import FilesToKeep, clean_up_folder, folder_name, make_import_folder
from flows.prefect_lookups import run_has_ended
from flows.publishing.events import emit_events
from flows.reports.report import Report, ReportBuilder, RunOutcome, record_outcome
from schemas.errors.base import ContactImportError, Interrupted
from transforms.sources.addresses import redacted
from transforms.work_folder import ImportFolder
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.import_list.entries import COMPLETED, fail_import, get_import, start_import
from warehouse.import_list.liveness import clear_liveness_key, liveness_lock

T = TypeVar("T")


@contextmanager
def prepared_import_list(warehouse: Warehouse, settings: Settings) -> Iterator[int]:
    """A warehouse that can list an import, freed of those that died; gives the key by which ours is seen to live."""
    create_tables(warehouse)
    close_abandoned_imports(warehouse, settings, emit_events, run_has_ended)
    with liveness_lock(warehouse) as key:
        yield key


def run_import(
    request: ImportRequest,
    settings: Settings,
    warehouse: Warehouse,
    report: ReportBuilder,
    key: int,
    work: Callable[[ImportRequest, Settings, Warehouse, ReportBuilder, ImportFolder], T],
    known: int | None = None,
) -> T | Report:
    """Enter the import in the list, do it, and close it there: completed with its contacts, or failed without.

    One that waited for a person is `known` to the list already, by its key too.
    """
    report.import_id = known or start_import(
        warehouse,
        source=redacted(request.source),
        series=report.series,
        merge_policy=request.merge,
        started_at=datetime.now(UTC),
        flow_run_id=runtime.flow_run.id,
        retry_of=request.retry_of,
        alive_key=key,
    )
    folder = folder_name(report.import_id, key)
    try:
        return close_on_failure(
            warehouse, report, lambda: work(request, settings, warehouse, report, make_import_folder(settings, folder))
        )
    finally:
        clean_up_folder(settings, folder, files_to_keep(report, settings))
        with suppress(ContactImportError):  # then the next one will look whether we live
            clear_liveness_key(warehouse, report.import_id)


def close_on_failure(warehouse: Warehouse, report: ReportBuilder, work: Callable[[], T]) -> T | Report:
    """Do an import that is in the list, and close it there when it fails."""
    try:
        return work()
    except Exception as error:
        return record_failure(warehouse, report, log_and_redact_error(error))
    except BaseException:
        result = record_failure(warehouse, report, Interrupted())
        emit_events(result)
        if result["status"] == COMPLETED:
            record_outcome(RunOutcome(result, report.stages))
        raise


def record_failure(warehouse: Warehouse, report: ReportBuilder, error: ContactImportError) -> Report:
    """Close the import as failed, as far as the warehouse lets us; what the list says of it is what is told.

    One that is committed has not failed; one that was taken for dead has failed for that reason and no other.
    """
    result = report.failed(error)
    try:
        fail_import(
            warehouse,
            run_id(report),
            error_code=error.code,
            error_message=str(error),
            report=result,
            finished_at=datetime.now(UTC),
        )
        return cast(Report, get_import(warehouse, run_id(report))["report"])
    except ContactImportError as trouble:
        result["warnings"] = [*result["warnings"], f"the failure could not be entered in the import list: {trouble}"]
    return result


def files_to_keep(report: ReportBuilder, settings: Settings) -> FilesToKeep:
    """What stays in the folder: a source with columns that are never to be read does not, whatever is set."""
    asked = (
        report.options.preset or report.earlier_decisions.preset
    )  # it was to tell, if the import failed before it did
    readable = not (report.mapping.never_read if report.mapping else asked)
    return FilesToKeep(rejected_file=report.rejected_file is not None, source=settings.keep_landed and readable)


def run_id(report: ReportBuilder) -> int:
    """The import's number, once it has one."""
    assert report.import_id is not None
    return report.import_id
