"""Reading a workbook: `contacts check` and an import of an `.xlsx` beside its reader alone and the same rows as CSV.

As a program, it reads one workbook and prints the seconds as JSON, or with `--make` writes one from a CSV file.
"""

import argparse
import csv
import datetime
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bench import SQLITE, Bench, Measurement, measure, measure_rounds, warm_up
from benchmarks.tables import header, median_ratio, median_seconds, row

DATES, NUMBERS, BOOLEANS = (4,), (3, 5, 6), (10,)  # columns of the generated file
READER, CSV_CHECK, CHECK = "reader alone", "contacts check, the same rows as CSV", "contacts check"
IMPORT = "contacts import, SQLite"


def workbook(bench: Bench) -> Iterator[str]:
    """The work time of a check and an import of a workbook."""
    rows = bench.file(bench.rows)
    book = rows.with_suffix(".xlsx")
    program = [sys.executable, "-m", "benchmarks.workbooks"]
    if not book.exists():
        subprocess.run([*program, "--make", str(rows), str(book)], check=True)

    def read_alone() -> Measurement:
        warm_up([book])
        return measure([*program, str(book)])

    def import_book() -> Measurement:
        with bench.warehouse(SQLITE) as warehouse:
            warm_up([book])
            return bench.import_into(warehouse, book)

    contenders: dict[str, Callable[[], Measurement]] = {
        READER: read_alone,
        CSV_CHECK: partial(bench.check, rows),
        CHECK: partial(bench.check, book),
        IMPORT: import_book,
    }
    results = measure_rounds(contenders, bench.rounds)
    seconds = {name: [each.seconds for each in measurements] for name, measurements in results.items()}
    yield header("one workbook", "takes", "of the reader alone")
    for name, values in seconds.items():
        ratio = median_ratio(values, seconds[READER])
        yield row(name, median_seconds(values), f"{ratio:.2f}")


def make(source: Path, target: Path) -> None:
    """Write the rows of a CSV file as a workbook with typed cells."""
    import xlsxwriter

    with (
        source.open(encoding="utf-8", newline="") as stream,
        xlsxwriter.Workbook(target, {"constant_memory": True}) as book,
    ):
        sheet, day = book.add_worksheet("contacts"), book.add_format({"num_format": "yyyy-mm-dd"})
        for number, cells in enumerate(csv.reader(stream)):
            for column, cell in enumerate(cells):
                if number and column in DATES:
                    sheet.write_datetime(number, column, datetime.date.fromisoformat(cell), day)
                elif number and column in NUMBERS and not cell.startswith("+"):
                    sheet.write_number(number, column, float(cell))
                elif number and column in BOOLEANS:
                    sheet.write_boolean(number, column, cell == "true")
                else:
                    sheet.write_string(number, column, cell)


def read(path: Path) -> dict[str, Any]:
    """Read every cell with the library alone."""
    from python_calamine import CalamineWorkbook

    began = time.perf_counter()
    cells = sum(len(each) for each in CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows())
    return {"seconds": time.perf_counter() - began, "cells": cells}


def main() -> None:
    """Read or make a workbook."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("target", type=Path, nargs="?")
    parser.add_argument("--make", action="store_true")
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.file, arguments.target)
    else:
        print(json.dumps(read(arguments.file)))


if __name__ == "__main__":
    main()
