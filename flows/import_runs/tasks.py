"""The steps of an import, each with its place in the report; those that Prefect shows or tries again are its tasks."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.tasks import exponential_backoff
from prefect.utilities.annotations import quote

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.import_runs.lifecycle import run_id
from flows.import_runs.same_file import RepeatCheck
from flows.import_runs.task_runners import prefect_runner, redact_errors
from flows.pipeline.background_staging import BackgroundStaging
from flows.pipeline.chunk_runs import FileCheck, anew_at_a_gap
from flows.pipeline.limits import (
    check_max_rejected,
    check_min_rows,
    check_required_imported,
    check_required_known,
    check_source_order,
)
from flows.pipeline.progress import current_progress
from flows.pipeline.sources import SourceLookups, find_source
from flows.pipeline.steps import SourceFile, catalogue_for, detect_layout, land_file, resolve_rejections
from flows.prefect_lookups import scheduled_day, source_logins
from flows.publishing.artifacts import ProgressArtifact, publish_rejected_rows
from flows.reports.report import Report, ReportBuilder
from schemas.catalogue import FieldCatalogue
from schemas.errors.base import TransientWarehouseError
from transforms.chunks.duplicates import dropped_duplicates
from transforms.chunks.file_profile import FileProfile
from transforms.landing.archives import ArchiveLimits
from transforms.landing.land import Landed
from transforms.parsing.layout import Layout
from transforms.results.retry_file import retried_records_of
from transforms.sources.fetch import ResolvedSource
from transforms.work_folder import ImportFolder, open_table
from warehouse.contacts.segments import check_segment
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.import_list.entries import get_last_row_count, get_latest_day
from warehouse.import_list.retries import RetriedRecords, get_retried_import
from warehouse.merge.execution import MergeCounts
from warehouse.merge.staging import Staging
from warehouse.merge.transaction import load_import

T = TypeVar("T")


def prepare_warehouse(
    request: ImportRequest, settings: Settings, warehouse: Warehouse, report: ReportBuilder
) -> FieldCatalogue:
    """The catalogue, once the warehouse has a place for all of it and for what the request names."""
    catalogue = catalogue_for(request, settings)
    migrate(warehouse, catalogue)
    check_required_known(request, catalogue.ids)
    if request.segment:
        check_segment(warehouse, request.segment)
    if request.retry_of:
        report.earlier = get_retried_import(warehouse, request.retry_of)
    return catalogue


def resolve_source(
    request: ImportRequest, settings: Settings, warehouse: Warehouse, report: ReportBuilder
) -> ResolvedSource:
    """The source, whose day, for a file of an archive, is the archive's; none comes after a later one."""
    found = find_source(request, settings, SourceLookups(scheduled_day, source_logins))
    if report.origin:
        found = replace(found, day=report.origin.day)
    check_source_order(request, found.day, get_latest_day(warehouse, report.series))
    return found


def land_source(
    folder: ImportFolder, settings: Settings, report: ReportBuilder, catalogue: FieldCatalogue, same: RepeatCheck
) -> tuple[Landed, Layout]:
    """The source as a copy that nobody changes, and its layout."""
    report.landed = landed = land_task(same.request, folder, opaque(same.found), settings.limits)
    same.note(run_id(report), landed.sha256, landed.etag)
    report.layout = layout = detect_layout(same.request, catalogue, landed)
    return landed, layout


@task(name="land", cache_policy=NO_CACHE, persist_result=False)
@redact_errors
def land_task(request: ImportRequest, folder: ImportFolder, found: ResolvedSource, limits: ArchiveLimits) -> Landed:
    """Copy the source, whose text is from then on what the import reads."""
    return land_file(request, folder, found, limits)


@contextmanager
def staged_file(
    request: ImportRequest,
    settings: Settings,
    warehouse: Warehouse,
    report: ReportBuilder,
    source: SourceFile,
    prefix: str,
    folder: ImportFolder,
) -> Iterator[Staging]:
    """Read, check and stage what has landed; then all is decided but what becomes of each contact."""
    report.mapping = source.mapping
    progress = ProgressArtifact(current_progress.get())
    with prefect_runner(settings) as run, ExitStack() as stack:
        with report.stage("examining"):
            examination = FileCheck(source, prefix, folder, settings.chunk_bytes, run, progress)
            check_required_imported(
                request, examination.profile()
            )  # most of what lacks does so from the first chunk on
            stager = anew_at_a_gap(lambda: stage_all_chunks(examination, warehouse, report, folder))
            stack.enter_context(stager)
            report.profile = profile = examination.profile()
        report.stages |= examination.work()
        check_required_imported(request, profile)
        report.notes += check_min_rows(request, profile.records, get_last_row_count(warehouse, report.series))
        with report.stage("settling"):
            report.rejected = resolve_rejections(
                request,
                source,
                profile,
                report.verdicts,
                folder,
                run,
                keep=settings.rejections_limit,
                show=settings.artifact_rows,
                keep_retried_numbers=report.first_import is not None,
            )
            report.rejected_file = report.rejected.path
            publish_rejected_rows(report.rejected, settings)
            check_max_rejected(request, profile.records, report.rejected.rows)
        with report.stage("examining"):
            staging = stager.finished()
        with report.stage("settling"):
            exclude_dropped_duplicates(staging, profile, folder)
        yield staging


def stage_all_chunks(
    examination: FileCheck, warehouse: Warehouse, report: ReportBuilder, folder: ImportFolder
) -> BackgroundStaging:
    """All that was accepted on its way into staging, the last chunks perhaps not in it yet; the caller closes it."""
    fields = examination.profile().imported
    staging = Staging(warehouse, run_id(report), fields, Path(folder.scratch), open_table)
    with ExitStack() as stack:
        stager = stack.enter_context(BackgroundStaging(staging, report))
        verdicts = []
        for verdict in examination.verdicts():
            stager.add(verdict)
            verdicts.append(verdict)
        report.verdicts = verdicts
        stack.pop_all()
    return stager


def exclude_dropped_duplicates(staging: Staging, profile: FileProfile, folder: ImportFolder) -> None:
    """Take the losing duplicates out of what is staged, a chunk at a time."""
    for chunk in profile.chunks:
        losers = dropped_duplicates(folder.scratch, chunk)
        if len(losers):
            staging.exclude(losers[:, 0])


def is_transient_warehouse_error(task: Any, task_run: Any, state: State[Any]) -> bool:
    """Whether trying again may help: the warehouse was away, nothing else."""
    return isinstance(state.result(raise_on_failure=False), TransientWarehouseError)


LOAD_RETRIES: dict[str, Any] = {
    "retries": 4,
    "retry_delay_seconds": exponential_backoff(1),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_transient_warehouse_error,
}


@task(name="load", cache_policy=NO_CACHE, persist_result=False, **LOAD_RETRIES)
@redact_errors
def load_task(
    warehouse: Warehouse,
    staging: Staging,
    request: ImportRequest,
    report: ReportBuilder,
    approved: tuple[MergeCounts, int] | None = None,
) -> Report:
    """Merge in one transaction; a retry stages anew what a lost connection took along."""
    staging.ensure_staged()
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
        retried_records=retry_records(report),
        report=report.completed,
        approved=approved,
    )
    return loaded.report


def retry_records(report: ReportBuilder) -> RetriedRecords | None:
    """Which records of its first import a mended file brings; read a chunk at a time, anew at each try."""
    profile, first = report.profile, report.first_import
    if first is None or profile is None or report.rejected is None:
        return None
    scratch = str(Path(report.rejected.kept_path).parent)
    pairs = zip(profile.chunks, report.verdicts, strict=True)
    return RetriedRecords(first, (retried_records_of(chunk, verdict, scratch) for chunk, verdict in pairs))


def opaque(value: T) -> T:
    """Keep Prefect from looking for futures inside a parameter: it would copy what it finds."""
    return cast(T, quote(value))
