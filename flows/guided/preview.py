"""The texts and artifacts of a guided import: the columns with their first values, and the preview of the merge."""

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from prefect.artifacts import create_markdown_artifact

from flows.config.settings import Settings
from flows.guided.forms import truncated_header
from flows.guided.suspension import RunState
from flows.pipeline.steps import SourceFile
from flows.planning.digest import PlanDigest
from flows.publishing.artifacts import log_and_continue
from flows.publishing.form_words import in_form_words
from flows.publishing.markdown import MASKED_VALUE, MAX_SHOWN_COLUMNS, code, plain, table
from flows.publishing.plan_summary import plan_sections
from flows.reports.builder import ImportReportBuilder
from flows.reports.models import ImportReport, RowCounts
from flows.reports.phrases import counted, list_counts
from schemas.cells.suppressed_emails import SuppressedEmails
from schemas.errors.base import ContactImportError, Names
from schemas.errors.request import DuplicateMapping, NoEmailColumn
from transforms.chunks.read import read_chunk
from transforms.parsing.blocks import cut_blocks
from transforms.sources.addresses import redacted
from warehouse.merge.dry_run import MergePreview

MAX_FIRST_VALUES = 3
MAX_VALUE_LENGTH = 40
FIRST_BLOCK_BYTES = 1 << 16


def publish_columns(source: SourceFile, suggested: Mapping[str, str], values: Mapping[str, str]) -> None:
    """The artifact for matching columns: their first values unless they are masked, and the suggested fields."""
    with log_and_continue("list of columns"):
        columns = columns_markdown(source, suggested, values)
        create_markdown_artifact(columns, key="import-columns", description="first values of each column, for matching")


def columns_markdown(source: SourceFile, suggested: Mapping[str, str], values: Mapping[str, str]) -> str:
    """The list of columns as markdown. Without values, they are masked."""
    rows = (
        (
            each.position,
            truncated_header(each.name),
            "never read" if each.never_read else values.get(each.key, MASKED_VALUE),
            suggested[each.key],
        )
        for each in source.mapping.columns[:MAX_SHOWN_COLUMNS]
    )
    return "\n\n".join(
        (
            "# The columns of the file",
            f"{code(redacted(source.landed.source))}. Match them to fields: press **Resume** on the page of the run.",
            table(("column", "header", "first values", "looks like"), rows),
        )
    )


def first_values(source: SourceFile, suppressed: SuppressedEmails | None = None) -> dict[str, str]:
    """The first values of each column that are not blank, without the records that have a suppressed address."""
    blocks = cut_blocks(source.landed.path, source.landed.source, source.layout, FIRST_BLOCK_BYTES)
    first = next(iter(blocks), None)
    if first is None:
        return {column.key: "" for column in source.mapping.columns}
    cells, _ = read_chunk(source.read_inputs, first)
    keys = [column.key for column in source.mapping.columns]
    if suppressed:
        shown = np.ones(cells.num_rows, bool)
        for key in keys:  # which one is the email is not decided yet
            shown &= ~suppressed.are_in(cells[key].to_pylist())
        cells = cells.filter(pa.array(shown))
    return {key: _join_distinct(cells[key].to_pylist()) for key in keys}


def _join_distinct(values: Iterable[str | None]) -> str:
    shortened = (
        value if len(value) <= MAX_VALUE_LENGTH else f"{value[:MAX_VALUE_LENGTH]}…" for value in values if value
    )
    return " · ".join(islice(dict.fromkeys(shortened), MAX_FIRST_VALUES))


def columns_instructions(report: ImportReportBuilder, note: str, *, masked: bool) -> str:
    """The text above the form of the columns."""
    file = _file(report.options.source)
    values = "Values are masked." if masked else "Its first values are below it."
    text = f"Choose a field for each column of {file}, or *do not import*. {values}"
    return _with_note(text, note)


def readings_instructions(rejected: int) -> str:
    """The text above the form of the readings."""
    return f"{counted(rejected, 'row')} would be rejected. Choose how to read their cells, or leave them as they are."


def mapping_error_text(error: ContactImportError) -> str:
    """An error of the mapping, worded for the form."""
    if isinstance(error, NoEmailColumn):
        return f"No column goes to {error.identity}, which identifies a contact: choose it for one column."
    if isinstance(error, DuplicateMapping):
        names = Names(error.columns)
        return f"{names.number} columns go to {error.field}: {names}. Choose it for one column only."
    return in_form_words(str(error))


def publish_preview(result: ImportReport, preview: MergePreview, settings: Settings, note: str) -> None:
    """The artifact of what the merge would do."""
    with log_and_continue("preview"):
        create_markdown_artifact(
            preview_markdown(result, preview, settings.artifact_values == "masked", note),
            key="import-preview",
            description=preview_line(result),
        )


def preview_instructions(result: ImportReport, note: str) -> str:
    """The text above the decision: the counts, and which artifact to look at."""
    text = f"{_file(result.source)}: {preview_line(result)}. Look at *import-preview* first."
    return _with_note(text, note)


def shown_in(result: ImportReport) -> RunState:
    """What a person approves: the digest of the plan. The counts are there to name them if they change."""
    contacts = result.contacts.model_dump() if result.contacts else {}
    return {"plan": result.plan, "contacts": contacts, "segment_added": result.segment.added if result.segment else 0}


def _with_note(text: str, note: str) -> str:
    return f"**{plain(note)}**\n\n{text}" if note else text


def _file(source: str) -> str:
    return code(Path(redacted(source)).name)


def preview_line(result: ImportReport) -> str:
    """The counts of rows and contacts in one line."""
    rows = result.rows or RowCounts(read=0, accepted=0, rejected=0)
    changes = list_counts(result.contacts or ())
    return f"{counted(rows.read, 'row')}, {rows.accepted:,} accepted ({changes}), {rows.rejected:,} rejected"


def change_note(approved: RunState | None, today: PlanDigest) -> str:
    """What differs from what was approved; empty where nothing was approved yet."""
    if approved is None:
        return ""
    what = PlanDigest.parse(approved["plan"]).differing(today)
    counts = dict(approved["contacts"])
    if approved["segment_added"]:
        counts["joining the segment"] = approved["segment_added"]
    return (
        f"What the import would do has changed since you approved ({list_counts(counts.items())}), because of {what}. "
        "Nothing was merged. Check the new preview."
    )


def preview_markdown(result: ImportReport, preview: MergePreview, masked: bool, note: str) -> str:
    """The preview of the merge as markdown."""
    parts = [
        f"# What import {result.import_id} would do",
        *([f"**{note}**"] if note else []),
        *plan_sections(result, preview, masked),
    ]
    return "\n\n".join(part for part in parts if part)
