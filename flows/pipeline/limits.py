"""Limits at which an import stops although its file can be read: too many rejected rows, or too few rows."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from flows.config.request import ImportRequest, ReadingOptions
from schemas.catalogue import FieldCatalogue
from schemas.choices import FieldPolicy
from schemas.errors.changes import PolicyNotForField
from schemas.errors.limits import NotAllAccepted, RequiredFieldMissing, TooFewRows, TooManyRejected
from schemas.errors.request import UnknownField
from schemas.errors.source import SourceOutOfOrder
from schemas.field_types import FieldType
from transforms.chunks.file_profile import FileProfile
from transforms.mapping.columns import ColumnOutcome
from transforms.sources.addresses import redacted


def row_limit(text: str, whole: int) -> Decimal:
    """The number of rows that `100` or `5%` means. The percentage is of `whole`."""
    number = Decimal(text.removesuffix("%"))
    return number * whole / 100 if text.endswith("%") else number


def check_required_known(request: ImportRequest, fields: Sequence[str]) -> None:
    """Stop before the file is read if the catalogue does not have a required field."""
    for field in request.require:
        if field not in fields:
            raise UnknownField(field, tuple(fields))


def check_merge_fields(request: ImportRequest, catalogue: FieldCatalogue) -> None:
    """Stop before the file is read if a policy is for a field that does not exist, or that cannot have it."""
    for id, policy in request.merge_fields.items():
        field = catalogue.by_id.get(id)
        if field is None or field.identity:
            fields = tuple(each.id for each in catalogue.fields if not each.identity)
            raise UnknownField(id, fields)
        if policy is FieldPolicy.APPEND and field.type is not FieldType.CHECKBOX:
            raise PolicyNotForField(id, str(field.type))


def check_source_order(request: ImportRequest, day: date | None, latest: tuple[int, date] | None) -> None:
    """Stop if a later day was imported already, under a policy that overwrites values.

    A day that the request names is intended: missed nights may be imported in any order.
    """
    if day is None or latest is None or request.date or not request.merge.can_clear:
        return
    import_id, later = latest
    if later > day:
        raise SourceOutOfOrder(redacted(request.source), day.isoformat(), later.isoformat(), import_id)


def check_required_imported(request: ImportRequest, profile: FileProfile) -> None:
    """Stop if a required field is not imported: no column maps to it, or its column was dropped."""
    outcomes = {column.column.field.id: column.outcome for column in profile.columns if column.column.field}
    outcomes |= dict.fromkeys((field.id for field in profile.constants), ColumnOutcome.IMPORTED)
    for field in request.require:
        if outcomes.get(field) is not ColumnOutcome.IMPORTED:
            raise RequiredFieldMissing(field, str(outcomes.get(field, "no column")))


def check_min_rows(request: ImportRequest, read: int, last: int | None) -> list[str]:
    """Stop if the file has too few rows. A percentage is of the last completed import of the same source.

    Returns notes for the report: one if there was no such import.
    """
    if request.min_rows is None:
        return []
    if request.min_rows.endswith("%") and last is None:
        source = redacted(request.source)
        return [f"no import of {source!r} was completed before, so --min-rows {request.min_rows} was not checked"]
    if read < row_limit(request.min_rows, last or 0):
        raise TooFewRows(read, request.min_rows, last)
    return []


def check_max_rejected(request: ImportRequest, read: int, rejected: int) -> None:
    """Stop if more rows were rejected than the request allows."""
    if request.max_rejected is not None and rejected > row_limit(request.max_rejected, read):
        raise TooManyRejected(rejected, read, request.max_rejected)


def check_strict(options: ReadingOptions, profile: FileProfile, rejected: int) -> None:
    """Stop a strict request if a row was rejected or a column was dropped."""
    dropped = tuple(each.column.name for each in profile.columns if each.outcome is ColumnOutcome.INCOMPLETE)
    if options.strict and (rejected or dropped):
        raise NotAllAccepted(rejected, profile.records, dropped)
