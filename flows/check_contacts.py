"""The flow around a check: the verdicts on a file as artifacts, with no warehouse."""

import tempfile
from dataclasses import replace

from prefect import flow
from prefect.client.schemas.objects import State

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.import_runs.multi_file import each_file, together
from flows.import_runs.run_states import final_state, named_by_file
from flows.pipeline.check import examine_into
from flows.pipeline.sources import scheduled_day
from flows.publishing.artifacts import publish_rejected_rows, publish_summary
from flows.reports.report import ImportReport, Outcome, Report, as_logged_error
from transforms.work_folder import ImportFolder


@flow(name="check-contacts", flow_run_name=named_by_file("check"), persist_result=False)
def check_contacts(request: ReadingOptions) -> State[Report]:
    """Check a CSV file of contacts under the rules of the field catalogue; no warehouse is touched.

    Args:
        request: The file, and how to read it.
    """
    settings = Settings.load()
    done = [check_one(each, settings) for each, _ in each_file(request, settings, scheduled_day)]
    outcome = done[0] if len(done) == 1 else together(request.source, done)
    for result, _ in done:
        publish_summary(result)
    return final_state(outcome.report)


def check_one(request: ReadingOptions, settings: Settings) -> Outcome:
    """One file; its rejected rows are shown while their file is there."""
    report = ImportReport(request)
    with tempfile.TemporaryDirectory(prefix="contacts-check-") as folder:
        try:
            examine_into(report, request, settings, ImportFolder.local(folder), settings.artifact_rows, scheduled_day)
            assert report.rejected is not None
            publish_rejected_rows(replace(report.rejected, path=""), settings)  # which goes with the folder
            return Outcome(report.checked(), report.stages)
        except Exception as error:
            return Outcome(report.failed(as_logged_error(error)), report.stages)
