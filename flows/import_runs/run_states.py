"""What the flows over a file have alike in the UI: the name that a run goes by, and the state that it ends in."""

import os
from collections.abc import Callable
from pathlib import Path

from prefect import get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.reports.report import Report, redact_error
from schemas.errors.base import ContactImportError
from transforms.sources.addresses import redacted
from warehouse.import_list.entries import SKIPPED


def flow_run_name_for(does: str) -> Callable[[], str]:
    """Gives a run its name: what it does, and the file that it does it to."""

    def name_of_run() -> str:
        request = runtime.flow_run.parameters.get("request")
        source = request.get("source") if isinstance(request, dict) else getattr(request, "source", "")
        return f"{does} {Path(redacted(source or '')).name}"

    return name_of_run


def final_state(report: Report) -> State[Report]:
    """The run's last state, whose message carries the counts."""
    if report["status"] == "failed":
        return Failed(message=f"{report['error']['code']}: {report['error']['message']}", data=report)
    if report["status"] == SKIPPED:
        repeated = ", ".join(str(each["repeats"]) for each in report.get("imports", [report]))
        return Completed(name="Skipped", message=f"the same file as import {repeated}", data=report)
    rows = report["rows"]
    message = f"{rows['read']:,} rows read, {_accepted(report)}, {rows['rejected']:,} rejected"
    return Completed(message=message, data=report)


def log_and_redact_error(error: Exception) -> ContactImportError:
    """Redact an error of this run. With CONTACTS_DEBUG, the run's log gets its traceback."""
    if os.environ.get("CONTACTS_DEBUG"):
        get_run_logger().error("the run failed", exc_info=error)
    return redact_error(error)


def _accepted(report: Report) -> str:
    """A check has no contacts to count."""
    number = f"{report['rows']['accepted']:,}"
    if "contacts" not in report:
        return f"{number} would be accepted"
    return f"{number} accepted ({', '.join(f'{count:,} {what}' for what, count in report['contacts'].items())})"
