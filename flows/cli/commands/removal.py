"""The commands that remove contacts, or keep them out: `contacts delete`, `contacts erase`, `contacts suppressions`."""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pyarrow as pa

from flows.cli.commands.files import command_logins, request_from
from flows.cli.console import print_sentences, print_table
from flows.cli.parser import OK, settings_from_options
from flows.cli.resources import open_warehouse
from flows.cli.tables import Column
from flows.cli.terminal import print_json, print_line, print_note
from flows.config.request import ReadingOptions, local_today
from flows.config.settings import Settings
from flows.import_runs.recovery import close_abandoned_imports
from flows.pipeline.address_list import AddressList, read_address_list
from flows.pipeline.sources import SourceLookups
from flows.pipeline.temporary_folders import cleaned_up_on_sigterm, temporary_folder
from flows.reports.models import RemovalReport
from flows.reports.phrases import counted, deletion_sentences, erasure_sentences
from schemas.cells.emails import normalise_email
from schemas.errors.request import UsageError
from transforms.results.erased_rows import erase_rows
from transforms.sources.addresses import redacted
from warehouse.contacts.suppressions import list_suppressions, remove_suppression
from warehouse.import_list.entries import COMPLETED, PLANNED
from warehouse.removal.delete import delete_contacts
from warehouse.removal.erase import erase_people
from warehouse.removal.suppress import suppress_addresses


def delete(options: argparse.Namespace) -> int:
    """Delete the contacts of a list or of a segment, and print how many."""
    if (options.source is None) == (options.segment is None):
        raise UsageError("delete takes a file of addresses or --segment NAME; write one of the two")
    if options.segment is not None and options.expect is None and not options.dry_run:
        raise UsageError("--segment needs --expect N; 'contacts delete --segment NAME --dry-run' says which number")
    settings = Settings.load(**settings_from_options(options))
    common = {"expected": options.expect, "dry_run": options.dry_run, "journal": settings.journal == "on"}
    if options.segment is not None:
        name = options.segment.strip()
        with open_warehouse(settings) as warehouse:
            done = delete_contacts(warehouse, source=f"delete of segment {name}", segment=name, **common)
    else:
        with address_list(options, settings) as found, open_warehouse(settings) as warehouse:
            source = f"delete of {redacted(options.source)}"
            done = delete_contacts(warehouse, source=source, emails=found.batches(), **common)
    report = RemovalReport.model_validate(done)
    sentences = deletion_sentences(report, journalled=common["journal"], of_segment=options.segment is not None)
    print_sentences(report, sentences, options.json)
    return OK


@contextmanager
def address_list(options: argparse.Namespace, settings: Settings) -> Iterator[AddressList]:
    """The addresses of SOURCE, as long as the block lasts; a note counts the rows without one."""
    request = request_from(options, ReadingOptions)
    with cleaned_up_on_sigterm(), temporary_folder() as folder:
        found = read_address_list(request, settings, folder, SourceLookups(local_today, command_logins))
        if found.invalid:
            print_note(
                f"{found.invalid:,} of {counted(found.rows, 'row')} have no valid email, the first on line "
                f"{found.first_invalid_line:,}, and are ignored; 'contacts check' shows the reasons"
            )
        yield found


def erase(options: argparse.Namespace) -> int:
    """Erase the people of a list, or of one address, and print what was erased."""
    if (options.source is None) == (options.email is None):
        raise UsageError("erase takes a file of addresses or --email ADDRESS; write one of the two")
    settings = Settings.load(**settings_from_options(options))
    with ExitStack() as stack:
        if options.email is not None:
            emails = iter([pa.RecordBatch.from_pydict({"email": [email_of(options)]})])
        else:
            emails = stack.enter_context(address_list(options, settings)).batches()
        warehouse = stack.enter_context(open_warehouse(settings))
        if not options.dry_run:  # the files of killed imports have people too
            close_abandoned_imports(warehouse, settings)
        done = erase_people(warehouse, emails, erase_rows, dry_run=options.dry_run)
    if done.running:
        print_note(
            f"{counted(done.running, 'import')} running or waiting: an import that fails now keeps its rejected file "
            "as it is. Repeat the command when none is running"
        )
    report = RemovalReport.model_validate(done.report)
    print_sentences(report, erasure_sentences(report, done.rejected_rows, done.suppressed), options.json)
    return OK


def suppress(options: argparse.Namespace) -> int:
    """Suppress the addresses of a list, and print how many are new."""
    settings = Settings.load(**settings_from_options(options))
    create = not options.dry_run
    with address_list(options, settings) as found, open_warehouse(settings, create=create) as warehouse:
        done = suppress_addresses(warehouse, found.batches(), reason=options.reason, dry_run=options.dry_run)
    if options.json:
        print_json(done)
        return OK
    verb = "would be suppressed" if options.dry_run else "suppressed"
    print_line(f"{counted(done['suppressed'], 'address', 'addresses')} {verb}, so that no import brings them.")
    if done["found"]:
        print_line(f"{counted(done['found'], 'contact')} with such an address stay; 'contacts erase' removes them.")
    return OK


def allow(options: argparse.Namespace) -> int:
    """Let imports bring an address again."""
    settings = Settings.load(**settings_from_options(options))
    email = email_of(options)
    with open_warehouse(settings) as warehouse:
        remove_suppression(warehouse, email, dry_run=options.dry_run)
    if options.json:
        status = PLANNED if options.dry_run else COMPLETED
        print_json({"import_id": None, "status": status, "found": 1, "deleted": 0, "members": 0})
    else:
        verb = "would be" if options.dry_run else "is"
        print_line(
            f"The address {verb} no longer suppressed: imports may bring it. To bring it now, import its file again, "
            "with --if-same-file import if the file did not change."
        )
    return OK


def show_suppressions(options: argparse.Namespace) -> int:
    """Print the last suppressions: when and why, but not who, which nobody can read from a hash."""
    with open_warehouse(Settings.load(**settings_from_options(options))) as warehouse:
        rows, total = list_suppressions(warehouse, options.limit)
    if options.json:
        print_json([{**row, "suppressed_at": row["suppressed_at"].isoformat()} for row in rows])
        return OK
    header = (Column("suppression", ids=True), "since (UTC)", "reason", "hash")
    print_table(
        header,
        [
            (row["suppression_id"], f"{row['suppressed_at']:%Y-%m-%d %H:%M}", row["reason"], row["email_hash"][:12])
            for row in rows
        ],
    )
    print_line(f"{len(rows):,} of {counted(total, 'suppression')}")
    return OK


def email_of(options: argparse.Namespace) -> str:
    """The address of `--email` as it is stored; errors do not repeat it."""
    email = normalise_email(options.email.strip())
    if email is None:
        raise UsageError("--email is not a valid address; write for example --email name@example.com")
    return email
