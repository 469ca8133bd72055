"""What the flows show of a run in the UI: its name, its last state, and the log."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect import get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.exceptions import MissingContextError
from prefect.states import Completed, Failed

from flows.prefect_lookups import runs_as_command
from flows.publishing.form_words import in_form_words
from flows.reports.builder import redact_error
from flows.reports.combined import failure_line
from flows.reports.models import CheckReport, ImportReport
from flows.reports.phrases import outcome_line
from flows.reports.stage_log import stage_log
from schemas.errors.base import ContactImportError
from transforms.sources.addresses import redacted


class RunLogHandler(logging.Handler):
    """Forwards records to the log of the Prefect run, if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(MissingContextError):
            get_run_logger().log(record.levelno, record.getMessage())


stage_log.addHandler(RunLogHandler())


def _is_unexpected(record: logging.LogRecord) -> bool:
    """False for the TypeError that Prefect logs when a flow returns a failed state: the state says everything."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, TypeError) and str(error).startswith("Unexpected result for failed state"))


for _name in ("prefect.flow_runs", "prefect.engine"):
    logging.getLogger(_name).addFilter(_is_unexpected)


def flow_run_name_for(verb: str) -> Callable[[], str]:
    """Names a run by its verb and its file."""

    def flow_run_name() -> str:
        return f"{verb} {Path(redacted(_requested('source') or '')).name}"

    return flow_run_name


def undo_run_name() -> str:
    """Names a run by the import that it undoes."""
    return f"undo import {_requested('import_id')}"


def _requested(name: str) -> Any:
    """A value of the request, which Prefect has as a model or as JSON."""
    request = runtime.flow_run.parameters.get("request")
    return request.get(name) if isinstance(request, dict) else getattr(request, name, None)


def final_state(report: CheckReport) -> State[dict[str, Any]]:
    """The last state of a run. Its message has the counts, its data the report."""
    content = report.model_dump()
    if report.error:
        return failed_state(failure_line(report.error, report.imports or ()), content)
    if isinstance(report, ImportReport) and report.status == "skipped":
        repeated = ", ".join(str(each.repeats) for each in report.imports or [report])
        return Completed(name="Skipped", message=f"the same file as import {repeated}", data=content)
    return Completed(message=outcome_line(report), data=content)


def failed_state(message: str, content: dict[str, Any]) -> State[dict[str, Any]]:
    """A failure that the flow reports itself. Without data, Prefect would log a traceback of its own."""
    return Failed(message=in_words_of_run(message), data=content)


def in_words_of_run(text: str) -> str:
    """A message in the words of what started the run: options of a command, or fields of a deployment's form."""
    return text if runs_as_command() else in_form_words(text)


def log_and_redact_error(error: Exception) -> ContactImportError:
    """Redact an error of this run. With CONTACTS_DEBUG, the run's log gets its traceback."""
    if os.environ.get("CONTACTS_DEBUG"):
        get_run_logger().error("the run failed", exc_info=error)
    return redact_error(error)
