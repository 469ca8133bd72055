"""What the commands show a person on a terminal; with `--json`, one object and nothing else."""

import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.reports.models import CheckReport, ColumnReport, ContactCounts, ImportReport, RowCounts
from flows.reports.outcomes import RunOutcome
from flows.reports.phrases import describe_dialect, retry_progress, unimported_columns, use_of_rejected
from schemas.validation.rules import EXPECTED, Rule, sort_by_count


def print_json(content: object) -> None:
    """One JSON value on one line, in letters that the terminal knows."""
    every_letter = (sys.stdout.encoding or "").lower() in ("utf-8", "utf8")
    print(json.dumps(content, ensure_ascii=not every_letter, default=str))


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; numbers to the right. Texts are shown as they are, markup and control characters too."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    body = [list(row) for row in rows]
    for place, name in enumerate(header):
        number = any(isinstance(row[place], int) for row in body)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in body:
        table.add_row(*(Text(_cell_text(cell)) for cell in row))
    _console().print(table)


class _Console(Console):
    """Leaves a reader who went away (`contacts imports | head`) to the command; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console() -> Console:
    """Wide where nobody looks, so that a log or a pipe gets every row on one line."""
    return _Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 200)


def _cell_text(cell: object) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return "".join(char if char.isprintable() else "�" for char in str("" if cell is None else cell))


def print_report(report: CheckReport, as_json: bool) -> None:
    """The report of an import or a check; a failure also says its one line where errors go."""
    if as_json:
        print_json(report.model_dump())
    elif report.imports:
        for each in report.imports:
            _print_one_report(each)
            print()
        _print_totals(report, len(report.imports))
    else:
        _print_one_report(report)
    if report.error:
        print(f"contacts: {report.error.message}", file=sys.stderr)


def _print_one_report(report: CheckReport) -> None:
    name = f"Import {report.import_id or ''}".rstrip() if isinstance(report, ImportReport) else "Check"
    print(f"{name} of {report.source}: {report.status} in {report.seconds:.1f} s")
    if report.source_file:
        print("taken:    " + report.source_file)
    if report.dialect:
        print("file:     " + describe_dialect(report.dialect))
    if isinstance(report, ImportReport) and report.repeats:
        print(f"It is the same file as in import {report.repeats}, with the same catalogue and options.")
    if report.rows:
        print("rows:     " + _counts(report.rows))
    if isinstance(report, ImportReport):
        _print_import(report)
    if unimported := unimported_columns(report):
        print("\nColumns not imported")
        print_table(("column", "why", "empty cells", "suggestion"), [_unimported_row(column) for column in unimported])
    if changed := [each for each in report.translations if each.cells]:
        print(f"\nTranslations of the preset {report.preset}")
        rows = [(each.column or "(the file)", each.field, each.translation, each.cells) for each in changed]
        print_table(("column", "field", "translation", "cells"), rows)
    if report.rejections:
        print("\nRejections")
        ranked = sort_by_count(report.rejections)
        print_table(("reason", "number", "expected"), [(code, count, EXPECTED[Rule(code)]) for code, count in ranked])
    for warning in report.warnings:
        print(f"\nNote: {warning}")
    if report.rejected_file and report.rows and report.rows.rejected:
        print(f"\nRejected rows, {use_of_rejected(report, 'with --retry-of')}: {report.rejected_file}")


def _print_import(report: ImportReport) -> None:
    if report.contacts:
        print(f"contacts: {_counts(report.contacts)} ({report.merge})")
    if report.retry_of and (progress := retry_progress(report.retry_of)):
        print(f"retry:    {progress}")
    if report.segment:
        print(f"segment:  {report.segment.added:,} contacts joined {report.segment.id}")


def _print_totals(report: CheckReport, files: int) -> None:
    """The sums over several files."""
    print(f"All {files} files: {report.status} in {report.seconds:.1f} s")
    if report.rows:
        print("rows:     " + _counts(report.rows))
    if isinstance(report, ImportReport) and report.contacts:
        print("contacts: " + _counts(report.contacts))


def print_stages(outcome: RunOutcome[CheckReport]) -> None:
    """Where the time went, on standard error, so that a report in JSON stays alone."""
    rows = outcome.report.rows.read if outcome.report.rows else 0
    print(f"{'stage':<24} {'seconds':>8} {'rows/s':>12}", file=sys.stderr)
    for name, seconds in outcome.stages.items():
        print(f"{name:<24} {seconds:>8.2f} {rows / max(seconds, 1e-9):>12,.0f}", file=sys.stderr)


def _counts(counts: RowCounts | ContactCounts) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts)


def _unimported_row(column: ColumnReport) -> tuple[object, ...]:
    suggestion = f"did you mean {column.suggestion}?" if column.suggestion else ""
    return column.column, column.outcome, column.empty_cells, suggestion
