"""Two Dask workers beside one: how much faster the chunk stages are."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator

from benchmarks.bench import Bench, Measured, header, in_seconds, measure, note, row, turned, warm_up

TARGET = 1.6
CONTENDERS = [("dask", 1), ("dask", 2), ("threads", 1), ("threads", 2)]


def dask(bench: Bench) -> Iterator[str]:
    """Reading and checking on a local cluster of processes; threads beside it, since they need no cluster."""
    file = bench.file(bench.rows)
    found: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    for number in range(bench.rounds):
        for runner, workers in turned(CONTENDERS, number):
            warm_up([file])
            program = [sys.executable, "-m", "benchmarks.chunks", runner, str(workers), str(file)]
            found[runner, workers].append(measure(program, PREFECT_API_URL=bench.prefect))
            note(f"{workers} {runner}: {found[runner, workers][-1].seconds:.2f} s")
    yield header("chunk stages on", "one", "two", "times as fast", "target")
    for runner in ("dask", "threads"):
        one, two = ([each.seconds for each in found[runner, workers]] for workers in (1, 2))
        faster = statistics.median(a / b for a, b in zip(one, two, strict=True))
        target = f"≥ {TARGET:g}, {'met' if faster >= TARGET else 'missed'}" if runner == "dask" else ""
        name = "Dask workers" if runner == "dask" else "threads"
        yield row(name, in_seconds(one), in_seconds(two), f"{faster:.2f}", target)
