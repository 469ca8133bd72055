"""Load a file without any check, as fast as each database allows, or only read it.

The loads upsert every column of every row as it is written in the file, and commit. They are the baseline for imports.
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
    placeholders = ", ".join("?" * len(COLUMNS))
    began = time.perf_counter()
    with file.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        connection.executemany(
            f"insert into bare ({_NAMES}) values ({placeholders}) on conflict (email) do update set {_SET}", rows
        )
    connection.commit()
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def bare_read(file: Path) -> float:
    """The reader of pyarrow with its defaults: all cores, guessed types; seconds."""
    import pyarrow.csv  # here, so that the loads do not import it

    began = time.perf_counter()
    pyarrow.csv.read_csv(file)
    return time.perf_counter() - began


def main() -> None:
    """Load one file and print the seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="a postgresql:// address, the path of a SQLite file, or read")
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    if arguments.target == "read":
        seconds = bare_read(arguments.file)
    elif arguments.target.startswith("postgres"):
        seconds = bare_postgres(arguments.target, arguments.file)
    else:
        seconds = bare_sqlite(Path(arguments.target), arguments.file)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
