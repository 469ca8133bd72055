"""Mended files: the import that one is a retry of, and what is still missing from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, select

from schemas.errors.request import ImportNotCompleted
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import COMPLETED, get_import, outstanding_column
from warehouse.tables import WarehouseTables


@dataclass(frozen=True)
class RetriedImport:
    """A completed import that a mended file comes from.

    `first` is the import whose records are numbered in the rejected files of all its retries, and of their retries;
    `columns` and `preset` are as its report has them.
    """

    import_id: int
    first: int
    columns: tuple[dict[str, Any], ...]
    preset: str | None = None


@dataclass(frozen=True)
class RetriedRecords:
    """What a retry brings: of the first import, the numbers of records, an array at a time, some perhaps twice."""

    first: int
    records: Iterable[np.ndarray]


@dataclass(frozen=True)
class RetryCounts:
    """How many records of the first import a retry was the first to bring, and how many are missing still."""

    records: int
    missing: int


def get_retried_import(warehouse: Warehouse, import_id: int) -> RetriedImport:
    """The import to retry; UnknownImport, or ImportNotCompleted since of such a one all rows are missing."""
    row = get_import(warehouse, import_id)
    if row["status"] != COMPLETED:
        raise ImportNotCompleted(import_id, row["status"])
    report = row["report"]
    return RetriedImport(import_id, row["first_import"] or import_id, tuple(report["columns"]), report.get("preset"))


def save_retried_records(
    connection: Connection, tables: WarehouseTables, import_id: int, retried_records: RetriedRecords
) -> RetryCounts:
    """Note which records a retry brings that no other retry has brought; under the lock of the merge."""
    mended = tables.mended_records
    first, brought = retried_records.first, mended.c.first_import == retried_records.first
    before = _numbers(connection, select(mended.c.record_number).where(brought))
    records = np.unique(np.concatenate([np.empty(0, np.int64), *retried_records.records]))
    new = records[_rejected(connection, tables, first, records) & ~np.isin(records, before)]
    if len(new):
        rows = [{"first_import": first, "record_number": int(number), "import_id": import_id} for number in new]
        connection.execute(insert(mended), rows)
    missing = connection.scalar(select(outstanding_column(tables)).where(tables.imports.c.import_id == first))
    assert missing is not None  # only a completed import is retried
    return RetryCounts(len(new), missing)


def _rejected(connection: Connection, tables: WarehouseTables, first: int, records: np.ndarray) -> np.ndarray:
    """Which records the first import has rejected, as far as its kept rejections go, and its records after them."""
    kept, imports = tables.rejections.c, tables.imports.c
    numbers = select(kept.record_number).where(kept.import_id == first).distinct()
    rejected = _numbers(connection, numbers)
    read, total = connection.execute(select(imports.read, imports.rejected).where(imports.import_id == first)).one()
    known: np.ndarray = np.isin(records, rejected)
    if len(rejected) >= total:
        return known
    last = rejected.max(initial=0)
    return np.asarray(known | (records > last) & (records <= read))


def _numbers(connection: Connection, statement: Any) -> np.ndarray:
    return np.fromiter(connection.scalars(statement), np.int64)
