"""One file of an inbox, from the claim to the move. Each step is safe to repeat, so the next look can go on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from pydantic import ValidationError

from flows.config.request import ImportRequest, InboxRequest
from flows.import_contacts import import_file
from flows.import_runs.context import ImportList, InboxFile
from flows.import_runs.lifecycle import run_import
from flows.inbox.names import DONE, FAILED, moved_name, reason_name, rejected_name
from flows.pipeline.multi_file import requests_per_file
from flows.pipeline.sources import ArchiveOrigin
from flows.pipeline.temporary_folders import temporary_folder
from flows.prefect_lookups import scheduled_day
from flows.reports.builder import ImportReportBuilder
from flows.reports.combined import combine_outcomes
from flows.reports.models import ImportReport
from flows.reports.outcomes import RunOutcome
from schemas.errors.base import ContactImportError
from schemas.errors.request import OutputNotWritable
from schemas.errors.source import SourceUnreadable
from transforms.results import rejected_workbook
from transforms.sources.folders import Folder
from transforms.sources.remote.base import FileStamp
from transforms.work_folder import open_for_reading
from warehouse.import_list import entries
from warehouse.import_list.claims import (
    ClaimsBefore,
    FileClaimed,
    InboxClaim,
    list_claims,
    may_be_repeated,
    release_claims,
)


@dataclass(frozen=True)
class WaitingFile:
    """A file that waits in an inbox and did not change between two looks."""

    folder: Folder
    name: str
    stamp: FileStamp
    listed: ClaimsBefore


class Handled(NamedTuple):
    """What a look did with a file: its report, the imports of this look, and why the file still is in the inbox."""

    outcome: RunOutcome[ImportReport]
    imported: Sequence[ImportReport] = ()
    problem: str | None = None


def handle_file(imports: ImportList, request: InboxRequest, file: WaitingFile) -> Handled | None:
    """Import a file unless that was done before, and move it. None if another worker does so."""
    try:
        requested = request.for_file(file.folder.file_name(file.name))
    except ValidationError:
        error = SourceUnreadable(file.folder.file_name(file.name), "its name is not UTF-8; rename it")
        return Handled(RunOutcome(ImportReportBuilder(request).failed(error), {}), problem=str(error))
    parts = list(_parts(requested, file, imports))
    imported = []
    for part in parts:
        try:
            imported.append(_import_part(imports, *part))
        except FileClaimed:  # imported before, or just now by another worker
            continue
    keys = {part.claim.key for _, _, part in parts}
    rows = list_claims(imports.warehouse, file.folder.name, keys)
    reports = [outcome.report for outcome in imported]
    if len(rows) < len(keys) or any(row["status"] == entries.RUNNING for row in rows):
        return Handled(combine_outcomes(requested.source, imported), reports) if imported else None
    outcome = combine_outcomes(requested.source, imported or list(map(_stored, rows)))
    if temporary := next((row["error_message"] for row in rows if may_be_repeated(row)), None):
        return Handled(outcome, reports, temporary)
    try:
        finish_file(imports, file, rows)
    except ContactImportError as error:
        outcome.report.warnings.append(str(error))
        return Handled(outcome, reports, str(error))
    return Handled(outcome, reports)


def _parts(
    request: ImportRequest, file: WaitingFile, imports: ImportList
) -> Iterator[tuple[ImportRequest, ArchiveOrigin | None, InboxFile]]:
    """The imports of a file: several for an archive of several files."""
    found, inbox = file.folder.resolve(file.name, file.stamp), file.folder.name
    rejected = partial(rejected_name, file.name)
    for each, origin in requests_per_file(request, imports.settings, scheduled_day):
        claim = InboxClaim(inbox, each.source, file.stamp.version, file.listed)
        if origin is None:
            yield each, None, InboxFile(found, claim, rejected)
        else:
            member = each.source.removeprefix(f"{request.source}!")
            same = origin.series.removeprefix(f"{origin.archive}!")
            address = replace(found.address, member=member)
            member_file = InboxFile(replace(found, address=address), claim, rejected)
            yield each, replace(origin, series=f"{inbox}!{same}"), member_file


def _import_part(
    imports: ImportList, request: ImportRequest, origin: ArchiveOrigin | None, file: InboxFile
) -> RunOutcome[ImportReport]:
    report = ImportReportBuilder(request, series=origin.series if origin else file.claim.inbox)
    return RunOutcome(run_import(imports, report, import_file, origin=origin, inbox=file), report.stages)


def _stored(row: Mapping[str, Any]) -> RunOutcome[ImportReport]:
    return RunOutcome(ImportReport.model_validate(row["report"]), {})


def finish_file(imports: ImportList, file: WaitingFile, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rejected rows and the reason of a failure, move the file, and end the claim.

    In this order: as long as the file is in the inbox, a look repeats what is missing.
    """
    failed = [row for row in rows if row["status"] == entries.FAILED]
    number = rows[0]["import_id"]
    rejected = {row["import_id"]: name for row in rows if (name := write_rejected_rows(file, row))}
    if failed:
        file.folder.write(reason_name(file.name, number), BytesIO(_reason(failed, rejected).encode()))
    file.folder.move(file.name, file.stamp, moved_name(FAILED if failed else DONE, file.name, number))
    release_claims(imports.warehouse, [row["import_id"] for row in rows])


def write_rejected_rows(file: WaitingFile, row: Mapping[str, Any]) -> str | None:
    """Write the rejected rows of an import into the inbox, if there are any, and return the name of their file there.

    Where they cannot be read here, that file says so.
    """
    report, number = row["report"] or {}, row["import_id"]
    if not (report.get("rejections") and (rejected := report.get("rejected_file"))):
        return None
    try:
        open_for_reading(rejected).close()
    except Exception:  # another machine's, another user's, or in a store, each kind of which has its own errors
        return _write_where_they_are(file, number, rejected)
    name = rejected_name(file.name, number)
    if name.endswith(rejected_workbook.SUFFIX):
        if _write_workbook(file.folder, name, rejected, report["dialect"]["delimiter"]):
            return name
        name = rejected_name(file.name, number, ".csv")
    with open_for_reading(rejected) as content:
        file.folder.write(name, content)
    return name


def _write_where_they_are(file: WaitingFile, number: int, rejected: str) -> str:
    name = rejected_name(file.name, number, ".txt")
    text = (
        f"The rejected rows of import {number} cannot be read from here, or were removed: {rejected}\n"
        f"There, this writes them: contacts rejected {number} --output FILE\n"
    )
    file.folder.write(name, BytesIO(text.encode()))
    return name


def _write_workbook(folder: Folder, name: str, rejected: str, delimiter: str) -> bool:
    """Write the rejected rows as a workbook. False if a sheet cannot have them all."""
    with temporary_folder() as scratch:
        workbook = scratch / "rejected"
        try:
            with open_for_reading(rejected) as rows, workbook.open("wb") as target:
                rejected_workbook.write_workbook(rows, delimiter, target, name, str(scratch))
        except OutputNotWritable:
            return False
        with workbook.open("rb") as content:
            folder.write(name, content)
    return True


def _reason(failed: Sequence[Mapping[str, Any]], rejected: Mapping[int, str]) -> str:
    lines = []
    for row in failed:
        lines += [f"{row['source']} was not imported (import {row['import_id']}, {row['error_code']}):", ""]
        lines += [row["error_message"], ""]
        if name := rejected.get(row["import_id"]):
            lines += [f"Its rejected rows are in {name}", ""]
    return "\n".join([*lines, "Correct this, then put the whole file into the inbox again.", ""])
