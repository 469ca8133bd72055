"""The flow: one contacts CSV into the warehouse, from the form to the report."""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.import_runs.lifecycle import prepared_import_list, run_import
from flows.import_runs.multi_file import combine_outcomes, requests_per_file
from flows.import_runs.run_states import final_state, flow_run_name_for, log_and_redact_error
from flows.import_runs.same_file import RepeatCheck
from flows.import_runs.tasks import land_source, load_task, opaque, prepare_warehouse, resolve_source, staged_file
from flows.pipeline.steps import map_source_columns
from flows.prefect_lookups import scheduled_day
from flows.publishing.results import publish_results
from flows.reports.report import ArchiveOrigin, Report, ReportBuilder, RunOutcome, record_outcome
from schemas.errors.base import Interrupted
from transforms.work_folder import ImportFolder
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient


@flow(name="import-contacts", flow_run_name=flow_run_name_for("import"), persist_result=False)
def import_contacts(request: ImportRequest) -> State[Report]:
    """Import contacts from a CSV file under the rules of the field catalogue.

    Args:
        request: The file, how to read it, and what to do with contacts that exist already.
    """
    settings = Settings.load()
    files = requests_per_file(request, settings, scheduled_day)
    done: list[RunOutcome] = []
    try:
        for each in files:
            done.append(import_one(*each, settings))  # noqa: PERF401 - what is done must be known when one is stopped
    except BaseException:
        if done:  # what was committed stays, and is not to be told as nothing
            stopped = ReportBuilder(files[len(done)][0]).failed(Interrupted())
            record_outcome(combine_outcomes(request.source, [*done, RunOutcome(stopped, {})]))
        raise
    outcome = done[0] if len(done) == 1 else combine_outcomes(request.source, done)
    record_outcome(outcome)
    publish_results([result for result, _ in done], settings)
    return final_state(outcome.report)


def import_one(request: ImportRequest, origin: ArchiveOrigin | None, settings: Settings) -> RunOutcome:
    """One file, from the start of its import to its end."""
    report = ReportBuilder(request, origin=origin)
    try:
        url = settings.warehouse_url.get_secret_value()
        with (
            retry_transient(Warehouse.open)(url, settings.warehouse_schema) as warehouse,
            prepared_import_list(warehouse, settings) as key,
        ):
            result = run_import(request, settings, warehouse, report, key, import_file)
    except Exception as error:  # the warehouse cannot even list the import
        result = report.failed(log_and_redact_error(error))
    return RunOutcome(result, report.stages)


def import_file(
    request: ImportRequest, settings: Settings, warehouse: Warehouse, report: ReportBuilder, folder: ImportFolder
) -> Report:
    """The story of one import, from the source to the commit."""
    catalogue = prepare_warehouse(request, settings, warehouse, report)
    with report.stage("landing"):
        found = resolve_source(request, settings, warehouse, report)
        same = RepeatCheck.of(warehouse, request, settings, catalogue, found, report)
        if repeated := same.find_by_version():
            return same.skip(report, repeated, fetched=False)
        landed, layout = land_source(folder, settings, report, catalogue, same)
        if repeated := same.find_by_content(landed.sha256):
            return same.skip(report, repeated)
        source = map_source_columns(request, catalogue, landed, layout, report.earlier_decisions, settings.presets)
    with (
        staged_file(request, settings, warehouse, report, source, catalogue.default_prefix, folder) as staging,
        report.stage("merging"),
    ):
        return load_task(opaque(warehouse), opaque(staging), request, opaque(report))
