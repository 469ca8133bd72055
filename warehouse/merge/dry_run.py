"""What a merge would do, counted as the merge itself counts, without writing or locking."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, FromClause, Table, cast, exists, inspect, null, select

from schemas.errors.warehouse import MergeOutOfBalance
from warehouse.merge.change_list import Change
from warehouse.merge.differences import MergeRules
from warehouse.merge.execution import MergeCounts, MergeResult, count_merge
from warehouse.merge.plan import ChangeSummary, summarise
from warehouse.merge.staging import Staging
from warehouse.merge.statements import compare
from warehouse.merge.transaction import MergeNumbers, count_joining
from warehouse.tables import WarehouseTables


@dataclass(frozen=True)
class MergePreview:
    """The counts, a summary of all changes and its digest, and the first new contacts."""

    result: MergeResult
    segment_added: int
    summary: ChangeSummary
    digest: str
    first_rows: list[dict[str, Any]]

    @property
    def counts(self) -> MergeCounts:
        return self.result.counts

    @property
    def numbers(self) -> MergeNumbers:
        return MergeNumbers(self.counts, self.result.changes, self.segment_added)


def preview_merge(
    staging: Staging,
    *,
    rules: MergeRules,
    segment: str | None = None,
    accepted: int,
    rows: int = 0,
    through: Callable[[Iterator[Change]], Iterator[Change]] | None = None,
) -> MergePreview:
    """Preview one state of the warehouse; MergeOutOfBalance unless it counts as many rows as were accepted.

    `through` gets every change, also of new contacts, by email, and hands it on. `rows`: how many new contacts to
    show.
    """
    tables, staged = WarehouseTables(staging.warehouse.schema, staging.fields), staging.tables.staged
    with staging.read_transaction() as connection:
        staging.warehouse.backend.tune_for_merge(connection)
        comparison = compare(_existing_contacts(connection, tables), staged, staging.fields, rules)
        result, joining = count_merge(connection, comparison, count_joining(tables, staged, segment))
        counts = result.counts
        if counts.total != accepted:
            raise MergeOutOfBalance(accepted, counts.total)
        summary = summarise(connection, comparison, result, through)
        added = joining + counts.inserted if segment else 0
        names = [field.id for field in staging.fields]
        new = _first_rows(connection, tables, staged, names, rows) if counts.inserted and rows else []
        return MergePreview(result, added, summary, summary.digest(counts, added), new)


def _existing_contacts(connection: Connection, tables: WarehouseTables) -> FromClause:
    """The contacts, with an empty column for each field that the table does not have yet."""
    contacts = tables.contacts
    present = {column["name"] for column in inspect(connection).get_columns(contacts.name, contacts.schema)}
    if present.issuperset(contacts.columns.keys()):
        return contacts
    empty = {column.name: cast(null(), column.type).label(column.name) for column in contacts.columns}
    columns = [column if column.name in present else empty[column.name] for column in contacts.columns]
    return select(*columns).subquery("known_contacts")


def _first_rows(
    connection: Connection, tables: WarehouseTables, staged: Table, names: Sequence[str], limit: int
) -> list[dict[str, Any]]:
    """The first rows without a contact."""
    columns = [staged.c[name] for name in ("email", *names)]
    known = exists().where(tables.contacts.c.email == staged.c.email)
    rows = connection.execute(select(*columns).where(~known).order_by(staged.c.record_number).limit(limit))
    return [dict(row._mapping) for row in rows]
