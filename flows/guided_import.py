"""The flow of the import wizard: file and options, columns, preview, and only then the merge.

Between the steps the run is suspended and starts again with the answer. So waiting takes no worker and no lock. Each
step lands the file again, and merges only if the preview is still the one that was approved.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.guided.forms import BACK_TO_COLUMNS, MERGE, STOP, mapping_from_answer
from flows.guided.readings_form import SAVE_AS, readings_from_answer
from flows.guided.session import COLUMNS, READINGS, Choices, GuidedSession, with_choices
from flows.guided.suspension import LastQuestion, Question, RunState, can_suspend, last_question, suspend
from flows.import_runs.context import ImportContext, ImportList
from flows.import_runs.lifecycle import open_import_list, record_failure, run_import
from flows.import_runs.run_states import final_state, flow_run_name_for, log_and_redact_error
from flows.import_runs.same_file import RepeatCheck
from flows.import_runs.tasks import land_source, prepare_warehouse, resolve_source
from flows.import_runs.work_folders import remove_import_folder
from flows.publishing.results import publish_results
from flows.reports.builder import ImportReportBuilder, redact_error
from flows.reports.models import ImportReport
from schemas.errors.request import NeedsDeployment, StoppedByUser, UsageError
from transforms.work_folder import name_of
from warehouse.import_list.entries import resume_import, suspend_import


@flow(name="guided-import", flow_run_name=flow_run_name_for("import"), persist_result=False)
def guided_import(request: ImportRequest) -> State[dict[str, Any]]:
    """Import contacts step by step: match the columns, look at a preview, then decide.

    Args:
        request: The file and the options; the columns are matched in the next step.
    """
    settings = Settings.load()
    report = ImportReportBuilder(request)
    try:
        if not can_suspend():
            raise NeedsDeployment
        if request.plan:
            raise UsageError("a guided import shows a plan of its own to approve; leave the field Plan empty")
        with open_import_list(settings) as imports:
            result = take_next_step(imports, report)
    except Exception as error:  # the import could not even be entered in the list
        result = report.failed(log_and_redact_error(error))
    publish_results([result], settings)
    if result.error and result.error.code == StoppedByUser.code:
        return Completed(name="Stopped", message=str(StoppedByUser()), data=result.model_dump())
    return final_state(result)


def take_next_step(imports: ImportList, report: ImportReportBuilder) -> ImportReport:
    """Take the step that follows from the last answer. If it ends with a question, the process ends with it."""
    last, suspended_id = last_question(), None
    if last:
        _remove_previous_folder(imports.settings, last.state)
        suspended_id = _resume(imports, last.state)
        if suspended_id is None and last.answer == {"decision": STOP}:
            last = LastQuestion(last.state, None)  # that run was stopped; a run that is started again asks again
    step = run_import(imports, report, partial(next_step, last), suspended_id=suspended_id)
    if isinstance(step, ImportReport):
        return step
    import_id = step.state["import_id"]
    try:
        until = datetime.now(UTC) + timedelta(seconds=imports.settings.answer_seconds)
        suspend_import(imports.warehouse, import_id, until)
        suspend(step, imports.settings.answer_seconds)
    except Exception as error:
        return record_failure(imports.warehouse, import_id, report, redact_error(error))


def _resume(imports: ImportList, state: RunState) -> int | None:
    """The import that waited for this run. None if it has been closed meanwhile."""
    import_id = int(state["import_id"])
    resumed = resume_import(imports.warehouse, import_id, str(runtime.flow_run.id), imports.liveness_key)
    return import_id if resumed else None


def _remove_previous_folder(settings: Settings, state: RunState) -> None:
    with suppress(Exception):
        remove_import_folder(settings, name_of(state["folder"]))


def next_step(last: LastQuestion | None, context: ImportContext) -> ImportReport | Question:
    """What follows the last question: another one, or the merge."""
    decision = (last.answer or {}).get("decision") if last else None
    if decision == STOP:
        raise StoppedByUser
    choices = choices_so_far(last)
    prepare_warehouse(context)
    with context.report.stage("landing"):
        found = resolve_source(context)
        repeat_check = RepeatCheck.of(context, found, with_choices(context.request, choices))
        landed, layout = land_source(context, found)
        repeat_check.record_landing(landed.sha256, landed.etag)
    context.report.log_stage("landing", f"{landed.size:,} bytes")
    session = GuidedSession(context, found, landed, layout)
    if last is None:
        return session.ask_columns()
    if last.state["header"] != session.header:
        return session.ask_columns(note="The header of the file has changed: match its columns again.")
    step, answered = last.state["step"], last.answer is not None
    if decision == BACK_TO_COLUMNS or (step == COLUMNS and not answered):
        return session.ask_columns(choices)
    if repeated := repeat_check.find_by_content(landed.sha256):
        return repeat_check.skip(repeated)
    if step == READINGS and last.answer and (name := last.answer.get(SAVE_AS)):
        session.save_preset(name, choices)
    approved = last.state["shown"] if decision == MERGE else None
    ask_readings = step == COLUMNS or (step == READINGS and not answered)
    return session.preview_or_merge(choices, approved, ask_readings=ask_readings)


def choices_so_far(last: LastQuestion | None) -> Choices:
    """What was last chosen. Nothing before the first answer."""
    if last is None:
        return Choices()
    state, answer = last.state, last.answer
    if answer is not None and state["step"] == COLUMNS:
        return Choices(mapping_from_answer(answer))
    if answer is not None and state["step"] == READINGS:
        return Choices(state["mapping"], readings_from_answer(state["offers"], answer))
    return Choices(state["mapping"], state.get("readings", {}))
