"""Empty cells: a column that must be completely filled is dropped if a contact has none of its values.

Each chunk is searched for gaps. One gap in any chunk drops the column of the whole file.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.arrow_columns import trim
from schemas.cells.emails import normalise_emails, valid_emails
from schemas.field_types import Gaps
from transforms.chunks.cells import blank_cells, judged_cells, to_series
from transforms.mapping.columns import ColumnMapping, ColumnOutcome, MappedColumn

MAX_EMPTY_NUMBERS = 5  # record numbers of empty cells that a report names


def find_gaps(table: pa.Table, mapping: ColumnMapping) -> tuple[dict[int, tuple[int, tuple[int, ...]]], frozenset[str]]:
    """The empty cells of a chunk by column, and the fields that have one where that drops the column.

    They are `empty` and `incomplete` of its profile. In such a field, only cells of records with a valid email count.
    """
    rows = np.arange(table.num_rows)
    if "rule" in table.column_names:
        well_formed = pc.invert(pc.fill_null(pc.starts_with(table["rule"], "row-"), False))
        table, rows = table.filter(well_formed), rows[np.asarray(well_formed)]
    blank = {
        column.position: np.flatnonzero(blank_cells(judged_cells(table, column)))
        for column in mapping.columns
        if not column.never_read
    }
    strict = {
        column.position: column.field.id
        for column in mapping.mapped
        if column.field and column.field.gaps is Gaps.DROP_COLUMN
    }
    contacts = _rows_of_contacts([blank[position] for position in strict], table, mapping)
    for position in strict:
        blank[position] = np.intersect1d(blank[position], contacts, assume_unique=True)
    empty = {
        column.position: (len(found), tuple(rows[found[:MAX_EMPTY_NUMBERS]].tolist()))
        for column in mapping.columns
        for found in (blank.get(column.position, np.empty(0, np.int64)),)
    }
    return empty, frozenset(id for position, id in strict.items() if len(blank[position]))


def _rows_of_contacts(found: Sequence[np.ndarray], table: pa.Table, mapping: ColumnMapping) -> np.ndarray:
    """Those of these rows that have a valid email; it is judged once for each row."""
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *found]))
    identity = next((column for column in mapping.mapped if column.field and column.field.identity), None)
    if identity is None or not len(rows):
        return rows
    emails = normalise_emails(trim(to_series(judged_cells(table, identity).take(pa.array(rows)))))
    return rows[(valid_emails(emails) & emails.notna()).to_numpy(bool)]


def outcome_of(column: MappedColumn, incomplete: frozenset[str]) -> ColumnOutcome:
    """What happens to a column; `incomplete` are the fields that have a gap anywhere in the file."""
    if column.field:
        return (
            ColumnOutcome.INCOMPLETE
            if column.was_incomplete or column.field.id in incomplete
            else ColumnOutcome.IMPORTED
        )
    return ColumnOutcome.IGNORED if column.ignored else ColumnOutcome.UNKNOWN_FIELD
