"""The commands that remove contacts: `contacts delete`."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from flows.cli.file_commands import request_from
from flows.cli.parser import OK, settings_from_options
from flows.cli.resources import open_warehouse
from flows.cli.terminal import print_json, print_line, print_note
from flows.config.request import ReadingOptions, local_today
from flows.config.settings import Settings
from flows.pipeline.address_list import AddressList, read_address_list
from flows.pipeline.sources import SourceLookups
from flows.pipeline.temporary_folders import cleaned_up_on_sigterm, temporary_folder
from flows.prefect_lookups import source_logins
from flows.reports.models import RemovalReport
from flows.reports.phrases import counted, deletion_sentences
from schemas.errors.request import UsageError
from transforms.sources.addresses import redacted
from warehouse.removal.delete import delete_contacts


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
    if options.json:
        print_json(report.model_dump())
    else:
        for line in deletion_sentences(report, options.segment):
            print_line(line)
    return OK


@contextmanager
def address_list(options: argparse.Namespace, settings: Settings) -> Iterator[AddressList]:
    """The addresses of SOURCE, as long as the block lasts; a note counts the rows without one."""
    request = request_from(options, ReadingOptions)
    with cleaned_up_on_sigterm(), temporary_folder() as folder:
        found = read_address_list(request, settings, folder, SourceLookups(local_today, source_logins))
        if found.invalid:
            print_note(
                f"{found.invalid:,} of {counted(found.rows, 'row')} have no valid email, the first on line "
                f"{found.first_invalid_line:,}, and are ignored; 'contacts check' shows the reasons"
            )
        yield found
