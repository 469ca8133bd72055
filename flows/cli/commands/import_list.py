"""The commands on the import list: `contacts imports` and `contacts rejected`."""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.cli.console import print_report, print_sentences, print_table
from flows.cli.options import PRUNE
from flows.cli.parser import OK, settings_from_options
from flows.cli.resources import open_target, open_warehouse
from flows.cli.tables import Column
from flows.cli.terminal import print_json, print_line
from flows.config.settings import Settings
from flows.import_runs.recovery import close_abandoned_imports
from flows.import_runs.work_folders import folder_name, prune_folders
from flows.pipeline.temporary_folders import cleaned_up_on_sigterm, temporary_folder
from flows.reports.models import ImportReport, RemovalReport, UndoReport
from flows.reports.phrases import counted, deletion_sentences, kept_reasons_note, undo_sentences
from schemas.errors.request import RejectedFileGone, UsageError
from transforms.results import rejected_workbook
from transforms.work_folder import exists, open_for_reading
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import DEFAULT_LIST_LIMIT, DELETE_POLICY, get_import, list_imports
from warehouse.import_list.liveness import list_live_imports
from warehouse.merge.journal import prune_journals

COUNT_COLUMNS = ("read", "accepted", "rejected", "inserted", "updated", "missing", "retry_of")
# Each import is one line. The columns with the highest rank are the first for which a narrow terminal has no room.
_RANKS = {"rejected": 1, "read": 2, "inserted": 3, "missing": 4, "updated": 5, "retry_of": 6, "accepted": 7}
LONGEST_CODE = 31  # characters of the codes of errors
HEADER = (
    Column("id", fixed=True, ids=True),
    Column("status", fixed=True),
    Column("started (UTC)", fixed=True),
    Column("source", least=18, cut=True),
    Column("merge", fixed=True, rank=8),
    *(Column(name.replace("_", " "), fixed=True, rank=_RANKS[name]) for name in COUNT_COLUMNS),
    Column("why", least=LONGEST_CODE, cut=True),
)


def show_imports(options: argparse.Namespace) -> int:
    """Print the import list, newest first; or with a number, the report of that import; or prune import folders."""
    if (options.id == PRUNE) != (options.older_than is not None):
        raise UsageError("'prune' needs --older-than, and only 'prune' takes it; write: prune --older-than 90d")
    settings = Settings.load(**settings_from_options(options))
    with open_warehouse(settings) as warehouse:
        close_abandoned_imports(warehouse, settings)
        if options.id == PRUNE:
            _prune(warehouse, settings, options)
        elif options.id is not None:
            _print_import(get_import(warehouse, options.id), options.json)
        elif options.json:
            print_json(list_imports(warehouse))
        else:
            _print_imports(list_imports(warehouse))
    return OK


def _print_imports(imports: Sequence[Mapping[str, Any]]) -> None:
    left_out = print_table(HEADER, map(_import_row, imports))
    if left_out:
        print_line(f"(no room for {counted(len(left_out), 'column')}; 'contacts imports ID' shows all of one import)")
    if len(imports) == DEFAULT_LIST_LIMIT:
        print_line(f"(the last {DEFAULT_LIST_LIMIT}; 'contacts imports ID' shows an older one)")


def _import_row(row: Mapping[str, Any]) -> tuple[object, ...]:
    started = f"{row['started_at']:%Y-%m-%d %H:%M}"
    undone = f"undone by {row['undone_by']}" if row["undone_by"] else ""
    why = row["error_code"] or undone or (f"repeats {row['repeats']}" if row["repeats"] else kept_reasons_note(row))
    first = (row["import_id"], row["status"], started, row["source"], row["merge_policy"])
    return (*first, *(row[name] for name in COUNT_COLUMNS), why)


def _prune(warehouse: Warehouse, settings: Settings, options: argparse.Namespace) -> None:
    """Delete the folders and journals of older imports that have ended; the imports stay in the list."""
    live = {folder_name(*each) for each in list_live_imports(warehouse)}
    removed, kept = prune_folders(settings, options.older_than, live)
    journals = prune_journals(warehouse, datetime.now(UTC) - timedelta(days=options.older_than))
    if options.json:
        print_json({"removed": removed, "kept": kept})
    else:
        print_line(f"{removed:,} import folders removed, {kept:,} newer ones kept")
        if journals:
            print_line(f"{journals:,} journals removed: these imports can no longer be undone")


def _print_import(row: Mapping[str, Any], as_json: bool) -> None:
    if as_json:  # as it was stored, perhaps by another release
        print_json(row["report"] or {name: row[name] for name in ("import_id", "status", "source")})
    elif row["report"] and row["undoes"]:
        undone = UndoReport.model_validate(row["report"])
        print_sentences(undone, undo_sentences(undone, journalled=row["journalled"] is not None))
    elif row["report"] and row["merge_policy"] == DELETE_POLICY:
        removed = RemovalReport.model_validate(row["report"])
        print_sentences(removed, deletion_sentences(removed, journalled=row["journalled"] is not None))
    elif row["report"]:
        print_report(ImportReport.model_validate(row["report"]), as_json=False)
    else:  # it is still running, or its process died
        print_line(f"Import {row['import_id']} of {row['source']}: {row['status']}")


def write_rejected_rows(options: argparse.Namespace) -> int:
    """Write the rejected file of an import, byte for byte, or as a workbook if the output is named so."""
    settings = Settings.load(**settings_from_options(options))
    with open_warehouse(settings) as warehouse:
        report = get_import(warehouse, options.id)["report"] or {}
    file = report.get("rejected_file")
    if not file or not exists(file):
        raise RejectedFileGone(options.id, file)
    with open_for_reading(file) as source, open_target(options, settings) as target:
        if options.output and options.output.lower().endswith(rejected_workbook.SUFFIX):
            with cleaned_up_on_sigterm(), temporary_folder() as scratch:
                delimiter = report["dialect"]["delimiter"]
                rejected_workbook.write_workbook(source, delimiter, target, options.output, str(scratch))
        else:
            shutil.copyfileobj(source, target)
    return OK
