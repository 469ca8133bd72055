"""Imports beside bare loads and plain pandas; and imports of a file with many bad rows."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import (
    POSTGRES,
    SQLITE,
    Bench,
    Measurement,
    bare_load,
    log_progress,
    measure,
    measure_rounds,
    prepare_load,
    rotated,
)
from benchmarks.tables import compare_with_target, header, median_ratio, median_seconds, row

FIRST, SAME, CHANGED = "first import", "again, nothing changed", "again, 1 % changed"
IMPORT, PANDAS = "import", "plain pandas"
TARGETS = {
    (POSTGRES, "bare load"): {FIRST: 0.6, SAME: 0.4, CHANGED: 0.45},
    (POSTGRES, PANDAS): {FIRST: 0.07},
    (SQLITE, "bare load"): {FIRST: 0.8, SAME: 0.65, CHANGED: 0.75},
}
DIRTY_TARGET = 1.5
PANDAS_MAX_ROWS = 2_000_000  # more rows take many minutes and may not fit into memory

Seconds = dict[tuple[str, str, str], list[float]]
Contenders = dict[str, Callable[[Path], Measurement]]


def loads(bench: Bench, *, prepared: bool = True) -> Iterator[str]:
    """Every situation in both databases; plain pandas, which is slow, in the first round only."""
    seconds: Seconds = defaultdict(list)
    files = {FIRST: bench.file(bench.rows), SAME: bench.file(bench.rows), CHANGED: bench.file(bench.rows, changed=0.01)}
    for number in range(bench.rounds):
        for database in (POSTGRES, SQLITE):
            with bench.warehouse(database) as warehouse:
                contenders = _contenders(bench, warehouse)
                with_pandas = prepared and number == 0 and database == POSTGRES and bench.rows <= PANDAS_MAX_ROWS
                for situation, file in files.items():
                    for name in rotated(list(contenders), number):
                        if name != PANDAS or (with_pandas and situation == FIRST):
                            if prepared:
                                prepare_load(warehouse, file)
                            measurement = contenders[name](file)
                            seconds[database, situation, name].append(measurement.seconds)
                            log_progress(f"{database}, {situation}, {name}: {measurement}")
    yield from _table(seconds)
    if bench.rows > PANDAS_MAX_ROWS:
        yield f"\nPlain pandas was left out: it runs up to {PANDAS_MAX_ROWS:,} rows."


def _contenders(bench: Bench, warehouse: str) -> Contenders:
    def import_all(file: Path) -> Measurement:
        measurement = bench.import_into(warehouse, file)
        if measurement.output["rows"]["accepted"] != bench.rows:
            raise SystemExit(f"{file.name} should have no bad rows: {measurement.output['rejections']}")
        return measurement

    bare_target = warehouse.replace("contacts.db", "bare.db")
    return {"bare load": partial(bare_load, bare_target), IMPORT: import_all, PANDAS: partial(_run_pandas, warehouse)}


def _run_pandas(warehouse: str, file: Path) -> Measurement:
    return measure([sys.executable, "-m", "benchmarks.peers.plain_pandas", warehouse, str(file)])


def load_with_pandas(bench: Bench, file: Path) -> Measurement:
    """A first import with plain pandas into an empty PostgreSQL warehouse."""
    with bench.warehouse(POSTGRES) as warehouse:
        prepare_load(warehouse, file)
        return _run_pandas(warehouse, file)


def cold(bench: Bench) -> Iterator[str]:
    """The loads without warm memory, vacuum or flushed writes before each."""
    yield from loads(bench, prepared=False)


def _table(seconds: Seconds) -> Iterator[str]:
    yield header("warehouse", "situation", "measured against", "takes", "import", "ratio", "target")
    for (database, other), targets in TARGETS.items():
        for situation, target in targets.items():
            if theirs := seconds[database, situation, other]:
                ours = seconds[database, situation, IMPORT][: len(theirs)]
                ratio = median_ratio(ours, theirs)
                cells = (median_seconds(theirs), median_seconds(ours), f"{ratio:.2f}")
                yield row(database, situation, other, *cells, compare_with_target(round(ratio, 2), target))


def dirty(bench: Bench) -> Iterator[str]:
    """The first import of a clean file and of one with 20 % bad rows."""
    files = {"clean": bench.file(bench.rows), "20 % bad": bench.file(bench.rows, bad=0.2)}
    contenders = {
        (database, name): partial(bench.first_import, database, file)
        for database in (POSTGRES, SQLITE)
        for name, file in files.items()
    }
    results = measure_rounds(contenders, bench.rounds)
    yield header("warehouse", "clean", "20 % bad", "ratio", "target")
    for database in (POSTGRES, SQLITE):
        clean, bad = ([each.seconds for each in results[database, name]] for name in files)
        ratio = median_ratio(bad, clean)
        target = compare_with_target(round(ratio, 2), DIRTY_TARGET)
        yield row(database, median_seconds(clean), median_seconds(bad), f"{ratio:.2f}", target)
