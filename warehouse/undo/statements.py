"""The SQL statements of an undo, built here and run in `undo`.

They use a table `work` with one row for each contact that the import changed, inserted or deleted, and what the undo
does with it: an outcome, or a letter for each field. A table `later` has the fields that later imports changed too.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Delete,
    Insert,
    Row,
    Select,
    Subquery,
    Table,
    Text,
    Update,
    and_,
    case,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
    update,
)

from schemas.fields import Field
from warehouse.import_list.entries import DELETE_POLICY
from warehouse.merge.journal import DELETED, INSERTED, UPDATED, journal_deleted
from warehouse.merge.policies import ChangeKind, is_strongest, stored_value
from warehouse.tables import KeyInteger, UtcDateTime, WarehouseTables, after, before, emails_of_deleted
from warehouse.undo.members import MemberStatements

# Outcomes of a contact that the import inserted or, if it was an undo, deleted.
DELETED_NOW, REINSERTED, KEPT, EMAIL_TAKEN, GONE = "deleted", "reinserted", "kept", "email-taken", "gone"
SUPPRESSED = "suppressed"
# Letters of a cell: what restoring it is, or why it is not restored.
RESTORED_LETTERS = (ChangeKind.FILLED, ChangeKind.REPLACED, ChangeKind.CLEARED)
UNCHANGED_CELL, EDITED, KEPT_CONSENT, GONE_CELL = "-", "e", "s", "g"
LATER, NOT_LATER = "1", "0"
CREATED = "created"  # marks the contacts that the import inserted, which have no journal

WorkTable = Callable[..., Table]


def _joined(letters: Sequence[ColumnElement[str]]) -> ColumnElement[str]:
    empty: ColumnElement[str] = literal("", Text)
    return reduce(lambda left, right: left.concat(right), letters, empty)


def _contact_key() -> Column[int]:
    return Column("contact_id", KeyInteger, primary_key=True, autoincrement=False)


class UndoStatements:
    """The statements that undo the import `target`, from its row in the list; the tables have the fields to restore.

    `only_journalled`: everything that it did is in its journal, also what it inserted or deleted. So it is for an undo
    and for a delete.
    """

    def __init__(
        self, tables: WarehouseTables, work_table: WorkTable, undone: Row[Any], *, undo_id: int, now: datetime
    ) -> None:
        self.tables, self.fields = tables, tables.fields
        self.target, self.undo_id = int(undone.import_id), undo_id
        self.only_journalled = undone.undoes is not None or undone.merge_policy == DELETE_POLICY
        self._finished_at = literal(undone.finished_at, UtcDateTime)
        self._now = literal(now, UtcDateTime)
        self._journal = tables.journal.alias("j")
        self._contacts = tables.contacts.alias("c")
        self.work = work_table(
            "undo_work", _contact_key(), Column("outcome", Text), Column("cells", Text), Column("whole", Boolean)
        )
        self.later = work_table("undo_later", _contact_key(), Column("cells", Text))
        # The contacts that may not be inserted again; it is filled before `find_work`.
        self.suppressed = work_table("undo_suppressed", _contact_key())
        self.members = MemberStatements(
            tables,
            target=self.target,
            only_journalled=self.only_journalled,
            undo_id=undo_id,
            reinserted=self._of_outcome(REINSERTED),
        )

    # What the undo does

    @property
    def find_work(self) -> Select[Any]:
        journal, contacts, others = self._journal, self._contacts, self._other_members()
        entries = self._entries()
        is_there = contacts.c.contact_id.is_not(None)
        may_not_return = entries.c.contact_id.in_(select(self.suppressed.c.contact_id))
        outcome = case(
            (entries.c.action == UPDATED, literal("")),
            (may_not_return, literal(SUPPRESSED)),
            (and_(entries.c.action == DELETED, or_(is_there, self._email_is_taken())), literal(EMAIL_TAKEN)),
            (entries.c.action == DELETED, literal(REINSERTED)),
            (~is_there, literal(GONE)),
            (and_(self._is_as_inserted(), others.c.contact_id.is_(None)), literal(DELETED_NOW)),
            else_=literal(KEPT),
        )
        letters = [self._letter(field, is_there) for field in self.fields]
        cells = _joined(letters)
        whole = and_(
            contacts.c.updated_at.is_not_distinct_from(journal.c[after("updated_at")]),
            contacts.c.updated_by_import.is_not_distinct_from(journal.c[after("updated_by_import")]),
            func.ltrim(cells, UNCHANGED_CELL + "".join(RESTORED_LETTERS)) == "",
        )
        is_update = entries.c.action == UPDATED
        return select(
            entries.c.contact_id,
            outcome.label("outcome"),
            case((is_update, cells)).label("cells"),
            case((and_(is_update, is_there, whole), true()), else_=false()).label("whole"),
        ).select_from(
            entries.outerjoin(
                journal, and_(journal.c.import_id == self.target, journal.c.contact_id == entries.c.contact_id)
            )
            .outerjoin(contacts, contacts.c.contact_id == entries.c.contact_id)
            .outerjoin(others, others.c.contact_id == entries.c.contact_id)
        )

    @property
    def list_deleted(self) -> Select[tuple[int, str]]:
        """The contacts that the undo would insert again, and their emails."""
        journal = self.tables.journal
        return select(journal.c.contact_id, journal.c.email).where(
            journal.c.import_id == self.target, journal.c.action == DELETED
        )

    def _entries(self) -> Any:
        journal, contacts = self.tables.journal, self.tables.contacts
        journalled = select(journal.c.contact_id, journal.c.action).where(journal.c.import_id == self.target)
        if self.only_journalled:
            return journalled.subquery("entries")
        created = select(contacts.c.contact_id, literal(CREATED, Text)).where(
            contacts.c.created_by_import == self.target
        )
        return union_all(journalled, created).subquery("entries")

    def _letter(self, field: Field, is_there: ColumnElement[bool]) -> ColumnElement[str]:
        old, new, now = self._values(field)
        letters: list[tuple[ColumnElement[bool], str]] = [
            (old.is_not_distinct_from(new), UNCHANGED_CELL),
            (~is_there, GONE_CELL),
            (now.is_distinct_from(new), EDITED),
        ]
        if field.consent:
            letters.append((is_strongest(new, field.consent), KEPT_CONSENT))
        letters += [(new.is_(None), ChangeKind.FILLED), (old.is_(None), ChangeKind.CLEARED)]
        cases = [(condition, literal(str(letter))) for condition, letter in letters]
        return case(*cases, else_=literal(str(ChangeKind.REPLACED)))

    def _values(self, field: Field) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
        """What the import found, what it wrote, and what is there now."""
        journal = self._journal.c
        return journal[before(field.id)], journal[after(field.id)], stored_value(self._contacts.c[field.id])

    def _is_as_inserted(self) -> ColumnElement[bool]:
        """Nothing changed the contact since it was inserted."""
        contacts, journal = self._contacts, self._journal.c
        if self.only_journalled:  # it was inserted again as it had been, perhaps with updates of other imports
            return and_(
                contacts.c.updated_at == journal[after("updated_at")],
                contacts.c.updated_by_import.is_not_distinct_from(journal[after("updated_by_import")]),
            )
        return and_(contacts.c.updated_at == contacts.c.created_at, contacts.c.updated_by_import.is_(None))

    def _other_members(self) -> Subquery:
        """Contacts that something else made members of a segment. It is joined: no index finds a contact's segments."""
        members = self.tables.segment_members
        return select(members.c.contact_id).where(~self.members.is_added()).distinct().subquery("others")

    def _email_is_taken(self) -> ColumnElement[bool]:
        other = self.tables.contacts.alias("o")
        return exists(select(other.c.contact_id).where(other.c.email == self._journal.c.email))

    @property
    def find_later(self) -> Select[Any]:
        """The fields that imports changed that were completed later, for contacts with a cell of another value now.

        The undos and redos of this import do not count: they wrote what it found, or what it wrote.
        """
        later, work = self.tables.journal.alias("l"), self.work
        imports = self.tables.imports
        is_later = tuple_(imports.c.finished_at, imports.c.import_id) > tuple_(self._finished_at, literal(self.target))
        repeats = select(imports.c.import_id).where(imports.c.undoes == self.target).cte("repeats", recursive=True)
        repeats = repeats.union_all(select(imports.c.import_id).where(imports.c.undoes == repeats.c.import_id))
        marks = [
            case(
                (
                    func.max(case((later.c[before(field.id)].is_distinct_from(later.c[after(field.id)]), 1), else_=0))
                    == 1,
                    literal(LATER),
                ),
                else_=literal(NOT_LATER),
            )
            for field in self.fields
        ]
        cells = _joined(marks)
        return (
            select(work.c.contact_id, cells.label("cells"))
            .select_from(later.join(work, work.c.contact_id == later.c.contact_id))
            .where(
                later.c.import_id.in_(select(imports.c.import_id).where(is_later)),
                later.c.import_id.not_in(select(repeats.c.import_id)),
                later.c.action == UPDATED,
                work.c.cells.contains(EDITED),
            )
            .group_by(work.c.contact_id)
        )

    @property
    def count_work(self) -> Select[Any]:
        """How many contacts have an outcome, or exactly these letters."""
        work, later = self.work, self.later
        columns = (work.c.outcome, work.c.cells, later.c.cells.label("later"))
        joined = work.outerjoin(later, later.c.contact_id == work.c.contact_id)
        return select(*columns, func.count()).select_from(joined).group_by(*columns)

    @property
    def list_work(self) -> Select[Any]:
        """The rows of `work` by email, with the value that was there before the import and the one that is now."""
        work, later, journal, contacts = self.work, self.later, self._journal, self._contacts
        deleted = emails_of_deleted(self.tables.journal)
        email = func.coalesce(contacts.c.email, deleted.c.email)
        values = [
            value
            for field in self.fields
            for value in (journal.c[before(field.id)], stored_value(contacts.c[field.id]))
        ]
        return (
            select(email, work.c.contact_id, work.c.outcome, work.c.cells, later.c.cells, *values)
            .select_from(
                work.outerjoin(
                    journal, and_(journal.c.import_id == self.target, journal.c.contact_id == work.c.contact_id)
                )
                .outerjoin(contacts, contacts.c.contact_id == work.c.contact_id)
                .outerjoin(deleted, deleted.c.contact_id == work.c.contact_id)
                .outerjoin(later, later.c.contact_id == work.c.contact_id)
            )
            .order_by(email, work.c.contact_id)
        )

    # Writing

    def writes(self, *, journal: bool) -> Iterator[Insert | Update | Delete]:
        """The statements in order. Each journal is written before what it describes."""
        if journal:
            yield self._journal_restored()
        yield self._restore()
        yield from self.members.removals(journal=journal)
        if journal:
            yield journal_deleted(self.tables, self.fields, self._of_outcome(DELETED_NOW), import_id=self.undo_id)
        yield self._delete()
        yield self._reinsert()
        if journal:
            yield self._journal_reinserted()
        yield from self.members.additions(journal=journal)

    def _is_restored(self, position: int) -> ColumnElement[bool]:
        return func.substr(self.work.c.cells, position + 1, 1).in_([str(letter) for letter in RESTORED_LETTERS])

    @property
    def _restores(self) -> ColumnElement[bool]:
        """Whether something is left without the cells that are not restored."""
        return func.ltrim(self.work.c.cells, UNCHANGED_CELL + EDITED + KEPT_CONSENT + GONE_CELL) != ""

    def _updated_now(self) -> dict[str, ColumnElement[Any]]:
        """When and by what a restored contact was updated: as before the import, if nothing else changed it since."""
        journal, work = self._journal.c, self.work.c
        return {
            "updated_at": case((work.whole, journal[before("updated_at")]), else_=self._now),
            "updated_by_import": case(
                (work.whole, journal[before("updated_by_import")]), else_=literal(self.undo_id, KeyInteger)
            ),
        }

    def _journal_restored(self) -> Insert:
        journal, contacts, work = self._journal, self._contacts, self.work
        values: dict[str, Any] = {
            "import_id": literal(self.undo_id),
            "contact_id": contacts.c.contact_id,
            "action": literal(UPDATED),
        }
        for name, value in self._updated_now().items():
            values |= {before(name): contacts.c[name], after(name): value}
        for position, field in enumerate(self.fields):
            restored = self._is_restored(position)
            values[before(field.id)] = case((restored, journal.c[after(field.id)]))
            values[after(field.id)] = case((restored, journal.c[before(field.id)]))
        rows = (
            select(*values.values())
            .select_from(work)
            .join(journal, and_(journal.c.import_id == self.target, journal.c.contact_id == work.c.contact_id))
            .join(contacts, contacts.c.contact_id == work.c.contact_id)
            .where(self._restores)
        )
        return insert(self.tables.journal).from_select(list(values), rows, include_defaults=False)

    def _restore(self) -> Update:
        journal, contacts, work = self._journal, self.tables.contacts, self.work
        values = {
            field.id: case((self._is_restored(position), journal.c[before(field.id)]), else_=contacts.c[field.id])
            for position, field in enumerate(self.fields)
        }
        return (
            update(contacts)
            .where(
                work.c.contact_id == contacts.c.contact_id,
                journal.c.import_id == self.target,
                journal.c.contact_id == work.c.contact_id,
                self._restores,
            )
            .values(values | self._updated_now())
        )

    def _of_outcome(self, outcome: str) -> Select[Any]:
        return select(self.work.c.contact_id).where(self.work.c.outcome == outcome)

    def _delete(self) -> Delete:
        contacts = self.tables.contacts
        return delete(contacts).where(contacts.c.contact_id.in_(self._of_outcome(DELETED_NOW)))

    def _reinsert(self) -> Insert:
        journal = self._journal.c
        names = ("contact_id", "email", "created_at", "created_by_import")
        values = {name: journal[name] for name in names}
        values |= {name: journal[before(name)] for name in ("updated_at", "updated_by_import")}
        values |= {field.id: journal[before(field.id)] for field in self.fields}
        rows = select(*values.values()).where(
            journal.import_id == self.target, journal.contact_id.in_(self._of_outcome(REINSERTED))
        )
        return insert(self.tables.contacts).from_select(list(values), rows, include_defaults=False)

    def _journal_reinserted(self) -> Insert:
        journal = self._journal.c
        names = ("contact_id", "email", "created_at", "created_by_import")
        values: dict[str, Any] = {"import_id": literal(self.undo_id), "action": literal(INSERTED)}
        values |= {name: journal[name] for name in names}
        for name in ("updated_at", "updated_by_import", *(field.id for field in self.fields)):
            values[after(name)] = journal[before(name)]
        rows = select(*values.values()).where(
            journal.import_id == self.target, journal.contact_id.in_(self._of_outcome(REINSERTED))
        )
        return insert(self.tables.journal).from_select(list(values), rows, include_defaults=False)
