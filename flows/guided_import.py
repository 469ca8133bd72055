"""The flow that follows the steps of an import wizard: file and options, columns, preview, and only then the merge.

Between the steps the run is suspended and starts anew with the answer, so waiting takes no worker and no lock. Each
time the file lands again, and what was approved is merged only if it is still what would happen.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.guided.forms import BACK_TO_COLUMNS, MERGE, STOP, mapping_from_answer
from flows.guided.session import COLUMNS, GuidedSession, with_mapping
from flows.guided.suspension import LastQuestion, Question, RunState, ask, can_suspend, last_question
from flows.import_runs.lifecycle import prepared_import_list, record_failure, run_id, run_import
from flows.import_runs.run_states import final_state, flow_run_name_for, log_and_redact_error
from flows.import_runs.same_file import RepeatCheck
from flows.import_runs.tasks import land_source, prepare_warehouse, resolve_source
from flows.import_runs.work_folders import remove_import_folder
from flows.publishing.results import publish_results
from flows.reports.report import Report, ReportBuilder, redact_error
from schemas.errors.request import NeedsDeployment, StoppedByUser
from transforms.work_folder import ImportFolder, name_of
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.import_list.entries import resume_import, suspend_import


@flow(name="guided-import", flow_run_name=flow_run_name_for("import"), persist_result=False)
def guided_import(request: ImportRequest) -> State[Report]:
    """Import contacts step by step: match the columns, look at what would happen, and only then go on.

    Args:
        request: The file and the options; the columns are matched in the next step.
    """
    settings = Settings.load()
    report = ReportBuilder(request)
    try:
        if not can_suspend():
            raise NeedsDeployment
        url = settings.warehouse_url.get_secret_value()
        with (
            retry_transient(Warehouse.open)(url, settings.warehouse_schema) as warehouse,
            prepared_import_list(warehouse, settings) as key,
        ):
            result = take_next_step(request, settings, warehouse, report, key)
    except Exception as error:  # the warehouse cannot even list the import
        result = report.failed(log_and_redact_error(error))
    publish_results([result], settings)
    if result.get("error", {}).get("code") == StoppedByUser.code:
        return Cancelled(message=str(StoppedByUser()), data=result)
    return final_state(result)


def take_next_step(
    request: ImportRequest, settings: Settings, warehouse: Warehouse, report: ReportBuilder, key: int
) -> Report:
    """Take the next step from what was asked last; where it is a question, this process ends with it."""
    asked = last_question()
    known = None
    if asked:
        remove_previous_folder(settings, asked.facts)
        known = resume_waiting_import(warehouse, asked.facts, key)
        if known is None and asked.answer == {"decision": STOP}:
            asked = LastQuestion(asked.facts, None)  # it was obeyed; a run that is started again asks again
    step = run_import(request, settings, warehouse, report, key, partial(next_step, asked), known)
    if isinstance(step, Question):
        try:
            until = datetime.now(UTC) + timedelta(seconds=settings.answer_seconds)
            suspend_import(warehouse, run_id(report), until)
            ask(step, settings.answer_seconds)
        except Exception as error:
            return record_failure(warehouse, report, redact_error(error))
    return step


def resume_waiting_import(warehouse: Warehouse, facts: RunState, key: int) -> int | None:
    """The import that waited for this run; None where it has been closed meanwhile."""
    number = int(facts["import_id"])
    return number if resume_import(warehouse, number, str(runtime.flow_run.id), key) else None


def remove_previous_folder(settings: Settings, facts: RunState) -> None:
    """What the step before left on this machine is made anew."""
    with suppress(Exception):
        remove_import_folder(settings, name_of(facts["folder"]))


def next_step(
    asked: LastQuestion | None,
    request: ImportRequest,
    settings: Settings,
    warehouse: Warehouse,
    report: ReportBuilder,
    folder: ImportFolder,
) -> Report | Question:
    """What comes after the last question: another one, or the merge."""
    decision = (asked.answer or {}).get("decision") if asked else None
    if decision == STOP:
        raise StoppedByUser
    mapping = chosen_mapping(asked)
    catalogue = prepare_warehouse(request, settings, warehouse, report)
    with report.stage("landing"):  # with the mapping, which is part of what tells the same import again
        found = resolve_source(request, settings, warehouse, report)
        same = RepeatCheck.of(warehouse, with_mapping(request, mapping), settings, catalogue, found, report)
        landed, layout = land_source(folder, settings, report, catalogue, same)
    file = GuidedSession(request, settings, catalogue, landed, layout, folder, report)
    if asked is None:
        return file.ask_columns()
    if asked.facts["header"] != file.header:
        return file.ask_columns(note="The file has another header than before: match its columns again.")
    if decision == BACK_TO_COLUMNS or (asked.facts["step"] == COLUMNS and asked.answer is None):
        return file.ask_columns(mapping)
    if repeated := same.find_by_content(landed.sha256):
        return same.skip(report, repeated)
    return file.preview_or_merge(warehouse, mapping, asked.facts["shown"] if decision == MERGE else None)


def chosen_mapping(asked: LastQuestion | None) -> dict[str, str]:
    """The mapping as it was chosen last; none before the first answer."""
    if asked is None:
        return {}
    if asked.facts["step"] == COLUMNS and asked.answer is not None:
        return mapping_from_answer(asked.answer)
    return dict(asked.facts["mapping"])
