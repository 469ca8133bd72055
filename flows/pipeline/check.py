"""Checks a file in this process, as an import would, without warehouse and server."""

import os
import shutil
from pathlib import Path

from flows.config.output_files import open_output
from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.chunk_runs import FileCheck, examination, run_passes
from flows.pipeline.limits import check_strict
from flows.pipeline.progress import current_progress
from flows.pipeline.sources import LOCAL_LOOKUPS, SourceLookups
from flows.pipeline.steps import (
    CheckedFile,
    catalogue_for,
    read_source,
    resolve_rejections,
)
from flows.pipeline.task_order import thread_runner
from flows.reports.builder import ReportBuilder, redact_error
from flows.reports.models import CheckReport
from flows.reports.outcomes import RunOutcome
from transforms.results.accepted_file import write_accepted
from transforms.results.rejected_file import RejectedInputs
from transforms.work_folder import ImportFolder, open_for_reading


def check_locally(
    options: ReadingOptions,
    settings: Settings,
    path: Path,
    accepted: str | None = None,
    rejected: str | None = None,
    lookups: SourceLookups = LOCAL_LOOKUPS,
) -> RunOutcome[CheckReport]:
    """Check a file. `path` is a folder for temporary files. The outputs are CSV files of accepted and rejected rows."""
    report, folder = ReportBuilder(options), ImportFolder.local(path)
    try:
        checked = check_file(report, settings, folder, lookups, keys_only=accepted is None)
        if accepted:
            with open_output(accepted) as stream:
                write_accepted(stream, checked.profile, checked.results, folder.scratch)
        if rejected:
            with open_for_reading(checked.rejected.path) as source, open_output(rejected) as stream:
                shutil.copyfileobj(source, stream)
            report.rejected_file = rejected
        check_strict(options, checked.profile, checked.rejected.rows)
    except Exception as error:
        if os.environ.get("CONTACTS_DEBUG"):
            raise
        return RunOutcome(report.failed(redact_error(error)), report.stages)
    return RunOutcome(report.completed_check(), report.stages)


def check_file(
    report: ReportBuilder,
    settings: Settings,
    folder: ImportFolder,
    lookups: SourceLookups,
    *,
    show: int = 0,
    keys_only: bool = True,
) -> CheckedFile:
    """Land and check the file. `show`: how many rejections go into the sample that people see."""
    catalogue = catalogue_for(report.options, settings)
    progress = current_progress.get()
    with report.stage("landing"):
        source = read_source(report, catalogue, settings, folder, lookups)
    report.log_stage("landing", f"{source.landed.size:,} bytes")
    with thread_runner(settings.workers) as run:
        check = FileCheck(
            source, catalogue.default_prefix, folder, settings.chunk_bytes, run, progress, keys_only=keys_only
        )
        with examination(check, report) as (check, results):
            run_passes(check, results)
        profile = check.profile()
        with report.stage("rejecting"):
            inputs = RejectedInputs(folder, check.source.read_inputs, report.options.duplicates, max_shown=show)
            report.rejected = rejected = resolve_rejections(inputs, profile, results, run)
    checked = CheckedFile(check.source.mapping, profile, results, rejected)
    report.log_stage("rejecting", f"{checked.accepted:,} accepted, {rejected.rows:,} rejected")
    return checked
