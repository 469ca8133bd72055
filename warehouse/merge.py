"""What a merge policy means in SQL; the statements are built here and run by `merge`.

The rules are the table of merge policies in docs/rules.md. Statements speak of two tables: the
contacts, and the accepted rows of one import, staged under the same column names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    Update,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.types import Text

from schemas.choices import Blanks, MergePolicy
from schemas.errors import MergeOutOfBalance
from warehouse.tables import UtcDateTime


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
class MergeStatements:
    """The statements of one merge, in the order in which they run; None where the policy has no such step."""

    count_known: Select[int]
    count_new: Select[int]
    update: Update | None
    insert: Insert | None


def merge_statements(
    contacts: Table,
    staged: Table,
    fields: Sequence[str],
    policy: MergePolicy,
    blanks: Blanks,
    *,
    import_id: int,
    now: datetime,
) -> MergeStatements:
    """Say a policy in SQL for the imported `fields`, the identity not among them."""
    if blanks is Blanks.CLEAR and not policy.may_clear:
        raise ValueError(f"{policy} never clears a stored value")
    known = exists().where(contacts.c.email == staged.c.email).correlate(staged)
    rows = select(func.count()).select_from(staged)
    return MergeStatements(
        count_known=rows.where(known),
        count_new=rows.where(~known),
        update=_update(contacts, staged, fields, policy, blanks, import_id, now) if policy.updates and fields else None,
        insert=_insert(contacts, staged, fields, ~known, import_id, now) if policy.inserts else None,
    )


def _update(
    contacts: Table,
    staged: Table,
    fields: Sequence[str],
    policy: MergePolicy,
    blanks: Blanks,
    import_id: int,
    now: datetime,
) -> Update:
    """Write the contacts of which at least one field changes, and no others."""
    merged = {field: _merged(contacts.c[field], staged.c[field], policy, blanks) for field in fields}
    changes = [value.is_distinct_from(_stored(contacts.c[field])) for field, value in merged.items()]
    return (
        update(contacts)
        .where(contacts.c.email == staged.c.email, or_(*changes))
        .values({**merged, "updated_at": now, "updated_by_import": import_id})
    )


def _stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The stored value, an empty text counting as empty."""
    return func.nullif(column, "") if isinstance(column.type, Text) else column


def _merged(
    column: ColumnElement[Any], cell: ColumnElement[Any], policy: MergePolicy, blanks: Blanks
) -> ColumnElement[Any]:
    """What a field of a known contact becomes."""
    if policy is MergePolicy.FILL_EMPTY:
        return func.coalesce(_stored(column), cell)
    return cell if blanks is Blanks.CLEAR else func.coalesce(cell, _stored(column))


def _insert(
    contacts: Table, staged: Table, fields: Sequence[str], new: ColumnElement[bool], import_id: int, now: datetime
) -> Insert:
    """Add the contacts that are not there yet, numbered in the order of the file."""
    moment = literal(now, UtcDateTime)
    values = {
        "email": staged.c.email,
        **{field: staged.c[field] for field in fields},
        "created_at": moment,
        "updated_at": moment,
        "created_by_import": literal(import_id),
    }
    rows = select(*values.values()).where(new).order_by(staged.c.record_number)
    return insert(contacts).from_select(list(values), rows, include_defaults=False)


def merge(
    connection: Connection, statements: MergeStatements, policy: MergePolicy, *, accepted: int
) -> MergeCounts:
    """Run a merge in the caller's transaction; MergeOutOfBalance when its counts are not the accepted rows.

    Known contacts are updated before new ones are inserted, so no row is looked at twice.
    """
    known = connection.scalars(statements.count_known).one()
    absent = 0 if policy.inserts else connection.scalars(statements.count_new).one()
    updated = _written(connection, statements.update)
    inserted = _written(connection, statements.insert)
    kept, skipped = (known - updated, absent) if policy.updates else (0, known)
    counts = MergeCounts(inserted=inserted, updated=updated, unchanged=kept, skipped=skipped)
    if counts.total != accepted or min(inserted, updated, kept, skipped) < 0:
        raise MergeOutOfBalance(accepted, counts.total)
    return counts


def _written(connection: Connection, statement: Insert | Update | None) -> int:
    if statement is None:
        return 0
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount
