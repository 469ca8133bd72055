"""`contacts check` beside a bare read of the file, and whole commands on ten rows."""

import statistics
from collections.abc import Iterator
from functools import partial

from benchmarks.bench import POSTGRES, SQLITE, Bench, Measurement, bare_read, measure, measure_rounds
from benchmarks.tables import compare_with_target, header, median_ratio, median_seconds, row

SMALL_ROWS = 10
CHECK_TARGET = 5.0
HELP, NO_SERVER = "contacts --help", "contacts import, SQLite, no server runs"
LIBRARIES, EMPTY_FLOW = (
    "for comparison: import the libraries of a check",
    "for comparison: an empty flow, no server runs",
)
COMMAND_TARGETS = {
    HELP: 0.1,
    "contacts check": 0.4,
    "contacts import, PostgreSQL": 3.0,
    "contacts import, SQLite": 3.0,
    NO_SERVER: 3.5,
}
LIBRARY_NAMES = (
    "pandas",
    "pyarrow.compute",
    "pyarrow.csv",
    "pandera.pandas",
    "pydantic_settings",
    "phonenumbers",
    "email_validator",
    "yaml",
)
IMPORT_LIBRARIES = """
import importlib, json, sys, time
seconds = {}
for name in sys.argv[1:]:
    began = time.perf_counter()
    importlib.import_module(name)
    seconds[name] = time.perf_counter() - began
print(json.dumps(seconds))
"""
PRINT_HELP = """
import contextlib, io
from flows.cli.main import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--help"])
print("{}")
"""


def check(bench: Bench) -> Iterator[str]:
    """The work time of `contacts check` beside pyarrow, which reads the file and guesses its types."""
    file = bench.file(bench.rows)
    results = measure_rounds({"read": partial(bare_read, file), "check": partial(bench.check, file)}, bench.rounds)
    reads, checks = ([each.seconds for each in results[name]] for name in ("read", "check"))
    ratio = median_ratio(checks, reads)
    yield header("bare read by pyarrow", "contacts check", "ratio", "target")
    target = compare_with_target(round(ratio, 1), CHECK_TARGET)
    yield row(median_seconds(reads), median_seconds(checks), f"{ratio:.1f}", target)


def small(bench: Bench) -> Iterator[str]:
    """The whole process for ten rows, beside the libraries alone and an empty flow that starts its own server."""
    file = bench.file(SMALL_ROWS)

    def import_file(database: str, **environment: str | None) -> Measurement:
        with bench.warehouse(database) as warehouse:
            return bench.contacts("import", file, warehouse=warehouse, **environment)

    def empty_flow() -> Measurement:
        variables = {"PREFECT_API_URL": None, "CONTACTS_HOME": str(bench.folder / "home-of-empty-flow")}
        return measure([bench.python, "-m", "benchmarks.empty_flow"], **variables)

    def print_help() -> Measurement:
        return measure([bench.python, "-c", PRINT_HELP])

    own_server = {"PREFECT_API_URL": None, "PREFECT_HOME": None, "CONTACTS_HOME": str(bench.folder / "home-alone")}
    contenders = {
        HELP: print_help,
        LIBRARIES: lambda: measure([bench.python, "-c", IMPORT_LIBRARIES, *LIBRARY_NAMES]),
        "contacts check": lambda: bench.contacts("check", file),
        "contacts import, PostgreSQL": lambda: import_file(POSTGRES),
        "contacts import, SQLite": lambda: import_file(SQLITE),
        NO_SERVER: lambda: import_file(SQLITE, **own_server),
        EMPTY_FLOW: empty_flow,
    }
    measure_rounds(contenders, 1)  # not counted: it creates Prefect's databases in the new homes
    results = measure_rounds(contenders, bench.rounds)
    seconds = {name: [each.process_seconds for each in measurements] for name, measurements in results.items()}
    yield header(f"{SMALL_ROWS} rows, the whole process", "takes", "target")
    for name, target in COMMAND_TARGETS.items():
        met = compare_with_target(statistics.median(seconds[name]), target, " s")
        yield row(name, median_seconds(seconds[name]), met)
    for name in (LIBRARIES, EMPTY_FLOW):
        yield row(name, median_seconds(seconds[name]), "")
    yield ""
    yield header("where the time of a check goes", "takes")
    imports = [run.output for run in results[LIBRARIES]]
    whole = zip(seconds[LIBRARIES], imports, strict=True)
    python = [total - sum(by_library.values()) for total, by_library in whole]
    yield row("Python itself, and unloading the libraries", median_seconds(python))
    for name in LIBRARY_NAMES:
        yield row(f"import {name}", median_seconds([by_library[name] for by_library in imports]))
    ours = [check - alone for check, alone in zip(seconds["contacts check"], seconds[LIBRARIES], strict=True)]
    yield row("our modules, reading, checking, printing", median_seconds(ours))
