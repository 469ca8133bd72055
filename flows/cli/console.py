"""What the commands print for a person: reports and tables."""

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.cli.tables import Column, cut_middle, fit_table
from flows.cli.terminal import print_error, print_json, print_line, print_note, reader_may_leave
from flows.publishing.visible_text import visible
from flows.reports.models import (
    CheckReport,
    ColumnReport,
    ImportReport,
)
from flows.reports.outcomes import RunOutcome
from flows.reports.phrases import (
    CHANGES_HEADER,
    COMMAND,
    SUGGESTIONS_HEADER,
    TRANSLATIONS_HEADER,
    changed_fields,
    counted,
    describe_dialect,
    describe_gaps,
    list_counts,
    outcome_line,
    reason_rows,
    retry_progress,
    suggestion_rows,
    translation_rows,
    unimported_columns,
    use_of_gaps,
    use_of_rejected,
    use_of_suggestions,
)
from schemas.validation.rules import Rule

UNKNOWN_VALUE = (Rule.OPTION_UNKNOWN, Rule.BOOLEAN_INVALID)
PIPE_WIDTH = 200  # characters, where there is no terminal
LEAST_FIELD = 30  # characters of a contact's field that are shown, if it has so many


def print_table(header: Sequence[str | Column], rows: Iterable[Sequence[object]]) -> list[str]:
    """Print a table, numbers on the right, and give the names of the columns for which there was no room.

    Markup in a cell is printed as text. In a log or a pipe nothing is cut or left out.
    """
    columns = [each if isinstance(each, Column) else Column(each) for each in header]
    body = [list(row) for row in rows]
    numeric = [any(isinstance(row[index], int) for row in body) for index in range(len(columns))]
    texts = [[_cell_text(cell, column.ids) for cell, column in zip(row, columns, strict=True)] for row in body]
    interactive = sys.stdout.isatty()
    available = Console(file=sys.stdout).width if interactive else PIPE_WIDTH
    layout = fit_table(columns, texts, numeric, available, complete=not interactive)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, width in zip(layout.shown, layout.widths, strict=True):
        justify: Literal["left", "right"] = "right" if numeric[index] else "left"
        table.add_column(columns[index].name, justify=justify, overflow="fold", width=width)
    for row in texts:
        cut = (
            cut_middle(row[index], width) if columns[index].cut else row[index]
            for index, width in zip(layout.shown, layout.widths, strict=True)
        )
        table.add_row(*map(Text, cut))
    _Console(file=sys.stdout, highlight=False, width=max(available, layout.width)).print(table)
    return layout.left_out


def print_fields_table(names: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """A table of the columns that have a value in some row, as many of the first ones as fit into the width."""
    columns = [
        Column(name, least=LEAST_FIELD, cut=True, rank=rank, ids=name == "contact_id")
        for rank, name in enumerate(names)
    ]
    print_table(columns, [[row.get(name) for name in names] for row in rows])


class _Console(Console):
    """Raises when the reader has gone (`contacts imports | head`); rich would exit with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _cell_text(cell: object, is_id: bool) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell) if is_id else f"{cell:,}"
    return visible("" if cell is None else cell)


def print_outcome(outcome: RunOutcome[Any], as_json: bool, *, with_stages: bool = False, quiet: bool = False) -> None:
    """The report of an import or a check, and if asked for, what each stage took."""
    print_report(outcome.report, as_json, quiet)
    if with_stages:
        _print_stages(outcome)


def print_report(report: CheckReport, as_json: bool, quiet: bool = False) -> None:
    """A report; each failure also prints one line on standard error, all that is printed if it should be `quiet`."""
    with reader_may_leave():
        if as_json:
            print_json(report.model_dump())
        elif not quiet:
            _print_for_people(report)
    if report.imports:
        for single in report.imports:
            if single.error:
                print_error(f"{single.source}: {single.error.message}")
    elif report.error:
        print_error(report.error.message)


def print_sentences(report: BaseModel, sentences: Iterable[str], as_json: bool = False) -> None:
    """A report as JSON, or as sentences."""
    if as_json:
        print_json(report.model_dump())
        return
    for sentence in sentences:
        print_line(sentence)


def _print_for_people(report: CheckReport) -> None:
    for single in report.imports or []:
        _print_one_report(single)
        print_line()
    if report.imports:
        _print_totals(report, len(report.imports))
    else:
        _print_one_report(report)


def _print_one_report(report: CheckReport) -> None:
    title = f"Import {report.import_id or ''}".rstrip() if isinstance(report, ImportReport) else "Check"
    title = "Plan" if report.status == "planned" else title
    print_line(f"{title} of {report.source}: {report.status} in {report.seconds:.1f} s")
    if report.source_file:
        print_line(f"taken:    {report.source_file}")
    if report.dialect:
        print_line(f"file:     {describe_dialect(report.dialect)}")
    if isinstance(report, ImportReport) and report.repeats:
        print_line(f"It is the same file as in import {report.repeats}, with the same catalogue and options.")
    if report.rows:
        print_line(f"rows:     {list_counts(report.rows)}")
    if isinstance(report, ImportReport):
        _print_merge(report)
    if isinstance(report, ImportReport) and (changes := changed_fields(report)):
        _print_section("Cells of existing contacts in which the file differs")
        print_table(CHANGES_HEADER, changes)
    if columns := unimported_columns(report):
        _print_section("Columns not imported")
        print_table(("column", Column("why", fixed=True), "details"), map(_unimported_row, columns))
        if any(column.outcome == "incomplete" for column in columns):
            print_line(use_of_gaps(COMMAND))
    if translations := translation_rows(report):
        _print_section("Translated cells")
        print_table(TRANSLATIONS_HEADER, translations)
    if report.rejections:
        _print_section("Rejections")
        reason = Column("reason", fixed=True)
        print_table((reason, "column", "cells", "first record", "expected"), reason_rows(report))
        unknown = (each.column for each in report.reasons if each.code in UNKNOWN_VALUE and each.column)
        if column := next(unknown, None):
            option = f"--value {shlex.quote(f'{column}:WRITTEN=MEANT')}"
            print_line(f"To give a value a meaning, add {option}.")
    if report.suggestions:
        _print_section("Readings that would make rejected cells valid")
        print_table(SUGGESTIONS_HEADER, suggestion_rows(report))
        print_line(use_of_suggestions(report, COMMAND))
    for warning in report.warnings:
        _print_section(f"Note: {warning}")
    if report.rejected_file and report.rows and report.rows.rejected:
        _print_section(f"Rejected rows, {use_of_rejected(report, 'with --retry-of')}: {report.rejected_file}")
    if report.rows and not report.error:
        _print_section(outcome_line(report))


def _print_merge(report: ImportReport) -> None:
    if report.contacts:
        print_line(f"contacts: {list_counts(report.contacts)} ({report.merge})")
    if report.retry_of and (progress := retry_progress(report.retry_of)):
        print_line(f"retry:    {progress}")
    if report.segment:
        print_line(f"segment:  {counted(report.segment.added, 'contact')} added to {report.segment.id}")


def _print_section(title: str) -> None:
    print_line()
    print_line(title)


def _print_totals(report: CheckReport, files: int) -> None:
    """The sums over several files."""
    print_line(f"All {files} files: {report.status} in {report.seconds:.1f} s")
    if report.rows:
        print_line(f"rows:     {list_counts(report.rows)}")
    if isinstance(report, ImportReport) and report.contacts:
        print_line(f"contacts: {list_counts(report.contacts)}")


def _print_stages(outcome: RunOutcome[CheckReport]) -> None:
    rows = outcome.report.rows.read if outcome.report.rows else 0
    print_note(f"{'stage':<24} {'seconds':>8} {'rows/s':>12}")
    for name, seconds in outcome.stages.items():
        print_note(f"{name:<24} {seconds:>8.2f} {rows / max(seconds, 1e-9):>12,.0f}")


def _unimported_row(column: ColumnReport) -> tuple[object, ...]:
    if column.outcome == "incomplete":
        return column.column, column.outcome, describe_gaps(column)
    return column.column, column.outcome, f"did you mean {column.suggestion}?" if column.suggestion else ""
