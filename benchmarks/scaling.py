"""Time and memory against the number of rows: ten times the rows, and a plot."""

import json
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from benchmarks.bench import (
    POSTGRES,
    SQLITE,
    Bench,
    Measurement,
    bare_load,
    bare_read,
    log_progress,
    measure,
    measure_rounds,
    prepare_load,
)
from benchmarks.loads import PANDAS, load_with_pandas
from benchmarks.peers_table import is_available, load_with_key
from benchmarks.tables import compare_with_target, header, median_ratio, median_seconds, row

LARGE_ROWS = 1_000_000  # above this, `memory` compares with a tenth of the rows and not with ten times the rows
TIME_TARGET, PEAK_TARGET = 11, 1.1
GIB = 1 << 30
PLOTTED_PEERS = ("DuckDB", "Polars, ADBC")

Program = Callable[[Bench, Path], Measurement]


def memory(bench: Bench) -> Iterator[str]:
    """Imports, checks and bare loads of a file and of one ten times as long."""
    small, large = (bench.rows, 10 * bench.rows) if bench.rows <= LARGE_ROWS else (bench.rows // 10, bench.rows)
    results = _measure_sizes(bench, PROGRAMS, (small, large), bench.rounds)
    yield header("", f"{small:,} rows", f"{large:,} rows", "ratio of times", "target", "ratio of peaks", "target")
    for name in PROGRAMS:
        seconds = [[each.seconds for each in results[name, rows]] for rows in (small, large)]
        peaks = [max(each.peak_bytes for each in results[name, rows]) for rows in (small, large)]
        cells = [f"{median_seconds(time)}, {peak / 2**20:.0f} MiB" for time, peak in zip(seconds, peaks, strict=True)]
        time_ratio, peak_ratio = median_ratio(seconds[1], seconds[0]), peaks[1] / peaks[0]
        time_target, peak_target = "", ""
        if not name.startswith("bare"):
            time_target = compare_with_target(time_ratio, TIME_TARGET)
            peak_target = compare_with_target(round(peak_ratio, 2), PEAK_TARGET)
            peak_target += "" if peaks[1] < GIB else "; above 1 GiB"
        yield row(name, *cells, f"{time_ratio:.1f}", time_target, f"{peak_ratio:.2f}", peak_target)


def plot(bench: Bench) -> Iterator[str]:
    """Time of loads into an empty warehouse, and its picture. Sizes above ROWS: measured once, without plain pandas."""
    peers = {f"{name}, with a key": partial(load_with_key, name) for name in PLOTTED_PEERS if is_available(name, bench)}
    programs: dict[str, Program] = {**LOADS, **peers, PANDAS: load_with_pandas}
    few, many = ([rows for rows in bench.sizes if (rows <= bench.rows) == small] for small in (True, False))
    results = _measure_sizes(bench, programs, few, bench.rounds)
    results |= _measure_sizes(bench, {**LOADS, **peers}, many, 1)
    points = {
        name: {rows: statistics.median(each.seconds for each in results[name, rows]) for rows in of_program}
        for name in programs
        if (of_program := [rows for rows in bench.sizes if (name, rows) in results])
    }
    yield header("", *(f"{rows:,} rows" for rows in bench.sizes))
    for name, by_rows in points.items():
        yield row(name, *(median_seconds([by_rows[rows]]) if rows in by_rows else "" for rows in bench.sizes))
    if python := bench.peer_python("plot"):
        data = bench.folder / "plot.json"
        data.write_text(json.dumps(points))
        script = Path(__file__).parent / "peers" / "draw_plot.py"
        log_progress(str(measure([python, str(script), str(data), str(bench.image)], PYTHONPATH=None).output))


def _measure_sizes(
    bench: Bench, programs: Mapping[str, Program], sizes: Iterable[int], rounds: int
) -> dict[tuple[str, int], list[Measurement]]:
    """All programs with files of all sizes."""
    contenders = {
        (name, rows): partial(run, bench, bench.file(rows)) for rows in sizes for name, run in programs.items()
    }
    return measure_rounds(contenders, rounds)


def _bare_load(database: str, bench: Bench, file: Path) -> Measurement:
    with bench.warehouse(database) as warehouse:
        prepare_load(warehouse, file)
        return bare_load(warehouse, file)


# By the names in the tables and the plot. Every load goes into an empty warehouse.
LOADS: dict[str, Program] = {
    "import into PostgreSQL": lambda bench, file: bench.first_import(POSTGRES, file),
    "bare load into PostgreSQL": partial(_bare_load, POSTGRES),
    "import into SQLite": lambda bench, file: bench.first_import(SQLITE, file),
    "bare load into SQLite": partial(_bare_load, SQLITE),
}
PROGRAMS: dict[str, Program] = {
    **LOADS,
    "check": lambda bench, file: bench.check(file),
    "bare read by pyarrow": lambda _, file: bare_read(file),
}
