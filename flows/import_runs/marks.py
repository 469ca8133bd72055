"""Checks that the rows of a retry come from the import that it names, or from another one of its chain of retries."""

from flows.import_runs.context import ImportContext
from schemas.errors.request import RejectedFileOfAnotherImport, UnknownImport
from transforms.chunks.file_profile import FileProfile
from transforms.results.retry_file import RejectionMark
from warehouse.import_list.entries import get_import


def check_marks(context: ImportContext, profile: FileProfile) -> None:
    """`RejectedFileOfAnotherImport` if the rows of a retry were rejected by another import, or by several."""
    retried = context.report.retried
    if retried is None or not profile.marks:
        return
    marks = [RejectionMark.parse(text) for text in sorted(profile.marks)]
    known = [mark for mark in marks if mark]
    if len(known) < len(marks):
        origin, advice = "an unknown import", "copy the column rejection_of again from the import's rejected file"
    elif len(known) > 1:
        origin, advice = f"imports {_listed(known)}", "import the rows of each with its own --retry-of"
    else:
        [mark] = known
        first = _first_import(context, mark)
        if first == retried.first:
            return
        if first is None:
            origin, advice = f"import {mark.import_id} of another warehouse", "import the file there"
        else:
            origin, advice = f"import {mark.import_id}", f"use --retry-of {mark.import_id}"
    raise RejectedFileOfAnotherImport(origin, retried.import_id, advice)


def _listed(marks: list[RejectionMark]) -> str:
    return " and ".join(str(import_id) for import_id in sorted({mark.import_id for mark in marks}))


def _first_import(context: ImportContext, mark: RejectionMark) -> int | None:
    """Where the marked import's chain of retries began; None if this warehouse does not have that import."""
    try:
        row = get_import(context.warehouse, mark.import_id)
    except UnknownImport:
        return None
    if not row["sha256"] or RejectionMark.of(mark.import_id, row["sha256"]) != mark:
        return None
    return int(row["first_import"] or mark.import_id)
