"""The cells of a file's first records, to see what its columns contain."""

from itertools import islice
from typing import TypeAlias

from transforms.landing.encoding import is_utf8
from transforms.landing.land import Landed
from transforms.parsing.csv_writer import remove_guard
from transforms.parsing.layout import Layout
from transforms.parsing.strict_reader import RecordReader
from transforms.work_folder import read_range

FIRST_RECORDS = 50
MAX_CELL_LENGTH = 100  # characters
_SAMPLE_BYTES = 1 << 16

FirstCells: TypeAlias = tuple[tuple[str, ...], ...]


def first_cells(landed: Landed, layout: Layout) -> FirstCells:
    """For each column, the beginnings of its cells in the first well-formed records that are not blank.

    They are values of contacts, so they must not be kept or shown.
    """
    end = landed.size if layout.data_end is None else layout.data_end
    data = read_range(landed.path, layout.data_start, max(0, min(_SAMPLE_BYTES, end - layout.data_start)))
    whole = layout.data_start + len(data) >= end
    records = RecordReader(data, layout.dialect, layout.width).records()
    rows = [
        [remove_guard(cell.decode()).strip()[:MAX_CELL_LENGTH] for cell in record.cells]
        for record in islice(records, FIRST_RECORDS)
        if record.cells and (whole or not record.undecided) and is_utf8(data[record.start : record.end])
    ]
    return tuple(tuple(filter(None, cells)) for cells in zip(*rows, strict=True))
