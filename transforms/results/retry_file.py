"""A corrected rejected file: the columns as its first import decided, and the records of that import in its rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.catalogue import FieldCatalogue
from schemas.errors.base import shortened
from schemas.field_types import Gaps
from transforms.chunks.duplicates import dropped_duplicates
from transforms.chunks.file_profile import ChunkPosition
from transforms.chunks.split import RETRIED_RECORD, ChunkResult
from transforms.mapping.columns import ColumnOutcome, Header, MappedColumn, Requests
from transforms.work_folder import read_table

_MARK = re.compile("import ([1-9][0-9]{0,17}), file ([0-9a-f]{2}-[0-9a-f]{14})")


@dataclass(frozen=True)
class RejectionMark:
    """The import that wrote a rejected file, and its source, by which another warehouse's import is told apart.

    A mark must survive a spreadsheet, so no part of it looks like a number.
    """

    import_id: int
    file: str

    @classmethod
    def of(cls, import_id: int, sha256: str) -> "RejectionMark":
        return cls(import_id, f"{sha256[:2]}-{sha256[2:16]}")

    @classmethod
    def parse(cls, text: str) -> "RejectionMark | None":
        found = _MARK.fullmatch(text.strip())
        return cls(int(found[1]), found[2]) if found else None

    def __str__(self) -> str:
        return f"import {self.import_id}, file {self.file}"


@dataclass(frozen=True)
class FirstImport:
    """The columns and the preset in the report of the first import, by which its corrected rows are read."""

    columns: Sequence[Mapping[str, Any]] = ()
    preset: str | None = None
    import_id: int | None = None


NO_FIRST_IMPORT = FirstImport()


def columns_of_first_import(
    names: Sequence[str], earlier: Sequence[Mapping[str, Any]], catalogue: FieldCatalogue
) -> dict[int, MappedColumn]:
    """By position, the columns that the first import's report decides.

    Columns are matched by name; if several have one name, by their order. Nothing is decided about a column that the
    catalogue had no field for, or whose field it no longer has.
    """
    decided: dict[str, list[Mapping[str, Any]]] = {}
    for column in earlier:
        decided.setdefault(column["column"], []).append(column)
    kept = {}
    for position, name in enumerate(names, 1):
        if waiting := decided.get(name):
            column = waiting.pop(0)
            if column["outcome"] != ColumnOutcome.UNKNOWN_FIELD and not _has_lost_field(column, catalogue):
                kept[position] = _kept(position, name, column, catalogue)
    return kept


def _has_lost_field(column: Mapping[str, Any], catalogue: FieldCatalogue) -> bool:
    return column["field"] is not None and column["field"] not in catalogue.by_id


def notes_on_lost_fields(
    names: Sequence[str], requested: Sequence[Requests], first: FirstImport, catalogue: FieldCatalogue
) -> Iterator[str]:
    """A note on each column whose field the catalogue no longer has, but not on those that are `requested`."""
    lost = {column["column"]: column["field"] for column in first.columns if _has_lost_field(column, catalogue)}
    named = Header(names).requested(requested) if lost else ()
    for position, name in enumerate(names, 1):
        if name in lost and position not in named:
            yield (
                f"in import {first.import_id} the column {shortened(name)!r} went to {lost[name]!r}, a field that the "
                "catalogue no longer has; choose another field or none with --map"
            )


def _kept(position: int, name: str, column: Mapping[str, Any], catalogue: FieldCatalogue) -> MappedColumn:
    """An incomplete column stays out; a column that was imported with gaps may have gaps again."""
    if column["field"] is None:
        return MappedColumn(position, name, None, ignored=True)
    field = catalogue[column["field"]]
    was_incomplete = column["outcome"] == ColumnOutcome.INCOMPLETE
    if not was_incomplete and column["empty_cells"] and field.gaps is Gaps.DROP_COLUMN:
        field = field.model_copy(update={"gaps": Gaps.ALLOW})
    return MappedColumn(position, name, field, was_incomplete=was_incomplete)


def retried_records_of(chunk: ChunkPosition, result: ChunkResult, scratch: str) -> np.ndarray:
    """The first import's record numbers in the chunk's accepted rows, dropped duplicates apart."""
    accepted = read_table(result.accepted_path)
    if RETRIED_RECORD not in accepted.column_names:
        return np.empty(0, np.int64)
    kept = ~np.isin(
        np.asarray(accepted["record_number"]) + chunk.first_record, dropped_duplicates(scratch, chunk)[:, 0]
    )
    return np.asarray(pc.drop_null(accepted[RETRIED_RECORD].filter(pa.array(kept))))
