"""The flow that looks at an inbox once: it imports the files that are complete, and moves them."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.config.request import InboxRequest
from flows.config.settings import Settings
from flows.import_runs.run_states import flow_run_name_for, in_words_of_run, log_and_redact_error
from flows.inbox.look import look_at_inbox
from flows.publishing.results import publish_results
from flows.reports.builder import ImportReportBuilder
from flows.reports.models import ImportReport
from flows.reports.outcomes import RunOutcome, record_outcome
from flows.reports.phrases import counted


@flow(name="import-inbox", flow_run_name=flow_run_name_for("look at"), persist_result=False)
def import_inbox(request: InboxRequest) -> State[dict[str, Any]]:
    """Import the files of a folder, and move them to its folders done and failed.

    Args:
        request: The folder, and how its files are imported.
    """
    settings = Settings.load()
    reports: list[ImportReport] = []
    problems: list[str] = []
    try:
        for handled in look_at_inbox(request, settings):
            record_outcome(handled.outcome)
            reports.append(handled.outcome.report)
            problems += [handled.problem] if handled.problem else []
            publish_results(handled.imported, settings)
    except Exception as error:
        redacted = log_and_redact_error(error)
        reports.append(ImportReportBuilder(request).failed(redacted))
        record_outcome(RunOutcome(reports[-1], {}))
        problems.append(f"{redacted.code}: {redacted}")
    data = {"reports": [report.model_dump() for report in reports]}
    if problems:
        return Failed(message=in_words_of_run("; ".join(problems)), data=data)
    return Completed(message=_summary(reports), data=data)


def _summary(reports: list[ImportReport]) -> str:
    if not reports:
        return "no new file"
    failed = sum(report.failed for report in reports)
    rejected = sum(report.rows.rejected for report in reports if report.rows)
    return f"{counted(len(reports), 'file')}, {failed:,} failed; {counted(rejected, 'row')} rejected"
