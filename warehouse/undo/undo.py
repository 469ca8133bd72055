"""Takes an import back: restores the cells that still have its values, and deletes the contacts that it inserted.

An undo is an import in the list, with a journal of its own. So it can be undone, which is a redo. docs/rules.md has the
rules. Everything happens in one transaction and in the database.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Row, select, update
from sqlalchemy.schema import CreateTable, DropTable

from schemas.catalogue import FieldCatalogue
from schemas.errors.changes import AlreadyUndone, JournalGone, NothingChanged
from schemas.errors.request import UnknownImport
from warehouse.contacts.suppressions import read_suppressions
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.database.stored_fields import stored_fields
from warehouse.errors import retry_transient
from warehouse.import_list.entries import COMPLETED, PLANNED, UNDO_POLICY, enter_change
from warehouse.merge.change_list import FETCHED_ROWS, Change, cell_text, kind_of
from warehouse.tables import WarehouseTables
from warehouse.undo.statements import (
    DELETED_NOW,
    EDITED,
    EMAIL_TAKEN,
    GONE,
    GONE_CELL,
    KEPT,
    KEPT_CONSENT,
    LATER,
    NOT_LATER,
    REINSERTED,
    RESTORED_LETTERS,
    SUPPRESSED,
    UNCHANGED_CELL,
    UndoStatements,
)

UseChanges = Callable[[Iterator[Change]], None]
# What the list of changes calls the outcome of a contact.
CONTACT_KINDS = {
    DELETED_NOW: "deleted",
    REINSERTED: "inserted",
    KEPT: "kept",
    EMAIL_TAKEN: "kept-email-taken",
    SUPPRESSED: "kept-suppressed",
    GONE: "gone",
}
CAUSES = ("later-import", "edited", "consent", "email-taken", "suppressed")


@dataclass
class UndoCounts:
    """What an undo does. `kept` are the causes for which cells keep their values."""

    contacts: Counter[str] = field(default_factory=Counter)
    cells: Counter[str] = field(default_factory=Counter)
    members: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)

    def as_report(self) -> dict[str, Any]:
        return {
            "contacts": _numbers(self.contacts, ("deleted", "restored", "reinserted", "kept", "gone")),
            "cells": _numbers(self.cells, ("restored", "kept", "gone")),
            "members": _numbers(self.members, ("removed", "added")),
            "kept": _numbers(self.kept, CAUSES),
        }


def _numbers(counts: Counter[str], keys: Sequence[str]) -> dict[str, int]:
    return {key: counts[key] for key in keys}


def undo_import(
    warehouse: Warehouse,
    import_id: int,
    catalogue: FieldCatalogue,
    *,
    dry_run: bool = False,
    journal: bool = True,
    flow_run_id: str | None = None,
    use_changes: UseChanges | None = None,
) -> dict[str, Any]:
    """Undo a completed import, or an undo; returns the report.

    UnknownImport, NothingChanged, AlreadyUndone or JournalGone where that cannot be. A dry run writes nothing and locks
    nothing. The consent lists of the catalogue say which values are never taken back. For a field that it does not
    have, the last import with that field does. `use_changes` gets every change, and every cell that is kept, before it
    is written; where the warehouse was lost, once more.
    """
    migrate(warehouse)
    attempts: set[int] = set()

    @retry_transient
    def undo() -> dict[str, Any]:
        now = datetime.now(UTC)
        transaction = warehouse.rolled_back_transaction() if dry_run else warehouse.write_transaction()
        with transaction as connection:
            fields = stored_fields(connection, warehouse.schema, catalogue.fields)
            tables = WarehouseTables(warehouse.schema, fields)
            if not dry_run:
                warehouse.backend.lock_tables(connection, tables.contacts, tables.segment_members)
            try:
                undone = check_undoable(connection, tables, import_id, lock=not dry_run)
            except AlreadyUndone as error:
                if error.undo_id in attempts:  # the answer to its commit was lost
                    return _stored_report(connection, tables, error.undo_id)
                raise
            undo_id = 0
            if not dry_run:
                source = f"undo of import {import_id}"
                undo_id = enter_change(
                    connection, tables, source, UNDO_POLICY, now, undoes=import_id, flow_run_id=flow_run_id
                )
                attempts.add(undo_id)
            statements = UndoStatements(tables, warehouse.backend.work_table, undone, undo_id=undo_id, now=now)
            warehouse.backend.tune_for_merge(connection)
            with _work_tables(warehouse, connection, statements):
                counts = count_undo(connection, statements, undone)
                if use_changes:
                    use_changes(_list_changes(connection, statements))
                if not dry_run:
                    for statement in statements.writes(journal=journal):
                        connection.execute(statement)
            report = {
                "import_id": undo_id or None,
                "undoes": import_id,
                "status": PLANNED if dry_run else COMPLETED,
                **counts.as_report(),
            }
            if not dry_run:
                _complete(connection, tables, undo_id, undone, report, journal)
            return report

    return undo()


def _stored_report(connection: Connection, tables: WarehouseTables, undo_id: int) -> dict[str, Any]:
    stored = select(tables.imports.c.report).where(tables.imports.c.import_id == undo_id)
    report: dict[str, Any] = json.loads(connection.scalars(stored).one())
    return report


def check_undoable(connection: Connection, tables: WarehouseTables, import_id: int, *, lock: bool) -> Row[Any]:
    """The row of an import that can be undone; otherwise the error says why not.

    `lock` keeps the row as it is until the end of the transaction: its journal is not pruned meanwhile.
    """
    imports = tables.imports
    stored = select(imports).where(imports.c.import_id == import_id)
    row = connection.execute(stored.with_for_update() if lock else stored).one_or_none()
    if row is None:
        raise UnknownImport(import_id)
    if row.status != COMPLETED:
        raise NothingChanged(import_id, row.status, row.repeats)
    if row.undone_by is not None:
        raise AlreadyUndone(import_id, row.undone_by)
    if row.journalled is None:
        raise JournalGone(import_id)
    return row


@contextmanager
def _work_tables(warehouse: Warehouse, connection: Connection, statements: UndoStatements) -> Iterator[None]:
    backend = warehouse.backend
    _list_suppressed(warehouse, connection, statements)
    backend.create_table_as(connection, statements.work, statements.find_work)
    backend.create_table_as(connection, statements.later, statements.find_later)
    yield
    # After an exception, the rollback removes them.
    for table in (statements.work, statements.later, statements.suppressed):
        connection.execute(DropTable(table))


def _list_suppressed(warehouse: Warehouse, connection: Connection, statements: UndoStatements) -> None:
    """Find the contacts whose address is suppressed; the database itself cannot compute the hashes."""
    connection.execute(CreateTable(statements.suppressed))
    suppressed = read_suppressions(connection, statements.tables)
    if suppressed is None:
        return
    deleted = connection.execute(statements.list_deleted, execution_options={"yield_per": FETCHED_ROWS})
    for rows in deleted.partitions():
        found = suppressed.contain(row.email.lower() for row in rows)  # another program may write capitals
        numbers = [row.contact_id for row, gone in zip(rows, found, strict=True) if gone]
        batch = pa.RecordBatch.from_pydict({"contact_id": pa.array(numbers, pa.int64())})
        warehouse.backend.append_batch(connection, statements.suppressed, batch)


def count_undo(connection: Connection, statements: UndoStatements, undone: Row[Any]) -> UndoCounts:
    """What the undo does, from how often each combination of letters occurs."""
    counts = UndoCounts()
    rows = connection.execute(statements.count_work, execution_options={"yield_per": FETCHED_ROWS})
    seen = 0
    for outcome, cells, later, number in rows:
        if cells is None:
            seen += number
            _count_contact(counts, outcome, number)
        else:
            _count_cells(counts, cells, later or "", number)
    if not statements.only_journalled:  # contacts that the import inserted and that are no longer there have no row
        counts.contacts["gone"] += (undone.inserted or 0) - seen
    counts.members["removed"] = connection.scalar(statements.members.count_removals) or 0
    counts.members["added"] = connection.scalar(statements.members.count_additions) or 0
    return counts


def _list_changes(connection: Connection, statements: UndoStatements) -> Iterator[Change]:
    """What the undo does by email, then in the catalogue's order; a kept cell has the value that it would have got."""
    for row in connection.execute(statements.list_work, execution_options={"yield_per": FETCHED_ROWS}):
        email, contact_id, outcome, cells, later, *values = row
        if cells is None:
            yield Change(email, contact_id, None, CONTACT_KINDS[outcome], None, None)
            continue
        marks = later or NOT_LATER * len(cells)
        names = [each.id for each in statements.fields]
        columns = zip(names, cells, marks, values[::2], values[1::2], strict=True)
        for name, letter, mark, old, now in columns:
            if letter != UNCHANGED_CELL:
                kind = kind_of(now, old) if letter in RESTORED_LETTERS else _kept_kind(letter, mark)
                yield Change(email, contact_id, name, kind, cell_text(now), cell_text(old))


def _kept_kind(letter: str, mark: str) -> str:
    if letter == EDITED:
        return "kept-later-import" if mark == LATER else "kept-edited"
    return "kept-consent" if letter == KEPT_CONSENT else "gone"


def _count_contact(counts: UndoCounts, outcome: str, number: int) -> None:
    """A contact that the undo deletes or inserts again, or would."""
    stays = outcome in (EMAIL_TAKEN, SUPPRESSED)
    counts.contacts[KEPT if stays else outcome] += number
    if stays:
        counts.cells["kept"] += number
        counts.kept[outcome] += number


def _count_cells(counts: UndoCounts, cells: str, later: str, number: int) -> None:
    """The changed cells of one contact; `later` has a letter for those that a later import changed."""
    letters = Counter(cells)
    restored = sum(letters[letter] for letter in RESTORED_LETTERS)
    by_later = sum(1 for cell, mark in zip(cells, later, strict=False) if cell == EDITED and mark == LATER)
    causes = {
        "later-import": by_later,
        "edited": letters[EDITED] - by_later,
        "consent": letters[KEPT_CONSENT],
    }
    for cause, cell_count in causes.items():
        counts.kept[cause] += cell_count * number
    counts.cells["restored"] += restored * number
    counts.cells["kept"] += sum(causes.values()) * number
    counts.cells["gone"] += letters[GONE_CELL] * number
    outcome = "gone" if letters[GONE_CELL] else "restored" if restored else "kept"
    counts.contacts[outcome] += number


def _complete(
    connection: Connection,
    tables: WarehouseTables,
    undo_id: int,
    undone: Row[Any],
    report: dict[str, Any],
    journal: bool,
) -> None:
    """Complete the undo's row, and mark which imports are undone now."""
    imports, contacts = tables.imports, report["contacts"]
    journalled = contacts["restored"] + contacts["deleted"] + contacts["reinserted"]
    values = {
        "inserted": contacts["reinserted"],
        "updated": contacts["restored"],
        "journalled": journalled if journal else None,
        "report": json.dumps(report),
        "finished_at": datetime.now(UTC),
    }
    connection.execute(update(imports).where(imports.c.import_id == undo_id).values(values))
    for number, undone_by in _marks(connection, tables, undo_id, undone):
        connection.execute(update(imports).where(imports.c.import_id == number).values(undone_by=undone_by))


def _marks(
    connection: Connection, tables: WarehouseTables, undo_id: int, undone: Row[Any]
) -> Iterator[tuple[int, int | None]]:
    """Along the chain of undos, every other one is undone: an undo of an undo brings the first import back."""
    imports = tables.imports
    row: Row[Any] | None = undone
    by, is_undone = undo_id, True
    while row is not None:
        yield row.import_id, by if is_undone else None
        by, is_undone = row.import_id, not is_undone
        row = connection.execute(select(imports).where(imports.c.import_id == row.undoes)).one_or_none()
