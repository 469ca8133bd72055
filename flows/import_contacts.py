"""The flow: one contacts CSV into the warehouse, from the form to the report."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from prefect.tasks import exponential_backoff
from prefect.utilities.annotations import quote

from flows.artifacts import ProgressArtifact, publish_import_list, publish_rejected_rows, publish_summary
from flows.ceilings import check_enough, check_known, check_order, check_rejected, check_required
from flows.conversation import has_ended
from flows.dead_imports import bury_dead_imports
from flows.events import announce
from flows.examine import (
    catalogue_for,
    check_file,
    land_file,
    lay_out,
    layout_of,
    read_file,
    settle,
)
from flows.import_folders import Kept, folder_name, make_import_folder, tidy_folder
from flows.progress import watcher
from flows.report import ImportReport, Outcome, Report, as_known_error, tell
from flows.request import ImportRequest
from flows.same_file import SameFile
from flows.settings import Settings
from flows.several import each_file, together
from flows.sources import find_source, scheduled_day
from flows.task_runs import discreet, on_task_runner
from schemas.catalogue import FieldCatalogue
from schemas.errors import ContactImportError, Interrupted, TransientWarehouseError
from transforms.addresses import shown
from transforms.duplicates import losers_of
from transforms.expand import Limits
from transforms.folder import ImportFolder, open_table
from transforms.land import Landed
from transforms.layout import Layout
from transforms.mended import mended_records
from transforms.profile import FileProfile
from transforms.sources import Found
from warehouse.connection import Warehouse
from warehouse.faults import patient
from warehouse.imports import (
    COMPLETED,
    SKIPPED,
    fail_import,
    forget_life,
    get_import,
    last_day,
    last_rows_read,
    start_import,
)
from warehouse.liveness import alive
from warehouse.load import load_import
from warehouse.merge import MergeCounts
from warehouse.prepare import prepare, prepare_import_list
from warehouse.retries import Mending, earlier_import
from warehouse.segments import check_segment
from warehouse.staging import Staging

T = TypeVar("T")


def name_of_run() -> str:
    """The run's name in the UI: the file that it imports."""
    request = runtime.flow_run.parameters.get("request")
    source = request.get("source") if isinstance(request, dict) else getattr(request, "source", "")
    return f"import {Path(shown(source or '')).name}"


@flow(name="import-contacts", flow_run_name=name_of_run, persist_result=False)
def import_contacts(request: ImportRequest) -> State[Report]:
    """Import contacts from a CSV file under the rules of the field catalogue.

    Args:
        request: The file, how to read it, and what to do with contacts that exist already.
    """
    settings = Settings.load()
    requests = each_file(request, settings, scheduled_day)
    done: list[Outcome] = []
    try:
        for each in requests:
            done.append(import_one(each, settings))  # noqa: PERF401 - what is done must be known when one is stopped
    except BaseException:
        if done:  # what was committed stays, and is not to be told as nothing
            stopped = ImportReport(requests[len(done)]).failed(Interrupted())
            tell(together(request.source, [*done, Outcome(stopped, {})]))
        raise
    outcome = done[0] if len(done) == 1 else together(request.source, done)
    tell(outcome)
    for result, _ in done:
        show_and_tell(result, settings)
    return final_state(outcome.report)


def import_one(request: ImportRequest, settings: Settings) -> Outcome:
    """One file, from the start of its import to its end."""
    report = ImportReport(request)
    try:
        url = settings.warehouse_url.get_secret_value()
        with (
            patient(Warehouse.open)(url, settings.warehouse_schema) as warehouse,
            ready_and_alive(warehouse, settings) as key,
        ):
            result = run_import(request, settings, warehouse, report, key, import_file)
    except Exception as error:  # the warehouse cannot even list the import
        if os.environ.get("CONTACTS_DEBUG"):
            get_run_logger().exception("the import failed")
        result = report.failed(as_known_error(error))
    return Outcome(result, report.stages)


def show_and_tell(result: Report, settings: Settings) -> None:
    """Artifacts for people, events for programs; none of their troubles changes anything about the import."""
    if not publish_summary(result):
        return  # Prefect has waited for its server for a minute already
    if result["import_id"]:
        publish_import_list(settings)
    announce(result)


@contextmanager
def ready_and_alive(warehouse: Warehouse, settings: Settings) -> Iterator[int]:
    """A warehouse that can list an import, freed of those that died; gives the key by which ours is seen to live."""
    prepare_import_list(warehouse)
    bury_dead_imports(warehouse, settings, announce, has_ended)
    with alive(warehouse) as key:
        yield key


def run_import(
    request: ImportRequest,
    settings: Settings,
    warehouse: Warehouse,
    report: ImportReport,
    key: int,
    work: Callable[[ImportRequest, Settings, Warehouse, ImportReport, ImportFolder], T],
    known: int | None = None,
) -> T | Report:
    """Enter the import in the list, do it, and close it there: completed with its contacts, or failed without.

    One that waited for a person is `known` to the list already, by its key too.
    """
    report.import_id = known or start_import(
        warehouse,
        source=shown(request.source),
        merge_policy=request.merge,
        started_at=datetime.now(UTC),
        flow_run_id=runtime.flow_run.id,
        retry_of=request.retry_of,
        alive_key=key,
    )
    folder = folder_name(report.import_id, key)
    try:
        return closed_at_its_end(
            warehouse, report, lambda: work(request, settings, warehouse, report, make_import_folder(settings, folder))
        )
    finally:
        tidy_folder(settings, folder, kept_files(report, settings))
        with suppress(ContactImportError):  # then the next one will look whether we live
            forget_life(warehouse, report.import_id)


def closed_at_its_end(warehouse: Warehouse, report: ImportReport, work: Callable[[], T]) -> T | Report:
    """Do an import that is in the list, and close it there when it fails."""
    try:
        return work()
    except Exception as error:
        if os.environ.get("CONTACTS_DEBUG"):
            get_run_logger().exception("the import failed")
        return record_failure(warehouse, report, as_known_error(error))
    except BaseException:
        result = record_failure(warehouse, report, Interrupted())
        announce(result)
        if result["status"] == COMPLETED:
            tell(Outcome(result, report.stages))
        raise


def import_file(
    request: ImportRequest, settings: Settings, warehouse: Warehouse, report: ImportReport, folder: ImportFolder
) -> Report:
    """The story of one import, from the source to the commit."""
    catalogue = made_ready(request, settings, warehouse, report)
    with report.stage("landing"):
        found = find_source(request, settings, scheduled_day)
        check_order(request, found.day, last_day(warehouse, shown(request.source)))
        same = SameFile.of(warehouse, request, settings, catalogue, found)
        if repeated := same.known_version():
            return same.skip(report, repeated, fetched=False)
        landed, layout = landed_in(folder, request, settings, warehouse, report, catalogue, found)
        if repeated := same.known_content(landed.sha256):
            return same.skip(report, repeated)
        report.source = lay_out(request, catalogue, landed, layout, report.decided, settings.presets)
    with (
        staged(request, settings, warehouse, report, catalogue.default_prefix, folder) as staging,
        report.stage("merging"),
    ):
        return load_task(opaque(warehouse), opaque(staging), request, opaque(report))


def made_ready(
    request: ImportRequest, settings: Settings, warehouse: Warehouse, report: ImportReport
) -> FieldCatalogue:
    """The catalogue, once the warehouse has a place for all of it and for what the request names."""
    catalogue = catalogue_for(request, settings)
    prepare(warehouse, catalogue)
    check_known(request, catalogue.ids)
    if request.segment:
        check_segment(warehouse, request.segment)
    if request.retry_of:
        report.earlier = earlier_import(warehouse, request.retry_of)
    return catalogue


def landed_in(
    folder: ImportFolder,
    request: ImportRequest,
    settings: Settings,
    warehouse: Warehouse,
    report: ImportReport,
    catalogue: FieldCatalogue,
    found: Found | None = None,
) -> tuple[Landed, Layout]:
    """The source as a copy that nobody changes, and its layout; it is looked for where it was not found yet."""
    found = found or find_source(request, settings, scheduled_day)
    report.landed = landed = land_task(request, folder, opaque(found), settings.limits)
    SameFile.of(warehouse, request, settings, catalogue, found).note(run_id(report), landed.sha256, landed.etag)
    report.layout = layout = layout_of(request, catalogue, landed)
    return landed, layout


@contextmanager
def staged(
    request: ImportRequest,
    settings: Settings,
    warehouse: Warehouse,
    report: ImportReport,
    prefix: str,
    folder: ImportFolder,
) -> Iterator[Staging]:
    """Read, check and stage what has landed; then all is decided but what becomes of each contact."""
    source = report.source
    assert source is not None
    progress = ProgressArtifact(watcher.get())
    with on_task_runner(settings) as run:
        with report.stage("reading"):
            report.profile = profile = read_file(source, folder, settings.chunk_bytes, run, progress)
        check_required(request, profile)
        report.notes += check_enough(request, profile.records, last_rows_read(warehouse, shown(request.source)))
        with Staging(warehouse, run_id(report), profile.imported, Path(folder.scratch), open_table) as staging:
            with report.stage("checking"):
                verdicts = []
                for verdict in check_file(source, profile, prefix, folder, run, progress):
                    with report.stage("staging, while checking"):
                        staging.add(verdict.accepted_path)
                    verdicts.append(verdict)
            with report.stage("settling"):
                report.verdicts = verdicts
                report.rejected = settle(
                    request,
                    source,
                    profile,
                    verdicts,
                    folder,
                    keep=settings.rejections_limit,
                    show=settings.artifact_rows,
                    numbered_by_first=report.first_import is not None,
                )
                report.rejected_file = report.rejected.path
                publish_rejected_rows(report.rejected, settings)
                check_rejected(request, profile.records, report.rejected.rows)
                exclude_losers(staging, profile, folder)
            yield staging


def opaque(value: T) -> T:
    """Keep Prefect from looking for futures inside a parameter: it would copy what it finds."""
    return cast(T, quote(value))


@task(name="land", cache_policy=NO_CACHE, persist_result=False)
@discreet
def land_task(request: ImportRequest, folder: ImportFolder, found: Found, limits: Limits) -> Landed:
    """Copy the source, whose text is from then on what the import reads."""
    return land_file(request, folder, found, limits)


def exclude_losers(staging: Staging, profile: FileProfile, folder: ImportFolder) -> None:
    """Take the losing duplicates out of what is staged, a chunk at a time."""
    for chunk in profile.chunks:
        losers = losers_of(folder.scratch, chunk)
        if len(losers):
            staging.exclude(losers[:, 0])


def is_transient(task: Any, task_run: Any, state: State[Any]) -> bool:
    """Whether trying again may help: the warehouse was away, nothing else."""
    return isinstance(state.result(raise_on_failure=False), TransientWarehouseError)


PATIENTLY: dict[str, Any] = {
    "retries": 4,
    "retry_delay_seconds": exponential_backoff(1),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_transient,
}


@task(name="load", cache_policy=NO_CACHE, persist_result=False, **PATIENTLY)
@discreet
def load_task(
    warehouse: Warehouse,
    staging: Staging,
    request: ImportRequest,
    report: ImportReport,
    approved: MergeCounts | None = None,
) -> Report:
    """Merge in one transaction; a retry stages anew what a lost connection took along."""
    staging.ensure()
    rows, profile, rejected = report.rows, report.profile, report.rejected
    assert rows is not None
    assert profile is not None
    assert rejected is not None
    loaded = load_import(
        warehouse,
        run_id(report),
        staging=staging,
        policy=request.merge,
        blanks=request.blanks,
        segment=request.segment,
        accepted=rows["accepted"],
        columns=[
            {
                "column_name": column.column.name,
                "field": column.column.field.id if column.column.field else None,
                "outcome": str(column.outcome),
                "empty_cells": column.empty_cells,
            }
            for column in profile.columns
        ],
        rejections=rejected.kept_frames(),
        mending=mending_of(report),
        report=report.completed,
        approved=approved,
    )
    return loaded.report


def mending_of(report: ImportReport) -> Mending | None:
    """Which records of its first import a mended file brings; read a chunk at a time, anew at each try."""
    source, profile, first = report.source, report.profile, report.first_import
    if first is None or source is None or profile is None or report.rejected is None:
        return None
    scratch = str(Path(report.rejected.kept_path).parent)
    pairs = zip(profile.chunks, report.verdicts, strict=True)
    return Mending(first, (mended_records(source.mapping, chunk, verdict, scratch) for chunk, verdict in pairs))


def run_id(report: ImportReport) -> int:
    """The import's number, once it has one."""
    assert report.import_id is not None
    return report.import_id


def kept_files(report: ImportReport, settings: Settings) -> Kept:
    """What stays in the folder: a source with columns that are never to be read does not, whatever is set."""
    asked = report.options.preset or report.decided.preset  # it was to tell, if the import failed before it did
    readable = not (report.source.mapping.never_read if report.source else asked)
    return Kept(rejected_file=report.rejected_file is not None, source=settings.keep_landed and readable)


def record_failure(warehouse: Warehouse, report: ImportReport, error: ContactImportError) -> Report:
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


def final_state(report: Report) -> State[Report]:
    """The run's last state, whose message carries the counts."""
    if report["status"] == "failed":
        return Failed(message=f"{report['error']['code']}: {report['error']['message']}", data=report)
    if report["status"] == SKIPPED:
        repeated = ", ".join(str(each["repeats"]) for each in report.get("imports", [report]))
        return Completed(name="Skipped", message=f"the same file as import {repeated}", data=report)
    rows, contacts = report["rows"], report["contacts"]
    counts = ", ".join(f"{number:,} {name}" for name, number in contacts.items())
    return Completed(
        message=f"{rows['read']:,} rows read, {rows['accepted']:,} accepted ({counts}), {rows['rejected']:,} rejected",
        data=report,
    )
