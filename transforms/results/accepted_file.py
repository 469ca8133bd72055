"""The accepted rows as CSV, in the form in which they would be stored."""

from collections.abc import Sequence
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.cells.decimals import plain_decimal
from schemas.field_types import Storage
from schemas.fields import Field
from transforms.chunks.duplicates import dropped_duplicates
from transforms.chunks.file_profile import FileProfile
from transforms.chunks.split import ChunkResult
from transforms.parsing.csv_writer import csv_bytes, csv_header
from transforms.work_folder import read_table


def write_accepted(stream: BinaryIO, profile: FileProfile, results: Sequence[ChunkResult], scratch: str) -> None:
    """Write every accepted row that is not a dropped duplicate; the header has the fields' ids."""
    stream.write(csv_header([field.id for field in profile.imported]))
    for chunk, result in zip(profile.chunks, results, strict=True):
        table = read_table(result.accepted_path)
        dropped = pa.array(dropped_duplicates(scratch, chunk)[:, 0] - chunk.first_record)
        kept = table.filter(pc.invert(pc.is_in(table["record_number"], value_set=dropped)))
        stream.write(csv_bytes(accepted_texts(kept, profile.imported)))


def accepted_texts(accepted: pa.Table, fields: Sequence[Field]) -> pd.DataFrame:
    """Accepted rows as text, one column per field."""
    return pd.DataFrame({field.id: _text(accepted[field.id], field) for field in fields}, dtype=TEXT_DTYPE)


def _text(column: pa.ChunkedArray, field: Field) -> pd.Series:
    if field.storage is not Storage.NUMERIC:
        return pd.Series(column.cast(pa.string()).to_pandas(), dtype=TEXT_DTYPE)
    texts = [None if value is None else plain_decimal(value) for value in column.to_pylist()]
    return pd.Series(texts, dtype=TEXT_DTYPE)
