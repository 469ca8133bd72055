"""The flow around a check: the verdicts on a file as artifacts, with no warehouse."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.artifacts import publish_rejected_rows, publish_summary
from flows.check import examine_into
from flows.report import ImportReport, Report, as_known_error
from flows.request import ReadingOptions
from flows.settings import Settings
from flows.sources import scheduled_day
from transforms.addresses import shown
from transforms.folder import ImportFolder


def name_of_run() -> str:
    """The run's name in the UI: the file that it checks."""
    request = runtime.flow_run.parameters.get("request")
    source = request.get("source") if isinstance(request, dict) else getattr(request, "source", "")
    return f"check {Path(shown(source or '')).name}"


@flow(name="check-contacts", flow_run_name=name_of_run, persist_result=False)
def check_contacts(request: ReadingOptions) -> State[Report]:
    """Check a CSV file of contacts under the rules of the field catalogue; no warehouse is touched.

    Args:
        request: The file, and how to read it.
    """
    settings = Settings.load()
    report = ImportReport(request)
    with tempfile.TemporaryDirectory(prefix="contacts-check-") as folder:
        try:
            examine_into(report, request, settings, ImportFolder.local(folder), settings.artifact_rows, scheduled_day)
            assert report.rejected is not None
            publish_rejected_rows(replace(report.rejected, path=""), settings)  # which goes with the folder
            result = report.checked()
        except Exception as error:
            if os.environ.get("CONTACTS_DEBUG"):
                get_run_logger().exception("the check failed")
            result = report.failed(as_known_error(error))
    publish_summary(result)
    return final_state(result)


def final_state(report: Report) -> State[Report]:
    """The run's last state, whose message carries the counts."""
    if report["status"] == "failed":
        return Failed(message=f"{report['error']['code']}: {report['error']['message']}", data=report)
    rows = report["rows"]
    return Completed(
        message=f"{rows['read']:,} rows read, {rows['accepted']:,} would be accepted, {rows['rejected']:,} rejected",
        data=report,
    )
