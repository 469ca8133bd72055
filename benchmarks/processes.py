"""Whole processes on ten rows, and `contacts check` beside a bare read of the file."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator

from benchmarks.bench import (
    POSTGRES,
    SQLITE,
    Bench,
    Measured,
    header,
    in_seconds,
    judged,
    measure,
    median_ratio,
    note,
    row,
    turned,
    warm_up,
)

FEW = 10
CHECK_TARGET = 6.0
WHOLE_TARGETS = {"contacts check": 1.5, "contacts import, PostgreSQL": 3.0, "contacts import, SQLite": 3.0}
NO_SERVER, EMPTY_FLOW = "contacts import, SQLite, no server runs", "an empty flow, no server runs"


def check(bench: Bench) -> Iterator[str]:
    """The work time of `contacts check` in multiples of pyarrow's, which reads the file and guesses its types."""
    file = bench.file(bench.rows)
    contenders: list[tuple[str, Callable[[], Measured]]] = [
        ("read", lambda: measure([sys.executable, "-m", "benchmarks.floors", "read", str(file)])),
        ("check", lambda: bench.contacts("check", file)),
    ]
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(bench.rounds):
        for name, run in turned(contenders, number):
            warm_up([file])
            seconds[name].append(run().seconds)
            note(f"{name}: {seconds[name][-1]:.2f} s")
    ratio = median_ratio(seconds["check"], seconds["read"])
    yield header("bare read by pyarrow", "contacts check", "ratio", "target")
    yield row(*map(in_seconds, seconds.values()), f"{ratio:.1f}", judged(round(ratio, 1), CHECK_TARGET))


def small(bench: Bench) -> Iterator[str]:
    """Seconds of the whole process for ten rows; without a server, beside an empty flow that starts its own."""
    file = bench.file(FEW)

    def imported(database: str, **environment: str | None) -> Measured:
        with bench.warehouse(database) as warehouse:
            return bench.contacts("import", file, warehouse=warehouse, **environment)

    def empty_flow() -> Measured:
        alone = {"PREFECT_API_URL": None, "CONTACTS_HOME": str(bench.folder / "home-of-empty-flow")}
        return measure([bench.python, "-m", "benchmarks.empty_flow"], **alone)

    alone: dict[str, str | None] = {"PREFECT_API_URL": None, "PREFECT_HOME": None}
    contenders: list[tuple[str, Callable[[], Measured]]] = [
        ("contacts check", lambda: bench.contacts("check", file)),
        ("contacts import, PostgreSQL", lambda: imported(POSTGRES)),
        ("contacts import, SQLite", lambda: imported(SQLITE)),
        (NO_SERVER, lambda: imported(SQLITE, **alone, CONTACTS_HOME=str(bench.folder / "home-alone"))),
        (EMPTY_FLOW, empty_flow),
    ]
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(-1, bench.rounds):
        for name, run in turned(contenders, number):
            whole = run().whole
            if number >= 0:  # the first turn makes the homes' databases, which is Prefect's work and not ours
                seconds[name].append(whole)
                note(f"{name}: {whole:.2f} s")
    yield header(f"{FEW} rows, the whole process", "takes", "target")
    for name, target in WHOLE_TARGETS.items():
        yield row(name, in_seconds(seconds[name]), judged(statistics.median(seconds[name]), target, " s"))
    ratio = median_ratio(seconds[NO_SERVER], seconds[EMPTY_FLOW])
    yield row(EMPTY_FLOW, in_seconds(seconds[EMPTY_FLOW]), "")
    yield row(NO_SERVER, in_seconds(seconds[NO_SERVER]), f"{ratio:.2f} of the empty flow; {judged(ratio, 1.3)}")
