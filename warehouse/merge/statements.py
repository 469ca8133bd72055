"""The SQL statements of a merge, built from the policy and not run here.

They use three tables: the contacts; the staged rows, with the same column names; and `changes`, which gets the
staged rows that have no contact or change the one they have. `changes` is filled by the only comparison of all
rows, which takes most of the time of a merge. Usually few rows are in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Insert, Select, Table, Update, func, insert, literal, or_, select, update

from schemas.choices import Blanks, MergePolicy
from warehouse.backends.base import StagingTables
from warehouse.merge.policies import is_changed, merged_value
from warehouse.tables import UtcDateTime


@dataclass(frozen=True)
class MergeStatements:
    """The statements of one merge; `update` and the inserts are None where the policy has no such step.

    `insert_all` is for a table without contacts, and does not look for existing ones. `insert_all_unordered` is the
    same for a table whose keys are built later.
    """

    policy: MergePolicy
    contacts: Table
    changes: Table
    any_contact: Select[tuple[int]]
    count_staged: Select[tuple[int]]
    find_changes: Select[tuple[Any, int | None]]
    count_changes: Select[tuple[int, int]]
    update: Update | None
    insert_all: Insert | None
    insert_all_unordered: Insert | None
    insert_absent: Insert | None


def merge_statements(
    contacts: Table,
    staging: StagingTables,
    fields: Sequence[str],
    policy: MergePolicy,
    blanks: Blanks,
    *,
    import_id: int,
    now: datetime,
) -> MergeStatements:
    """The statements of a policy for the imported `fields`, which do not include the email."""
    if blanks is Blanks.CLEAR and not policy.can_clear:
        raise ValueError(f"{policy} never clears a stored value")
    staged, changes = staging.staged, staging.changes
    merged = {field: merged_value(contacts.c[field], staged.c[field], policy, blanks) for field in fields}
    updates = policy.updates and len(fields) > 0
    changed = [is_changed(contacts, staged, merged)] if updates else []
    same_record = changes.c.record_number == staged.c.record_number
    insert_into = partial(_insert, contacts, staging, fields, import_id, now)
    return MergeStatements(
        policy=policy,
        contacts=contacts,
        changes=changes,
        any_contact=select(literal(1)).select_from(contacts).limit(1),
        count_staged=select(func.count()).select_from(staged),
        find_changes=select(staged.c.record_number, contacts.c.contact_id)
        .select_from(staged.outerjoin(contacts, contacts.c.email == staged.c.email))
        .where(or_(contacts.c.contact_id.is_(None), *changed)),
        count_changes=select(func.count(), func.count(changes.c.contact_id)).select_from(changes),
        update=update(contacts)
        .where(changes.c.contact_id == contacts.c.contact_id, same_record)
        .values({**merged, "updated_at": now, "updated_by_import": import_id})
        if updates
        else None,
        insert_all=insert_into() if policy.inserts else None,
        insert_all_unordered=insert_into(ordered=False) if policy.inserts else None,
        insert_absent=insert_into(same_record, changes.c.contact_id.is_(None)) if policy.inserts else None,
    )


def _insert(
    contacts: Table,
    staging: StagingTables,
    fields: Sequence[str],
    import_id: int,
    now: datetime,
    *conditions: ColumnElement[bool],
    ordered: bool = True,
) -> Insert:
    staged, moment = staging.staged, literal(now, UtcDateTime)
    values = {
        "email": staged.c.email,
        **{field: staged.c[field] for field in fields},
        "created_at": moment,
        "updated_at": moment,
        "created_by_import": literal(import_id),
    }
    rows = select(*values.values()).where(*conditions)
    if ordered:
        rows = rows.order_by(staging.insert_order)
    return insert(contacts).from_select(list(values), rows, include_defaults=False)
