"""The commands that read a file: `contacts import` and `contacts check`."""

import argparse
import datetime
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ValidationError

from flows.cli.parser import FAILED, OK, settings_from_options
from flows.cli.servers.local_server import PrefectServerFailed, start_local_server
from flows.config.output_files import check_output, is_stream
from flows.config.request import OPTION_NAMES, ImportRequest, ReadingOptions, local_today
from flows.config.settings import Settings
from flows.pipeline.temporary_folders import cleaned_up_on_sigterm, delete_abandoned_folders, temporary_folder
from flows.prefect_lookups import source_logins, wrong_settings_named
from schemas.choices import FieldPolicy
from schemas.errors.base import did_you_mean
from schemas.errors.request import SourceAddressInvalid, UsageError
from schemas.presets.loader import split_preset_name
from transforms.sources.addresses import fill_dates, parse

if TYPE_CHECKING:  # reports import pandas, which a wrong command does without
    from flows.reports.models import CheckReport, ImportReport
    from flows.reports.outcomes import RunOutcome
    from transforms.sources.credentials import Login

Options = TypeVar("Options", bound=ReadingOptions)
ImportOptions = TypeVar("ImportOptions", bound=ImportRequest)

SAMPLE_DAY = datetime.date(2000, 1, 1)  # any day shows whether the dates of an address are well written


def import_file(options: argparse.Namespace) -> int:
    """Run the import flow and print its report."""
    settings = Settings.load(**settings_from_options(options))
    request = import_request(options, ImportRequest)
    start_prefect(settings)
    log_stages(options)
    with progress_shown(options):
        outcome = _run_flow(request)
    return _print_outcome(outcome, options)


def import_request(options: argparse.Namespace, model: type[ImportOptions]) -> ImportOptions:
    """The request of an import, a plan, or the imports of an inbox."""
    if options.segment is not None and not options.segment.strip():
        raise UsageError("--segment is blank; name a segment, or leave the option out")
    if getattr(options, "plan", None) == "":  # such as an unset variable of a shell
        raise UsageError("--plan is blank; copy the text after 'plan:' that contacts plan prints")
    return request_from(options, model, merge_fields=field_policies(options))


def start_prefect(settings: Settings) -> None:
    """Prepare this process for a flow: its settings, and a Prefect server if the user has none."""
    # The flow reads its settings from the environment: an address with a password is never a parameter of a run.
    os.environ["CONTACTS_WAREHOUSE_URL"] = settings.warehouse_url.get_secret_value()
    if settings.catalogue:
        os.environ["CONTACTS_CATALOGUE"] = str(settings.catalogue)
    delete_abandoned_folders()
    server = start_local_server()
    if server:
        try:
            server.wait()
        except PrefectServerFailed:
            with wrong_settings_named():
                import prefect.main  # noqa: F401 - the reason may be a wrong setting of Prefect
            raise


def command_logins(settings: Settings) -> dict[str, "Login"]:
    """The logins for a remote source; those of a Secret block are in the Prefect that an import would use."""
    if settings.credentials_block:
        start_prefect(settings)
    return source_logins(settings)


def _print_outcome(outcome: "RunOutcome[Any]", options: argparse.Namespace) -> int:
    from flows.cli.console import print_outcome

    print_outcome(outcome, options.json, with_stages=options.profile, quiet=options.quiet)
    return FAILED if outcome.report.failed else OK


def _run_flow(request: ImportRequest) -> "RunOutcome[ImportReport]":
    """Run the flow. Once there is a report, a failure of Prefect adds a warning and changes nothing else."""
    with wrong_settings_named():
        from flows.import_contacts import import_contacts
    from flows.reports.outcomes import recorded_outcomes

    recorded: list[RunOutcome[ImportReport]] = []
    recorded_outcomes.set(recorded)
    try:
        with without_heartbeats():
            result = cast(Any, import_contacts(request, return_state=True)).result(raise_on_failure=False)
    except (Exception, KeyboardInterrupt) as error:  # an interruption after the commit undoes nothing
        result = error
    if not recorded:
        raise result
    if isinstance(result, BaseException):
        recorded[-1].report.warnings.append(
            "Prefect stopped before it recorded how the import ended; 'contacts imports' has this report"
        )
    return recorded[-1]


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Prefect would wait for their thread at the end of a run, up to a second."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings(set_defaults={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def check_file(options: argparse.Namespace) -> int:
    """Check a file in this process, and print the report."""
    settings = Settings.load(**settings_from_options(options))
    request = request_from(options, ReadingOptions)
    from flows.pipeline.check import check_locally
    from flows.pipeline.multi_file import requests_per_file
    from flows.pipeline.sources import SourceLookups
    from flows.reports.combined import combine_outcomes

    _check_outputs(options, request, settings)
    log_stages(options)
    outcomes: list[RunOutcome[CheckReport]] = []
    lookups = SourceLookups(local_today, command_logins)
    # --accepted and --rejected hold the rows of one check, so an archive of several files is then one request.
    single = options.accepted or options.rejected
    for each, _ in [(request, None)] if single else requests_per_file(request, settings, local_today):
        with progress_shown(options), cleaned_up_on_sigterm(), temporary_folder() as folder:
            outcomes.append(check_locally(each, settings, folder, options.accepted, options.rejected, lookups))
    return _print_outcome(combine_outcomes(request.source, outcomes), options)


def _check_outputs(options: argparse.Namespace, request: ReadingOptions, settings: Settings) -> None:
    """Refuse outputs that are inputs of the check, or the same file twice."""
    outputs = [path for path in (options.accepted, options.rejected) if path]
    for path in outputs:
        check_output(path, settings, inputs_of(request), force=options.force)
    targets = {Path(path).resolve() for path in outputs}
    if len(targets) < len(outputs) and not any(map(is_stream, outputs)):
        raise UsageError("--accepted and --rejected are the same file; give each its own")


def inputs_of(request: ReadingOptions) -> dict[str, str | None]:
    """The local files that the request reads, by what they are."""
    address = parse(fill_dates(request.source, lambda: request.date or local_today()))
    return {
        "the source": address.path if address.is_local else None,
        "the mapping file": request.mapping_file,
        "the preset": split_preset_name(request.preset or "")[0],
    }


def request_from(options: argparse.Namespace, model: type[Options], **more: Any) -> Options:
    """The request that the options make: each is stored under the name of its field. A wrong value is a UsageError."""
    try:
        parse(fill_dates(options.source, lambda: SAMPLE_DAY))
    except SourceAddressInvalid as error:
        raise UsageError(str(error)) from error
    values = {name: getattr(options, name, None) for name in model.model_fields}
    values |= {"mapping": mapping_from_options(options), **more}
    try:
        return model(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise UsageError("; ".join(_problem(each) for each in error.errors())) from error


def _problem(error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "string_unicode" and name == "source":
        return "the name of the file is not UTF-8; rename it"
    option = OPTION_NAMES.get(name, f"--{name.replace('_', '-')}")
    return f"{option}: {_plain_reason(error)}" if name else _plain_reason(error)


def _plain_reason(error: Any) -> str:
    """Pydantic's messages in plain words; our own messages unchanged."""
    match error["type"]:
        case "string_unicode":
            return "it is not UTF-8; write it in UTF-8"
        case "string_too_short":
            return "it is blank; name a file"
        case "greater_than_equal":
            return f"write {error['ctx']['ge']:,} or more"
        case "less_than_equal":
            return f"write {error['ctx']['le']:,} at most"
    return str(error["msg"]).removeprefix("Value error, ")


def mapping_from_options(options: argparse.Namespace) -> dict[str, str]:
    """The mapping of the `--map` options; a column's name may contain '=', a field's may not."""
    mapping: dict[str, str] = {}
    for text in options.map:
        column, equals, field = text.rpartition("=")
        if not equals or not column.strip():
            raise UsageError(f"--map {text!r} is not COLUMN=FIELD; write for example --map 'E-mail=email'")
        if mapping.setdefault(column.strip(), field.strip()) != field.strip():
            raise UsageError(f"--map names the column {column.strip()!r} twice; write one of the two")
    return mapping


def field_policies(options: argparse.Namespace) -> dict[str, FieldPolicy]:
    """The policies of the `--merge-field` options, by field."""
    policies: dict[str, FieldPolicy] = {}
    for text in options.merge_field:
        field, _, written = text.partition("=")
        if written not in list(FieldPolicy):
            raise UsageError(
                f"--merge-field {text!r} is not FIELD=POLICY{did_you_mean(written, FieldPolicy)}; a policy is one of: "
                f"{', '.join(FieldPolicy)}"
            )
        if policies.setdefault(field, FieldPolicy(written)) != written:
            raise UsageError(f"--merge-field names the field {field!r} twice; write one of the two")
    return policies


def log_stages(options: argparse.Namespace) -> None:
    """With -v, print one line per stage."""
    from flows.reports.stage_log import print_stage_log

    if options.verbose:
        print_stage_log()


@contextmanager
def progress_shown(options: argparse.Namespace) -> Iterator[None]:
    """Show a progress bar to a person at a terminal."""
    from flows.pipeline.progress import NoProgress, TerminalProgress, current_progress

    interactive = sys.stdout.isatty() and sys.stderr.isatty() and not (options.json or options.quiet)
    token = current_progress.set(TerminalProgress() if interactive else NoProgress())
    try:
        yield
    finally:
        current_progress.reset(token)
