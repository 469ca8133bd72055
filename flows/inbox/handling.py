"""One file of an inbox, from the claim to the move. Each step is safe to repeat, so the next look can go on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
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
from flows.prefect_lookups import scheduled_day
from flows.reports.builder import ImportReportBuilder
from flows.reports.combined import combine_outcomes
from flows.reports.models import ImportReport
from flows.reports.outcomes import RunOutcome
from schemas.errors.base import ContactImportError
from schemas.errors.source import SourceUnreadable
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
    for row in rows:
        write_rejected_rows(file, row)
    if failed:
        file.folder.write(reason_name(file.name, number), BytesIO(_reason(file, failed).encode()))
    file.folder.move(file.name, file.stamp, moved_name(FAILED if failed else DONE, file.name, number))
    release_claims(imports.warehouse, [row["import_id"] for row in rows])


def write_rejected_rows(file: WaitingFile, row: Mapping[str, Any]) -> None:
    """Copy the rejected file of an import into the inbox; where it cannot be read here, say so there."""
    rejected = _rejected_file(row)
    if rejected is None:
        return
    with ExitStack() as stack:
        content = None
        with suppress(OSError, ImportError):  # it may be another machine's, another user's, or in an object store
            content = stack.enter_context(open_for_reading(rejected))
        if content is not None:
            file.folder.write(rejected_name(file.name, row["import_id"]), content)
            return
    text = (
        f"The rejected rows of import {row['import_id']} cannot be read from here, or were removed: {rejected}\n"
        f"There, this writes them: contacts rejected {row['import_id']} --output FILE\n"
    )
    file.folder.write(rejected_name(file.name, row["import_id"], ".txt"), BytesIO(text.encode()))


def _rejected_file(row: Mapping[str, Any]) -> str | None:
    """The path of the rejected file of an import that rejected rows."""
    report = row["report"] or {}
    return report.get("rejected_file") if report.get("rejections") else None


def _reason(file: WaitingFile, failed: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for row in failed:
        lines += [f"{row['source']} was not imported (import {row['import_id']}, {row['error_code']}):", ""]
        lines += [row["error_message"], ""]
        if _rejected_file(row):
            lines += [f"Its rejected rows are in {rejected_name(file.name, row['import_id'])}", ""]
    return "\n".join([*lines, "Correct this, then put the whole file into the inbox again.", ""])
