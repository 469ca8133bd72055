"""COPY: how very many rows come into PostgreSQL, as text that is written by column."""

from collections.abc import Iterator

import psycopg
import pyarrow as pa
import pyarrow.csv
from sqlalchemy import Connection, Table

# Every text is quoted and no null is: so an empty text stays apart from a blank cell.
AS_CSV = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
ROWS_A_WRITE = 2_000  # as much as a socket holds: the server then reads some rows while we write the next


def copy_batches(connection: Connection, table: Table, batches: Iterator[pa.RecordBatch]) -> None:
    """Append record batches, whose columns are named as the table's are, by COPY."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    names = connection.dialect.identifier_preparer
    for batch in batches:
        columns = [names.quote(column) for column in batch.schema.names]
        statement = f"copy {names.format_table(table)} ({', '.join(columns)}) from stdin (format csv)"
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for start in range(0, batch.num_rows, ROWS_A_WRITE):
                copy.write(_as_csv(batch.slice(start, ROWS_A_WRITE)))


def _as_csv(rows: pa.RecordBatch) -> memoryview:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(rows, sink, AS_CSV)
    return memoryview(sink.getvalue())
