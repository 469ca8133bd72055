"""Runs the statements of a merge, or only counts what they would do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Insert, Select, Update, func, select
from sqlalchemy.schema import DropTable

from schemas.choices import MergePolicy
from schemas.errors.warehouse import MergeOutOfBalance
from warehouse.backends.base import Backend
from warehouse.merge.statements import MergeStatements

DEFERRED_KEYS_MIN_ROWS = 50_000  # for fewer new contacts, building the keys afterwards gains nothing


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


def merge(backend: Backend, connection: Connection, statements: MergeStatements, *, accepted: int) -> MergeCounts:
    """Run a merge in the caller's transaction; MergeOutOfBalance unless it counts as many rows as were accepted.

    The caller has locked the contacts, so the changes that are found first are still right when they are written.
    """
    if connection.scalars(statements.any_contact).first() is None and statements.policy.inserts:
        return _check_balance(MergeCounts(inserted=_insert_all(backend, connection, statements, accepted)), accepted)
    with _find_changes(backend, connection, statements) as changes:
        counts = changes.counts(statements.policy)
        updated = _row_count(connection, statements.update) if changes.changed else 0
        inserted = _row_count(connection, statements.insert_absent) if changes.absent else 0
    if (inserted, updated) != (counts.inserted, counts.updated):
        raise MergeOutOfBalance(accepted, inserted + updated + counts.unchanged + counts.skipped)
    return _check_balance(counts, accepted)


def count_merge(
    connection: Connection, statements: MergeStatements, more: Select[tuple[int]]
) -> tuple[MergeCounts, int]:
    """What `merge` would do now, and the result of `more`; one statement, so that both see the same contacts."""
    changes = statements.find_changes.subquery()
    staged, counted = statements.count_staged.scalar_subquery(), more.scalar_subquery()
    query = select(staged, func.count(), func.count(changes.c.contact_id), counted).select_from(changes)
    total, rows, changed, count = connection.execute(query).one()
    return _ChangeCounts(total, rows - changed, changed).counts(statements.policy), count


class _ChangeCounts(NamedTuple):
    """How many rows are staged, how many of them have no contact, and how many change the contact they have."""

    staged: int
    absent: int
    changed: int

    def counts(self, policy: MergePolicy) -> MergeCounts:
        known = self.staged - self.absent
        return MergeCounts(
            inserted=self.absent if policy.inserts else 0,
            updated=self.changed,
            unchanged=known - self.changed if policy.updates else 0,
            skipped=(0 if policy.updates else known) + (0 if policy.inserts else self.absent),
        )


@contextmanager
def _find_changes(backend: Backend, connection: Connection, statements: MergeStatements) -> Iterator[_ChangeCounts]:
    staged = connection.scalars(statements.count_staged).one()
    backend.materialize(connection, statements.changes, statements.find_changes)
    rows, changed = connection.execute(statements.count_changes).one()
    yield _ChangeCounts(staged, rows - changed, changed)
    connection.execute(DropTable(statements.changes))  # after an exception, the rollback removes it


def _insert_all(backend: Backend, connection: Connection, statements: MergeStatements, accepted: int) -> int:
    if accepted < DEFERRED_KEYS_MIN_ROWS:
        return _row_count(connection, statements.insert_all)
    with backend.deferred_keys(connection, statements.contacts) as deferred:
        return _row_count(connection, statements.insert_all_unordered if deferred else statements.insert_all)


def _check_balance(counts: MergeCounts, accepted: int) -> MergeCounts:
    if counts.total != accepted:
        raise MergeOutOfBalance(accepted, counts.total)
    return counts


def _row_count(connection: Connection, statement: Insert | Update | None) -> int:
    if statement is None:
        return 0
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount
