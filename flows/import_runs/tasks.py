"""The steps of an import, from the warehouse's tables to the merge."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.config.request import ImportRequest
from flows.import_runs.context import ImportContext
from flows.import_runs.marks import check_marks
from flows.pipeline.background_staging import BackgroundStaging
from flows.pipeline.chunk_runs import FileCheck, examination
from flows.pipeline.limits import (
    check_max_rejected,
    check_merge_fields,
    check_min_rows,
    check_required_imported,
    check_required_known,
    check_source_order,
    check_strict,
)
from flows.pipeline.sources import find_source
from flows.pipeline.steps import (
    CheckedFile,
    SourceFile,
    detect_layout,
    land_file,
    map_source_columns,
    resolve_rejections,
)
from flows.pipeline.task_order import ChunkRunner, run_in_order
from flows.reports.models import ImportReport
from flows.reports.phrases import counted, list_counts
from schemas.catalogue import FieldCatalogue
from schemas.cells.suppressed_emails import SuppressedEmails
from transforms.chunks.duplicates import count_dropped_values, dropped_duplicates
from transforms.chunks.split import ChunkResult
from transforms.landing.land import Landed
from transforms.parsing.layout import Layout
from transforms.results.rejected_file import RejectedInputs
from transforms.results.retry_file import RejectionMark, retried_records_of
from transforms.sources.fetch import ResolvedSource
from transforms.work_folder import open_table
from warehouse.contacts.segments import check_segment
from warehouse.contacts.suppressions import load_suppressions
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import has_contacts, migrate
from warehouse.errors import retry_transient
from warehouse.import_list.entries import get_last_row_count, get_latest_day
from warehouse.import_list.retries import RetriedRecords, get_retried_import
from warehouse.merge.dry_run import ChangeStream, MergePreview, preview_merge
from warehouse.merge.execution import MergeCounts
from warehouse.merge.journal import prune_journals
from warehouse.merge.policies import MergeRules
from warehouse.merge.staging import Staging
from warehouse.merge.transaction import SuppressionCheck, load_import

NEW_CONTACTS = 5  # how many a preview shows


def prepare_warehouse(context: ImportContext) -> None:
    """Make the tables and columns that the catalogue needs, and check what the request names."""
    migrate(context.warehouse, context.catalogue, contacts=False)
    prune_journals(context.warehouse, datetime.now(UTC) - timedelta(days=context.settings.journal_days))
    check_names(context)


def check_names(context: ImportContext) -> None:
    """Check the fields, the segment and the import that the request names."""
    request = context.request
    check_request(request, context.catalogue, context.warehouse)
    if request.retry_of:
        context.report.retried = get_retried_import(context.warehouse, request.retry_of)


def check_request(request: ImportRequest, catalogue: FieldCatalogue, warehouse: Warehouse) -> None:
    """Check the fields and the segment that the request names, whatever its file is."""
    check_required_known(request, catalogue.ids)
    check_merge_fields(request, catalogue)
    if request.segment:
        check_segment(warehouse, request.segment)


def resolve_source(context: ImportContext) -> ResolvedSource:
    """Find the source. A file of an archive has the archive's day; a file of an inbox is found already."""
    if context.inbox:
        return context.inbox.found
    found = find_source(context.request, context.settings, context.services.lookups)
    if context.origin:
        found = replace(found, day=context.origin.day)
    check_source_order(context.request, found.day, get_latest_day(context.warehouse, context.report.series))
    return found


def land_source(context: ImportContext, found: ResolvedSource) -> tuple[Landed, Layout]:
    """Copy the source into the import's folder, and find its dialect and columns."""
    landed = land_file(context.request, context.folder, found, context.settings.limits)
    context.report.landed = landed
    context.report.layout = layout = detect_layout(context.request, context.catalogue, landed)
    return landed, layout


def map_landed(
    context: ImportContext,
    landed: Landed,
    layout: Layout,
    answer: Mapping[str, str] | None = None,
    readings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    final: bool = True,
) -> SourceFile:
    """Map the columns to fields; `answer`, `readings` and `final` as in `map_source_columns`."""
    return map_source_columns(
        context.request,
        context.catalogue,
        landed,
        layout,
        context.report.first_import,
        context.settings.presets,
        answer,
        readings,
        final=final,
    )


@contextmanager
def staged_file(
    context: ImportContext, source: SourceFile, *, limited: bool = True
) -> Iterator[tuple[CheckedFile, Staging]]:
    """Check and stage the file. Then everything is decided except what becomes of each contact.

    If it is not `limited`, more rows may be rejected than the request allows. `check_limits` compares them later.
    """
    request, settings, report, services = context.request, context.settings, context.report, context.services
    report.mapping = source.mapping
    progress = services.progress()
    suppressed = load_suppressions(context.warehouse)
    with services.runner(settings) as run, ExitStack() as stack:
        check = FileCheck(
            source,
            context.catalogue.default_prefix,
            context.folder,
            settings.chunk_bytes,
            run,
            progress,
            suppressed=suppressed,
        )
        with examination(check, report) as (check, results):
            check_marks(context, check.profile())
            check_required_imported(request, check.profile())  # most missing fields are missing in the first chunk
            staging = _stage_chunks(context, check, results, stack)
        checked = _reject_rows(context, check, results, run)
        if limited:
            check_limits(context, checked)
        with report.stage("examining"):
            staged = staging.finish()
        with report.stage("rejecting"):
            _exclude_dropped_duplicates(context, checked, staged)
        report.log_stage("rejecting", f"{checked.accepted:,} accepted, {checked.rejected.rows:,} rejected")
        yield checked, staged


def _reject_rows(context: ImportContext, check: FileCheck, results: list[ChunkResult], run: ChunkRunner) -> CheckedFile:
    """Decide which rows are rejected, and write their file. Too few rows are an error."""
    request, settings, report = context.request, context.settings, context.report
    source, profile = check.source, check.profile()
    check_marks(context, profile)
    check_required_imported(request, profile)
    last_row_count = get_last_row_count(context.warehouse, report.series)
    report.notes += check_min_rows(request, profile.records, last_row_count)
    with report.stage("rejecting"):
        inputs = RejectedInputs(
            context.folder,
            source.read_inputs,
            request.duplicates,
            max_kept=settings.rejections_limit,
            max_shown=settings.artifact_rows,
            keep_retried_numbers=report.first_import_id is not None,
            mark=str(RejectionMark.of(context.import_id, source.landed.sha256)),
        )
        report.rejected = rejected = resolve_rejections(inputs, profile, results, run)
        report.rejected_file = rejected.path
        suppressions = _suppression_check(context, check, results, inputs)
        checked = CheckedFile(source.mapping, profile, results, rejected, suppressions)
        report.notes += _dropped_consents(context, checked)
    return checked


def check_limits(context: ImportContext, checked: CheckedFile) -> None:
    """Stop if more is rejected than the request allows."""
    check_max_rejected(context.request, checked.profile.records, checked.rejected.rows)
    check_strict(context.request, checked.profile, checked.rejected.rows)


def _stage_chunks(
    context: ImportContext, check: FileCheck, results: list[ChunkResult], stack: ExitStack
) -> BackgroundStaging:
    """Give all accepted rows to a thread that stages them; the stack closes it. The last ones may not be staged yet."""

    def start() -> BackgroundStaging:
        ids = context.catalogue.ids
        staging = Staging(
            context.warehouse,
            sorted(check.profile().imported, key=lambda field: ids.index(field.id)),  # changes are listed in this order
            Path(context.folder.scratch),
            open_table,
            becomes_contacts=not has_contacts(context.warehouse),
        )
        return BackgroundStaging(staging, context.report)

    def stage(result: ChunkResult) -> None:
        background.add(result)
        results.append(result)

    with ExitStack() as first:
        background = first.enter_context(start())
        if check.first_pass(stage):
            stack.push(first.pop_all())
            return background
    results.clear()
    background = stack.enter_context(start())
    check.second_pass(stage)
    return background


def _suppression_check(
    context: ImportContext, check: FileCheck, results: list[ChunkResult], inputs: RejectedInputs
) -> SuppressionCheck:
    """Rejects what was suppressed since the check, also in the rejected file. The results are changed in place."""
    records: list[int] = []  # also of an earlier attempt at the merge, whose transaction was rolled back

    def reject(newer: SuppressedEmails) -> tuple[int, list[int]]:
        records.extend(check.reject_suppressed(results, newer))
        profile = check.profile()
        context.report.rejected = rejected = resolve_rejections(inputs, profile, results, run_in_order)
        return profile.records - rejected.rows, records

    return SuppressionCheck(check.suppressed.last if check.suppressed else 0, reject)


def _dropped_consents(context: ImportContext, checked: CheckedFile) -> Iterator[str]:
    """A note for each field in which a dropped duplicate has the strongest consent, such as `unsubscribed`."""
    last = {field.id: field.consent[-1] for field in checked.profile.imported if field.consent}
    counts = count_dropped_values(checked.results, checked.profile.chunks, context.folder.scratch, last)
    for field, number in counts.items():
        if number:
            yield (
                f"{counted(number, 'dropped duplicate')} had {last[field]!r} in {field}, which their kept rows may not "
                "have; look for duplicate-email in the rejected file"
            )


def _exclude_dropped_duplicates(context: ImportContext, checked: CheckedFile, staging: Staging) -> None:
    """Remove dropped duplicates from the staged rows, a chunk at a time."""
    for chunk in checked.profile.chunks:
        dropped = dropped_duplicates(context.folder.scratch, chunk)
        if len(dropped):
            staging.exclude(dropped[:, 0])


def preview_staged(
    context: ImportContext, checked: CheckedFile, staging: Staging, through: ChangeStream | None = None
) -> MergePreview:
    """What the merge would do now, with the first new contacts. Nothing is written.

    `through` gets every change, also each new contact, by email, and hands it on.
    """
    staging.ensure_staged()
    return preview_merge(
        staging,
        rules=merge_rules(context.request),
        segment=context.request.segment,
        accepted=checked.accepted,
        rows=NEW_CONTACTS,
        through=through,
    )


def merge_staged(
    context: ImportContext,
    checked: CheckedFile,
    staging: Staging,
    approve: Callable[[MergeCounts, str], None] | None = None,
) -> ImportReport:
    """Merge in one transaction. After a lost connection, the retry first stages the rows again.

    `approve` gets the counts and the digest of its changes before anything is written.
    """

    @retry_transient
    def merge() -> ImportReport:
        staging.ensure_staged()
        stored = load_import(
            staging,
            context.import_id,
            rules=merge_rules(context.request),
            segment=context.request.segment,
            accepted=checked.accepted,
            columns=[
                {
                    "column_name": column.column.name,
                    "field": column.column.field.id if column.column.field else None,
                    "outcome": str(column.outcome),
                    "empty_cells": column.empty_cells,
                }
                for column in checked.profile.columns
            ],
            rejections=checked.rejected.kept_frames(),
            retried_records=_retried_records(context, checked),
            report=lambda merged: context.report.completed(merged).model_dump(),
            approve=approve,
            journal=context.settings.journal == "on",
            suppressions=checked.suppressions,
        )
        return ImportReport.model_validate(stored)

    with context.report.stage("merging"):
        report = merge()
    context.report.log_stage("merging", list_counts(report.contacts or ()))
    return report


def merge_rules(request: ImportRequest) -> MergeRules:
    """What the request says about contacts that exist."""
    return MergeRules(request.merge, request.blanks, request.merge_fields, request.loosen_consent)


def _retried_records(context: ImportContext, checked: CheckedFile) -> RetriedRecords | None:
    """Which records of its first import a corrected file brings, read a chunk at a time."""
    first = context.report.first_import_id
    if first is None:
        return None
    pairs = zip(checked.profile.chunks, checked.results, strict=True)
    return RetriedRecords(first, (retried_records_of(*pair, context.folder.scratch) for pair in pairs))
