"""The rejected file as a workbook of text cells, in which a spreadsheet changes no value."""

import csv
import io
from typing import BinaryIO

import xlsxwriter

from schemas.errors.request import OutputNotWritable
from transforms.parsing.csv_writer import remove_guard

SUFFIX = ".xlsx"
MAX_CELL_LENGTH = 32_767  # characters, in a spreadsheet
OUTSIDE_THE_SHEET = -1  # the library returns it for a cell beyond the last row or column
_MAX_RECORD_CHARACTERS = 1 << 24  # a quoted cell of a source is no longer


def write_workbook(rejected: BinaryIO, delimiter: str, target: BinaryIO, name: str, scratch: str) -> None:
    """Write the rows of a rejected file to `target`, row by row, with files in the folder `scratch`.

    `name` is the file's name in the error, `OutputNotWritable` if a sheet cannot have all rows or cells.
    """
    csv.field_size_limit(_MAX_RECORD_CHARACTERS)
    options = {"constant_memory": True, "tmpdir": scratch, "use_zip64": True}
    with (
        io.TextIOWrapper(rejected, "utf-8-sig", newline="") as text_stream,
        xlsxwriter.Workbook(target, options) as workbook,
    ):
        sheet, text = workbook.add_worksheet("rejected"), workbook.add_format({"num_format": "@"})
        sheet.freeze_panes(1, 0)
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        for number, row in enumerate(csv.reader(text_stream, delimiter=delimiter)):
            if number == 0:
                sheet.set_column(0, len(row) - 1, 18, text)  # also for cells that are empty now
            for column, cell in enumerate(row):
                if cell and (failure := sheet.write_string(number, column, _without_guard(cell), text)):
                    raise OutputNotWritable(name, _reason(failure))


def _without_guard(cell: str) -> str:
    """The cell without the `'` that protects it in a CSV, unless reading would take the next `'` for one."""
    bare = remove_guard(cell)
    return cell if remove_guard(bare) != bare else bare


def _reason(failure: int) -> str:
    if failure == OUTSIDE_THE_SHEET:
        return "it has more rows or columns than a sheet, 1,048,576 and 16,384; write a .csv file"
    return f"a cell has more than {MAX_CELL_LENGTH:,} characters, and a spreadsheet takes no more; write a .csv file"
