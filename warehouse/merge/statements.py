"""The SQL statements of a merge, built from its rules and not run here.

They use three tables: the contacts; the staged rows, with the same column names; and `changes`, which gets the
staged rows that have no contact or another value than the one they have. `changes` is filled by the only comparison
of all rows, which takes most of the time of a merge. Usually few rows are in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Insert,
    Select,
    Table,
    Update,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.types import Text

from schemas.fields import Field
from warehouse.backends.base import StagingTables
from warehouse.merge.journal import journal_statement, update_with_journal
from warehouse.merge.policies import Difference, MergeRules, differences, differs_anywhere, has_written, kinds_of
from warehouse.tables import UtcDateTime, WarehouseTables


@dataclass(frozen=True)
class Comparison:
    """The queries that compare the staged rows with the contacts.

    The result of `changes_query` goes into the table `changes`, which the lists read.
    """

    rules: MergeRules
    differences: tuple[Difference, ...]
    changes: Table
    count_staged: Select[tuple[int]]
    changes_query: Select[tuple[Any, int | None, str | None]]
    list_query: Select[Any]
    list_known_query: Select[Any]

    @property
    def field_ids(self) -> tuple[str, ...]:
        """The fields that are compared; none where the policy does not change existing contacts."""
        return tuple(each.field.id for each in self.differences)


@dataclass(frozen=True)
class MergeStatements:
    """The statements of one merge.

    `update` and the inserts are None where the policy has no such step, `journal` also where it is off, or is stored by
    the update.
    `insert_all` is for a table without contacts, and does not look for existing ones.
    """

    comparison: Comparison
    any_contact: Select[tuple[int]]
    update: Update | Insert | None
    journal: Insert | None
    insert_all: Insert | None
    insert_absent: Insert | None


def compare(contacts: FromClause, staging: StagingTables, fields: Sequence[Field], rules: MergeRules) -> Comparison:
    """The comparison of the imported `fields`, which do not include the email.

    `list_query` gives the email, the contact number, the letters, and for each field the stored value and the new one;
    where the stored value is kept, the cell instead of the new one. It is sorted by email. `list_known_query` leaves
    the rows without a contact out, and has no order.
    """
    staged, changes = staging.staged, staging.changes
    found = differences(contacts, staged, fields, rules) if rules.policy.updates else []
    kinds = case((contacts.c.contact_id.is_not(None), kinds_of(found))) if found else cast(null(), Text)
    # Most cells are equal, which is known without computing and fetching them.
    values = [case((each.may_differ, value)) for each in found for value in (each.before, each.written_or_kept)]
    joined = staged.outerjoin(contacts, contacts.c.email == staged.c.email)
    is_new_or_differs = or_(contacts.c.contact_id.is_(None), *([differs_anywhere(found)] if found else []))
    listed = (
        select(staged.c.email, changes.c.contact_id, changes.c.kinds, *values)
        .select_from(changes.join(staged, staged.c.record_number == changes.c.record_number))
        .outerjoin(contacts, contacts.c.contact_id == changes.c.contact_id)
    )
    return Comparison(
        rules=rules,
        differences=tuple(found),
        changes=changes,
        count_staged=select(func.count()).select_from(staged),
        changes_query=select(staged.c.record_number, contacts.c.contact_id, kinds.label("kinds"))
        .select_from(joined)
        .where(is_new_or_differs),
        list_query=listed.order_by(staged.c.email),
        list_known_query=listed.where(changes.c.contact_id.is_not(None)),
    )


def merge_statements(
    tables: WarehouseTables,
    staging: StagingTables,
    fields: Sequence[Field],
    rules: MergeRules,
    *,
    import_id: int,
    now: datetime,
    journal: bool = True,
    returns_old: bool = False,
) -> MergeStatements:
    """The statements of a merge of the imported `fields`, which do not include the email.

    `returns_old`: the database returns the values from before an update.
    """
    contacts, staged, changes, policy = tables.contacts, staging.staged, staging.changes, rules.policy
    comparison = compare(contacts, staging, fields, rules)
    found = comparison.differences
    same_record = changes.c.record_number == staged.c.record_number
    names = [field.id for field in fields]
    insert_into = partial(_insert, contacts, staging, names, import_id, now)
    updates: Update | Insert | None = None
    journals: Insert | None = None
    if found:
        updates = (
            update(contacts)
            .where(changes.c.contact_id == contacts.c.contact_id, same_record, has_written(changes.c.kinds))
            .values({each.field.id: each.after for each in found} | {"updated_at": now, "updated_by_import": import_id})
        )
        if journal and returns_old:
            updates = update_with_journal(tables, updates, found, import_id=import_id)
        elif journal:
            journals = journal_statement(tables, staging, found, import_id=import_id, now=now)
    return MergeStatements(
        comparison=comparison,
        any_contact=select(literal(1)).select_from(contacts).limit(1),
        update=updates,
        journal=journals,
        insert_all=insert_into() if policy.inserts else None,
        insert_absent=insert_into(same_record, changes.c.contact_id.is_(None)) if policy.inserts else None,
    )


def count_kinds(changes: FromClause) -> Select[tuple[str | None, int]]:
    """How many rows have exactly these letters; null stands for the rows without a contact."""
    return select(changes.c.kinds, func.count().label("number")).group_by(changes.c.kinds)


def _insert(
    contacts: Table,
    staging: StagingTables,
    fields: Sequence[str],
    import_id: int,
    now: datetime,
    *conditions: ColumnElement[bool],
) -> Insert:
    staged, moment = staging.staged, literal(now, UtcDateTime)
    values = {
        "email": staged.c.email,
        **{field: staged.c[field] for field in fields},
        "created_at": moment,
        "updated_at": moment,
        "created_by_import": literal(import_id),
    }
    rows = select(*values.values()).where(*conditions).order_by(staging.insert_order)
    return insert(contacts).from_select(list(values), rows, include_defaults=False)
