"""What a merge would do, counted as the merge itself counts, without writing or locking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, exists, select

from schemas.errors.warehouse import MergeOutOfBalance
from warehouse.merge.change_counts import FieldChanges
from warehouse.merge.change_list import Change
from warehouse.merge.differences import MergeRules
from warehouse.merge.execution import MergeCounts, count_merge
from warehouse.merge.plan import list_changes, summarise
from warehouse.merge.staging import Staging
from warehouse.merge.statements import merge_statements
from warehouse.merge.transaction import MergeNumbers, count_joining
from warehouse.tables import WarehouseTables


@dataclass(frozen=True)
class MergePreview:
    """The counts, and a digest of all changes; changed and kept cells by kind, as examples; the first new contacts."""

    counts: MergeCounts
    changes: dict[str, FieldChanges]
    segment_added: int
    digest: str
    examples: dict[str, list[Change]]
    first_rows: list[dict[str, Any]]

    @property
    def numbers(self) -> MergeNumbers:
        return MergeNumbers(self.counts, self.changes, self.segment_added)


def preview_merge(
    staging: Staging,
    *,
    rules: MergeRules,
    segment: str | None = None,
    accepted: int,
    rows: int = 0,
) -> MergePreview:
    """Preview one state of the warehouse; MergeOutOfBalance unless it counts as many rows as were accepted."""
    tables = WarehouseTables(staging.warehouse.schema, staging.fields)
    names = [field.id for field in staging.fields]
    with staging.read_transaction() as connection:
        statements = merge_statements(tables, staging.tables, staging.fields, rules, import_id=0, now=datetime.now(UTC))
        staging.warehouse.backend.tune_for_merge(connection)
        staged = staging.tables.staged
        result, joining = count_merge(connection, statements, count_joining(tables, staged, segment))
        counts = result.counts
        if counts.total != accepted:
            raise MergeOutOfBalance(accepted, counts.total)
        added = joining + counts.inserted if segment else 0
        summary = summarise(list_changes(connection, statements))
        digest = summary.digest(counts, added)
        new = _first_rows(connection, tables, staged, names, rows) if rules.policy.inserts else []
        return MergePreview(counts, result.changes, added, digest, summary.examples, new)


def _first_rows(
    connection: Connection, tables: WarehouseTables, staged: Table, names: Sequence[str], limit: int
) -> list[dict[str, Any]]:
    """The first rows without a contact."""
    columns = [staged.c[name] for name in ("email", *names)]
    known = exists().where(tables.contacts.c.email == staged.c.email)
    rows = connection.execute(select(*columns).where(~known).order_by(staged.c.record_number).limit(limit))
    return [dict(row._mapping) for row in rows]
