"""The SQL statements of an undo for memberships of segments: those that an import added, or an undo removed."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Delete, Insert, Select, delete, exists, func, insert, literal, or_, select

from warehouse.tables import WarehouseTables

ADDED, REMOVED = "added", "removed"  # the actions on a membership


def journal_members(tables: WarehouseTables, action: str, rows: Select[Any], *, import_id: int) -> Insert:
    """Stores memberships that are about to be removed or added: `segment_id`, `contact_id`, `member_import`."""
    found = rows.subquery()
    columns = ["import_id", "segment_id", "contact_id", "action", "member_import"]
    values = (literal(import_id), found.c.segment_id, found.c.contact_id, literal(action), found.c.member_import)
    return insert(tables.journal_members).from_select(columns, select(*values), include_defaults=False)


class MemberStatements:
    """The statements for the import `target`; `only_journalled` where it is an undo or a delete.

    `reinserted` selects the contacts that the undo is about to insert again.
    """

    def __init__(
        self, tables: WarehouseTables, *, target: int, only_journalled: bool, undo_id: int, reinserted: Select[Any]
    ) -> None:
        self._tables, self._target, self._only_journalled, self._undo_id = tables, target, only_journalled, undo_id
        self._reinserted = reinserted

    def removals(self, *, journal: bool) -> Iterator[Insert | Delete]:
        """Remove the memberships that the import added, after they are in the journal."""
        if journal:
            yield journal_members(self._tables, REMOVED, self._to_remove(), import_id=self._undo_id)
        yield delete(self._tables.segment_members).where(self.is_added())

    def additions(self, *, journal: bool) -> Iterator[Insert]:
        """Add the memberships that the undone undo removed, after they are in the journal."""
        if journal:
            yield journal_members(self._tables, ADDED, self._to_add(), import_id=self._undo_id)
        to_add = self._to_add().subquery()
        rows = select(to_add.c.segment_id, to_add.c.contact_id, to_add.c.member_import)
        columns = ["segment_id", "contact_id", "import_id"]
        yield insert(self._tables.segment_members).from_select(columns, rows, include_defaults=False)

    def is_added(self) -> ColumnElement[bool]:
        """Whether the import made a contact a member."""
        members, journal = self._tables.segment_members, self._tables.journal_members.alias("jm")
        if not self._only_journalled:
            return members.c.import_id == self._target
        return exists(
            select(journal.c.contact_id).where(
                journal.c.import_id == self._target,
                journal.c.segment_id == members.c.segment_id,
                journal.c.contact_id == members.c.contact_id,
                journal.c.action == ADDED,
            )
        )

    def _to_remove(self) -> Select[Any]:
        members = self._tables.segment_members
        return select(members.c.segment_id, members.c.contact_id, members.c.import_id.label("member_import")).where(
            self.is_added()
        )

    def _to_add(self) -> Select[Any]:
        """The memberships that the undone undo removed, where contact and segment are there; none twice.

        Before the contacts are inserted again, those of `work` count as there.
        """
        journal, members = self._tables.journal_members.alias("jm"), self._tables.segment_members
        contacts, segments = self._tables.contacts, self._tables.segments
        there = select(contacts.c.contact_id).where(contacts.c.contact_id == journal.c.contact_id)
        member = select(members.c.contact_id).where(
            members.c.segment_id == journal.c.segment_id, members.c.contact_id == journal.c.contact_id
        )
        return select(journal.c.segment_id, journal.c.contact_id, journal.c.member_import).where(
            journal.c.import_id == self._target,
            journal.c.action == REMOVED,
            or_(exists(there), journal.c.contact_id.in_(self._reinserted)),
            exists(select(segments.c.segment_id).where(segments.c.segment_id == journal.c.segment_id)),
            ~exists(member),
        )

    @property
    def count_removals(self) -> Select[tuple[int]]:
        return select(func.count()).select_from(self._to_remove().subquery())

    @property
    def count_additions(self) -> Select[tuple[int]]:
        return select(func.count()).select_from(self._to_add().subquery())
