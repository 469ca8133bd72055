"""What a person opens in the Prefect UI in the morning: a summary, the rejected rows, the progress.

Publishing comes after the commit, so its trouble is logged and goes no further. Rejected rows show contact
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

from flows.progress import Progress
from flows.report import ImportReport, Report
from flows.settings import Settings
from schemas.rules import EXPECTED, Rule
from transforms.rejected import RejectedRows

LONG_RUN = 10.0  # seconds after which an import shows its progress
BETWEEN_UPDATES = 3.0
MASK = "•••"


def publish_summary(result: Report) -> None:
    """Make the artifact that every import has, also one that failed."""
    with harmless("summary"):
        create_markdown_artifact(summary(result), key="import-summary", description=_description(result))


def publish_rejected_rows(rejected: RejectedRows, settings: Settings) -> None:
    """Make the artifact of the rejected rows, if there are any; their file must still be there."""
    if rejected.rows:
        with harmless("table of rejected rows"):
            rows = rejected_rows(rejected, settings)
            create_table_artifact(rows, key="rejected-rows", description=_pointer(rejected, settings))


@contextmanager
def harmless(artifact: str) -> Iterator[None]:
    """Trouble in here is logged by its type alone, whose text may quote a contact, and goes no further."""
    try:
        yield
    except Exception as error:
        get_run_logger().warning("the %s could not be shown in the UI: %s", artifact, type(error).__name__)


def summary(result: Report) -> str:
    """Counts, columns and reasons as markdown."""
    parts = [f"# Import {result['import_id'] or ''} of `{result['source']}`: {result['status']}"]
    if "error" in result:
        parts.append(f"**{result['error']['code']}**: {_cell(result['error']['message'])}")
    if rows := result["rows"]:
        parts.append(_table(("rows", "number"), rows.items()))
    if contacts := result.get("contacts"):
        parts.append(_table((f"contacts ({result['merge']})", "number"), contacts.items()))
    if segment := result.get("segment"):
        parts.append(f"{segment['added']:,} contacts joined the segment `{segment['id']}`.")
    if result["rejections"]:
        parts.append("## Why cells and rows were rejected")
        reasons = ((code, f"{number:,}", EXPECTED[Rule(code)]) for code, number in by_number(result["rejections"]))
        parts.append(_table(("reason", "number", "expected"), reasons))
    if result["columns"]:
        parts.append("## Columns")
        parts.append(_table(("column", "field", "outcome", "empty cells", ""), map(_column, result["columns"])))
    if result["warnings"]:
        parts.append("## Worth knowing\n" + "\n".join(f"- {warning}" for warning in result["warnings"]))
    if result["rejected_file"]:
        parts.append(f"All rejected rows, to mend and import again: `{result['rejected_file']}`")
    return "\n\n".join(parts)


def by_number(codes: dict[str, int]) -> list[tuple[str, int]]:
    """Codes with the commonest first."""
    return sorted(codes.items(), key=lambda pair: (-pair[1], pair[0]))


def rejected_rows(rejected: RejectedRows, settings: Settings) -> list[dict[str, Any]]:
    """The first rejections as plain values; columns come from the first row, short ones first."""
    rows: list[dict[str, Any]] = []
    for frame in rejected.kept_frames():
        wanted = frame.head(settings.artifact_rows - len(rows)).to_dict("records")
        rows += [_rejection(row, settings.artifact_values == "masked") for row in wanted]
        if len(rows) >= settings.artifact_rows:
            break
    return rows


def _rejection(row: Mapping[Any, Any], masked: bool) -> dict[str, Any]:
    return {
        "record": int(row["record_number"]),
        "line": int(row["line_number"]),
        "column": row["column_name"] or "",
        "reason": row["code"],
        "message": EXPECTED[Rule(row["code"])] if masked else row["message"],
        "value": MASK if masked else (row["value"] or "")[:200],
    }


def _pointer(rejected: RejectedRows, settings: Settings) -> str:
    shown = min(rejected.found, settings.artifact_rows)
    return (
        f"{shown:,} of {rejected.found:,} rejections in {rejected.rows:,} rejected rows. "
        f"The whole rows, to mend and import again: `{rejected.path}`"
    )


def _description(result: Report) -> str:
    rows = result["rows"]
    return f"{rows['accepted']:,} rows accepted, {rows['rejected']:,} rejected" if rows else result["error"]["code"]


def _column(column: dict[str, Any]) -> tuple[str, ...]:
    first = ", ".join(map(str, column["first_empty"]))
    note = (
        f"empty in record {first}{' …' if column['empty_cells'] > len(column['first_empty']) else ''}" if first else ""
    )
    if column["suggestion"]:
        note = f"did you mean `{column['suggestion']}`?"
    return column["column"], column["field"] or "", column["outcome"], f"{column['empty_cells']:,}", note


def _table(header: tuple[str, ...], rows: Any) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


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
        if now - self._began < LONG_RUN or now - self._updated < BETWEEN_UPDATES:
            return
        self._updated = now
        try:
            if self._artifact is None:
                self._artifact = create_progress_artifact(percent, key="import-progress", description=name)
            else:
                update_progress_artifact(self._artifact, percent, description=name)
        except Exception as error:  # progress is a courtesy; the import goes on
            get_run_logger().warning("the progress could not be shown: %s", type(error).__name__)
