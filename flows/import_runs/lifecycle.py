"""One import in the list, from its entry to its end. It is closed there whatever happens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from prefect import runtime

from flows.config.environment import home_warnings
from flows.config.settings import Settings
from flows.import_runs.context import ImportContext, ImportList, InboxFile, RunServices
from flows.import_runs.corrected_files import kept_options
from flows.import_runs.recovery import close_abandoned_imports
from flows.import_runs.run_states import log_and_redact_error
from flows.import_runs.task_runners import chunk_runner
from flows.import_runs.work_folders import FilesToKeep, clean_up_folder, folder_name, make_import_folder
from flows.pipeline.progress import current_progress
from flows.pipeline.sources import ArchiveOrigin, SourceLookups
from flows.pipeline.steps import catalogue_for
from flows.prefect_lookups import run_has_ended, runs_as_command, scheduled_day, source_logins
from flows.publishing.artifacts import ProgressArtifact, publish_rejected_rows
from flows.publishing.events import emit_events
from flows.reports.builder import ImportReportBuilder
from flows.reports.models import ImportReport
from flows.reports.outcomes import RunOutcome, record_outcome
from schemas.errors.base import ContactImportError, Interrupted
from transforms.sources.addresses import redacted
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.errors import retry_transient
from warehouse.import_list.entries import COMPLETED, fail_import, get_import, start_import
from warehouse.import_list.liveness import clear_liveness_key, liveness_lock

T = TypeVar("T")


def prefect_services() -> RunServices:
    """A run of Prefect: its progress is an artifact."""
    return RunServices(
        SourceLookups(scheduled_day, source_logins, runs_as_command),
        chunk_runner,
        lambda: ProgressArtifact(current_progress.get()),
    )


@contextmanager
def open_import_list(settings: Settings) -> Iterator[ImportList]:
    """Open the warehouse, close imports whose process died, and lock the key that shows that this process lives."""
    with _open_warehouse(settings) as warehouse:
        create_tables(warehouse, contacts=False)
        close_abandoned_imports(warehouse, settings, emit_events, run_has_ended)
        with liveness_lock(warehouse) as key:
            yield ImportList(warehouse, settings, key)


@retry_transient
def _open_warehouse(settings: Settings) -> Warehouse:
    return Warehouse.open(settings.warehouse_url.get_secret_value(), settings.warehouse_schema)


def run_import(
    imports: ImportList,
    report: ImportReportBuilder,
    work: Callable[[ImportContext], T],
    *,
    origin: ArchiveOrigin | None = None,
    inbox: InboxFile | None = None,
    suspended_id: int | None = None,
) -> T | ImportReport:
    """Enter the import in the list, do the work, and close the import: completed by the work, or failed.

    An import that was suspended is in the list already, as `suspended_id`. FileClaimed if another import has the file
    of the inbox.
    """
    request = report.options
    import_id = suspended_id or start_import(
        imports.warehouse,
        source=redacted(request.source),
        series=report.series,
        merge_policy=request.merge,
        started_at=datetime.now(UTC),
        flow_run_id=runtime.flow_run.id,
        retry_of=request.retry_of,
        alive_key=imports.liveness_key,
        options=kept_options(request),
        claim=partial(inbox.claim.take, imports.warehouse) if inbox else None,
    )
    report.import_id = import_id
    report.notes += [*home_warnings(imports.settings.home), *imports.warehouse.warnings()]
    name = folder_name(import_id, imports.liveness_key)
    try:
        return _work_in_folder(imports, name, import_id, report, work, origin, inbox)
    except Exception as error:
        return record_failure(imports.warehouse, import_id, report, log_and_redact_error(error))
    except BaseException:
        result = record_failure(imports.warehouse, import_id, report, Interrupted())
        emit_events(result)
        if result.status == COMPLETED:
            record_outcome(RunOutcome(result, report.stages))
        raise
    finally:
        with suppress(Exception):  # else the next command on this machine cleans up
            clean_up_folder(imports.settings, name, files_to_keep(report, imports.settings))
            clear_liveness_key(imports.warehouse, import_id)


def _work_in_folder(
    imports: ImportList,
    name: str,
    import_id: int,
    report: ImportReportBuilder,
    work: Callable[[ImportContext], T],
    origin: ArchiveOrigin | None,
    inbox: InboxFile | None,
) -> T:
    """Do the work in a new folder, and publish the rejected rows while it is there."""
    folder = make_import_folder(imports.settings, name)
    context = ImportContext(
        settings=imports.settings,
        warehouse=imports.warehouse,
        catalogue=catalogue_for(report.options, imports.settings),
        folder=folder,
        import_id=import_id,
        report=report,
        services=prefect_services(),
        origin=origin,
        inbox=inbox,
    )
    has_failed = True
    try:
        result = work(context)
        has_failed = False
        if not isinstance(result, ImportReport):  # a question, whose next step begins with another folder
            report.rejected_file = None
        return result
    finally:  # not before: the merge rejects more rows if addresses were suppressed meanwhile
        in_inbox = inbox.rejected_name(import_id) if inbox else None
        publish_rejected_rows(report, imports.settings, in_inbox, has_failed=has_failed)


def record_failure(
    warehouse: Warehouse, import_id: int, report: ImportReportBuilder, error: ContactImportError
) -> ImportReport:
    """Close the import as failed, and return the report that the list then has.

    An import that was committed stays completed. One that was closed as abandoned keeps that reason.
    """
    result = report.failed(error)
    try:
        fail_import(
            warehouse,
            import_id,
            error_code=error.code,
            error_message=str(error),
            report=result.model_dump(),
            finished_at=datetime.now(UTC),
        )
        return ImportReport.model_validate(get_import(warehouse, import_id)["report"])
    except ContactImportError as problem:
        result.warnings.append(f"the failure could not be entered in the import list: {problem}")
    return result


def files_to_keep(report: ImportReportBuilder, settings: Settings) -> FilesToKeep:
    """What stays in the folder. A source with columns that must never be read is deleted in any case."""
    # If the import failed before its columns were mapped, any preset may have such columns.
    preset = report.options.preset or report.first_import.preset
    readable = not (report.mapping.never_read if report.mapping else preset)
    return FilesToKeep(rejected_file=report.rejected_file is not None, source=settings.keep_landed and readable)
