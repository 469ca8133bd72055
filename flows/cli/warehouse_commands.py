"""The commands that look at the warehouse or the catalogue and change at most a segment."""

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from flows.cli.console import print_json, print_report, print_table
from flows.cli.options import PRUNE
from flows.cli.parser import OK, settings_from_options
from flows.config.settings import Settings
from flows.import_runs.recovery import close_abandoned_imports
from flows.import_runs.work_folders import folder_name, prune_folders
from flows.reports.models import ImportReport
from flows.reports.phrases import kept_reasons_note
from schemas.catalogue import load_catalogue
from schemas.errors.request import OutputNotWritable, RejectedFileGone, UsageError
from transforms.work_folder import exists, is_local, open_for_reading
from warehouse.contacts.segments import create_segment, list_segments
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.import_list.entries import DEFAULT_LIST_LIMIT, get_import, list_imports
from warehouse.import_list.liveness import list_live_imports

COUNT_COLUMNS = ("read", "accepted", "rejected", "inserted", "updated", "missing", "retry_of")


@contextmanager
def _open_warehouse(options: argparse.Namespace, *, new: bool = False) -> Iterator[Warehouse]:
    """Only what puts something in makes a `new` one: a mistyped address is told, not shown as an empty warehouse."""
    settings = Settings.load(**settings_from_options(options))
    with Warehouse.open(settings.warehouse_url.get_secret_value(), settings.warehouse_schema, create=new) as warehouse:
        create_tables(warehouse)
        yield warehouse


def show_imports(options: argparse.Namespace) -> int:
    """The import list, the newest first; with a number, that import's report; with `prune`, no more than a tidy-up."""
    if (options.id == PRUNE) != (options.older_than is not None):
        raise UsageError("'contacts imports prune' and --older-than go together, as in: prune --older-than 90d")
    if options.id == PRUNE:
        return _prune(options)
    with _open_warehouse(options) as warehouse:
        close_abandoned_imports(warehouse, Settings.load(**settings_from_options(options)))
        if options.id is not None:
            return _show_import(get_import(warehouse, options.id), options.json)
        imports = list_imports(warehouse)
    if options.json:
        print_json(imports)
    else:
        _print_imports(imports)
    return OK


def _print_imports(imports: Sequence[Mapping[str, Any]]) -> None:
    header = (
        "id",
        "status",
        "started (UTC)",
        "source",
        "merge",
        *(name.replace("_", " ") for name in COUNT_COLUMNS),
        "why",
    )
    print_table(header, map(_import_row, imports))
    if len(imports) == DEFAULT_LIST_LIMIT:
        print(f"(the last {DEFAULT_LIST_LIMIT}; an older one is shown by its number)")


def _import_row(row: Mapping[str, Any]) -> tuple[object, ...]:
    started = f"{row['started_at']:%Y-%m-%d %H:%M}"
    why = row["error_code"] or (f"repeats {row['repeats']}" if row["repeats"] else kept_reasons_note(row))
    told = (row["import_id"], row["status"], started, row["source"], row["merge_policy"])
    return (*told, *(row[name] for name in COUNT_COLUMNS), why)


def _prune(options: argparse.Namespace) -> int:
    """Delete import folders that nothing was written to for so long; the imports stay in the list."""
    settings = Settings.load(**settings_from_options(options))
    with _open_warehouse(options) as warehouse:
        close_abandoned_imports(warehouse, settings)
        spared = {folder_name(*each) for each in list_live_imports(warehouse)}
        removed, kept = prune_folders(settings, options.older_than, spared)
    if options.json:
        print_json({"removed": removed, "kept": kept})
    else:
        print(f"{removed:,} import folders removed, {kept:,} newer ones kept")
    return OK


def _show_import(row: Mapping[str, Any], as_json: bool) -> int:
    if as_json:  # as it was stored, also by another release
        print_json(row["report"] or {name: row[name] for name in ("import_id", "status", "source")})
    elif row["report"]:
        print_report(ImportReport.model_validate(row["report"]), as_json=False)
    else:  # it is running, or its process died
        print(f"Import {row['import_id']} of {row['source']}: {row['status']}")
    return OK


def show_rejected(options: argparse.Namespace) -> int:
    """The rejected file of an import, byte for byte."""
    with _open_warehouse(options) as warehouse:
        report = get_import(warehouse, options.id)["report"] or {}
    file = report.get("rejected_file")
    if not file or not exists(file):
        raise RejectedFileGone(options.id)
    if options.output and is_local(file) and Path(options.output).exists() and Path(file).samefile(options.output):
        return OK  # it is there already; opening it for writing would empty it
    with open_for_reading(file) as source, _output(options.output) as target:
        shutil.copyfileobj(source, target)
    return OK


@contextmanager
def _output(path: str | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        target = Path(path).open("wb")  # noqa: SIM115 - closed below; only opening it is the user's error
    except OSError as error:
        raise OutputNotWritable(path, error.strerror or "it cannot be opened") from error
    try:
        with target:
            yield target
    except OSError as error:  # reading the warehouse gives none
        raise OutputNotWritable(path, error.strerror or "it cannot be written") from error


def show_segments(options: argparse.Namespace) -> int:
    """Every segment with its members' number."""
    with _open_warehouse(options) as warehouse:
        segments = list_segments(warehouse)
    print_table(
        ("segment", "members", "created (UTC)"),
        [(row["segment_id"], row["members"], f"{row['created_at']:%Y-%m-%d %H:%M}") for row in segments],
    )
    return OK


def create(options: argparse.Namespace) -> int:
    """Create a segment; one that exists already is no error, so that scripts may say so every night."""
    with _open_warehouse(options, new=True) as warehouse:
        new = create_segment(warehouse, options.name)
    print(f"segment {options.name.strip()} {'created' if new else 'exists already'}")
    return OK


def show_fields(options: argparse.Namespace) -> int:
    """The catalogue as a table or, in JSON, as a list."""
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
    print_table(
        ("field", "type", "label", "option IDs", "gaps", "also matched as"),
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
    return OK


def export(options: argparse.Namespace) -> int:
    """Every contact as CSV, in the order in which they came."""
    from schemas.cells.arrow_columns import TEXT_DTYPE
    from transforms.parsing.csv_writer import csv_bytes, csv_header
    from warehouse.contacts.export import export_batches

    catalogue = load_catalogue(Settings.load(**settings_from_options(options)).catalogue)
    with _open_warehouse(options) as warehouse, _output(options.output) as target:
        target.write(csv_header(catalogue.ids))
        for batch in export_batches(warehouse, catalogue):
            target.write(csv_bytes(batch.astype(TEXT_DTYPE)))
    return OK
