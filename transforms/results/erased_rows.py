"""Erases rows of a rejected file: of such a row, only record, line, code and import stay."""

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import BinaryIO

import pandas as pd

from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.cells.suppressed_emails import SuppressedEmails
from schemas.errors.changes import RejectedFileNotErased
from schemas.rejected_rows import ErasedRow, RejectedFile
from schemas.validation.rules import Rule
from transforms.mapping.record_numbers import CODES, LINE, MARK, NUMBER
from transforms.parsing.csv_writer import csv_bytes
from transforms.work_folder import exists, open_for_reading, replace_file

KEPT = (NUMBER, LINE, MARK)
ROWS_PER_BATCH = 5_000
MAX_CELL_CHARACTERS = 1 << 24  # a quoted cell of a source is no longer


def erase_rows(file: RejectedFile, erased: SuppressedEmails, write: bool) -> list[ErasedRow]:
    """Erase the rows that have one of these addresses in any cell; without `write`, only find them.

    Also gives the rows that were erased before. The other rows stay byte for byte. A file that does not exist has no
    rows. RejectedFileNotErased if it cannot be read or written.
    """
    try:
        if not exists(file.path):
            return []
        found = _scan(file, erased, None)
        if write and any(row.new for row in found):
            with replace_file(file.path) as target:
                _scan(file, erased, target)
    except csv.Error:
        raise RejectedFileNotErased(file.path, "it is no CSV any more") from None
    except Exception as error:  # each kind of storage has its own errors
        raise RejectedFileNotErased(file.path, getattr(error, "strerror", None) or type(error).__name__) from None
    return found


def _scan(file: RejectedFile, erased: SuppressedEmails, target: BinaryIO | None) -> list[ErasedRow]:
    """The erased rows; writes the file without them to `target`."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    found, place = list[ErasedRow](), 0
    with ExitStack() as stack:
        source = stack.enter_context(open_for_reading(file.path))
        lines = _Lines(io.TextIOWrapper(source, "utf-8", "surrogateescape", newline=""))
        records = _records(lines, file.delimiter)
        first, header = next(records, ("", []))
        header = [name.removeprefix("\ufeff") for name in header]
        if target:
            target.write(first.encode("utf-8", "surrogateescape"))
        while batch := list(islice(records, ROWS_PER_BATCH)):
            has_address = erased.are_in(["\n".join(cells) for _, cells in batch])
            for (text, cells), is_found in zip(batch, has_address, strict=True):
                row = dict(zip(header, cells, strict=False))
                if is_found or row.get(CODES) == Rule.SUPPRESSED:
                    record = row.get(NUMBER, "")
                    found.append(ErasedRow(place, int(record) if record.isdecimal() else None, bool(is_found)))
                if is_found:
                    text = _erased_text(header, row, file.delimiter)
                if target:
                    target.write(text.encode("utf-8", "surrogateescape"))
                place += 1
    return found


def _erased_text(header: list[str], row: dict[str, str], delimiter: str) -> str:
    kept = {name: row.get(name, "") for name in KEPT} | {CODES: str(Rule.SUPPRESSED)}
    cells = pd.DataFrame([[kept.get(name) or None for name in header]], dtype=TEXT_DTYPE)
    return csv_bytes(cells, delimiter).decode()


def _records(lines: "_Lines", delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Each record as it is written, and its cells."""
    for cells in csv.reader(lines, delimiter=delimiter):
        yield lines.take(), cells


class _Lines:
    """Gives the lines of a text, and remembers those that were given since the last record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._given: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        self._given.append(next(self._lines))
        return self._given[-1]

    def take(self) -> str:
        text = "".join(self._given)
        self._given.clear()
        return text
