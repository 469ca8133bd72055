"""Ten times the rows: time and memory; and a plot of time against rows."""

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.bench import (
    POSTGRES,
    SQLITE,
    Bench,
    Measured,
    header,
    in_seconds,
    judged,
    measure,
    note,
    row,
    settle,
    turned,
    warm_up,
)

LARGE = 1_000_000  # from here on, ten times more would take too long to ask for by default
GIB = 1 << 30


def memory(bench: Bench) -> Iterator[str]:
    """First imports and checks of a file and of one ten times as long; and how bare loads grow on the same machine."""
    small, large = (bench.rows, 10 * bench.rows) if bench.rows <= LARGE else (bench.rows // 10, bench.rows)
    found: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    for number in range(bench.rounds):
        for rows in turned([small, large], number):
            for name, run in turned(list(_programs(bench).items()), number):
                found[name, rows].append(run(bench.file(rows)))
                last = found[name, rows][-1]
                note(f"{name}, {rows:,} rows: {last.seconds:.2f} s, {last.peak / 2**20:.0f} MiB")
    yield header("", f"{small:,} rows", f"{large:,} rows", "ratio of times", "target", "ratio of peaks", "target")
    for name in dict.fromkeys(name for name, _ in found):
        times, peaks = [], []
        for rows in (small, large):
            times.append(statistics.median(each.seconds for each in found[name, rows]))
            peaks.append(max(each.peak for each in found[name, rows]))
        cells = [f"{time:.2f} s, {peak / 2**20:.0f} MiB" for time, peak in zip(times, peaks, strict=True)]
        time, peak = times[1] / times[0], peaks[1] / peaks[0]
        if name.startswith("bare"):
            yield row(name, *cells, f"{time:.1f}", "", f"{peak:.2f}", "")
            continue
        bound = "" if peaks[1] < GIB else "; above 1 GiB"
        yield row(name, *cells, f"{time:.1f}", judged(time, 11), f"{peak:.2f}", judged(round(peak, 2), 1.1) + bound)


def plot(bench: Bench) -> Iterator[str]:
    """Time against rows: one round for sizes above ROWS, else as many as asked for."""
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for rows in bench.sizes:
        for number in range(bench.rounds if rows <= bench.rows else 1):
            for name, run in turned(list(_programs(bench).items()), number):
                found[name][rows].append(run(bench.file(rows)).seconds)
                note(f"{name}, {rows:,} rows: {found[name][rows][-1]:.2f} s")
    if bench.peers:
        yield f"![Seconds against rows, on logarithmic scales](images/{bench.image.name})\n"
    yield header("", *(f"{rows:,} rows" for rows in bench.sizes))
    for name, by_rows in found.items():
        yield row(name, *(in_seconds(by_rows[rows]) for rows in bench.sizes))
    if bench.peers:
        points = {name: {rows: statistics.median(each) for rows, each in by.items()} for name, by in found.items()}
        data = bench.folder / "plot.json"
        data.write_text(json.dumps(points))
        drawing = Path(__file__).parent / "peers" / "draw.py"
        note(str(measure([bench.peers, str(drawing), str(data), str(bench.image)], PYTHONPATH=None).answer))


def _programs(bench: Bench) -> dict[str, Callable[[Path], Measured]]:
    """What is run, by the name that tables and plot show; loads go into an empty warehouse."""

    def importing(database: str) -> Callable[[Path], Measured]:
        def run(file: Path) -> Measured:
            with bench.warehouse(database) as warehouse:
                settle(warehouse, file)
                return bench.contacts("import", file, "--merge", "overwrite", warehouse=warehouse)

        return run

    def loading(database: str) -> Callable[[Path], Measured]:
        def run(file: Path) -> Measured:
            with bench.warehouse(database) as warehouse:
                settle(warehouse, file)
                place = warehouse.removeprefix("sqlite:///")
                return measure([sys.executable, "-m", "benchmarks.floors", place, str(file)])

        return run

    def checking(file: Path) -> Measured:
        warm_up([file])
        return bench.contacts("check", file)

    def reading(file: Path) -> Measured:
        warm_up([file])
        return measure([sys.executable, "-m", "benchmarks.floors", "read", str(file)])

    return {
        "import into PostgreSQL": importing(POSTGRES),
        "bare load into PostgreSQL": loading(POSTGRES),
        "import into SQLite": importing(SQLITE),
        "bare load into SQLite": loading(SQLITE),
        "check": checking,
        "bare read by pyarrow": reading,
    }
