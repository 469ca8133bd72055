"""The two commands that read a file: import and check."""

import argparse
import datetime
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ValidationError

from flows.cli.local_server import start_local_server
from flows.cli.parser import FAILED, OK, settings_from_options
from flows.config.request import ImportRequest, ReadingOptions, local_today
from flows.config.settings import Settings
from schemas.errors.request import SourceAddressInvalid, UsageError
from transforms.landing.archives import split_member
from transforms.sources.addresses import fill_dates, parse

if TYPE_CHECKING:  # the report brings pandas; a wrong command is told without it
    from flows.reports.models import CheckReport, ImportReport
    from flows.reports.outcomes import RunOutcome

Options = TypeVar("Options", bound=ReadingOptions)

SAMPLE_DAY = datetime.date(2000, 1, 1)  # whether a date in an address is well written does not hang on the day


def run_import_command(options: argparse.Namespace) -> int:
    """Run the flow and print its report."""
    settings = Settings.load(**settings_from_options(options))
    if options.segment is not None and not options.segment.strip():
        raise UsageError("--segment is blank; name a segment, or leave the option out")
    own = ("merge", "blanks", "segment", "if_same_file", "max_rejected", "min_rows", "require", "retry_of")
    request = request_from(options, ImportRequest, **{name: getattr(options, name) for name in own})
    # The flow reads its settings from the environment, wherever it runs, so that no address with a
    # password is ever one of its parameters.
    os.environ["CONTACTS_WAREHOUSE_URL"] = settings.warehouse_url.get_secret_value()
    if settings.catalogue:
        os.environ["CONTACTS_CATALOGUE"] = str(settings.catalogue)
    server = start_local_server()
    if server:
        server.wait()
    with progress_shown(options):
        outcome = _run_flow(request)
    return _print_outcome(outcome, options)


def _print_outcome(outcome: "RunOutcome[Any]", options: argparse.Namespace) -> int:
    from flows.cli.console import print_report, print_stages

    print_report(outcome.report, options.json)
    if options.profile:
        print_stages(outcome)
    return FAILED if outcome.report.failed else OK


def _run_flow(request: ImportRequest) -> "RunOutcome[ImportReport]":
    """Run the flow; once it has its report, a Prefect that went away changes nothing about the import."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.import_contacts import import_contacts
    from flows.reports.outcomes import recorded_outcomes

    recorded: list[RunOutcome[ImportReport]] = []
    recorded_outcomes.set(recorded)
    try:
        # At the end Prefect waits for the thread of its heartbeat, which looks up once a second. Here somebody waits.
        with temporary_settings(set_defaults={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            result = cast(Any, import_contacts(request, return_state=True)).result(raise_on_failure=False)
    except (Exception, KeyboardInterrupt) as error:  # an interruption after the commit undoes nothing
        result = error
    if not recorded:
        raise result
    if isinstance(result, BaseException):
        recorded[-1].report.warnings.append("Prefect went away before it heard how the import ended")
    return recorded[-1]


def run_check_command(options: argparse.Namespace) -> int:
    """Check a file in this process alone, and print the report."""
    _three_files(options)
    settings = Settings.load(**settings_from_options(options))
    request = request_from(options, ReadingOptions)
    from flows.import_runs.multi_file import combine_outcomes, requests_per_file
    from flows.pipeline.check import check_locally
    from flows.pipeline.sources import SourceLookups
    from flows.prefect_lookups import source_logins

    outcomes: list[RunOutcome[CheckReport]] = []
    lookups = SourceLookups(local_today, source_logins)
    one = options.accepted or options.rejected  # files that can hold one check's rows only
    for each, _ in [(request, None)] if one else requests_per_file(request, settings, local_today):
        with progress_shown(options), tempfile.TemporaryDirectory(prefix="contacts-check-") as folder:
            outcomes.append(check_locally(each, settings, Path(folder), options.accepted, options.rejected, lookups))
    return _print_outcome(combine_outcomes(request.source, outcomes), options)


def _three_files(options: argparse.Namespace) -> None:
    """The source is not written over, nor one output over the other."""
    named = [
        Path(path).resolve() for path in (split_member(options.source)[0], options.accepted, options.rejected) if path
    ]
    files = [path for path in named if path.is_file() or not path.exists()]  # /dev/null may be all of them
    if len(set(files)) < len(files):
        raise UsageError("SOURCE, --accepted and --rejected are the same file; give each its own")


def request_from(options: argparse.Namespace, model: type[Options], **more: Any) -> Options:
    """The request that the flags make; a wrong value is a wrong command."""
    try:
        parse(fill_dates(options.source, lambda: SAMPLE_DAY))
    except SourceAddressInvalid as error:
        raise UsageError(str(error)) from error
    given = {
        "source": options.source,
        "date": options.date,
        "mapping": mapping_from_options(options),
        "mapping_file": options.mapping,
        "preset": options.preset,
        "delimiter": options.delimiter,
        "quote": options.quote,
        "escape": options.escape,
        "skip_lines": options.skip_lines,
        "header": not options.no_header,
        "encoding": options.encoding,
        "duplicates": getattr(options, "duplicates", None),
        "gaps": getattr(options, "gaps", None),
        "default_prefix": getattr(options, "default_prefix", None),
        **more,
    }
    try:
        return model(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise UsageError("; ".join(_problem(each) for each in error.errors())) from error


def _problem(error: Any) -> str:
    if error["type"] == "string_unicode":
        return "the name of the file is no UTF-8; rename it"
    flag = "--" + str(error["loc"][0]).replace("_", "-") + ": " if error["loc"] else ""
    return flag.replace("--source", "SOURCE") + _plain_reason(error)


def _plain_reason(error: Any) -> str:
    """What pydantic says for programmers, for people; our own messages as they are."""
    match error["type"]:
        case "string_too_short":
            return "it is blank; name a file"
        case "greater_than_equal":
            return f"write {error['ctx']['ge']:,} or more"
        case "less_than_equal":
            return f"write {error['ctx']['le']:,} at most"
    return str(error["msg"]).removeprefix("Value error, ")


def mapping_from_options(options: argparse.Namespace) -> dict[str, str]:
    """What `--map` says; a column's name may have a '=' in it, a field's may not."""
    flags: dict[str, str] = {}
    for text in options.map:
        column, equals, field = text.rpartition("=")
        if not equals or not column.strip():
            raise UsageError(f"--map {text!r} is not COLUMN=FIELD; write for example --map 'E-mail=email'")
        flags[column.strip()] = field.strip()
    return flags


@contextmanager
def progress_shown(options: argparse.Namespace) -> Iterator[None]:
    """A bar for a person at a terminal, nothing for a program."""
    from flows.pipeline.progress import NoProgress, TerminalProgress, current_progress

    person = sys.stdout.isatty() and sys.stderr.isatty() and not options.json
    token = current_progress.set(TerminalProgress() if person else NoProgress())
    try:
        yield
    finally:
        current_progress.reset(token)
