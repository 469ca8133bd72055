"""One report of the imports or checks of several files."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from flows.reports.models import (
    CheckReport,
    ContactCounts,
    ErrorReport,
    FieldChangesReport,
    ImportReport,
    RowCounts,
    TranslationReport,
)
from flows.reports.outcomes import AnyReport, RunOutcome
from flows.reports.phrases import counted
from schemas.presets.loader import split_preset_name

Counts = TypeVar("Counts", RowCounts, ContactCounts, FieldChangesReport)

STATUSES = ("failed", "completed", "skipped")  # the worst comes first


def combine_outcomes(source: str, outcomes: Sequence[RunOutcome[AnyReport]]) -> RunOutcome[AnyReport]:
    """One report of all: sums, the worst status, the first error, and each report under `imports`."""
    if len(outcomes) == 1:
        return outcomes[0]
    reports = [outcome.report for outcome in outcomes]
    presets = {split_preset_name(report.preset)[0] for report in reports if report.preset}
    rejections, stages = Counter[str](), Counter[str]()
    for outcome in outcomes:
        rejections.update(outcome.report.rejections)
        stages.update(outcome.stages)
    combined: dict[str, Any] = {
        "status": min((report.status for report in reports), key=STATUSES.index),
        "source": source,
        "merge": reports[0].merge,
        "rows": _sum(report.rows for report in reports),
        "preset": presets.pop() if len(presets) == 1 else None,
        "translations": _sum_translations(reports),
        "rejections": dict(sorted(rejections.items())),
        "warnings": [f"{_file_name(report)}: {warning}" for report in reports for warning in report.warnings],
        "seconds": round(sum(report.seconds for report in reports), 3),
        "error": next((report.error for report in reports if report.error), None),
        "imports": reports,
    }
    if imports := [report for report in reports if isinstance(report, ImportReport)]:
        segments = [report.segment for report in imports if report.segment]
        added = sum(segment.added for segment in segments)
        combined |= {
            "contacts": _sum(report.contacts for report in imports),
            "changes": _sum_changes(imports),
            "rejections_kept": sum(report.rejections_kept for report in imports),
            "segment": segments[0].model_copy(update={"added": added}) if segments else None,
        }
    return RunOutcome(type(reports[0])(**combined), dict(stages))


def failure_line(error: ErrorReport, files: Sequence[CheckReport] = ()) -> str:
    """The error with its code; of several files, how many failed, and the error of each."""
    failed = [f"{_file_name(each)}: {failure_line(each.error)}" for each in files if each.error]
    if not failed:
        return f"{error.code}: {error.message}"
    others = ", the others are imported" if len(failed) < len(files) and isinstance(files[0], ImportReport) else ""
    return f"{len(failed)} of {counted(len(files), 'file')} failed{others}: {'; '.join(failed)}"


def _file_name(report: CheckReport) -> str:
    return report.source.rpartition("!")[2]


def _sum(counts: Iterable[Counts | None]) -> Counts | None:
    """Counts by name. None if no file came so far."""
    known = [each for each in counts if each is not None]
    if not known:
        return None
    model = type(known[0])
    return model(**{name: sum(getattr(each, name) for each in known) for name in model.model_fields})


def _sum_changes(reports: Iterable[ImportReport]) -> dict[str, FieldChangesReport]:
    by_field: dict[str, list[FieldChangesReport]] = {}
    for report in reports:
        for field, changes in report.changes.items():
            by_field.setdefault(field, []).append(changes)
    return {field: total for field, changes in by_field.items() if (total := _sum(changes))}


def _sum_translations(reports: Iterable[CheckReport]) -> list[TranslationReport]:
    cells: Counter[tuple[str | None, str, str, str]] = Counter()
    for each in (each for report in reports for each in report.translations):
        cells[each.column, each.field, each.translation, each.by] += each.cells
    return [
        TranslationReport(column=column, field=field, translation=translation, cells=number, by=by)
        for (column, field, translation, by), number in cells.items()
    ]
