"""The commands on what imports changed: `contacts changes`, `contacts history` and `contacts undo`."""

import argparse
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import pandas as pd

from flows.cli.console import print_sentences, print_table
from flows.cli.parser import OK, settings_from_options
from flows.cli.resources import open_target, open_warehouse
from flows.cli.tables import Column
from flows.cli.terminal import print_json, print_line
from flows.config.output_files import check_output
from flows.config.settings import Settings
from flows.reports.models import FieldChangesReport, UndoReport
from flows.reports.phrases import CHANGES_HEADER, counted, list_counts, undo_sentences
from schemas.catalogue import load_catalogue
from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.cells.emails import normalise_email
from transforms.parsing.csv_writer import csv_bytes, csv_header
from warehouse.import_list.entries import get_import
from warehouse.merge.change_list import Change, cell_text, contact_history, import_changes
from warehouse.undo.undo import undo_import

MAX_EXAMPLES = 10
ROWS_PER_WRITE = 20_000
CHANGE_COLUMNS = ("email", "contact_id", "field", "kind", "before", "after")
CHANGES_TABLE = (
    Column("email", least=16, cut=True),
    Column("contact_id", rank=1, ids=True),
    Column("field", least=16, cut=True),
    Column("kind", fixed=True),
    Column("before", least=8),
    Column("after", least=8),
)
HISTORY_TABLE = (
    Column("at (UTC)", fixed=True),
    Column("import", fixed=True, ids=True),
    Column("source", cut=True),
    Column("field", least=16, cut=True),
    Column("before", least=8),
    Column("after", least=8),
)


@dataclass
class ChangeTally:
    """Counts a stream of changes, and keeps the first cells as examples."""

    fields: dict[str, Counter[str]] = field(default_factory=dict)
    contacts: Counter[str] = field(default_factory=Counter)
    examples: list[Change] = field(default_factory=list)

    def add(self, change: Change) -> None:
        if change.field is None:
            self.contacts[change.kind] += 1
            return
        self.fields.setdefault(change.field, Counter())[change.kind] += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(change)


def written_changes(changes: Iterable[Change], options: argparse.Namespace, settings: Settings) -> Iterator[Change]:
    """Hand the changes on, and write them to `--output` as CSV, a batch at a time."""
    changes = iter(changes)
    with open_target(options, settings) as target:
        target.write(csv_header(CHANGE_COLUMNS))
        while batch := list(islice(changes, ROWS_PER_WRITE)):
            rows = [(*change[:1], cell_text(change.contact_id), *change[2:]) for change in batch]
            target.write(csv_bytes(pd.DataFrame(rows, columns=list(CHANGE_COLUMNS), dtype=object).astype(TEXT_DTYPE)))
            yield from batch


def show_changes(options: argparse.Namespace) -> int:
    """Print what an import changed in the contacts, in numbers and with examples; with --output, all of it as CSV."""
    settings = Settings.load(**settings_from_options(options))
    catalogue = load_catalogue(settings.catalogue)
    tally = ChangeTally()
    with open_warehouse(settings) as warehouse:
        row = get_import(warehouse, options.id)
        changes = import_changes(warehouse, options.id, catalogue)
        for change in written_changes(changes, options, settings) if options.output else changes:
            tally.add(change)
    kept = (row["report"] or {}).get("changes") or {}
    counts = {
        name: FieldChangesReport.model_validate({**kept.get(name, {}), **tally.fields.get(name, {})}).model_dump()
        for name in dict.fromkeys((*kept, *tally.fields))
    }
    if options.json:
        contacts = {kind: tally.contacts[kind] for kind in ("inserted", "deleted")}
        head = {name: row[name] for name in ("import_id", "status", "source")}
        print_json({**head, "contacts": {"updated": row["updated"] or 0, **contacts}, "changes": counts})
        return OK
    numbers = {"updated": row["updated"] or 0, "inserted": tally.contacts["inserted"]} | tally.contacts
    print_line(f"Import {options.id} of {row['source']}: {list_counts(numbers.items())}")
    if changed := [(name, *each.values()) for name, each in counts.items() if any(each.values())]:
        print_table(CHANGES_HEADER, changed)
    if tally.examples:
        print_line()
        print_line(f"The first {counted(len(tally.examples), 'cell')}:")
        print_table(CHANGES_TABLE, [tuple(change) for change in tally.examples])
    return OK


def show_history(options: argparse.Namespace) -> int:
    """Print what imports changed in one contact, newest first."""
    settings = Settings.load(**settings_from_options(options))
    written = options.email.strip()
    email = normalise_email(written) or written.lower()
    with open_warehouse(settings) as warehouse:
        entries = contact_history(warehouse, email, load_catalogue(settings.catalogue))
    if options.json:
        print_json([{**entry._asdict(), "at": entry.at.isoformat()} for entry in entries])
    elif entries:
        print_table(HISTORY_TABLE, [(f"{entry.at:%Y-%m-%d %H:%M}", *entry[1:]) for entry in entries])
    else:
        print_line("No import changed a contact with this email, as far as the journal reaches.")
    return OK


def undo(options: argparse.Namespace) -> int:
    """Undo an import, and print what was restored and what was kept."""
    settings = Settings.load(**settings_from_options(options))
    if options.output:
        check_output(options.output, settings, force=options.force)

    def write(changes: Iterator[Change]) -> None:
        deque(written_changes(changes, options, settings), maxlen=0)

    with open_warehouse(settings) as warehouse:
        undone = undo_import(
            warehouse,
            options.id,
            load_catalogue(settings.catalogue),
            dry_run=options.dry_run,
            journal=settings.journal == "on",
            use_changes=write if options.output else None,
        )
    report = UndoReport.model_validate(undone)
    print_sentences(report, undo_sentences(report, journalled=settings.journal == "on"), options.json)
    return OK
