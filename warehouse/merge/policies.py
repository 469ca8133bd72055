"""What a merge policy makes of a stored contact, as SQL expressions; docs/rules.md has the rules."""

from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, or_
from sqlalchemy.types import Text

from schemas.choices import Blanks, MergePolicy


def merged_value(
    column: ColumnElement[Any], cell: ColumnElement[Any], policy: MergePolicy, blanks: Blanks
) -> ColumnElement[Any]:
    """The new value of a field of an existing contact."""
    if policy is MergePolicy.FILL_EMPTY:
        return func.coalesce(_stored_value(column), cell)
    return cell if blanks is Blanks.CLEAR else func.coalesce(cell, _stored_value(column))


def is_changed(contacts: Table, staged: Table, merged: dict[str, ColumnElement[Any]]) -> ColumnElement[bool]:
    """Whether at least one field of a contact changes.

    The first condition follows from the second. It is there because comparing cells with stored values takes half
    the time of computing merged values, and most rows are equal.
    """
    cells_differ = (staged.c[field].is_distinct_from(contacts.c[field]) for field in merged)
    values_change = (value.is_distinct_from(_stored_value(contacts.c[field])) for field, value in merged.items())
    return and_(or_(*cells_differ), or_(*values_change))


def _stored_value(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The stored value; an empty text counts as empty."""
    return func.nullif(column, "") if isinstance(column.type, Text) else column
