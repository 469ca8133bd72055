"""Imports beside what else could load the file: bare loads, dlt, plain pandas; and a file with many bad rows."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.bench import (
    POSTGRES,
    SQLITE,
    Bench,
    header,
    in_seconds,
    judged,
    measure,
    median_ratio,
    note,
    row,
    settle,
    turned,
)

FIRST, SAME, CHANGED = "first import", "again, nothing changed", "again, 1 % changed"
TARGETS = {
    (POSTGRES, "bare load"): {FIRST: 1.0, SAME: 0.4, CHANGED: 0.5},
    (POSTGRES, "dlt"): {FIRST: 0.6, SAME: 0.3, CHANGED: 0.35},
    (POSTGRES, "dlt at its fastest"): {FIRST: 0.6, SAME: 0.3, CHANGED: 0.35},
    (POSTGRES, "plain pandas"): {FIRST: 0.07},
    (SQLITE, "bare load"): {FIRST: 1.0, SAME: 0.6, CHANGED: 0.7},
}
DIRTY_TARGET = 1.5
IMPORT = "import"
MOST_FOR_PANDAS = 2_000_000  # beyond, it takes many minutes and more memory than a machine may have

Seconds = dict[tuple[str, str, str], list[float]]
Contender = tuple[str, Callable[[Path], float]]


def loads(bench: Bench) -> Iterator[str]:
    """Every situation in both databases, all contenders right after each other, in an order that turns."""
    seconds: Seconds = defaultdict(list)
    files = {FIRST: bench.file(bench.rows), SAME: bench.file(bench.rows), CHANGED: bench.file(bench.rows, changed=0.01)}
    for number in range(bench.rounds):
        for database in (POSTGRES, SQLITE):
            with bench.warehouse(database) as warehouse:
                contenders = _contenders(bench, database, warehouse, number)
                for situation, file in files.items():
                    for name, load in turned(contenders, number):
                        if name != "plain pandas" or situation == FIRST:
                            settle(warehouse, file)
                            seconds[database, situation, name].append(load(file))
                            note(f"{database}, {situation}, {name}: {seconds[database, situation, name][-1]:.2f} s")
    yield from _table(seconds)
    if not bench.peers:
        yield "\ndlt was left out: its environment is made by `make bench`."
    if bench.rows > MOST_FOR_PANDAS:
        yield f"\nPlain pandas was left out: it is run up to {MOST_FOR_PANDAS:,} rows."


def _contenders(bench: Bench, database: str, warehouse: str, number: int) -> list[Contender]:
    def imported(file: Path) -> float:
        report = bench.contacts("import", file, "--merge", "overwrite", warehouse=warehouse)
        if report.answer["rows"]["accepted"] != bench.rows:
            raise SystemExit(f"{file.name} was to be clean: {report.answer['rejections']}")
        return report.seconds

    def bare(file: Path) -> float:
        place = warehouse.removeprefix("sqlite:///").replace("contacts.db", "bare.db")
        return measure([sys.executable, "-m", "benchmarks.floors", place, str(file)]).seconds

    def dlt(*options: str) -> Callable[[Path], float]:
        script, work = Path(__file__).parent / "peers" / "dlt_upsert.py", bench.folder / "-".join(["dlt", *options])

        def load(file: Path) -> float:
            command = [str(bench.peers), str(script), warehouse, str(file), str(work / str(number)), *options]
            return measure(command, PYTHONPATH=None).seconds

        return load

    def pandas(file: Path) -> float:
        return measure([sys.executable, "-m", "benchmarks.peers.plain_pandas", warehouse, str(file)]).seconds

    found: list[Contender] = [("bare load", bare), (IMPORT, imported)]
    if database == POSTGRES and bench.peers:
        found += [("dlt", dlt()), ("dlt at its fastest", dlt("--format", "parquet"))]
    if database == POSTGRES and bench.rows <= MOST_FOR_PANDAS:
        found.append(("plain pandas", pandas))
    return found


def _table(seconds: Seconds) -> Iterator[str]:
    yield header("warehouse", "situation", "measured against", "takes", "import", "ratio", "target")
    for (database, other), targets in TARGETS.items():
        for situation, target in targets.items():
            if theirs := seconds[database, situation, other]:
                ours = seconds[database, situation, IMPORT]
                ratio = median_ratio(ours, theirs)
                cells = (in_seconds(theirs), in_seconds(ours), f"{ratio:.2f}", judged(round(ratio, 2), target))
                yield row(database, situation, other, *cells)


def dirty(bench: Bench) -> Iterator[str]:
    """The first import of a clean file and of one with 20 % bad rows."""
    files = {"clean": bench.file(bench.rows), "20 % bad": bench.file(bench.rows, bad=0.2)}
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(bench.rounds):
        for database in (POSTGRES, SQLITE):
            for name, file in turned(list(files.items()), number):
                with bench.warehouse(database) as warehouse:
                    settle(warehouse, file)
                    report = bench.contacts("import", file, "--merge", "overwrite", warehouse=warehouse)
                    seconds[database, name].append(report.seconds)
                    note(f"{database}, {name}: {report.seconds:.2f} s")
    yield header("warehouse", "clean", "20 % bad", "ratio", "target")
    for database in (POSTGRES, SQLITE):
        clean, bad = (seconds[database, name] for name in files)
        ratio = statistics.median(bad) / statistics.median(clean)
        yield row(database, in_seconds(clean), in_seconds(bad), f"{ratio:.2f}", judged(round(ratio, 2), DIRTY_TARGET))
