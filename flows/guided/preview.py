"""What a person sees before a guided import goes on: the columns with their first values, then what would happen."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact

from flows.config.settings import Settings
from flows.guided.forms import MAX_FORM_COLUMNS, truncated_header
from flows.guided.suspension import RunState
from flows.pipeline.steps import SourceFile
from flows.publishing.artifacts import MASKED_VALUE, log_and_continue
from flows.publishing.markdown import code, plain, table
from flows.publishing.summary import columns_section, counts_section, reasons_section, translations, warnings_section
from flows.reports.builder import ImportReportBuilder
from flows.reports.models import ImportReport, RowCounts
from flows.reports.phrases import counted
from schemas.errors.base import ContactImportError, Names
from schemas.errors.request import DuplicateMapping, NoEmailColumn, SeveralEmailColumns
from transforms.chunks.read import read_chunk
from transforms.parsing.blocks import cut_blocks
from transforms.sources.addresses import redacted
from warehouse.merge.dry_run import MergePreview

MAX_FIRST_VALUES = 3
VALUE_LENGTH = 40
FIRST_BLOCK_BYTES = 1 << 16


def publish_columns(source: SourceFile, settings: Settings) -> None:
    """Make the artifact that helps to match columns: their first values, and the fields they seem to be."""
    with log_and_continue("list of columns"):
        columns = columns_markdown(source, settings.artifact_values == "masked")
        create_markdown_artifact(columns, key="import-columns", description="their first values, to match them by")


def columns_markdown(source: SourceFile, masked: bool) -> str:
    """The columns as markdown."""
    first = first_values(source)
    rows = (
        (
            each.position,
            truncated_header(each.name),
            "never read" if each.never_read else MASKED_VALUE if masked else first[each.key],
            each.field.id if each.field else "",
        )
        for each in source.mapping.columns[:MAX_FORM_COLUMNS]
    )
    return "\n\n".join(
        (
            "# The columns of the file",
            f"{code(redacted(source.landed.source))}. Match them to fields with **Resume**, on the page of the run.",
            table(("column", "header", "first values", "looks like"), rows),
        )
    )


def first_values(source: SourceFile) -> dict[str, str]:
    """The first values of each column, blank cells left out."""
    blocks = cut_blocks(source.landed.path, source.landed.source, source.layout, FIRST_BLOCK_BYTES)
    first = next(iter(blocks), None)
    if first is None:
        return {column.key: "" for column in source.mapping.columns}
    cells, _ = read_chunk(source.read_plan, first)
    return {column.key: _join_distinct(cells[column.key].to_pylist()) for column in source.mapping.columns}


def _join_distinct(values: Iterable[str | None]) -> str:
    there = (value if len(value) <= VALUE_LENGTH else f"{value[:VALUE_LENGTH]}…" for value in values if value)
    return " · ".join(islice(dict.fromkeys(there), MAX_FIRST_VALUES))


def columns_instructions(report: ImportReportBuilder, note: str) -> str:
    """What stands above the form of the columns."""
    what = f"A field for each column of {_file(report)}, or *do not import*; *import-columns* shows their first values."
    return "\n\n".join(filter(None, (f"**{plain(note)}**" if note else "", what)))


def mapping_error_text(error: ContactImportError) -> str:
    """An error of the mapping, in the words of the form."""
    if isinstance(error, NoEmailColumn):
        return f"No column goes to {error.identity}, which identifies a contact: choose it for one of them."
    if isinstance(error, SeveralEmailColumns | DuplicateMapping):
        field = error.identity if isinstance(error, SeveralEmailColumns) else error.field
        return f"{len(error.columns)} columns go to {field}: {Names(error.columns)}. Choose it for one of them."
    return str(error)


def publish_preview(
    report: ImportReportBuilder, foreseen: MergePreview, settings: Settings, approved: RunState | None
) -> None:
    """Make the artifact of what would happen."""
    with log_and_continue("preview"):
        masked = settings.artifact_values == "masked"
        result = report.completed(foreseen.counts, foreseen.segment_added, None)
        create_markdown_artifact(
            preview(result, foreseen.first_rows, masked, changed(result, approved)),
            key="import-preview",
            description=in_one_line(result),
        )


def preview_instructions(report: ImportReportBuilder, foreseen: MergePreview, approved: RunState | None) -> str:
    """What stands above the decision: the counts, and where to look."""
    result = report.completed(foreseen.counts, foreseen.segment_added, None)
    note = changed(result, approved)
    what = f"{_file(report)}: {in_one_line(result)}. Look at *import-preview* first."
    return "\n\n".join(filter(None, (f"**{plain(note)}**" if note else "", what)))


def _file(report: ImportReportBuilder) -> str:
    return code(Path(redacted(report.options.source)).name)


def in_one_line(result: ImportReport) -> str:
    """What would become of the contacts and the rows."""
    rows = result.rows or RowCounts(read=0, accepted=0, rejected=0)
    would = ", ".join(f"{count:,} {name}" for name, count in result.contacts or ())
    return f"{counted(rows.read, 'row')}, {rows.accepted:,} accepted ({would}), {rows.rejected:,} rejected"


def changed(result: ImportReport, approved: RunState | None) -> str:
    """What is not as it was when it was approved; nothing where nothing was."""
    if approved is None:
        return ""
    if approved["sha256"] != result.sha256:
        return "The file has changed since you approved. Nothing was merged; look again."
    joining = {"joining the segment": approved["segment_added"]} if result.segment else {}
    counts = {**approved["contacts"], **joining}
    before = ", ".join(f"{number:,} {what}" for what, number in counts.items())
    return f"The warehouse has changed since you approved ({before}). Nothing was merged; look again."


def preview(result: ImportReport, first: list[dict[str, Any]], masked: bool, note: str) -> str:
    """The whole preview as markdown."""
    parts = [
        f"# What import {result.import_id} would do",
        *([f"**{note}**"] if note else []),
        f"{code(result.source)} with policy **{result.merge}**. Nothing has been written yet.",
        *counts_section(result, "would join"),
        *_first_rows(first, masked),
        *reasons_section(result, "would"),
        *columns_section(result),
        *translations(result),
        *warnings_section(result),
    ]
    return "\n\n".join(part for part in parts if part)


def _first_rows(first: list[Mapping[str, Any]] | list[dict[str, Any]], masked: bool) -> Iterator[str]:
    if first:
        yield "## The first rows as they would be stored"
        yield table(
            list(first[0]),
            (
                (MASKED_VALUE if masked and value is not None else _text(value) for value in row.values())
                for row in first
            ),
        )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
