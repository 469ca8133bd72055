"""What a merge would come to: counted as the merge itself counts, with nothing written and nobody kept waiting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, exists, func, literal, select

from schemas.choices import Blanks, MergePolicy
from schemas.errors.base import MergeOutOfBalance
from warehouse.database.connection import tune_for_merge
from warehouse.merge.staging import Staging
from warehouse.merge.statements import MergeCounts, count_merge, merge_statements
from warehouse.tables import WarehouseTables


@dataclass(frozen=True)
class MergePreview:
    """The counts, the new memberships, and the first rows as they would be stored, the email first."""

    counts: MergeCounts
    segment_added: int
    first: list[dict[str, Any]]

    @property
    def total(self) -> tuple[MergeCounts, int]:
        """What a merge must come to if it is to be the one that was foreseen."""
        return self.counts, self.segment_added


def preview_merge(
    staging: Staging,
    *,
    policy: MergePolicy,
    blanks: Blanks = Blanks.KEEP,
    segment: str | None = None,
    accepted: int,
    rows: int,
) -> MergePreview:
    """Look at one state of the warehouse; MergeOutOfBalance when the counts are not the accepted rows."""
    tables, staged = WarehouseTables(staging.warehouse.schema, staging.fields), staging.table
    names = [field.id for field in staging.fields]
    statements = merge_statements(
        tables.contacts, staged, staging.changes, names, policy, blanks, import_id=0, now=datetime.now(UTC)
    )
    with staging.read_transaction() as connection:
        tune_for_merge(connection)
        counts, joining = count_merge(connection, statements, _joining(tables, staged, segment))
        if counts.total != accepted:
            raise MergeOutOfBalance(accepted, counts.total)
        added = joining + counts.inserted if segment else 0
        return MergePreview(counts, added, _first(connection, staged, names, rows))


def _joining(tables: WarehouseTables, staged: Table, segment: str | None) -> Select[tuple[int]]:
    """How many known contacts are no members yet."""
    if segment is None:
        return select(literal(0))
    contacts, members = tables.contacts, tables.segment_members
    member = exists().where(members.c.segment_id == segment, members.c.contact_id == contacts.c.contact_id)
    return select(func.count()).select_from(contacts.join(staged, staged.c.email == contacts.c.email)).where(~member)


def _first(connection: Connection, staged: Table, names: Sequence[str], rows: int) -> list[dict[str, Any]]:
    columns = [staged.c[name] for name in ("email", *names)]
    found = connection.execute(select(*columns).order_by(staged.c.record_number).limit(rows))
    return [dict(row._mapping) for row in found]
