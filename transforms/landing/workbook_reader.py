"""Reads one sheet of a workbook and writes it as CSV to standard output. Runs in a process of its own.

The process limits its memory and processor time, because a small workbook can make the library allocate any amount, and
a failed allocation ends the process. It stops when its standard input, a pipe from the parent, is closed. It imports
little, so that it starts fast and the memory is for the workbook.
"""

import csv
import datetime
import errno
import io
import json
import os
import resource
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from transforms.landing.workbook_scan import scan_cells, write_errors_as_text

CPU_SECONDS = 3_600
MAX_DIGITS = 15  # what a spreadsheet keeps of a number
ALWAYS_ALLOWED_BYTES = 16 << 20  # the ratio of expanded to packed bytes is not checked below this size
BATCH_ROWS = 1_000
MAX_NAME_LENGTH = 500  # of a sheet; the format allows 31 letters, and a message shows 300


class WorkbookProblem(Exception):
    """Why the workbook is not read: a code, and the names of its sheets if they matter."""

    def __init__(self, code: str, sheets: list[str] | None = None) -> None:
        super().__init__(code)
        self.code, self.sheets = code, [name[:MAX_NAME_LENGTH] for name in sheets or ()]


def main() -> None:
    """Convert the workbook that the argument describes. The result goes as JSON to the file descriptor it names."""
    request = json.loads(sys.argv[1])
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    _limit(resource.RLIMIT_CORE, 0)  # a core file would hold contacts
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_AS, request["memory"])
    try:
        result: dict[str, Any] = {"warnings": convert(request)}
    except WorkbookProblem as problem:
        result = {"problem": problem.code, "sheets": problem.sheets}
    except MemoryError:
        result = {"problem": "memory"}
    except PasswordError:
        result = {"problem": "protected"}
    except OSError as error:
        result = {"problem": "disk-full" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "unreadable"}
    except BaseException:  # also the library's panics; a text may quote a cell
        result = {"problem": "unreadable"}
    os.close(1)  # the parent reads the result when the sheet has ended, and a pipe does not hold all sheet names
    with os.fdopen(request["result"], "w") as target:
        json.dump(result, target)


def _exit_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def _limit(kind: int, amount: int) -> None:
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (amount if hard == resource.RLIM_INFINITY else min(amount, hard), hard))


def convert(request: dict[str, Any]) -> list[str]:
    """Write the sheet as CSV, and return warnings about its cells."""
    path = Path(request["path"])
    if zipfile.is_zipfile(path):
        _check_expanded_size(path, request["expanded_bytes"], request["expanded_ratio"])
    with CalamineWorkbook.from_path(path) as workbook:
        sheet, hidden = _choose_sheet(workbook, request["sheet"])
    scan = scan_cells(path, sheet.name)
    if scan.errors and not scan.texts:  # which the library would read as empty cells
        name = sheet.name
        del sheet
        path = write_errors_as_text(path, Path(request["copy"]), scan.part)
        with CalamineWorkbook.from_path(path) as workbook:
            sheet = workbook.get_sheet_by_name(name)
    last_row, last_column = sheet.end or (0, 0)
    if (last_row + 1) * (last_column + 1) > request["cells"]:
        raise WorkbookProblem("cells")
    numbers = _write_rows(sheet, scan.texts)
    return [*_hidden_warnings(hidden), *_merged_warnings(sheet), *scan.warnings(), *numbers.warnings()]


def _check_expanded_size(path: Path, limit: int, ratio: int) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > limit:
        raise WorkbookProblem("expanded-bytes")
    if size > max(ALWAYS_ALLOWED_BYTES, path.stat().st_size * ratio):
        raise WorkbookProblem("expanded-ratio")


def _choose_sheet(workbook: CalamineWorkbook, name: str | None) -> tuple[CalamineSheet, list[str]]:
    """The named sheet, or the only visible one with cells; and the hidden sheets, which only a name can choose."""
    sheets = [each for each in workbook.sheets_metadata if each.typ is SheetTypeEnum.WorkSheet]
    names = [each.name for each in sheets]
    if name is not None:
        same = [each for each in names if each == name] or [each for each in names if each.lower() == name.lower()]
        if len(same) != 1:
            raise WorkbookProblem("no-such-sheet", names)
        return workbook.get_sheet_by_name(same[0]), []
    visible = [each.name for each in sheets if each.visible is SheetVisibleEnum.Visible]
    hidden = [each for each in names if each not in visible]
    chosen: CalamineSheet | None = None
    for position, each in enumerate(visible):
        sheet = workbook.get_sheet_by_name(each)
        if sheet.end is None:
            continue
        if chosen is not None:
            raise WorkbookProblem("several-sheets", [chosen.name, *visible[position:]])
        chosen = sheet
    if chosen is None:
        raise WorkbookProblem("several-sheets" if hidden else "empty", hidden)
    return chosen, hidden


def _hidden_warnings(hidden: list[str]) -> Iterator[str]:
    if hidden:
        shown = ", ".join(repr(each[:100]) for each in hidden[:20])
        yield f"hidden sheets were not read: {shown}; to import one, name it after a '!'"


def _merged_warnings(sheet: CalamineSheet) -> Iterator[str]:
    """Merged cells over several rows: contacts below the first one lack the value."""
    merged = [first for first, last in sheet.merged_cell_ranges or () if first[0] < last[0]]
    if merged:
        first = cell_name(*min(merged))
        yield (
            f"cells are merged over several rows in {_places(len(merged))}, the first at {first}; only the first row "
            "has the value, and the others are empty"
        )


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count:,} places"


def cell_name(row: int, column: int) -> str:
    """The name that a spreadsheet shows, such as B5; row and column are counted from 0."""
    letters, column = "", column + 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


@dataclass
class NumberNotes:
    """Numbers with more digits than a spreadsheet keeps."""

    count: int = 0
    first_row: int | None = None

    def warnings(self) -> Iterator[str]:
        if self.count:
            cells = "1 number has" if self.count == 1 else f"{self.count:,} numbers have"
            yield (
                f"{cells} more than {MAX_DIGITS} digits, the first in row {self.first_row}. A spreadsheet keeps "
                f"{MAX_DIGITS}, so the last digits of an ID may be lost: enter IDs as text. Fractions were rounded to "
                f"{MAX_DIGITS} digits"
            )

    def text(self, value: float) -> str:
        """A number without exponent and without `.0`."""
        if value.is_integer() and -1e15 < value < 1e15:
            return str(int(value))
        text = repr(value)
        if len(text) <= MAX_DIGITS and "e" not in text:
            return text
        exact = Decimal(text)
        if not exact.is_finite():
            return text
        if value.is_integer():
            self.count += 1
            return str(int(exact))
        self.count += len(exact.as_tuple().digits) > MAX_DIGITS
        return f"{Decimal(f'{value:.{MAX_DIGITS}g}'):f}"


def _date_text(value: datetime.datetime) -> str:
    """A day if the time is midnight, which most dates in spreadsheets have."""
    return value.date().isoformat() if value.time() == datetime.time.min else value.isoformat(" ")


def _duration_text(value: datetime.timedelta) -> str:
    minutes, seconds = divmod(abs(int(value.total_seconds())), 60)
    sign = "-" if value < datetime.timedelta() else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _write_rows(sheet: CalamineSheet, errors: dict[int, dict[int, str]]) -> NumberNotes:
    """Write each row as one record, blank rows as blank lines, so that lines are rows.

    `errors` are the texts of cells that the library reads as empty, by row and column.
    """
    notes = NumberNotes()
    texts: dict[type, Callable[[Any], str]] = {
        float: notes.text,
        int: str,
        bool: lambda value: "true" if value else "false",
        datetime.date: datetime.date.isoformat,
        datetime.datetime: _date_text,
        datetime.time: datetime.time.isoformat,
        datetime.timedelta: _duration_text,
    }
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\r\n")  # both, so that the writer quotes cells with either
    left = [""] * (sheet.start or (0, 0))[1]  # the library leaves out empty columns on the left
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [*left, *(value if type(value) is str else texts[type(value)](value) for value in row)]
        for column, text in errors.get(number - 1, {}).items():
            cells[column] = text
        if any(cells):
            writer.writerow(cells)
        else:
            rows.write("\r\n")
        if notes.count and notes.first_row is None:
            notes.first_row = number
        if number % BATCH_ROWS == 0:
            _flush(rows)
    _flush(rows)
    return notes


def _flush(rows: io.StringIO) -> None:
    data = memoryview(rows.getvalue().encode())
    while data:
        data = data[os.write(1, data) :]
    rows.seek(0)
    rows.truncate()


if __name__ == "__main__":
    main()
