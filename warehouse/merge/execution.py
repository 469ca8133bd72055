"""Runs the statements of a merge, or only counts what they would do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, Select, Table, Update, func, select
from sqlalchemy.schema import DropTable

from schemas.errors.changes import ConsentLoosening
from schemas.errors.warehouse import MergeOutOfBalance
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import show_journal
from warehouse.database.stored_fields import stored_fields
from warehouse.merge.change_counts import FieldChanges, count_changes
from warehouse.merge.policies import MergeRules
from warehouse.merge.statements import Comparison, MergeStatements, count_kinds
from warehouse.tables import WarehouseTables

ROWS_PER_FETCH = 10_000

StoreQuery = Callable[[Connection, Table, Select[Any]], None]


@dataclass(frozen=True)
class MergeCounts:
    """What became of the accepted rows, counted in the database."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.unchanged + self.skipped


@dataclass(frozen=True)
class MergeResult:
    """The counts of rows, and by field the counts of cells of existing contacts; empty if none was compared.

    `weaker_consents` counts the consents that the file would weaken. The rules say whether they are kept or replaced.
    """

    counts: MergeCounts
    changes: dict[str, FieldChanges] = field(default_factory=dict)
    weaker_consents: int = 0

    @property
    def has_differences(self) -> bool:
        """Whether the file and a contact differ in some cell, also in one that is kept."""
        return any(any(asdict(changes).values()) for changes in self.changes.values())


def merge(
    connection: Connection,
    statements: MergeStatements,
    store: StoreQuery,
    *,
    accepted: int,
    check: Callable[[MergeResult], None] | None = None,
) -> MergeResult:
    """Run a merge in the caller's transaction; MergeOutOfBalance unless it counts as many rows as were accepted.

    The caller has locked the contacts, so the changes that are found first are still right when they are written.
    ConsentLoosening if another number of consents would get weaker than the rules allow. `store` is as in
    `find_changes`. `check` gets what the merge is going to do, and may raise.
    """
    comparison = statements.comparison
    rules = comparison.rules
    if connection.scalars(statements.any_contact).first() is None and rules.policy.inserts:
        _check_loosened(0, rules)
        if check:
            check(MergeResult(MergeCounts(inserted=connection.scalars(comparison.count_staged).one())))
        inserted = _row_count(connection, statements.insert_all)
        return _check_balance(MergeResult(MergeCounts(inserted=inserted)), accepted)
    with find_changes(connection, comparison, store) as result:
        counts = result.counts
        if check:
            check(result)
        journalled = _row_count(connection, statements.journal) if counts.updated else 0
        updated = _row_count(connection, statements.update) if counts.updated else 0
        inserted = _row_count(connection, statements.insert_absent) if counts.inserted else 0
    in_balance = (inserted, updated) == (counts.inserted, counts.updated)
    if not in_balance or (statements.journal is not None and journalled != updated):
        raise MergeOutOfBalance(accepted, inserted + updated + counts.unchanged + counts.skipped)
    return _check_balance(result, accepted)


def become_contacts(
    warehouse: Warehouse,
    connection: Connection,
    staged: Table,
    rules: MergeRules,
    *,
    import_id: int,
    now: datetime,
    accepted: int,
) -> MergeResult:
    """Make the staged rows the table of contacts, which does not exist, instead of a merge."""
    _check_loosened(0, rules)
    inserted = connection.scalars(select(func.count()).select_from(staged)).one()
    contacts = WarehouseTables(warehouse.schema, stored_fields(connection, warehouse.schema)).contacts
    values = {"created_at": now, "updated_at": now, "created_by_import": import_id}
    warehouse.backend.adopt(connection, staged, contacts, values)
    show_journal(connection, warehouse)
    return _check_balance(MergeResult(MergeCounts(inserted=inserted)), accepted)


@contextmanager
def find_changes(connection: Connection, comparison: Comparison, store: StoreQuery) -> Iterator[MergeResult]:
    """What a merge does, by the only comparison of all rows: `store` fills the table of changes for the block.

    ConsentLoosening as in `merge`.
    """
    policy = comparison.rules.policy
    staged = connection.scalars(comparison.count_staged).one()
    store(connection, comparison.changes, comparison.changes_query)
    rows = connection.execute(count_kinds(comparison.changes), execution_options={"yield_per": ROWS_PER_FETCH})
    changes = count_changes(comparison.field_ids, (tuple(row) for row in rows))
    _check_loosened(changes.weaker_consents, comparison.rules)
    known = staged - changes.absent
    counts = MergeCounts(
        inserted=changes.absent if policy.inserts else 0,
        updated=changes.updated,
        unchanged=known - changes.updated if policy.updates else 0,
        skipped=(0 if policy.updates else known) + (0 if policy.inserts else changes.absent),
    )
    yield MergeResult(counts, changes.fields if known else {}, changes.weaker_consents)
    connection.execute(DropTable(comparison.changes))  # after an exception, the rollback removes it


def _check_loosened(found: int, rules: MergeRules) -> None:
    if rules.loosen_consent is not None and found != rules.loosen_consent:
        raise ConsentLoosening(found, rules.loosen_consent)


def _check_balance(result: MergeResult, accepted: int) -> MergeResult:
    if result.counts.total != accepted:
        raise MergeOutOfBalance(accepted, result.counts.total)
    return result


def _row_count(connection: Connection, statement: Insert | Update | None) -> int:
    if statement is None:
        return 0
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount
