"""The command that looks at an inbox, once or again and again: `contacts inbox`."""

import argparse
import time
from typing import TYPE_CHECKING

from flows.cli.commands.files import (
    command_logins,
    import_request,
    log_stages,
    progress_shown,
    start_prefect,
    without_heartbeats,
)
from flows.cli.parser import FAILED, OK, settings_from_options
from flows.cli.terminal import print_error, print_json, print_line
from flows.config.request import InboxRequest
from flows.config.settings import Settings
from flows.pipeline.sources import SourceLookups, find_folder
from flows.prefect_lookups import wrong_settings_named
from schemas.errors.request import SourceAddressInvalid, UsageError
from schemas.errors.source import SourceUnavailable
from transforms.sources.folders import Folder, parse_folder

if TYPE_CHECKING:
    from flows.reports.models import ImportReport
    from flows.reports.outcomes import RunOutcome

POLL_SECONDS = 10.0


def watch_inbox(options: argparse.Namespace) -> int:
    """Look at an inbox until a file cannot be handled, or once."""
    settings = Settings.load(**settings_from_options(options))
    try:
        parse_folder(options.source)
    except SourceAddressInvalid as error:
        raise UsageError(str(error)) from error
    request = import_request(options, InboxRequest)
    folder = find_folder(request, settings, SourceLookups(logins=command_logins))
    log_stages(options)
    while True:
        status = _look(folder, request, settings, options)
        if options.once or status != OK:
            return status
        time.sleep(POLL_SECONDS)


def _look(folder: Folder, request: InboxRequest, settings: Settings, options: argparse.Namespace) -> int:
    """Run the flow if there is a file, so that no run is recorded of a look that finds nothing."""
    from flows.inbox.names import waiting_files

    try:
        found = waiting_files(folder)
    except SourceUnavailable as error:
        if options.once:
            raise
        print_error(error)
        return OK
    if not found:
        if options.once:
            _print([], options)
        return OK
    start_prefect(settings)
    with progress_shown(options):
        return _run_flow(request, options)


def _run_flow(request: InboxRequest, options: argparse.Namespace) -> int:
    """Run the flow, and print what became of the files, also if it was interrupted."""
    with wrong_settings_named():
        from flows.import_inbox import import_inbox
    from flows.reports.outcomes import recorded_outcomes

    recorded: list[RunOutcome[ImportReport]] = []
    recorded_outcomes.set(recorded)
    with without_heartbeats():
        try:
            state = import_inbox(request, return_state=True)
        finally:
            if recorded:
                _print(recorded, options)
    if options.once and not recorded:
        _print([], options)
    if state.is_completed():
        return OK
    print_error(f"not every file of the inbox was handled: {state.message}")
    return FAILED


def _print(outcomes: "list[RunOutcome[ImportReport]]", options: argparse.Namespace) -> None:
    from flows.cli.console import print_outcome

    if options.json:
        print_json([outcome.report.model_dump() for outcome in outcomes])
        return
    for outcome in outcomes:
        print_outcome(outcome, as_json=False, with_stages=options.profile, quiet=options.quiet)
        if not options.quiet:
            print_line()
    if not (outcomes or options.quiet):
        print_line(f"No new file in {options.source}")
