"""The flow that checks a file. It needs no warehouse, and shows the result as artifacts."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.import_runs.run_states import final_state, flow_run_name_for, log_and_redact_error
from flows.pipeline.check import check_file
from flows.pipeline.limits import check_strict
from flows.pipeline.multi_file import requests_per_file
from flows.pipeline.sources import SourceLookups
from flows.pipeline.temporary_folders import temporary_folder
from flows.prefect_lookups import runs_as_command, scheduled_day, source_logins
from flows.publishing.artifacts import publish_rejected_rows, publish_summary
from flows.reports.builder import ReportBuilder
from flows.reports.combined import combine_outcomes
from flows.reports.models import CheckReport
from flows.reports.outcomes import RunOutcome
from transforms.work_folder import ImportFolder


@flow(name="check-contacts", flow_run_name=flow_run_name_for("check"), persist_result=False)
def check_contacts(request: ReadingOptions) -> State[dict[str, Any]]:
    """Check a CSV file or a workbook of contacts under the rules of the field catalogue; no warehouse is touched.

    Args:
        request: The file, and how to read it.
    """
    settings = Settings.load()
    done = []
    for each, _ in requests_per_file(request, settings, scheduled_day):
        done.append(check_one(each, settings))
        publish_summary(done[-1].report)
    return final_state(combine_outcomes(request.source, done).report)


def check_one(request: ReadingOptions, settings: Settings) -> RunOutcome[CheckReport]:
    """Check one file, and publish its rejected rows before their file is deleted."""
    report = ReportBuilder(request)
    lookups = SourceLookups(scheduled_day, source_logins, runs_as_command)
    with temporary_folder() as path:
        try:
            folder = ImportFolder.local(path)
            checked = check_file(report, settings, folder, lookups, show=settings.artifact_rows)
            publish_rejected_rows(report, settings)
            check_strict(request, checked.profile, checked.rejected.rows)
            return RunOutcome(report.completed_check(), report.stages)
        except Exception as error:
            return RunOutcome(report.failed(log_and_redact_error(error)), report.stages)
