"""The cost of the journal, of a plan and of an undo, at different shares of changed contacts."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import POSTGRES, SQLITE, Bench, Measurement, log_progress, prepare_load, rotated
from benchmarks.tables import compare_with_target, header, median_ratio, median_seconds, row

NOTHING = "nothing"
SHARES = {NOTHING: 0.0, "1 %": 0.01, "100 %": 1.0}
JOURNAL_TARGETS = {NOTHING: 1.0, "1 %": 1.05, "100 %": 1.35}
PLAN_TARGET, UNDO_TARGET = 1.0, 2.0  # that of a plan is for an unchanged file: more changes are more to hash and list
OFF, ON, PLAN, UNDO = "off", "on", "plan", "undo"

Runs = dict[tuple[str, str, str], list[Measurement]]


def changes(bench: Bench) -> Iterator[str]:
    """Imports of a changed file with and without journal, then the plan of the same import, and its undo."""
    runs: Runs = defaultdict(list)
    for number in range(bench.rounds):
        for database in (POSTGRES, SQLITE):
            for share in SHARES:
                for step in rotated([OFF, ON, PLAN], number):
                    _measure(bench, database, share, step, runs)
    yield header("warehouse", "changed", "journal off", "on", "ratio", "target")
    for database in (POSTGRES, SQLITE):
        for share, target in JOURNAL_TARGETS.items():
            off, on = (_work(runs[database, share, name]) for name in (OFF, ON))
            yield _compared(database, share, off, on, target)
    yield ""
    yield header("warehouse", "changed", "import, whole process", "undo, whole process", "ratio", "target")
    for database in (POSTGRES, SQLITE):
        for share in ("1 %", "100 %"):
            whole, undo = (_processes(runs[database, share, name]) for name in (ON, UNDO))
            yield _compared(database, share, whole, undo, UNDO_TARGET)
    yield ""
    yield header("warehouse", "changed", "import", "plan", "ratio", "target")
    for database in (POSTGRES, SQLITE):
        for share in SHARES:
            on, plan = (_work(runs[database, share, name]) for name in (ON, PLAN))
            yield _compared(database, share, on, plan, PLAN_TARGET if share == NOTHING else None)


def _measure(bench: Bench, database: str, share: str, step: str, runs: Runs) -> None:
    """Each step follows the first import; only the undo follows what it undoes."""
    file = bench.file(bench.rows, changed=SHARES[share])
    with bench.warehouse(database) as warehouse:
        bench.import_into(warehouse, bench.file(bench.rows))
        command = "plan" if step == PLAN else "import"
        steps: dict[str, tuple[str | Path, ...]] = {step: (command, file, "--merge", "overwrite")}
        if step == ON:
            steps[UNDO] = ("undo", "2")
        journal = OFF if step == OFF else ON
        for name, arguments in steps.items():
            prepare_load(warehouse, file)
            runs[database, share, name].append(
                bench.contacts(*arguments, warehouse=warehouse, CONTACTS_JOURNAL=journal)
            )
            log_progress(f"{database}, {share} changed, {name}: {runs[database, share, name][-1]}")


def _work(runs: list[Measurement]) -> list[float]:
    return [each.seconds for each in runs]


def _processes(runs: list[Measurement]) -> list[float]:
    return [each.process_seconds for each in runs]


def _compared(database: str, share: str, ours: list[float], theirs: list[float], target: float | None) -> str:
    ratio = median_ratio(theirs, ours)
    cells = (median_seconds(ours), median_seconds(theirs), f"{ratio:.2f}")
    return row(database, share, *cells, compare_with_target(round(ratio, 2), target) if target else "")
