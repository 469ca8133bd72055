"""The import list as markdown. Both Prefect UIs show links in markdown; in table artifacts they do not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from flows.publishing.markdown import MarkdownLink, table
from flows.reports.phrases import kept_reasons_note
from warehouse.import_list.entries import DELETE_POLICY

# As many as fit on a page; the link leads to the rest.
COUNT_COLUMNS = ("read", "accepted", "rejected", "missing", "inserted", "updated")


def import_list(imports: Sequence[Mapping[str, Any]]) -> str:
    """The rows of `list_imports`, each with a link to its run."""
    rows = table(("import", "status", "file", *COUNT_COLUMNS, "started"), map(_row, imports))
    return f"{rows}\n\n**missing**: rejected rows that no retry has imported yet. Times are in UTC."


def list_description(imports: int) -> str:
    """How many imports the list shows."""
    return f"The last {imports:,} imports." if imports > 1 else "The only import so far."


def _row(row: Mapping[str, Any]) -> Iterable[object]:
    """The link is relative: a worker may reach the server under another name than a browser."""
    number, run = str(row["import_id"]), row["flow_run_id"]
    yield MarkdownLink(number, f"/runs/flow-run/{run}") if run else number
    yield ", ".join(_status(row))
    yield PurePath(row["source"]).name
    yield from (row[count] for count in COUNT_COLUMNS)
    yield f"{row['started_at']:%m-%d %H:%M}"


def _status(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["status"]
    if row["merge_policy"] == DELETE_POLICY:
        yield "delete"
    if row["error_code"]:
        yield row["error_code"]
    if row["repeats"]:
        yield f"repeats {row['repeats']}"
    if row["undone_by"]:
        yield f"undone by {row['undone_by']}"
    if row["retry_of"]:
        yield f"retry of {row['retry_of']}"
    if kept := kept_reasons_note(row):
        yield kept
