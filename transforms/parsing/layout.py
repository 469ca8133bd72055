"""The layout of a file: its dialect, its columns, and where its records start."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

from schemas.catalogue import FieldCatalogue
from schemas.cells.emails import normalise_email
from schemas.cells.phones import to_e164
from schemas.errors.limits import RecordTooLarge, TooManyColumns
from schemas.errors.source import HeaderLooksLikeData, HeaderUnreadable, SourceEmpty
from schemas.fields import header_key
from transforms.landing.encoding import REJECTED_FILE_COLUMNS
from transforms.landing.land import Landed
from transforms.landing.unwrap import unwrapped
from transforms.parsing.csv_writer import remove_guard
from transforms.parsing.dialect import (
    DELIMITERS,
    QUOTE,
    DelimiterCertainty,
    Dialect,
    DialectOptions,
    detect_delimiter,
    parse_delimiter,
)
from transforms.parsing.head import FileHead, read_head, without_last_lines
from transforms.parsing.layout_warnings import (
    ambiguous_delimiter_warnings,
    lines_above_warnings,
    one_column_warnings,
    sep_line_warnings,
    width_warnings,
    wrapped_lines_warnings,
)
from transforms.parsing.strict_reader import MAX_RECORD_BYTES, Record, RecordReader

SAMPLED_RECORDS = 200
MAX_COLUMNS = 20_000
MAX_HEADER_BYTES = 1 << 20
IDENTITY_WEIGHT = 10
MAX_LINES_ABOVE = 20  # how many lines above the header a suggestion may find
SUGGESTED_DELIMITERS = ("|", ":", "^", "~")  # only suggested; they are used if the user names one
DETECT_ALL = DialectOptions()

REJECTION_COLUMNS = (
    "rejection_record",
    "rejection_line",
    "rejection_codes",
    "rejection_reasons",
    "rejection_raw",
    "rejection_of",
)
# A column that only rejected files have, with the characters around it, one of which is the delimiter.
_REJECTED_FILE_COLUMN = re.compile(
    rf'(?:([^\w"\r\n])"?)?(?<!\w)(?:{"|".join(REJECTED_FILE_COLUMNS)})(?!\w)"?([^\w"\r\n])?'.encode()
)


@dataclass(frozen=True)
class Layout:
    """`columns` are the header's texts, `column_N` for an empty one.

    Records are the bytes from `data_start` to `data_end`, by default the file's end. `first_line` is the line number of
    the first record, `lines_above` how many lines seem to be above the header.
    """

    dialect: Dialect
    columns: tuple[str, ...]
    data_start: int
    first_line: int
    rejected_file: bool = False
    all_utf8: bool = False
    warnings: tuple[str, ...] = ()
    lines_above: int = 0
    data_end: int | None = None
    wrapped: bool = False

    @property
    def width(self) -> int:
        return len(self.columns)


def find_layout(landed: Landed, catalogue: FieldCatalogue, options: DialectOptions = DETECT_ALL) -> Layout:
    """Read the first records; SourceEmpty if there is none, LimitError if the first is too long or too wide."""
    rejected_file_delimiter = _rejected_file_delimiter(landed)
    ignored: tuple[str, ...] = ()
    if rejected_file_delimiter:
        options = DialectOptions(rejected_file_delimiter)
    elif landed.is_sheet:
        options, ignored = _sheet_options(options)
    landed = without_last_lines(landed, options.skip_last)
    head = read_head(landed, options.quote, options.skip_lines, options.escape)
    candidates = _DialectCandidates(head, options, catalogue)
    if options.header:
        _check_header_size(landed.source, candidates)
    delimiter, certainty, other = candidates.delimiter()
    first = _first_record(landed.source, candidates, delimiter)
    lines_above = candidates.lines_above() if options.header else 0
    texts = _header_texts(first)
    wrapped = candidates.are_lines_wrapped()
    if texts is None:
        raise HeaderUnreadable(landed.source, candidates.line_at(first.start), lines_above)
    if options.header:
        _check_header_is_no_record(landed.source, texts, catalogue)
    start = first.end if options.header else first.start
    dialect = candidates.dialect(
        delimiter,
        encoding=landed.encoding,
        encoding_certainty=landed.certainty,
        delimiter_certainty=certainty,
        header=options.header,
        skipped_lines=options.skip_lines,
    )
    return Layout(
        dialect,
        tuple(_column_names(texts, options.header)),
        head.start + start,
        candidates.line_at(start),
        rejected_file=rejected_file_delimiter is not None,
        all_utf8=landed.all_utf8,
        warnings=(
            *ignored,
            *candidates.warnings(delimiter, other),
            *lines_above_warnings(lines_above),
            *wrapped_lines_warnings(wrapped, candidates.are_some_lines_wrapped(delimiter)),
        ),
        lines_above=lines_above,
        data_end=landed.size,
        wrapped=wrapped,
    )


def _sheet_options(options: DialectOptions) -> tuple[DialectOptions, tuple[str, ...]]:
    """The options for the text of a sheet, which we wrote, and a warning for those that it makes meaningless."""
    usable = DialectOptions(",", header=options.header, skip_lines=options.skip_lines, skip_last=options.skip_last)
    if replace(usable, delimiter=None) == replace(options, delimiter=None) and options.delimiter in (None, ","):
        return usable, ()
    return usable, ("the file is a workbook, so --delimiter, --quote and --escape were not used",)


def _check_header_size(source: str, candidates: "_DialectCandidates") -> None:
    """Refuse a header that is too large, before its names are compared; its size hardly depends on the delimiter."""
    first = next(iter(candidates.records(candidates.delimiters[0])), None)
    if first and first.end - first.start > MAX_HEADER_BYTES:
        raise RecordTooLarge(source, candidates.line_at(first.start), MAX_HEADER_BYTES)


def _first_record(source: str, candidates: "_DialectCandidates", delimiter: str) -> Record:
    """The first record, which is the header if the file has one; errors as in `find_layout`."""
    first = next(iter(candidates.records(delimiter)), None)
    if first is None:
        raise SourceEmpty(source, candidates.options.skip_lines)
    if first.cells and first.undecided and not candidates.head.whole:
        raise RecordTooLarge(source, candidates.line_at(first.start), MAX_RECORD_BYTES)
    if first.cells and len(first.cells) > MAX_COLUMNS:
        raise TooManyColumns(source, len(first.cells), MAX_COLUMNS)
    return first


def _column_names(texts: Sequence[str], header: bool) -> Iterator[str]:
    """The header's texts; `column_N` for an empty one, or without a header."""
    return (name if header and header_key(name) else f"column_{number}" for number, name in enumerate(texts, 1))


def _rejected_file_delimiter(landed: Landed) -> str | None:
    """The delimiter of a rejected file, whatever program saved it last; None for any other file."""
    head = read_head(landed, QUOTE, 0)
    found = _REJECTED_FILE_COLUMN.search(head.text) if b"rejection_" in head.text else None
    around = (found[2] or found[1] or b"").decode("ascii", "replace") if found else ""
    if (delimiter := parse_delimiter(around)) is None:
        return None
    first = next(iter(_first_records(head, Dialect(delimiter, carriage_return=head.carriage_return))), None)
    names = (first and _header_texts(first)) or []
    return delimiter if find_rejection_columns(names) else None


def find_rejection_columns(names: Sequence[str]) -> dict[str, int]:
    """The positions of the columns that a rejected file adds to its source, by name; none if this is another file.

    A person may have moved or deleted some. If the source has a column of the same name, the last one is the added one.
    """
    found = {name: position for position, name in enumerate(names, 1) if name in REJECTION_COLUMNS}
    return {} if found.keys().isdisjoint(REJECTED_FILE_COLUMNS) else found


class _DialectCandidates:
    """The first records as each possible delimiter splits them."""

    def __init__(self, head: FileHead, options: DialectOptions, catalogue: FieldCatalogue) -> None:
        self.head, self.options, self._catalogue = head, options, catalogue
        self._taken = (options.quote, options.escape)
        self.delimiters = tuple(each for each in DELIMITERS if each not in self._taken)
        self.records = cache(self._records)

    def dialect(self, delimiter: str, **more: Any) -> Dialect:
        options = self.options
        return Dialect(
            delimiter,
            quote=options.quote,
            escape=options.escape,
            carriage_return=self.head.carriage_return,
            line_per_record=self.head.is_sheet,
            **more,
        )

    def _records(self, delimiter: str) -> list[Record]:
        return _first_records(self.head, self.dialect(delimiter))

    def lines_in(self, end: int) -> int:
        return self.dialect(",").count_breaks(self.head.text[:end])

    def line_at(self, start: int) -> int:
        return self.head.lines + self.lines_in(start) + 1

    def names(self, delimiter: str) -> list[str]:
        """The first record's cells, at most `MAX_COLUMNS`."""
        return next((_header_texts(record, MAX_COLUMNS) or [] for record in self.records(delimiter)), [])

    def widths(self, delimiter: str) -> list[int]:
        return [len(record.cells) for record in self.records(delimiter) if record.cells]

    def known_names(self, delimiter: str) -> int:
        """How many cells of the header the catalogue knows; the identity, which every file needs, counts most."""
        names = self.names(delimiter) if self.options.header else []
        known = sum(self._catalogue.match_header(name) is not None for name in names)
        return known + IDENTITY_WEIGHT * self._names_identity(names)

    def sep_line(self) -> str | None:
        """The delimiter that a `sep=` line names, if it can be one."""
        delimiter = parse_delimiter(self.head.sep_line or "")
        return delimiter if delimiter not in self._taken else None

    def delimiter(self) -> tuple[str, DelimiterCertainty, str | None]:
        """The delimiter, how it was determined, and a second one that would fit too."""
        if self.options.delimiter:
            return self.options.delimiter, DelimiterCertainty.DECLARED, None
        if sep_line := self.sep_line():
            return sep_line, DelimiterCertainty.FIRST_LINE, None
        best, other = detect_delimiter(self.widths, self.known_names, self.delimiters)
        return best, DelimiterCertainty.GUESSED if other else DelimiterCertainty.DETECTED, other

    def warnings(self, delimiter: str, other: str | None) -> Iterator[str]:
        """Signs that the file should be read in another way."""
        yield from sep_line_warnings(self.head.sep_line, delimiter)
        yield from ambiguous_delimiter_warnings(delimiter, other)
        names, records = self.names(delimiter), [record.cells for record in self.records(delimiter)[1:] if record.cells]
        if len(names) == 1:
            wider = {
                each: len(self.names(each))
                for each in (*self.delimiters, *SUGGESTED_DELIMITERS)
                if self.known_names(each) > 1
            }
            better = {each: width for each, width in wider.items() if width > 1}
            yield from one_column_warnings(delimiter, better)
        if self.head.whole:
            records = _without_footer(records, len(names))
        first = "header" if self.options.header else "first record"
        yield from width_warnings(
            first, names, [len(cells) for cells in records], [not cells[-1].strip() for cells in records]
        )

    def are_lines_wrapped(self) -> bool:
        """Whether every record is one quoted cell, and the first of these cells names columns that we know."""
        records = self.records(self.delimiters[0])
        header = next((record for record in records if record.cells and len(record.cells) == 1), None)
        if header is None or not self.options.header or any(len(record.cells or ()) != 1 for record in records):
            return False
        return any(
            len(names) > 1 and self._names_identity(names)
            for each in self.delimiters
            if (names := (found := self._unwrapped(header, each)) and _header_texts(found))
        )

    def are_some_lines_wrapped(self, delimiter: str) -> bool:
        """Whether some record is one quoted cell that has as many cells in it as the header, more than one."""
        width = len(self.names(delimiter))
        return width > 1 and any(
            len(found.cells or ()) == width
            for record in self.records(delimiter)
            if record.cells and len(record.cells) == 1 and (found := self._unwrapped(record, delimiter))
        )

    def _unwrapped(self, record: Record, delimiter: str) -> Record | None:
        """The record in a quoted cell; None if the line of this one is anything else."""
        line = self.head.text[record.start : record.end]
        text = unwrapped(line)
        return None if text == line else next(RecordReader(text, self.dialect(delimiter), None).records(), None)

    def lines_above(self) -> int:
        """How many lines are above what looks like the header: a record that names the identity, else has columns."""
        given = self.options.delimiter or self.sep_line()
        delimiters = (given,) if given else self.delimiters
        if any(self._names_identity(self.names(each)) for each in delimiters):
            return 0
        found = [
            lines
            for each in delimiters
            if (lines := self._lines_before_identity(each) or self._lines_before_columns(each))
        ]
        return self.head.lines + min(found) if found else 0

    def _names_identity(self, names: Iterable[str]) -> bool:
        known = map(self._catalogue.match_header, names)
        return any(match is not None and match.field.identity for match in known)

    def _lines_before_identity(self, delimiter: str) -> int:
        dialect, text = self.dialect(delimiter), self.head.text
        ends = re.finditer(rb"\r\n?|\n" if dialect.carriage_return else rb"\n", text)
        for lines, end in enumerate(islice(ends, MAX_LINES_ABOVE), 1):
            record = next(RecordReader(text, dialect, None).records(end.end()), None)
            names = (record and _header_texts(record)) or []
            if self._names_identity(names) and not any(
                map(normalise_email, names)
            ):  # with an email in it, it is a contact
                return lines
        return 0

    def _lines_before_columns(self, delimiter: str) -> int:
        """How many lines of one cell are above records that all have the same number of cells, more than one."""
        records = [record for record in self.records(delimiter) if record.cells]
        widths = self.widths(delimiter)
        above = next((index for index, width in enumerate(widths) if width > 1), 0)
        if not 0 < above <= MAX_LINES_ABOVE or len(set(widths[above:])) > 1 or len(widths) < above + 2:
            return 0
        return self.lines_in(records[above].start)


def _without_footer(records: list[tuple[bytes, ...]], width: int) -> list[tuple[bytes, ...]]:
    """The records up to the last one of this width; all if there is none."""
    last = max((number for number, cells in enumerate(records, 1) if len(cells) == width), default=len(records))
    return records[:last]


def _first_records(head: FileHead, dialect: Dialect) -> list[Record]:
    """The first records that are not blank, without one that the end of the head cuts."""
    found: list[Record] = []
    for record in RecordReader(head.text, dialect, None).records():
        if record.undecided and found and not head.whole:
            break
        if record.cells is None or any(cell.strip() for cell in record.cells):
            found.append(record)
        if len(found) == SAMPLED_RECORDS:
            break
    return found


def _header_texts(record: Record, max_columns: int | None = None) -> list[str] | None:
    try:
        cells = (record.cells or ())[:max_columns]
        return [remove_guard(cell.decode("utf-8")).strip() for cell in cells] or None
    except UnicodeDecodeError:
        return None


def _check_header_is_no_record(source: str, names: Sequence[str], catalogue: FieldCatalogue) -> None:
    """Refuse a header with an email or a phone in it: it is a contact, and its text must not become a column name."""
    for position, name in enumerate(names, 1):
        for kind, stored in (("email", normalise_email(name)), ("phone", to_e164(name, catalogue.default_prefix))):
            if stored is not None:
                raise HeaderLooksLikeData(source, position, kind)
