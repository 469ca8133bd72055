"""Load a file into PostgreSQL with Polars and ADBC: read_csv, write_database, and with a key INSERT … ON CONFLICT."""

import argparse
import json
import time
from pathlib import Path

import polars as pl
from adbc_driver_postgresql import dbapi

TYPES = {
    "mobile_phone": pl.String(),
    "birthdate": pl.Date(),
    "points": pl.Int64(),
    "total_spent": pl.Float64(),
    "vip": pl.Boolean(),
}


def load(url: str, file: Path, table: str, key: bool) -> float:
    """Replace the table, or with a key upsert the rows through a temporary table; seconds."""
    began = time.perf_counter()
    rows = pl.read_csv(file, schema_overrides=TYPES)
    if not key:
        rows.write_database(table, url, if_table_exists="replace", engine="adbc")
        return time.perf_counter() - began
    with dbapi.connect(url) as connection:
        rows.write_database("staged", connection, engine="adbc", engine_options={"temporary": True})
        updates = ", ".join(f"{name} = excluded.{name}" for name in rows.columns if name != "email")
        with connection.cursor() as cursor:
            cursor.execute(f"create table if not exists {table} (like staged, primary key (email))")
            cursor.execute(f"insert into {table} select * from staged on conflict (email) do update set {updates}")
        connection.commit()
    return time.perf_counter() - began


def main() -> None:
    """Load one file and print the seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("warehouse", help="a postgresql:// address")
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path, help="its name is the name of the table")
    parser.add_argument("--key", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps({"seconds": load(arguments.warehouse, arguments.file, arguments.folder.name, arguments.key)}))


if __name__ == "__main__":
    main()
