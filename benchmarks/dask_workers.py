"""One and two Dask workers: how much faster two run the chunk stages."""

import sys
from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench, Measurement, measure, measure_rounds, warm_up
from benchmarks.tables import header, median_ratio, median_seconds, row

TARGET = 1.6
RUNNERS = {"dask": "Dask workers", "threads": "threads"}


def dask(bench: Bench) -> Iterator[str]:
    """Reading and checking on a local cluster of processes, and on threads, which need no cluster."""
    file = bench.file(bench.rows)

    def run(runner: str, workers: int) -> Measurement:
        warm_up([file])
        program = [sys.executable, "-m", "benchmarks.chunk_stages", runner, str(workers), str(file)]
        return measure(program, PREFECT_API_URL=bench.prefect)

    contenders = {(runner, workers): partial(run, runner, workers) for runner in RUNNERS for workers in (1, 2)}
    results = measure_rounds(contenders, bench.rounds)
    yield header("chunk stages on", "one", "two", "times as fast", "target", "processor, one", "processor, two")
    for runner, name in RUNNERS.items():
        one, two = ([each.seconds for each in results[runner, workers]] for workers in (1, 2))
        speedup = median_ratio(one, two)
        target = f"≥ {TARGET:g}, {'met' if speedup >= TARGET else 'missed'}" if runner == "dask" else ""
        processor = (
            median_seconds([each.processor_seconds for each in results[runner, workers]]) for workers in (1, 2)
        )
        yield row(name, median_seconds(one), median_seconds(two), f"{speedup:.2f}", target, *processor)
