"""Three designs of the journal: `python -m benchmarks.journal_designs --rows 1000000`.

The contacts have eleven fields. A share of them has new values, in one field or in all. Each design stores the values
before and after in one statement, with its key, and the time until the commit is measured.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.bench import POSTGRES, SQLITE, log_progress, postgres_server
from benchmarks.tables import header, row

TYPES = {"f1": "bigint", "f2": "numeric", "f3": "date"} | {f"f{number}": "text" for number in range(4, 12)}
VALUES = {"bigint": "n", "numeric": "n / 100.0", "date": "date '1980-01-01' + n % 9999", "text": "'value of ' || n"}
SQLITE_VALUES = VALUES | {"date": "date('1980-01-01', (n % 9999) || ' days')"}
NEW_VALUES = {"bigint": "{} + 1", "numeric": "{} + 1", "date": "{} + 1", "text": "{} || '!'"}
SQLITE_NEW_VALUES = NEW_VALUES | {"date": "date({}, '1 day')"}
SERIES = {
    POSTGRES: "generate_series(1, {rows}) as n",
    SQLITE: "(with recursive s(n) as (select 1 union all select n + 1 from s where n < {rows}) select n from s)",
}
TYPED, JSON, CELLS = "two typed columns for each field", "JSON for each contact", "a row for each cell"
DIFFERS = {POSTGRES: "c.{0} is distinct from s.{0}", SQLITE: "c.{0} is not s.{0}"}
JOINED = "contacts c join staged s on s.contact_id = c.contact_id"

Run = Callable[[str], Any]


def differs(database: str, field: str) -> str:
    return DIFFERS[database].format(field)


def typed(database: str) -> list[str]:
    """Two empty values where a field did not change."""
    columns = [f"{side}_{field} {kind}" for field, kind in TYPES.items() for side in ("before", "after")]
    cells = [f"case when {differs(database, f)} then {side}.{f} end" for f in TYPES for side in ("c", "s")]
    changed = " or ".join(differs(database, field) for field in TYPES)
    return [
        f"create table journal (contact_id bigint primary key, {', '.join(columns)})",
        f"insert into journal select c.contact_id, {', '.join(cells)} from {JOINED} where {changed}",
    ]


def json(database: str) -> list[str]:
    """An object of the changed fields. SQLite has no function that leaves out the others, so they are null."""
    kind, build, array = ("jsonb", "jsonb_build_object", "jsonb_build_array")
    if database == SQLITE:
        kind, build, array = ("text", "json_object", "json_array")
    pairs = [f"'{f}', case when {differs(database, f)} then {array}(c.{f}, s.{f}) end" for f in TYPES]
    document = f"{build}({', '.join(pairs)})"
    document = f"jsonb_strip_nulls({document})" if database == POSTGRES else document
    changed = " or ".join(differs(database, field) for field in TYPES)
    return [
        f"create table journal (contact_id bigint primary key, cells {kind})",
        f"insert into journal select c.contact_id, {document} from {JOINED} where {changed}",
    ]


def cells(database: str) -> list[str]:
    """Values as text."""
    table = "create table journal (contact_id bigint, field text, old text, new text, primary key (contact_id, field))"
    if database == POSTGRES:
        values = ", ".join(f"('{field}', c.{field}::text, s.{field}::text)" for field in TYPES)
        source = f"{JOINED} cross join lateral (values {values}) v(field, old, new) where old is distinct from new"
        return [table, f"insert into journal select c.contact_id, field, old, new from {source}"]
    parts = [
        f"select c.contact_id, '{field}', c.{field}, s.{field} from {JOINED} where {differs(database, field)}"
        for field in TYPES
    ]
    return [table, f"insert into journal {' union all '.join(parts)}"]


DESIGNS: dict[str, Callable[[str], list[str]]] = {TYPED: typed, JSON: json, CELLS: cells}


def fill(database: str, run: Run, rows: int) -> None:
    values = VALUES if database == POSTGRES else SQLITE_VALUES
    columns = ", ".join(f"{field} {kind}" for field, kind in TYPES.items())
    run(f"create table contacts (contact_id integer primary key, {columns})")
    source = SERIES[database].format(rows=rows)
    run(f"insert into contacts select n, {', '.join(values[kind] for kind in TYPES.values())} from {source}")


def stage(database: str, run: Run, share: float, changed: list[str]) -> None:
    """The rows of the share, with new values in the changed fields."""
    values = NEW_VALUES if database == POSTGRES else SQLITE_NEW_VALUES
    fields = [values[kind].format(field) if field in changed else field for field, kind in TYPES.items()]
    names = ", ".join(f"{value} as {field}" for value, field in zip(fields, TYPES, strict=True))
    run("drop table if exists staged")
    run(f"create table staged as select contact_id, {names} from contacts where contact_id % 100 < {share * 100:g}")
    run("analyze")


def measure(database: str, run: Run, rows: int) -> Iterator[str]:
    """Seconds of each design, one line for each share and number of changed fields."""
    fill(database, run, rows)
    for share in (0.01, 0.3, 1.0):
        for changed in (["f4"], list(TYPES)):
            stage(database, run, share, changed)
            seconds = {}
            for name, design in DESIGNS.items():
                create, insert = design(database)
                run("drop table if exists journal")
                run(create)
                began = time.perf_counter()
                run(insert)
                seconds[name] = time.perf_counter() - began
                log_progress(f"{database}, {share:.0%}, {len(changed)} fields, {name}: {seconds[name]:.2f} s")
            yield row(database, f"{share:.0%}", len(changed), *(f"{seconds[name]:.2f} s" for name in DESIGNS))


def main() -> None:
    """Print one table for both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    print(header("warehouse", "contacts changed", "fields", *DESIGNS))
    with tempfile.TemporaryDirectory() as folder:
        with postgres_server(Path(folder) / "postgres") as url, psycopg.connect(url, autocommit=True) as server:
            for line in measure(POSTGRES, lambda statement: server.execute(statement.encode()), rows):
                print(line, flush=True)
        file = sqlite3.connect(Path(folder) / "contacts.db", isolation_level=None)
        file.execute("pragma journal_mode = wal")
        for line in measure(SQLITE, file.execute, rows):
            print(line, flush=True)
        file.close()


if __name__ == "__main__":
    main()
