"""Random imports, edits, deletes and undos in random order, compared with a model in plain Python."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from schemas.errors.changes import AlreadyUndone
from tests.warehouse.conftest import NOON, Importer
from tests.warehouse.undo.conftest import CATALOGUE, CONSENT, counts
from warehouse.contacts.segments import create_segment
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.import_list.entries import get_import
from warehouse.removal.delete import delete_contacts
from warehouse.tables import WarehouseTables
from warehouse.undo.undo import undo_import

FIELDS = ("city", "points", "status")
SEGMENT = "vip"
Contact = dict[str, Any]


@dataclass
class Entry:
    """What the model knows of one import, undo or delete."""

    undoes: int | None = None
    updated: dict[int, dict[str, tuple[Any, Any]]] = field(default_factory=dict)
    stamps: dict[int, tuple[Any, Any]] = field(default_factory=dict)  # before and after
    inserted: dict[int, tuple[Any, Any]] = field(default_factory=dict)  # with their stamps
    deleted: dict[int, Contact] = field(default_factory=dict)
    added: set[int] = field(default_factory=set)
    removed: dict[int, int] = field(default_factory=dict)


def stamp(contact: Contact) -> tuple[Any, Any]:
    return contact["updated_at"], contact["updated_by_import"]


class Model:
    """The contacts and members, and what each import did, by the rules as loops over dictionaries."""

    def __init__(self) -> None:
        self.contacts: dict[int, Contact] = {}
        self.members: dict[int, int] = {}
        self.entries: dict[int, Entry] = {}

    def by_email(self, email: str) -> int | None:
        return next((number for number, each in self.contacts.items() if each["email"] == email), None)

    def load(self, number: int, rows: list[Contact], policy: str, numbers: dict[str, int], *, members: bool) -> None:
        """An import; `numbers` are the contact numbers that the warehouse gave."""
        entry = self.entries[number] = Entry()
        for row in rows:
            known = self.by_email(row["email"])
            if known is None and policy != "update-only":
                contact = {**row, "updated_at": NOON, "updated_by_import": None, "created_by_import": number}
                self.contacts[numbers[row["email"]]] = contact
                entry.inserted[numbers[row["email"]]] = stamp(contact)
            elif known is not None and policy != "insert-only":
                self._update(number, entry, known, row, policy)
            known = self.by_email(row["email"])
            if members and known is not None and known not in self.members:
                self.members[known] = number
                entry.added.add(known)

    def _update(self, number: int, entry: Entry, known: int, row: Contact, policy: str) -> None:
        contact, cells = self.contacts[known], {}
        for name in FIELDS:
            old, new = contact[name], row[name]
            weaker = name == "status" and old and new and CONSENT.index(new) < CONSENT.index(old)
            if new is not None and new != old and not weaker and not (policy == "fill-empty" and old is not None):
                cells[name] = (old, new)
        if cells:
            entry.updated[known], entry.stamps[known] = cells, (stamp(contact), (NOON, number))
            contact |= {name: new for name, (_, new) in cells.items()}
            contact |= {"updated_at": NOON, "updated_by_import": number}

    def delete(self, number: int, emails: list[str]) -> dict[str, int]:
        entry = self.entries[number] = Entry()
        for known in filter(None, map(self.by_email, emails)):
            entry.deleted[known] = self.contacts.pop(known)
            if known in self.members:
                entry.removed[known] = self.members.pop(known)
        return {"found": len(entry.deleted), "deleted": len(entry.deleted), "members": len(entry.removed)}

    def is_undone(self, number: int) -> bool:
        return any(entry.undoes == number and not self.is_undone(by) for by, entry in self.entries.items())

    def undo(self, number: int, undo_number: int) -> dict[str, dict[str, int]]:
        target, entry = self.entries[number], Entry(undoes=number)
        found = {name: Counter[str]() for name in ("contacts", "cells", "members", "kept")}
        deletable = {each for each in target.inserted if self._is_deletable(each, target)}
        again = {
            each: contact
            for each, contact in target.deleted.items()
            if each not in self.contacts and self.by_email(contact["email"]) is None
        }
        for each, cells in target.updated.items():
            self._restore(number, undo_number, entry, each, cells, found)
        for each in target.added & self.members.keys():
            entry.removed[each] = self.members.pop(each)
        for each in target.inserted:
            outcome = "deleted" if each in deletable else "kept" if each in self.contacts else "gone"
            found["contacts"][outcome] += 1
        for each in deletable:
            entry.deleted[each] = self.contacts.pop(each)
        for each in target.deleted:
            if each in again:
                self.contacts[each] = dict(again[each])
                entry.inserted[each] = stamp(again[each])
                found["contacts"]["reinserted"] += 1
            else:
                found["contacts"]["kept"] += 1
                found["cells"]["kept"] += 1
                found["kept"]["email-taken"] += 1
        for each, by in target.removed.items():
            if each in self.contacts and each not in self.members:
                self.members[each] = by
                entry.added.add(each)
        found["members"] = Counter(removed=len(entry.removed), added=len(entry.added))
        self.entries[undo_number] = entry
        return {name: plain for name, each in found.items() if (plain := {key: n for key, n in each.items() if n})}

    def _later_imports(self, number: int) -> Iterator[Entry]:
        """All after this one except its undos and redos."""
        repeats = {number}
        for later, entry in self.entries.items():
            if entry.undoes in repeats:
                repeats.add(later)
            elif later > number:
                yield entry

    def _is_deletable(self, each: int, target: Entry) -> bool:
        contact = self.contacts.get(each)
        unchanged = contact is not None and stamp(contact) == target.inserted[each]
        return unchanged and each not in self.members.keys() - target.added

    def _restore(
        self,
        number: int,
        undo_number: int,
        entry: Entry,
        each: int,
        cells: dict[str, tuple[Any, Any]],
        found: dict[str, Counter[str]],
    ) -> None:
        contact = self.contacts.get(each)
        if contact is None:
            found["contacts"]["gone"] += 1
            found["cells"]["gone"] += len(cells)
            return
        restored = {}
        for name, (old, new) in cells.items():
            if contact[name] != new:
                later = any(name in it.updated.get(each, {}) for it in self._later_imports(number))
                found["kept"]["later-import" if later else "edited"] += 1
            elif name == "status" and new == CONSENT[-1]:
                found["kept"]["consent"] += 1
            else:
                restored[name] = old
        found["cells"]["restored"] += len(restored)
        found["cells"]["kept"] += len(cells) - len(restored)
        found["contacts"]["restored" if restored else "kept"] += 1
        if restored:
            before, after = self.entries[number].stamps[each]
            whole = len(restored) == len(cells) and stamp(contact) == after
            moment = before if whole else (f"undo {undo_number}", undo_number)
            entry.updated[each] = {name: (contact[name], old) for name, old in restored.items()}
            entry.stamps[each] = (stamp(contact), moment)
            contact |= restored
            contact["updated_at"], contact["updated_by_import"] = moment


EMAILS = st.sampled_from([f"{letter}@example.org" for letter in "abc"])
ROWS = st.fixed_dictionaries(
    {
        "email": EMAILS,
        "city": st.sampled_from([None, "x", "y"]),
        "points": st.sampled_from([None, 1, 2]),
        "status": st.sampled_from([None, *CONSENT]),
    }
)
IMPORTS = st.tuples(
    st.just("import"),
    st.lists(ROWS, unique_by=lambda row: row["email"], max_size=3),
    st.sampled_from(["overwrite", "fill-empty", "insert-only", "update-only"]),
    st.booleans(),
)
EDITS = st.tuples(st.just("edit"), EMAILS, st.sampled_from(["x", "y", None]), st.booleans())
DELETES = st.tuples(st.just("delete"), st.lists(EMAILS, min_size=1, max_size=2))
LOSSES = st.tuples(st.just("lose"), EMAILS)
UNDOS = st.tuples(st.just("undo"), st.integers(0, 20))
STEPS = st.lists(st.one_of(IMPORTS, IMPORTS, EDITS, LOSSES, DELETES, UNDOS, UNDOS), min_size=3, max_size=12)


@pytest.fixture
def people(warehouse: Warehouse, tmp_path: Path) -> Importer:
    migrate(warehouse, CATALOGUE)
    create_segment(warehouse, SEGMENT)
    return Importer(warehouse, CATALOGUE, tmp_path)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_imports_edits_deletes_and_undos_in_any_order_follow_the_rules(people: Importer, steps: list[Any]) -> None:
    tables = WarehouseTables(people.warehouse.schema, CATALOGUE.fields)
    with people.warehouse.write_transaction() as connection:
        for table in (tables.contacts, tables.segment_members, tables.journal, tables.journal_members):
            connection.execute(delete(table))
    model = Model()
    for day, step in enumerate(steps, 1):
        match step:
            case ("import", rows, policy, members):
                more = {"segment": SEGMENT} if members else {}
                number = people(rows, policy, fields=FIELDS, report=_report(people), **more).report["number"]
                numbers = {contact["email"]: contact["contact_id"] for contact in people.contacts()}
                model.load(number, rows, policy, numbers, members=members)
            case ("edit", email, city, sets_updated_at):
                _edit(people, model, email, city, NOON + timedelta(days=day) if sets_updated_at else None)
            case ("lose", email):
                _lose(people, model, email)
            case ("delete", emails):
                batch = pa.RecordBatch.from_pydict({"email": emails})
                done = delete_contacts(people.warehouse, source="list", emails=[batch])
                number = done.pop("import_id")
                assert done == {"status": "completed", **model.delete(number, emails)}
            case ("undo", place) if model.entries:
                _undo(people, model, sorted(model.entries)[place % len(model.entries)])
        assert _stored(people) == _expected(model)
        for number in model.entries:
            assert (get_import(people.warehouse, number)["undone_by"] is not None) == model.is_undone(number)


def _report(people: Importer) -> Any:
    """The number of the import that is being loaded, which is the last one in the list."""
    imports = WarehouseTables(people.warehouse.schema).imports

    def report(_: Any) -> dict[str, Any]:
        with people.warehouse.read_transaction() as connection:
            return {"number": max(connection.scalars(select(imports.c.import_id)))}

    return report


def _edit(people: Importer, model: Model, email: str, city: str | None, moment: Any) -> None:
    contacts = WarehouseTables(people.warehouse.schema, CATALOGUE.fields).contacts
    values = {"city": city} | ({"updated_at": moment} if moment else {})
    with people.warehouse.write_transaction() as connection:
        connection.execute(update(contacts).where(contacts.c.email == email).values(values))
    if (number := model.by_email(email)) is not None:
        model.contacts[number] |= values


def _lose(people: Importer, model: Model, email: str) -> None:
    """Another program deletes a contact."""
    contacts = WarehouseTables(people.warehouse.schema).contacts
    with people.warehouse.write_transaction() as connection:
        connection.execute(delete(contacts).where(contacts.c.email == email))
    if (number := model.by_email(email)) is not None:
        del model.contacts[number]


def _undo(people: Importer, model: Model, number: int) -> None:
    if model.is_undone(number):
        with pytest.raises(AlreadyUndone):
            undo_import(people.warehouse, number, CATALOGUE)
        return
    planned = undo_import(people.warehouse, number, CATALOGUE, dry_run=True)
    listed = Counter[str]()
    done = undo_import(
        people.warehouse, number, CATALOGUE, use_changes=lambda changes: listed.update(each.kind for each in changes)
    )
    assert counts(planned) == counts(done) == model.undo(number, done["import_id"])
    assert sum(listed[kind] for kind in ("filled", "replaced", "cleared")) == done["cells"]["restored"]
    assert listed["deleted"] == done["contacts"]["deleted"]
    assert listed["kept-later-import"] == done["kept"]["later-import"]


def _stored(people: Importer) -> tuple[dict[int, Contact], dict[int, int]]:
    members = WarehouseTables(people.warehouse.schema).segment_members
    with people.warehouse.read_transaction() as connection:
        found = {row.contact_id: row.import_id for row in connection.execute(select(members))}
    names = ("email", *FIELDS, "created_by_import", "updated_by_import")
    return {each["contact_id"]: {name: each[name] for name in names} for each in people.contacts()}, found


def _expected(model: Model) -> tuple[dict[int, Contact], dict[int, int]]:
    contacts = {
        number: {name: value for name, value in contact.items() if name != "updated_at"}
        for number, contact in model.contacts.items()
    }
    return contacts, model.members
