"""`contacts check`: the same verdicts as an import, with no warehouse and no server."""

import datetime
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.chunk_runs import Examination, check_whole
from flows.pipeline.progress import watcher
from flows.pipeline.sources import find_source, today
from flows.pipeline.steps import catalogue_for, land_file, lay_out, layout_of, settle
from flows.pipeline.task_order import in_threads
from flows.reports.report import ImportReport, Outcome, as_known_error
from schemas.errors.request import OutputNotWritable
from transforms.chunks.split import ChunkResult
from transforms.results.accepted_file import write_accepted
from transforms.work_folder import ImportFolder


def check_here(
    options: ReadingOptions, settings: Settings, path: Path, accepted: str | None = None, rejected: str | None = None
) -> Outcome:
    """Check a file, leaving nothing in `path` that is needed; write the two frames where asked."""
    report = ImportReport(options)
    try:
        _check(options, settings, ImportFolder.local(path), report, accepted, rejected)
    except Exception as error:
        if os.environ.get("CONTACTS_DEBUG"):
            raise
        return Outcome(report.failed(as_known_error(error)), report.stages)
    return Outcome(report.checked(), report.stages)


def _check(
    options: ReadingOptions,
    settings: Settings,
    folder: ImportFolder,
    report: ImportReport,
    accepted: str | None,
    rejected: str | None,
) -> None:
    for output in filter(None, (accepted, rejected)):
        _must_be_writable(output)
    verdicts = examine_into(report, options, settings, folder, keys_only=accepted is None)
    assert report.profile is not None
    assert report.rejected is not None
    if accepted:
        write_accepted(accepted, report.profile, verdicts, folder.scratch)
    if rejected:
        shutil.copyfile(report.rejected.path, rejected)
        report.rejected_file = rejected


def examine_into(
    report: ImportReport,
    options: ReadingOptions,
    settings: Settings,
    folder: ImportFolder,
    show: int = 0,
    day: Callable[[], datetime.date] = today,
    *,
    keys_only: bool = True,
) -> list[ChunkResult]:
    """Land, read and check the file in this process alone; the report has what was found, and `show` rejections."""
    catalogue = catalogue_for(options, settings)
    progress = watcher.get()
    with report.stage("landing"):
        found = find_source(options, settings, day)
        report.landed = landed = land_file(options, folder, found, settings.limits)
        report.layout = layout = layout_of(options, catalogue, landed)
        report.source = source = lay_out(options, catalogue, landed, layout, presets=settings.presets)
    with in_threads(settings.workers) as run:
        with report.stage("examining"):
            examination = Examination(
                source, catalogue.default_prefix, folder, settings.chunk_bytes, run, progress, keys_only=keys_only
            )
            report.profile, verdicts = check_whole(examination)
        report.stages |= examination.work()
        with report.stage("settling"):
            report.rejected = settle(options, source, report.profile, verdicts, folder, run, show=show)
    return verdicts


def _must_be_writable(path: str) -> None:
    """Found out before the work, not after it."""
    new = not os.path.lexists(path)
    try:
        with Path(path).open("ab"):
            pass
        if new:  # what comes to nothing leaves nothing
            Path(path).unlink()
    except OSError as error:
        raise OutputNotWritable(path, error.strerror or "it cannot be opened") from error
