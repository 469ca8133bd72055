"""The command `contacts plan`: what an import would do."""

import argparse
from functools import partial

from flows.cli.commands.changes import written_changes
from flows.cli.commands.files import command_logins, import_request, inputs_of, log_stages, progress_shown
from flows.cli.console import print_outcome, print_table
from flows.cli.parser import FAILED, OK, settings_from_options
from flows.cli.terminal import print_line
from flows.config.output_files import check_output
from flows.config.request import ImportRequest, local_today
from flows.config.settings import Settings
from flows.import_runs.context import RunServices
from flows.pipeline.multi_file import needs_one_file, requests_per_file
from flows.pipeline.progress import current_progress
from flows.pipeline.sources import SourceLookups
from flows.pipeline.task_order import thread_runner
from flows.pipeline.temporary_folders import cleaned_up_on_sigterm, temporary_folder
from flows.planning.plan import plan_import
from flows.reports.builder import ImportReportBuilder
from flows.reports.phrases import EXAMPLES_HEADER, TRANSITIONS_HEADER, transition_rows
from warehouse.merge.dry_run import MergePreview

SERVICES = RunServices(
    SourceLookups(local_today, command_logins),
    lambda settings: thread_runner(settings.workers),
    current_progress.get,
)


def plan(options: argparse.Namespace) -> int:
    """Print what the import would do; with --output, write every change as CSV."""
    settings = Settings.load(**settings_from_options(options))
    request = import_request(options, ImportRequest)
    if options.output is not None:
        check_output(options.output, settings, inputs_of(request), force=options.force)
    files = requests_per_file(request, settings, local_today)
    if len(files) > 1:
        raise needs_one_file(request, files)
    log_stages(options)
    written = partial(written_changes, options=options, settings=settings)
    with progress_shown(options), cleaned_up_on_sigterm(), temporary_folder() as folder:
        through = None if options.output is None else written
        planned = plan_import(ImportReportBuilder(request), settings, folder, SERVICES, through)
    report = planned.outcome.report
    print_outcome(planned.outcome, options.json, with_stages=options.profile, quiet=options.quiet)
    if planned.preview and not (options.json or options.quiet):
        _print_changes(planned.preview)
        print_line()
        print_line(f"plan:     {report.plan}")
        print_line("To merge exactly this, use contacts import with the same options and --plan.")
    return FAILED if report.failed else OK


def _print_changes(preview: MergePreview) -> None:
    """The transitions of options, and a few cells of each kind."""
    summary = preview.summary
    if transitions := transition_rows(summary):
        print_line()
        print_line("Most frequent changes of options")
        print_table(TRANSITIONS_HEADER, transitions)
    if examples := [change for of_kind in summary.examples.values() for change in of_kind]:
        print_line()
        print_line("Examples of cells of existing contacts")
        print_table(EXAMPLES_HEADER, [(each.email, *each[2:]) for each in examples])
