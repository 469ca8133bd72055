"""The artifacts of a run in the Prefect UI: a summary, the rejected rows, a plan, an undo, the import list, progress.

An error while publishing is logged, and the import continues. Only the rejected rows and the plan show contact values,
unless they are masked.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from prefect import get_run_logger, runtime
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.config.settings import Settings
from flows.pipeline.progress import Progress
from flows.publishing.form_words import in_form_words
from flows.publishing.list_artifact import import_list, list_description
from flows.publishing.markdown import MASKED_VALUE, cell, code
from flows.publishing.plan_summary import plan_markdown
from flows.publishing.summary import summary, summary_line, undo_summary
from flows.reports.builder import ReportBuilder
from flows.reports.models import CheckReport, ImportReport, UndoReport
from flows.reports.phrases import counted, undo_line
from schemas.validation.rules import EXPECTED, Rule
from transforms.results.rejected_file import RejectedRows
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import list_imports
from warehouse.merge.dry_run import MergePreview

REJECTED_ROWS = "rejected-rows"
PROGRESS_DELAY_SECONDS = 10.0  # seconds after which an import shows its progress
PROGRESS_INTERVAL_SECONDS = 3.0


def publish_summary(result: CheckReport) -> bool:
    """The artifact of every import and check, also of a failed one. Returns whether the server has stored it."""
    with log_and_continue("import summary"):
        key = "import-summary" if isinstance(result, ImportReport) else "check-summary"
        rejected_rows = _newest_rejected_rows() if result.rejections else None
        create_markdown_artifact(summary(result, rejected_rows), key=key, description=summary_line(result))
        return True
    return False


def publish_plan(result: ImportReport, preview: MergePreview, settings: Settings) -> None:
    """The artifact of a plan, with a few values of contacts unless they are masked."""
    with log_and_continue("plan"):
        markdown = plan_markdown(result, preview, settings.artifact_values == "masked")
        create_markdown_artifact(markdown, key="import-plan", description=summary_line(result))


def publish_undo(report: UndoReport, settings: Settings) -> None:
    """The artifact of every undo, also of one that only counts. It has no contact values."""
    with log_and_continue("undo summary"):
        text = undo_summary(report, journalled=settings.journal == "on")
        create_markdown_artifact(text, key="undo-summary", description=undo_line(report))


def publish_rejected_rows(
    report: ReportBuilder, settings: Settings, in_inbox: str | None = None, *, has_failed: bool = False
) -> None:
    """The artifact of the rejected rows, if there are any. It names their file if the report does.

    It reads a file of the import's folder. Publish it after the merge, which may reject more rows.
    `in_inbox`: the name of the rejected file in the inbox.
    """
    if report.rejected and report.rejected.rows:
        with log_and_continue("rejected rows"):
            rows = rejected_rows_table(report.rejected, settings)
            next_step = _next_step(report.rejected_file, in_inbox, has_failed)
            description = rejected_rows_description(len(rows), report.rejected, next_step)
            create_table_artifact(rows, key=REJECTED_ROWS, description=description)


def _newest_rejected_rows() -> UUID | None:
    """The artifact of rejected rows that this run published last."""
    with log_and_continue("link to the rejected rows"), get_client(sync_client=True) as client:
        run = ArtifactFilterFlowRunId(any_=[UUID(runtime.flow_run.id)])
        wanted = ArtifactFilter(flow_run_id=run, key=ArtifactFilterKey(any_=[REJECTED_ROWS]))
        found = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC, limit=1)
        return found[0].id if found else None
    return None


def publish_import_list(settings: Settings) -> None:
    """The artifact of the last imports, with links to their runs; also after a failed import."""
    with (
        log_and_continue("import list"),
        Warehouse.open(settings.warehouse_url.get_secret_value(), settings.warehouse_schema) as warehouse,
    ):
        imports = list_imports(warehouse)
        create_markdown_artifact(import_list(imports), key="import-list", description=list_description(len(imports)))


@contextmanager
def log_and_continue(artifact: str) -> Iterator[None]:
    """Log an error of the block and continue. Its text may quote a contact, so only its type is logged."""
    try:
        yield
    except Exception as error:
        get_run_logger().warning("the artifact %r could not be published: %s", artifact, type(error).__name__)


def rejected_rows_table(rejected: RejectedRows, settings: Settings) -> list[dict[str, Any]]:
    """A sample of the rejections. The UI takes the columns from the first row, so short ones come first."""
    sample = rejected.sample().astype(object)
    rows = sample.where(sample.notna(), None).to_dict("records")  # a missing text is NaN, which would print as "nan"
    return [_rejected_row(row, settings.artifact_values == "masked") for row in rows]


def _rejected_row(row: Mapping[Any, Any], masked: bool) -> dict[str, Any]:
    return {
        "record": int(row["record_number"]),
        "line": int(row["line_number"]),
        "email": MASKED_VALUE if masked else cell(row["email"] or ""),
        "column": cell(row["column_name"] or ""),
        "reason": row["code"],
        "message": cell(in_form_words(EXPECTED[Rule(row["code"])]) if masked else row["message"] or ""),
        "value": MASKED_VALUE if masked else cell(row["value"] or ""),
    }


def _next_step(file: str | None, in_inbox: str | None, has_failed: bool) -> str:
    """What to do with the rejected rows, and where the file with all of them is."""
    if has_failed:
        place = f" The file with these rows: {code(file)}" if file else ""
        return f" The import failed, so correct its source and import the whole file again.{place}"
    if in_inbox:
        return f" Correct them in this file of the inbox, and put it into the inbox again: {code(in_inbox)}"
    return f" Correct them in this file and import it as a retry: {code(file)}" if file else ""


def rejected_rows_description(shown: int, rejected: RejectedRows, next_step: str) -> str:
    """How many of the reasons the table shows, and what to do next."""
    part = counted(shown, "reason")
    if shown < rejected.found:
        part = f"{shown:,} of {rejected.found:,} reasons, some of each kind, the most frequent kind first,"
    return f"{part} in {counted(rejected.rows, 'rejected row')}.{next_step}"


class ProgressArtifact:
    """Progress of a long import in the UI, passed on to another display, such as a bar on the terminal."""

    def __init__(self, other: Progress) -> None:
        self._other = other
        self._artifact: Any = None
        self._began = self._updated = time.monotonic()

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        with self._other.stage(name, total) as advance_other:
            done = 0

            def advance(amount: int) -> None:
                nonlocal done
                done += amount
                advance_other(amount)
                self._show(name, 100.0 * done / max(total, 1))

            yield advance

    def _show(self, name: str, percent: float) -> None:
        now = time.monotonic()
        if now - self._began < PROGRESS_DELAY_SECONDS or now - self._updated < PROGRESS_INTERVAL_SECONDS:
            return
        self._updated = now
        with log_and_continue("import progress"):
            if self._artifact is None:
                self._artifact = create_progress_artifact(percent, key="import-progress", description=name)
            else:
                update_progress_artifact(self._artifact, percent, description=name)
