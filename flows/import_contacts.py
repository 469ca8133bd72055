"""The flow that imports a file of contacts, or each file of an archive."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.import_runs.context import ImportContext
from flows.import_runs.corrected_files import as_retry
from flows.import_runs.lifecycle import open_import_list, run_import
from flows.import_runs.run_states import final_state, flow_run_name_for, log_and_redact_error
from flows.import_runs.same_file import RepeatCheck
from flows.import_runs.tasks import (
    check_names,
    land_source,
    map_landed,
    merge_staged,
    prepare_warehouse,
    resolve_source,
    staged_file,
)
from flows.pipeline.multi_file import needs_one_file, requests_per_file
from flows.pipeline.sources import ArchiveOrigin
from flows.planning.digest import approval_of
from flows.prefect_lookups import scheduled_day
from flows.publishing.artifacts import publish_import_list
from flows.publishing.results import publish_result
from flows.reports.builder import ImportReportBuilder
from flows.reports.combined import combine_outcomes
from flows.reports.models import ImportReport
from flows.reports.outcomes import RunOutcome, record_outcome
from schemas.errors.base import Interrupted


@flow(name="import-contacts", flow_run_name=flow_run_name_for("import"), persist_result=False)
def import_contacts(request: ImportRequest) -> State[dict[str, Any]]:
    """Import contacts from a CSV file or a workbook under the rules of the field catalogue.

    Args:
        request: The file, how to read it, and what to do with contacts that exist already.
    """
    settings = Settings.load()
    files = requests_per_file(request, settings, scheduled_day)
    if request.plan and len(files) > 1:
        failed = ImportReportBuilder(request).failed(needs_one_file(request, files))
        record_outcome(RunOutcome(failed, {}))
        return final_state(failed)
    done: list[RunOutcome[ImportReport]] = []
    published = True
    try:
        for each in files:
            done.append(import_one(*each, settings))
            record_outcome(combine_outcomes(request.source, done))
            # Before the next file: the summary links to the rejected rows that were published last.
            published = published and publish_result(done[-1].report)
    except BaseException:
        if 0 < len(done) < len(files):  # what was committed stays, so it is reported
            stopped = ImportReportBuilder(files[len(done)][0]).failed(Interrupted())
            record_outcome(combine_outcomes(request.source, [*done, RunOutcome(stopped, {})]))
        raise
    if published and any(result.import_id for result, _ in done):
        publish_import_list(settings)
    return final_state(combine_outcomes(request.source, done).report)


def import_one(request: ImportRequest, origin: ArchiveOrigin | None, settings: Settings) -> RunOutcome[ImportReport]:
    """Import one file, from its entry in the list to its end."""
    report = ImportReportBuilder(request, series=origin.series if origin else "")
    try:
        with open_import_list(settings) as imports:
            result = run_import(imports, report, import_file, origin=origin)
    except Exception as error:  # the import could not even be entered in the list
        result = report.failed(log_and_redact_error(error))
    return RunOutcome(result, report.stages)


def import_file(context: ImportContext) -> ImportReport:
    """The steps of one import, from the source to the commit."""
    prepare_warehouse(context)
    report = context.report
    with report.stage("landing"):
        found = resolve_source(context)
        repeat_check = RepeatCheck.of(context, found)
        if repeated := repeat_check.find_by_version():
            return repeat_check.skip(repeated, fetched=False)
        landed, layout = land_source(context, found)
        repeat_check.record_landing(landed.sha256, landed.etag)
        if repeated := repeat_check.find_by_content(landed.sha256):
            return repeat_check.skip(repeated)
        if context.inbox and layout.rejected_file:
            context = as_retry(context, landed, layout)
            check_names(context)
        source = map_landed(context, landed, layout)
    report.log_stage("landing", f"{landed.size:,} bytes")
    planned = context.request.plan
    approve = approval_of(planned, landed.sha256, repeat_check.fingerprint) if planned else None
    with staged_file(context, source) as (checked, staging):
        return merge_staged(context, checked, staging, approve)
