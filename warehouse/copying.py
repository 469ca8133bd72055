"""COPY: how very many rows come into PostgreSQL, as text that is written by column."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import Connection, Table

# Plain rows have no mark in them that COPY reads as anything but itself, so the server need not look for quotes.
AS_PLAIN = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none", delimiter="\x1f")
PLAIN = "format text, delimiter E'\\x1f', null ''"
# In others every text is quoted and no null is: so an empty text stays apart from a blank cell.
AS_CSV = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
CSV = "format csv"
ROWS_A_WRITE = 2_000  # as much as a socket holds: the server then reads some rows while we write the next


def copy_batches(connection: Connection, table: Table, batches: Iterator[pa.RecordBatch]) -> None:
    """Append record batches, whose columns are named as the table's are, by COPY."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    names = connection.dialect.identifier_preparer
    for batch in batches:
        columns = [names.quote(column) for column in batch.schema.names]
        for form, texts in groupby(_encoded(batch), key=itemgetter(0)):
            statement = f"copy {names.format_table(table)} ({', '.join(columns)}) from stdin ({form})"
            with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                for _, text in texts:
                    copy.write(text)


def _encoded(batch: pa.RecordBatch) -> Iterator[tuple[str, memoryview]]:
    """Some rows at a time, in the plain form where they allow it."""
    plain = not any(_has_empty_text(column) for column in batch.columns)
    for start in range(0, batch.num_rows, ROWS_A_WRITE):
        rows = batch.slice(start, ROWS_A_WRITE)
        text = _plain(rows) if plain else None
        yield (CSV, _written(rows, AS_CSV)) if text is None else (PLAIN, text)


def _has_empty_text(column: "pa.Array[Any]") -> bool:
    return pa.types.is_string(column.type) and bool(pc.min(pc.binary_length(column)).as_py() == 0)


def _plain(rows: pa.RecordBatch) -> memoryview | None:
    """None where a text has a quote, a line break, the delimiter or a backslash in it."""
    try:
        text = _written(rows, AS_PLAIN)
    except pa.ArrowInvalid:
        return None
    return None if b"\\" in bytes(text) else text


def _written(rows: pa.RecordBatch, form: pyarrow.csv.WriteOptions) -> memoryview:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(rows, sink, form)
    return memoryview(sink.getvalue())
