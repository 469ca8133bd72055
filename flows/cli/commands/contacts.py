"""The commands on contacts: `contacts list`, `show`, `segments`, `fields` and `export`."""

import argparse
from datetime import datetime

from flows.cli.console import print_fields_table, print_table
from flows.cli.parser import OK, settings_from_options
from flows.cli.resources import open_target, open_warehouse
from flows.cli.tables import Column
from flows.cli.terminal import print_json, print_line
from flows.config.settings import Settings
from flows.reports.phrases import counted
from schemas.catalogue import load_catalogue
from schemas.cells.emails import normalise_email
from warehouse.contacts.listing import get_contact, list_contacts
from warehouse.contacts.segments import create_segment, list_segments

LEAST_ALIASES = 60  # characters: the many names of a field would make a narrow column very long


def show_contacts(options: argparse.Namespace) -> int:
    """Print the first contacts; as a table, only the fields that have a value and fit into the width."""
    settings = Settings.load(**settings_from_options(options))
    catalogue = load_catalogue(settings.catalogue)
    with open_warehouse(settings) as warehouse:
        rows, total = list_contacts(warehouse, catalogue, options.segment, options.limit)
    if options.json:
        print_json(rows)
        return OK
    print_fields_table(("contact_id", *catalogue.ids), rows)
    print_line(f"{len(rows):,} of {counted(total, 'contact')}; all fields of one: contacts show EMAIL")
    return OK


def show_contact(options: argparse.Namespace) -> int:
    """Print every field of one contact, and what is known about it."""
    settings = Settings.load(**settings_from_options(options))
    written = options.email.strip()
    email = normalise_email(written) or written
    with open_warehouse(settings) as warehouse:
        contact = get_contact(warehouse, load_catalogue(settings.catalogue), email)
    if options.json:
        print_json(contact)
        return OK
    print_table((Column("field", fixed=True), "value"), [(name, _as_text(value)) for name, value in contact.items()])
    return OK


def _as_text(value: object) -> str:
    match value:
        case None:
            return ""
        case list():
            return ", ".join(map(str, value))
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
    return str(value)


def list_all_segments(options: argparse.Namespace) -> int:
    """Print every segment with its number of members."""
    with open_warehouse(Settings.load(**settings_from_options(options))) as warehouse:
        segments = list_segments(warehouse)
    print_table(
        ("segment", "members", Column("created (UTC)", fixed=True)),
        [(row["segment_id"], row["members"], f"{row['created_at']:%Y-%m-%d %H:%M}") for row in segments],
    )
    return OK


def create_new_segment(options: argparse.Namespace) -> int:
    """Create a segment; it is no error if it exists, so that a script may create it every night."""
    with open_warehouse(Settings.load(**settings_from_options(options)), create=True) as warehouse:
        created = create_segment(warehouse, options.name)
    print_line(f"segment {options.name.strip()} {'created' if created else 'exists already'}")
    return OK


def show_fields(options: argparse.Namespace) -> int:
    """Print the catalogue as a table or, with --json, as a list."""
    catalogue = load_catalogue(Settings.load(**settings_from_options(options)).catalogue)
    if options.json:
        print_json(
            [
                {
                    "id": field.id,
                    "type": str(field.type),
                    "label": field.label,
                    "options": list(field.option_ids),
                    "gaps": str(field.gaps),
                    "identity": field.identity,
                }
                for field in catalogue.fields
            ]
        )
        return OK
    left_out = print_table(
        (
            Column("field", fixed=True),
            "type",
            Column("label", rank=1),
            "option IDs",
            Column("gaps", fixed=True),
            Column("also matched as", least=LEAST_ALIASES, rank=2),
        ),
        [
            (
                field.id,
                f"{field.type}{' (identity)' if field.identity else ''}",
                field.label,
                ", ".join(field.option_ids),
                str(field.gaps),
                ", ".join(field.aliases),
            )
            for field in catalogue.fields
        ],
    )
    if left_out:
        print_line(f"(no room for: {', '.join(left_out)})")
    return OK


def export_contacts(options: argparse.Namespace) -> int:
    """Write every contact as CSV, in the order of their first import."""
    from schemas.cells.arrow_columns import TEXT_DTYPE
    from transforms.parsing.csv_writer import csv_bytes, csv_header
    from warehouse.contacts.export import export_batches

    settings = Settings.load(**settings_from_options(options))
    catalogue = load_catalogue(settings.catalogue)
    with open_warehouse(settings) as warehouse, open_target(options, settings) as target:
        target.write(csv_header(catalogue.ids))
        for batch in export_batches(warehouse, catalogue):
            target.write(csv_bytes(batch.astype(TEXT_DTYPE)))
    return OK
