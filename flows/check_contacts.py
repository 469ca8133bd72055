"""The flow around a check: the verdicts on a file as artifacts, with no warehouse."""

import tempfile
from dataclasses import replace

from prefect import flow
from prefect.client.schemas.objects import State

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.import_runs.multi_file import combine_outcomes, requests_per_file
from flows.import_runs.run_states import final_state, flow_run_name_for, log_and_redact_error
from flows.pipeline.check import check_file
from flows.pipeline.sources import SourceLookups
from flows.prefect_lookups import scheduled_day, source_logins
from flows.publishing.artifacts import publish_rejected_rows, publish_summary
from flows.reports.report import Report, ReportBuilder, RunOutcome
from transforms.work_folder import ImportFolder


@flow(name="check-contacts", flow_run_name=flow_run_name_for("check"), persist_result=False)
def check_contacts(request: ReadingOptions) -> State[Report]:
    """Check a CSV file of contacts under the rules of the field catalogue; no warehouse is touched.

    Args:
        request: The file, and how to read it.
    """
    settings = Settings.load()
    done = [check_one(each, settings) for each, _ in requests_per_file(request, settings, scheduled_day)]
    outcome = done[0] if len(done) == 1 else combine_outcomes(request.source, done)
    for result, _ in done:
        publish_summary(result)
    return final_state(outcome.report)


def check_one(request: ReadingOptions, settings: Settings) -> RunOutcome:
    """One file; its rejected rows are shown while their file is there."""
    report = ReportBuilder(request)
    with tempfile.TemporaryDirectory(prefix="contacts-check-") as folder:
        try:
            lookups = SourceLookups(scheduled_day, source_logins)
            check_file(report, request, settings, ImportFolder.local(folder), lookups, show=settings.artifact_rows)
            assert report.rejected is not None
            publish_rejected_rows(replace(report.rejected, path=""), settings)  # which goes with the folder
            return RunOutcome(report.checked(), report.stages)
        except Exception as error:
            return RunOutcome(report.failed(log_and_redact_error(error)), report.stages)
