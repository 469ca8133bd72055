"""Finds the records of a chunk that have a suppressed address."""

import numpy as np
import pandas as pd
import pyarrow as pa

from schemas.cells.arrow_columns import to_arrow
from schemas.cells.emails import valid_emails
from schemas.cells.suppressed_emails import SuppressedEmails
from transforms.chunks.cells import judged_cells
from transforms.mapping.columns import ColumnMapping
from transforms.work_folder import read_table


def suppressed_rows(
    table: pa.Table, contacts: pd.DataFrame, rows: np.ndarray, suppressed: SuppressedEmails
) -> np.ndarray:
    """A mask of the records of a chunk; `contacts` are its well-formed ones, which are at `rows`.

    Where the email is not valid, or the record is malformed, an address anywhere in that text counts.
    """
    mask = np.zeros(table.num_rows, bool)
    emails = contacts["email"]
    mask[rows] = suppressed.contain(to_arrow(emails).to_pylist())
    invalid = ~valid_emails(emails)
    mask[rows[invalid]] |= suppressed.are_in(to_arrow(emails[invalid]).to_pylist())
    if "raw" in table.column_names:
        mask |= suppressed.are_in(table["raw"].to_pylist())
    return mask


def suppressed_accepted(path: str, suppressed: SuppressedEmails) -> np.ndarray:
    """The records with such an address in a file of accepted rows, counted in their chunk."""
    accepted = read_table(path, columns=["record_number", "email"])
    has_one = pa.array(suppressed.contain(accepted["email"].to_pylist()))
    return np.asarray(accepted["record_number"].filter(has_one))


def is_in_rejected(path: str | None, mapping: ColumnMapping, suppressed: SuppressedEmails) -> bool:
    """Whether a file of rejected rows has such an address."""
    if path is None:
        return False
    rows, (column, _) = read_table(path), mapping.column_of("email")
    texts = [judged_cells(rows, column)] + ([rows["raw"]] if "raw" in rows.column_names else [])
    return any(suppressed.are_in(cells.to_pylist()).any() for cells in texts)
