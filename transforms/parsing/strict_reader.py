"""The strict reader: reads records one by one, for blocks whose quoting is irregular.

A stray quote would swallow the lines after it. When a record is malformed and has crossed a line break, the
reader checks the lines that it crossed. If one of them starts a clean record (right width, every quote in its
place), the quote was stray: the malformed record ends before that line, and reading resumes there. Otherwise the
record does span those lines, and is malformed as a whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.validation.rules import Rule
from transforms.parsing.dialect import Dialect

MAX_RECORD_BYTES = 16 << 20  # bytes; a quote that is not closed within them counts as never closed

_ANY_BREAK = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Record:
    """A record is the bytes `start:end`, line break included; `cells` is None if it is malformed.

    `undecided`: the result depends on where the data ends, so more data could change it.
    `cut_off`: the data ends inside a quoted cell.
    """

    start: int
    end: int
    cells: tuple[bytes, ...] | None
    rule: Rule | None = None
    undecided: bool = False
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class _Scan:
    """A record as scanned from one position, before its width is checked."""

    end: int
    cells: tuple[bytes, ...]
    broken: bool  # text after a closing quote, or no closing quote
    cut_off: bool  # the data ends inside a quoted cell
    stray: bool  # a quote inside an unquoted cell: it is text, but a clean record has none


class _Cells:
    """Finds the cells of one dialect and decodes their text.

    The patterns are possessive: each matches in one way only, in linear time. An escape applies to the next
    character, or to both characters of a CRLF; at the end of the data it is text.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.quote, self.escape = dialect.quote.encode(), (dialect.escape or "").encode()
        quote, stop = re.escape(self.quote), re.escape(dialect.delimiter.encode())
        stop += rb"\r\n" if dialect.carriage_return else rb"\n"
        escape = re.escape(self.escape)
        pair = escape + rb"(?:\r\n|[\s\S])"
        within, outside = b"[^" + quote + escape + b"]*+", b"[^" + stop + escape + b"]*+"
        doubled = quote + quote + (b"|" + pair if escape else b"")
        self.quoted = re.compile(quote + within + b"(?:(?:" + doubled + b")" + within + b")*+" + quote)
        self.plain = re.compile(
            outside + (b"(?:(?:" + pair + b"|" + escape + rb"\Z)" + outside + b")*+") * bool(escape)
        )

    def marked(self, data: bytes, start: int, end: int) -> bool:
        """Whether there is a quote or an escape in the range."""
        return data.find(self.quote, start, end) >= 0 or bool(self.escape and data.find(self.escape, start, end) >= 0)

    def unquoted(self, cell: bytes) -> bytes:
        """The text of a quoted cell. Before a run of quotes, an escape applies to the first; the rest are pairs."""
        text = cell[1:-1].replace(self.quote * 2, self.quote)
        return self._without_escapes(text) if self.escape and self.escape in text else text

    def unescaped(self, cell: bytes) -> tuple[bytes, bool]:
        """The text of an unquoted cell, and whether it has a quote that is not escaped."""
        if not self.escape or self.escape not in cell:
            return cell, self.quote in cell
        bare = cell.replace(self.escape * 2, b"").replace(self.escape + self.quote, b"")
        return self._without_escapes(cell), self.quote in bare

    def _without_escapes(self, text: bytes) -> bytes:
        """Remove each escape, but keep the escaped ones: a placeholder that is not in the cell marks them."""
        escaped = b"\xff\xfe"
        while escaped in text:
            escaped += b"\xfe"
        last = self.escape if text.replace(self.escape * 2, b"").endswith(self.escape) else b""
        text = text.replace(self.escape * 2, escaped).replace(self.escape, b"")
        return text.replace(escaped, self.escape) + last


class RecordReader:
    """Reads records of one width and dialect from bytes that start at a record; `width` None accepts any."""

    def __init__(self, data: bytes, dialect: Dialect, width: int | None) -> None:
        self._data = data
        self._width = width
        self._delimiter = dialect.delimiter.encode()
        self._breaks = b"\r" if dialect.carriage_return else b"\n"
        self._cells = _Cells(dialect)

    def records(self, start: int = 0) -> Iterator[Record]:
        """Records in order, without blank lines."""
        while start < len(self._data):
            line_end = self._line_end(start)
            if not self._data[start:line_end].strip(b"\r\n"):
                start = line_end
                continue
            record = self._record(start)
            yield record
            start = record.end

    def _record(self, start: int) -> Record:
        scan = self._scan(start)
        undecided = scan.end == len(self._data)
        too_few = self._width is not None and len(scan.cells) < self._width
        too_many = self._width is not None and len(scan.cells) > self._width
        if not (scan.broken or too_few or too_many):
            return Record(start, scan.end, scan.cells, undecided=undecided)
        next_line = self._line_end(start)
        resume, reached_end = self._next_clean(next_line, scan)
        undecided = undecided or reached_end
        if scan.broken or resume:
            end = resume or (next_line if scan.cut_off else scan.end)
            return Record(start, end, None, Rule.ROW_BAD_QUOTING, undecided, scan.cut_off)
        return Record(start, scan.end, None, Rule.ROW_TOO_SHORT if too_few else Rule.ROW_TOO_LONG, undecided)

    def _next_clean(self, start: int, scan: _Scan) -> tuple[int | None, bool]:
        """The start of the first clean record among the lines that a malformed one crossed, None if there is none.

        A record of the wrong width whose quotes are all in place has swallowed no line. If it has a stray quote,
        all lines that it crossed must be clean records. Also returns whether the result depends on the data's end.
        """
        if not (scan.broken or scan.stray):
            return None, False
        at, reached_end = start, False
        while at < scan.end:
            found = self._scan(at)
            reached_end = reached_end or found.end == len(self._data)
            clean = self._is_clean(found)
            if scan.broken and clean:
                return at, reached_end
            if not (scan.broken or clean):
                return None, reached_end
            at = self._line_end(at) if scan.broken else found.end
        return None if scan.broken or start >= scan.end else start, reached_end

    def _is_clean(self, scan: _Scan) -> bool:
        """Whether a record has the right width, every quote in its place, and a cell that is not empty."""
        right_width = self._width is None or len(scan.cells) == self._width
        return right_width and not scan.broken and not scan.stray and any(scan.cells)

    def _line_end(self, start: int) -> int:
        if self._breaks == b"\r":  # one search for both: a search for one alone may scan the whole block
            either = _ANY_BREAK.search(self._data, start)
            return either.end() if either else len(self._data)
        found = self._data.find(self._breaks, start)
        return len(self._data) if found < 0 else found + 1

    def _scan(self, start: int) -> _Scan:
        data, size = self._data, len(self._data)
        line_end = self._line_end(start)
        if not self._cells.marked(data, start, line_end):
            line = data[start:line_end].removesuffix(b"\n").removesuffix(b"\r")
            return _Scan(line_end, tuple(line.split(self._delimiter)), False, False, False)
        cells: list[bytes] = []
        at, stray = start, False
        while True:
            if data[at : at + 1] == self._cells.quote:
                quoted = self._cells.quoted.match(data, at)
                if quoted is None:
                    return _Scan(size, tuple(cells), True, True, stray)
                cells.append(self._cells.unquoted(quoted[0]))
                at = quoted.end()
                if not self._ends_cell(at):
                    return _Scan(self._line_end(at), tuple(cells), True, False, stray)
            else:
                plain = self._cells.plain.match(data, at)
                assert plain is not None  # the pattern matches nothing at least
                cell = plain[0]
                at = plain.end()
                if data[at : at + 1] == b"\n" or at == size:
                    cell = cell.removesuffix(b"\r")
                cell, has_quote = self._cells.unescaped(cell)
                stray = stray or has_quote
                cells.append(cell)
            if data[at : at + 1] == self._delimiter:
                at += 1
                continue
            return _Scan(self._line_end(at) if at < size else size, tuple(cells), False, False, stray)

    def _ends_cell(self, at: int) -> bool:
        following = self._data[at : at + 2]
        return (
            not following
            or following[:1] in (self._delimiter, b"\n")
            or following == b"\r\n"
            or (following[:1] == b"\r" and (self._breaks == b"\r" or len(following) == 1))
        )
