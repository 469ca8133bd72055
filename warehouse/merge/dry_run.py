"""What a merge would do, counted as the merge itself counts, without writing or locking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, exists, func, literal, select

from schemas.errors.warehouse import MergeOutOfBalance
from warehouse.merge.change_counts import FieldChanges
from warehouse.merge.differences import MergeRules
from warehouse.merge.execution import MergeCounts, count_merge
from warehouse.merge.staging import Staging
from warehouse.merge.statements import merge_statements
from warehouse.merge.transaction import MergeNumbers
from warehouse.tables import WarehouseTables


@dataclass(frozen=True)
class MergePreview:
    """The counts, the new memberships, and the first rows as they would be stored, the email first."""

    counts: MergeCounts
    changes: dict[str, FieldChanges]
    segment_added: int
    first_rows: list[dict[str, Any]]

    @property
    def numbers(self) -> MergeNumbers:
        return MergeNumbers(self.counts, self.changes, self.segment_added)

    @property
    def totals(self) -> tuple[MergeCounts, int]:
        """What the merge must count if this preview is approved."""
        return self.counts, self.segment_added


def preview_merge(
    staging: Staging,
    *,
    rules: MergeRules,
    segment: str | None = None,
    accepted: int,
    rows: int,
) -> MergePreview:
    """Preview one state of the warehouse; MergeOutOfBalance unless it counts as many rows as were accepted."""
    tables = WarehouseTables(staging.warehouse.schema, staging.fields)
    names = [field.id for field in staging.fields]
    with staging.read_transaction() as connection:
        statements = merge_statements(tables, staging.tables, staging.fields, rules, import_id=0, now=datetime.now(UTC))
        staging.warehouse.backend.tune_for_merge(connection)
        staged = staging.tables.staged
        result, joining = count_merge(connection, statements, _count_joining(tables, staged, segment))
        counts = result.counts
        if counts.total != accepted:
            raise MergeOutOfBalance(accepted, counts.total)
        added = joining + counts.inserted if segment else 0
        return MergePreview(counts, result.changes, added, _first_rows(connection, staged, names, rows))


def _count_joining(tables: WarehouseTables, staged: Table, segment: str | None) -> Select[tuple[int]]:
    """Counts the existing contacts that are not members yet."""
    if segment is None:
        return select(literal(0))
    contacts, members = tables.contacts, tables.segment_members
    member = exists().where(members.c.segment_id == segment, members.c.contact_id == contacts.c.contact_id)
    return select(func.count()).select_from(contacts.join(staged, staged.c.email == contacts.c.email)).where(~member)


def _first_rows(connection: Connection, staged: Table, names: Sequence[str], limit: int) -> list[dict[str, Any]]:
    columns = [staged.c[name] for name in ("email", *names)]
    rows = connection.execute(select(*columns).order_by(staged.c.record_number).limit(limit))
    return [dict(row._mapping) for row in rows]
