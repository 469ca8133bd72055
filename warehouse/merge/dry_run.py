"""What a merge would do, counted as the merge itself counts, without writing or locking."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, FromClause, cast, false, null, select

from schemas.errors.warehouse import MergeOutOfBalance
from warehouse.database.stored_fields import contact_columns
from warehouse.merge.change_list import Change
from warehouse.merge.execution import MergeCounts, MergeResult, find_changes
from warehouse.merge.plan import ChangeSummary, summarise
from warehouse.merge.policies import MergeRules
from warehouse.merge.staging import Staging
from warehouse.merge.statements import Comparison, compare
from warehouse.merge.transaction import MergeNumbers, find_joining
from warehouse.tables import WarehouseTables

ChangeStream = Callable[[Iterator[Change]], Iterator[Change]]


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
    through: ChangeStream | None = None,
) -> MergePreview:
    """What a merge would do now; MergeOutOfBalance unless it counts as many rows as were accepted.

    `through` gets every change, also of new contacts, by email, and hands it on. `rows`: how many new contacts to
    show.
    """
    tables, backend = WarehouseTables(staging.warehouse.schema, staging.fields), staging.warehouse.backend
    with staging.rolled_back_transaction() as connection:
        backend.tune_for_merge(connection)
        contacts = _existing_contacts(connection, tables)
        comparison = compare(contacts, staging.tables, staging.fields, rules)
        # Not by parallel readers: they would need the lock that keeps writers out, to see one state.
        with find_changes(connection, comparison, backend.create_table_as) as result:
            if result.counts.total != accepted:
                raise MergeOutOfBalance(accepted, result.counts.total)
            joining = find_joining(connection, tables, contacts, staging.tables.staged, segment)
            added = joining.number + result.counts.inserted if segment else 0
            summary = summarise(connection, comparison, result, through)
            new = _first_rows(connection, comparison, staging, rows) if result.counts.inserted and rows else []
        return MergePreview(result, added, summary, summary.digest(result.counts, joining), new)


def _existing_contacts(connection: Connection, tables: WarehouseTables) -> FromClause:
    """The contacts, with an empty column for each field that the table does not have yet.

    On PostgreSQL there is no table before the first import.
    """
    contacts = tables.contacts
    present = contact_columns(connection, contacts.schema)
    if present.keys() >= set(contacts.columns.keys()):
        return contacts
    empty = {column.name: cast(null(), column.type).label(column.name) for column in contacts.columns}
    if not present:
        return select(*empty.values()).where(false()).subquery("known_contacts")
    columns = [column if column.name in present else empty[column.name] for column in contacts.columns]
    return select(*columns).subquery("known_contacts")


def _first_rows(connection: Connection, comparison: Comparison, staging: Staging, limit: int) -> list[dict[str, Any]]:
    """The first rows without a contact."""
    staged, changes = staging.tables.staged, comparison.changes
    first = (
        select(changes.c.record_number)
        .where(changes.c.contact_id.is_(None))
        .order_by(changes.c.record_number)
        .limit(limit)
    )
    columns = [staged.c[name] for name in ("email", *(field.id for field in staging.fields))]
    rows = select(*columns).where(staged.c.record_number.in_(first)).order_by(staged.c.record_number)
    return [dict(row._mapping) for row in connection.execute(rows)]
