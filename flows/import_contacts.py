"""The flow: one contacts CSV into the warehouse, from the form to the report."""

from collections.abc import Sequence

from prefect import flow
from prefect.client.schemas.objects import State

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.import_runs.lifecycle import ready_and_alive, run_import
from flows.import_runs.multi_file import each_file, together
from flows.import_runs.run_states import final_state, named_by_file
from flows.import_runs.same_file import SameFile
from flows.import_runs.tasks import found_in_order, landed_in, load_task, made_ready, opaque, staged
from flows.pipeline.sources import Origin, scheduled_day
from flows.pipeline.steps import lay_out
from flows.publishing.artifacts import publish_import_list, publish_summary
from flows.publishing.events import announce
from flows.reports.report import ImportReport, Outcome, Report, as_logged_error, tell
from schemas.errors.base import Interrupted
from transforms.work_folder import ImportFolder
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient


@flow(name="import-contacts", flow_run_name=named_by_file("import"), persist_result=False)
def import_contacts(request: ImportRequest) -> State[Report]:
    """Import contacts from a CSV file under the rules of the field catalogue.

    Args:
        request: The file, how to read it, and what to do with contacts that exist already.
    """
    settings = Settings.load()
    files = each_file(request, settings, scheduled_day)
    done: list[Outcome] = []
    try:
        for each in files:
            done.append(import_one(*each, settings))  # noqa: PERF401 - what is done must be known when one is stopped
    except BaseException:
        if done:  # what was committed stays, and is not to be told as nothing
            stopped = ImportReport(files[len(done)][0]).failed(Interrupted())
            tell(together(request.source, [*done, Outcome(stopped, {})]))
        raise
    outcome = done[0] if len(done) == 1 else together(request.source, done)
    tell(outcome)
    show_and_tell([result for result, _ in done], settings)
    return final_state(outcome.report)


def import_one(request: ImportRequest, origin: Origin | None, settings: Settings) -> Outcome:
    """One file, from the start of its import to its end."""
    report = ImportReport(request, origin=origin)
    try:
        url = settings.warehouse_url.get_secret_value()
        with (
            retry_transient(Warehouse.open)(url, settings.warehouse_schema) as warehouse,
            ready_and_alive(warehouse, settings) as key,
        ):
            result = run_import(request, settings, warehouse, report, key, import_file)
    except Exception as error:  # the warehouse cannot even list the import
        result = report.failed(as_logged_error(error))
    return Outcome(result, report.stages)


def show_and_tell(results: Sequence[Report], settings: Settings) -> None:
    """Artifacts for people, events for programs; none of their troubles changes anything about the imports."""
    if not all(map(publish_summary, results)):
        return  # Prefect has waited for its server for a minute already
    if any(result["import_id"] for result in results):
        publish_import_list(settings)
    for result in results:
        announce(result)


def import_file(
    request: ImportRequest, settings: Settings, warehouse: Warehouse, report: ImportReport, folder: ImportFolder
) -> Report:
    """The story of one import, from the source to the commit."""
    catalogue = made_ready(request, settings, warehouse, report)
    with report.stage("landing"):
        found = found_in_order(request, settings, warehouse, report)
        same = SameFile.of(warehouse, request, settings, catalogue, found, report)
        if repeated := same.known_version():
            return same.skip(report, repeated, fetched=False)
        landed, layout = landed_in(folder, settings, report, catalogue, same)
        if repeated := same.known_content(landed.sha256):
            return same.skip(report, repeated)
        report.source = lay_out(request, catalogue, landed, layout, report.decided, settings.presets)
    with (
        staged(request, settings, warehouse, report, catalogue.default_prefix, folder) as staging,
        report.stage("merging"),
    ):
        return load_task(opaque(warehouse), opaque(staging), request, opaque(report))
