"""What a person opens in the Prefect UI in the morning: a summary, the rejected rows, the import list.

The trouble of publishing is logged and goes no further: the import does not depend on it. Rejected rows show contact
values, which is what they are for; no other artifact does.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.config.settings import Settings
from flows.pipeline.progress import Progress
from flows.publishing.list_artifact import import_list
from flows.publishing.markdown import cell, code
from flows.publishing.summary import summary, summary_line
from flows.reports.models import CheckReport, ImportReport
from flows.reports.phrases import counted
from schemas.validation.rules import EXPECTED, Rule
from transforms.results.rejected_file import RejectedRows
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import list_imports

PROGRESS_DELAY_SECONDS = 10.0  # seconds after which an import shows its progress
PROGRESS_INTERVAL_SECONDS = 3.0
MASKED_VALUE = "•••"


def publish_summary(result: CheckReport) -> bool:
    """Make the artifact that every import and every check has, also one that failed; whether the server took it."""
    with log_and_continue("summary"):
        key = "import-summary" if isinstance(result, ImportReport) else "check-summary"
        create_markdown_artifact(summary(result), key=key, description=summary_line(result))
        return True
    return False


def publish_rejected_rows(rejected: RejectedRows, settings: Settings) -> None:
    """Make the artifact of the rejected rows, if there are any; their file must still be there."""
    if rejected.rows:
        with log_and_continue("table of rejected rows"):
            rows = rejected_rows_table(rejected, settings)
            create_table_artifact(rows, key="rejected-rows", description=rejected_rows_description(len(rows), rejected))


def publish_import_list(settings: Settings) -> None:
    """Make the artifact of the last imports, with links to their runs; also where this one failed."""
    with (
        log_and_continue("import list"),
        Warehouse.open(settings.warehouse_url.get_secret_value(), settings.warehouse_schema) as warehouse,
    ):
        imports = list_imports(warehouse)
        last = f"The last {counted(len(imports), 'import')}."
        create_markdown_artifact(import_list(imports), key="import-list", description=last)


@contextmanager
def log_and_continue(artifact: str) -> Iterator[None]:
    """Trouble in here is logged by its type alone, whose text may quote a contact, and goes no further."""
    try:
        yield
    except Exception as error:
        get_run_logger().warning("the %s could not be shown in the UI: %s", artifact, type(error).__name__)


def rejected_rows_table(rejected: RejectedRows, settings: Settings) -> list[dict[str, Any]]:
    """The rejections to look at as plain values; columns come from the first row, short ones first."""
    return [_rejected_row(row, settings.artifact_values == "masked") for row in rejected.sample().to_dict("records")]


def _rejected_row(row: Mapping[Any, Any], masked: bool) -> dict[str, Any]:
    return {
        "record": int(row["record_number"]),
        "line": int(row["line_number"]),
        "column": cell(row["column_name"] or ""),
        "reason": row["code"],
        "message": cell(EXPECTED[Rule(row["code"])] if masked else row["message"]),
        "value": MASKED_VALUE if masked else cell(row["value"] or ""),
    }


def rejected_rows_description(shown: int, rejected: RejectedRows) -> str:
    """How much of all there is the table shows, and where the rest lies."""
    part = counted(shown, "reason")
    if shown < rejected.found:
        part = f"{shown:,} of {rejected.found:,} reasons, a fair share of each kind, the commonest first,"
    mend = f" To mend and import again: {code(rejected.path)}" if rejected.path else ""
    return f"{part} in {counted(rejected.rows, 'rejected row')}.{mend}"


class ProgressArtifact:
    """Progress of a long import in the UI, beside whatever else watches."""

    def __init__(self, also: Progress) -> None:
        self._also = also
        self._artifact: Any = None
        self._began = self._updated = time.monotonic()

    @contextmanager
    def stage(self, name: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        with self._also.stage(name, total, unit) as also:
            done = 0

            def advance(amount: int) -> None:
                nonlocal done
                done += amount
                also(amount)
                self._show(name, 100.0 * done / max(total, 1))

            yield advance

    def _show(self, name: str, percent: float) -> None:
        now = time.monotonic()
        if now - self._began < PROGRESS_DELAY_SECONDS or now - self._updated < PROGRESS_INTERVAL_SECONDS:
            return
        self._updated = now
        try:
            if self._artifact is None:
                self._artifact = create_progress_artifact(percent, key="import-progress", description=name)
            else:
                update_progress_artifact(self._artifact, percent, description=name)
        except Exception as error:  # progress is a courtesy; the import goes on
            get_run_logger().warning("the progress could not be shown: %s", type(error).__name__)
