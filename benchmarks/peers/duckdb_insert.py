"""Load a file into PostgreSQL with DuckDB's postgres extension: read_csv, then CREATE OR REPLACE or ON CONFLICT."""

import argparse
import json
import time
from pathlib import Path

import duckdb
import duckdb_extension_postgres_scanner

(EXTENSION,) = Path(duckdb_extension_postgres_scanner.__path__[0]).rglob("*.duckdb_extension")
TYPES = {
    "mobile_phone": "varchar",
    "birthdate": "date",
    "points": "bigint",
    "total_spent": "decimal(12, 2)",
    "vip": "boolean",
}


def load(url: str, file: Path, table: str, key: bool) -> float:
    """Replace the table, or with a key insert the new rows and update the others; seconds."""
    began = time.perf_counter()
    connection = duckdb.connect()
    connection.execute(f"load '{EXTENSION}'")
    connection.execute(f"attach '{url}' as target (type postgres)")
    rows = connection.read_csv(str(file), dtype=TYPES)
    rows.create_view("rows")
    if key:
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(rows.columns, rows.types, strict=True))
        updates = ", ".join(f"{name} = excluded.{name}" for name in rows.columns if name != "email")
        connection.execute(f"create table if not exists target.{table} ({columns}, primary key (email))")
        connection.execute(f"insert into target.{table} from rows on conflict (email) do update set {updates}")
    else:
        connection.execute(f"create or replace table target.{table} as from rows")
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
