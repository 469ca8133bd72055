"""The floors: loading the same file with no check at all, as fast as each database lets one; or just reading it.

The loads take the file's own text for granted, upsert every column of every row, and commit. What an import
that checks everything costs more, or less, is measured against these.
"""

import argparse
import csv
import json
import sqlite3
import time
from pathlib import Path

import psycopg

COLUMNS = {
    "email": "text",
    "name": "text",
    "surname": "text",
    "mobile_phone": "text",
    "birthdate": "date",
    "points": "bigint",
    "total_spent": "numeric",
    "newsletter_subscription_status": "text",
    "interests": "text",
    "city": "text",
    "vip": "boolean",
    "gender": "text",
}
_NAMES = ", ".join(COLUMNS)
_TABLE = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
_SET = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "email")


def bare_postgres(url: str, file: Path) -> float:
    """COPY into a temporary table, INSERT … SELECT … ON CONFLICT DO UPDATE of all columns; seconds."""
    with psycopg.connect(url) as connection:
        connection.execute(f"create table if not exists bare (id bigserial primary key, {_TABLE}, unique (email))")
        connection.commit()
        began = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(f"create temporary table staged ({_TABLE}) on commit drop")
            with (
                cursor.copy(f"copy staged ({_NAMES}) from stdin (format csv, header)") as copy,
                file.open("rb") as stream,
            ):
                while data := stream.read(1 << 20):
                    copy.write(data)
            cursor.execute(
                f"insert into bare ({_NAMES}) select {_NAMES} from staged on conflict (email) do update set {_SET}"
            )
        connection.commit()
        return time.perf_counter() - began


def bare_sqlite(path: Path, file: Path) -> float:
    """The csv module and executemany of INSERT … ON CONFLICT DO UPDATE of all columns; seconds."""
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal")
    connection.execute(f"create table if not exists bare (id integer primary key, {_TABLE}, unique (email))")
    connection.commit()
    places = ", ".join("?" * len(COLUMNS))
    began = time.perf_counter()
    with file.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        connection.executemany(
            f"insert into bare ({_NAMES}) values ({places}) on conflict (email) do update set {_SET}", rows
        )
    connection.commit()
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def bare_read(file: Path) -> float:
    """The reader of pyarrow as it comes: all cores, types guessed; seconds."""
    import pyarrow.csv  # here, so that the loads need not wait for it

    began = time.perf_counter()
    pyarrow.csv.read_csv(file)
    return time.perf_counter() - began


def main() -> None:
    """Load one file and print the seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("warehouse", help="a postgresql:// address, the path of a SQLite file, or read")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    if given.warehouse == "read":
        seconds = bare_read(given.file)
    elif given.warehouse.startswith("postgres"):
        seconds = bare_postgres(given.warehouse, given.file)
    else:
        seconds = bare_sqlite(Path(given.warehouse), given.file)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
