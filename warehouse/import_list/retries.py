"""Retries: imports of a corrected rejected file, and which records of the first import are still outstanding."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, bindparam, delete, insert, select, update

from schemas.errors.request import ImportNotCompleted
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.import_list.entries import (
    COMPLETED,
    DELETE_POLICY,
    UNDO_POLICY,
    get_import,
    outstanding_records,
    undone_imports,
)
from warehouse.tables import WarehouseTables


@dataclass(frozen=True)
class RetriedImport:
    """A completed import that a rejected file comes from.

    `first` is the import whose record numbers are in the rejected files of all its retries, and of their retries;
    `columns` and `preset` are those of its report, `merge_policy` is the one for contacts that existed.
    """

    import_id: int
    first: int
    columns: tuple[dict[str, Any], ...]
    merge_policy: str
    preset: str | None = None


@retry_transient
def store_as_retry(
    warehouse: Warehouse, import_id: int, *, retry_of: int, merge_policy: str, options: Mapping[str, Any]
) -> None:
    """Make a running import of an inbox the retry of another one. It no longer counts as a file of its series."""
    imports = WarehouseTables(warehouse.schema).imports
    values = {"retry_of": retry_of, "merge_policy": merge_policy, "options": json.dumps(options)}
    with warehouse.write_transaction() as connection:
        statement = update(imports).where(imports.c.import_id == import_id)
        connection.execute(statement.values(**values, series=imports.c.source))


@dataclass(frozen=True)
class RetriedRecords:
    """The records of the first import that a retry imports: arrays of numbers, which may repeat."""

    first: int
    records: Iterable[np.ndarray]


@dataclass(frozen=True)
class RetryCounts:
    """How many records of the first import a retry was the first to import, and how many are outstanding."""

    records: int
    outstanding: int


def get_retried_import(warehouse: Warehouse, import_id: int) -> RetriedImport:
    """The import to retry; UnknownImport, or ImportNotCompleted as all records of such an import are outstanding.

    The import where the chain of retries began must be in effect too.
    """
    row = get_import(warehouse, import_id)
    if row["status"] != COMPLETED:
        raise ImportNotCompleted(import_id, row["status"])
    if row["merge_policy"] in (UNDO_POLICY, DELETE_POLICY):
        raise ImportNotCompleted(import_id, f"no import of a file but the {row['source']}")
    report, first = row["report"], row["first_import"] or import_id
    for each in (row, get_import(warehouse, first)):
        if undo := each["undone_by"]:
            raise ImportNotCompleted(each["import_id"], f"undone by import {undo}", undo)
    return RetriedImport(import_id, first, tuple(report["columns"]), row["merge_policy"], report.get("preset"))


def save_retried_records(
    connection: Connection, tables: WarehouseTables, import_id: int, retried: RetriedRecords
) -> RetryCounts:
    """Store which records a retry is the first to import; the merge has locked other retries out."""
    table, first = tables.mended_records, retried.first
    in_effect = table.c.import_id.not_in(undone_imports(tables.imports))
    known = _fetch_numbers(connection, select(table.c.record_number).where(table.c.first_import == first, in_effect))
    records = np.unique(np.concatenate([np.empty(0, np.int64), *retried.records]))
    new = records[_is_rejected(connection, tables, first, records) & ~np.isin(records, known)]
    if len(new):
        _forget_undone(connection, tables, first, new)
        rows = [{"first_import": first, "record_number": int(number), "import_id": import_id} for number in new]
        connection.execute(insert(table), rows)
    outstanding = select(outstanding_records(tables)).where(tables.imports.c.import_id == first)
    return RetryCounts(len(new), connection.execute(outstanding).scalar_one())


def _forget_undone(connection: Connection, tables: WarehouseTables, first: int, records: np.ndarray) -> None:
    """These records now belong to the new retry, also if an undone one is brought back."""
    table = tables.mended_records
    undone = select(table.c.record_number).where(
        table.c.first_import == first, table.c.import_id.in_(undone_imports(tables.imports))
    )
    numbers = np.intersect1d(records, _fetch_numbers(connection, undone)).tolist()
    if numbers:
        statement = delete(table).where(table.c.first_import == first, table.c.record_number == bindparam("number"))
        connection.execute(statement, [{"number": number} for number in numbers])


def _is_rejected(connection: Connection, tables: WarehouseTables, first: int, records: np.ndarray) -> np.ndarray:
    """Which records the first import rejected; beyond its last stored rejection, every record may have been."""
    stored, imports = tables.rejections.c, tables.imports.c
    numbers = select(stored.record_number).where(stored.import_id == first).distinct()
    rejected = _fetch_numbers(connection, numbers)
    read, total = connection.execute(select(imports.read, imports.rejected).where(imports.import_id == first)).one()
    is_known: np.ndarray = np.isin(records, rejected)
    if len(rejected) >= total:
        return is_known
    last = rejected.max(initial=0)
    return np.asarray(is_known | (records > last) & (records <= read))


def _fetch_numbers(connection: Connection, query: Select[tuple[int]]) -> np.ndarray:
    return np.fromiter(connection.scalars(query), np.int64)
