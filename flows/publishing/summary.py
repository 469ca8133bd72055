"""The summary of an import or a check as markdown."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from flows.publishing.charts import rows_chart
from flows.publishing.form_words import in_form_words
from flows.publishing.markdown import MAX_SHOWN_COLUMNS, MarkdownLink, code, plain, table
from flows.reports.models import CheckReport, ColumnReport, ContactCounts, ImportReport, RowCounts, UndoReport
from flows.reports.phrases import (
    CHANGES_HEADER,
    FORM,
    NO_JOURNAL,
    SUGGESTIONS_HEADER,
    TRANSLATIONS_HEADER,
    changed_fields,
    counted,
    describe_dialect,
    describe_gaps,
    kept_causes,
    kept_contacts,
    outcome_line,
    reason_rows,
    retry_progress,
    suggestion_rows,
    translation_rows,
    undo_order,
    unimported_columns,
    use_of_gaps,
    use_of_rejected,
    use_of_suggestions,
)
from schemas.errors.base import shortened


def summary(result: CheckReport, rejected_rows: UUID | None = None) -> str:
    """The whole summary, with a link to the artifact of the rejected rows; a failed import has the parts it reached."""
    parts = [
        _title(result),
        _source(result),
        *_error(result),
        *_repeated_import(result),
        *counts_section(result),
        *changes_section(result),
        *reasons_section(result, rejected_rows),
        *columns_section(result),
        *translations_section(result),
        *suggestions_section(result),
        *warnings_section(result),
    ]
    return "\n\n".join(part for part in parts if part)


def summary_line(result: CheckReport) -> str:
    """One line, for the description of the artifact."""
    if result.error:
        return f"failed: {result.error.code}"
    if isinstance(result, ImportReport) and result.repeats:
        return f"skipped: the same file as import {result.repeats}"
    return outcome_line(result)


def _title(result: CheckReport) -> str:
    name = f"Import {result.import_id or ''}".rstrip() if isinstance(result, ImportReport) else "Check"
    return f"# {name} {result.status}"


def _source(result: CheckReport) -> str:
    read_as = f", read as {code(describe_dialect(result.dialect))}" if result.dialect else ""
    policy = f", with policy **{result.merge}**" if isinstance(result, ImportReport) else ""
    file = f" ({code(result.source_file)})" if result.source_file else ""
    return f"{code(result.source)}{file}{read_as}{policy}, in {result.seconds:,.1f} seconds"


def _error(result: CheckReport) -> Iterable[str]:
    if result.error:
        yield f"**{result.error.code}**: {plain(in_form_words(result.error.message))}"
        if isinstance(result, ImportReport):
            yield "No contact was changed."


def _repeated_import(result: CheckReport) -> Iterable[str]:
    if isinstance(result, ImportReport) and result.repeats:
        yield f"It is the same file as in import {result.repeats}, with the same catalogue and options."


def counts_section(result: CheckReport, verb: str = "added") -> Iterable[str]:
    """What happens to the rows and to the contacts."""
    contacts = result.contacts if isinstance(result, ImportReport) else None
    if rows := result.rows:
        yield rows_chart(rows.model_dump(), contacts.model_dump() if contacts else None)
        yield _counts_table("rows", rows)
    if not isinstance(result, ImportReport):
        return
    if contacts:
        yield _counts_table("contacts", contacts)
    if result.retry_of and (progress := retry_progress(result.retry_of)):
        yield f"{progress}."
    if segment := result.segment:
        yield f"{counted(segment.added, 'contact')} {verb} to the segment **{plain(segment.id)}**."


def _counts_table(noun: str, counts: RowCounts | ContactCounts) -> str:
    """A table with a column for each count; the first one names what is counted."""
    first, *others = names = list(type(counts).model_fields)
    return table([f"{noun} {first}", *others], [[getattr(counts, name) for name in names]])


def changes_section(result: CheckReport) -> Iterable[str]:
    """How many cells of existing contacts changed or were kept, by field."""
    if isinstance(result, ImportReport) and (changes := changed_fields(result)):
        yield "## Cells of existing contacts in which the file differs"
        yield table(CHANGES_HEADER, changes)


def reasons_section(result: CheckReport, rejected_rows: UUID | None = None) -> Iterable[str]:
    """How often each reason for a rejection occurs."""
    if result.rejections:
        rejected = result.rows.rejected if result.rows else 0
        yield f"## Reasons for {counted(rejected, 'rejected row')}"
        yield table(
            ["reason", "column", "cells", "first record", "what is expected"],
            ((*row, in_form_words(expected)) for *row, expected in reason_rows(result)),
        )
        if rejected_rows:
            yield f"{MarkdownLink('The rejected rows', f'/artifacts/artifact/{rejected_rows}')}, each with its message."
    if result.rejected_file and result.rejections:
        yield f"The rejected rows, {use_of_rejected(result, 'as a retry of import')}: {code(result.rejected_file)}"


def columns_section(result: CheckReport) -> Iterable[str]:
    """What happens to the columns, and why; of a file with very many, to the first ones."""
    if not (columns := result.columns):
        return
    yield "## Columns"
    if unimported := unimported_columns(result):
        reasons = (
            f"- **{plain(shortened(each.column))}**: {_column_reason(each)}" for each in unimported[:MAX_SHOWN_COLUMNS]
        )
        yield "Not imported:\n\n" + "\n".join(reasons)
        yield _and_more(unimported)
        if any(each.outcome == "incomplete" for each in unimported):
            yield use_of_gaps(FORM)
    rows = (
        (shortened(each.column), each.field or "", each.outcome, each.empty_cells)
        for each in columns[:MAX_SHOWN_COLUMNS]
    )
    yield table(["column", "field", "outcome", "empty cells"], rows)
    yield _and_more(columns)


def _and_more(columns: Sequence[ColumnReport]) -> str:
    left_out = len(columns) - MAX_SHOWN_COLUMNS
    return f"and {left_out:,} more" if left_out > 0 else ""


def translations_section(result: CheckReport) -> Iterable[str]:
    """What a preset and added readings changed in the cells."""
    if changes := translation_rows(result):
        yield f"## Translated cells{f' (preset {code(result.preset)})' if result.preset else ''}"
        yield table(TRANSLATIONS_HEADER, changes)


def suggestions_section(result: CheckReport) -> Iterable[str]:
    """Which readings would make rejected cells valid."""
    if result.suggestions:
        yield "## Readings that would make rejected cells valid"
        yield table(SUGGESTIONS_HEADER, suggestion_rows(result))
        yield use_of_suggestions(result, FORM)


def _column_reason(column: ColumnReport) -> str:
    if column.outcome == "incomplete":
        return describe_gaps(column)
    if column.outcome == "unknown-field":
        suggestion = f"; did you mean **{plain(column.suggestion)}**?" if column.suggestion else ""
        return f"the catalogue has no field of this name{suggestion}"
    return "ignored by the request or its preset"


def warnings_section(result: CheckReport) -> Iterable[str]:
    """What a person should know although the run did not fail."""
    if warnings := result.warnings:
        yield "## Notes"
        yield "\n".join(f"- {plain(in_form_words(warning))}" for warning in warnings)


def undo_summary(report: UndoReport, *, journalled: bool) -> str:
    """What an undo restored, and what it kept and why, as markdown."""
    number = f" (import {report.import_id})" if report.import_id else ""
    planned = report.status == "planned"
    parts = [
        f"# Undo of import {report.undoes}{number}: {report.status}",
        "Only counted; nothing was changed." if planned else "",
        *(
            f"## {title}\n\n{table(list(counts), [list(counts.values())])}"
            for title, counts in (("Contacts", report.contacts), ("Cells", report.cells), ("Members", report.members))
        ),
    ]
    if kept := kept_causes(report):
        parts += ["## Cells that keep their value", table(["why", "cells"], kept)]
    if contacts := kept_contacts(report):
        parts += ["## Contacts that stay", table(["why", "contacts"], contacts)]
    parts.append(undo_order(report, journalled=journalled))
    if report.import_id:
        back = f"To bring import {report.undoes} back, undo import {report.import_id}."
        parts.append(back if journalled else NO_JOURNAL)
    return "\n\n".join(filter(None, parts))
