"""What a merge policy means in SQL; the statements are built here and run by `merge`.

The rules are the table of merge policies in docs/rules.md. Statements speak of two tables: the
contacts, and the accepted rows of one import, staged under the same column names. A third, `known`,
pairs the staged rows with the contacts they find, so that each email is looked up once; looking up
is what takes the time.
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
    """The statements of one merge; None where the policy has no such step.

    `insert_all` is for a merge that knows none of the contacts: it need not ask for each whether it is there.
    """

    count_staged: Select[tuple[int]]
    count_known: Select[tuple[int]]
    update: Update | None
    insert_all: Insert | None
    insert_absent: Insert | None


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
    same = contacts.c.email == staged.c.email
    updates = policy.updates and len(fields) > 0
    absent = ~exists().where(same).correlate(staged)
    return MergeStatements(
        count_staged=select(func.count()).select_from(staged),
        count_known=select(func.count()).select_from(staged.join(contacts, same)),
        update=_update(contacts, staged, fields, policy, blanks, import_id, now) if updates else None,
        insert_all=_insert(contacts, staged, fields, import_id, now) if policy.inserts else None,
        insert_absent=_insert(contacts, staged, fields, import_id, now, absent) if policy.inserts else None,
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
    contacts: Table,
    staged: Table,
    fields: Sequence[str],
    import_id: int,
    now: datetime,
    *absent: ColumnElement[bool],
) -> Insert:
    """Add contacts, numbered in the order of the file."""
    moment = literal(now, UtcDateTime)
    values = {
        "email": staged.c.email,
        **{field: staged.c[field] for field in fields},
        "created_at": moment,
        "updated_at": moment,
        "created_by_import": literal(import_id),
    }
    rows = select(*values.values()).where(*absent).order_by(staged.c.record_number)
    return insert(contacts).from_select(list(values), rows, include_defaults=False)


def merge(connection: Connection, statements: MergeStatements, policy: MergePolicy, *, accepted: int) -> MergeCounts:
    """Run a merge in the caller's transaction; MergeOutOfBalance when its counts are not the accepted rows.

    The caller keeps other writers out, so what is counted first holds for the statements after it. Known
    contacts are updated before new ones are inserted, so no row is looked at twice.
    """
    staged = connection.scalars(statements.count_staged).one()
    known = connection.scalars(statements.count_known).one()
    updated = _written(connection, statements.update) if known else 0
    insertion = statements.insert_absent if known else statements.insert_all
    inserted = _written(connection, insertion) if known < staged else 0
    absent = staged - known - inserted
    unchanged, skipped = (known - updated, absent) if policy.updates else (0, known + absent)
    counts = MergeCounts(inserted=inserted, updated=updated, unchanged=unchanged, skipped=skipped)
    impossible = min(updated, unchanged, absent) < 0 or (policy.inserts and absent)
    if counts.total != accepted or impossible:
        raise MergeOutOfBalance(accepted, counts.total)
    return counts


def _written(connection: Connection, statement: Insert | Update | None) -> int:
    if statement is None:
        return 0
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount
