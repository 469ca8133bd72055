"""The strict reader: records one by one, each judged by itself, for blocks whose quoting is irregular.

A stray quote would swallow the lines after it. So when a record goes wrong after it has crossed a line
break, the lines it crossed are looked at again: if one of them starts a clean record (the right width,
every quote in its place), the quote was stray, the broken record ends before that line, and reading goes
on there. Otherwise the record really spans those lines, and is broken as a whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.validation.rules import Rule
from transforms.parsing.dialect import Dialect

LARGEST_RECORD = 16 << 20  # bytes; also how far a quote is followed before it counts as never closed

_ANY_BREAK = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Record:
    """A record's bytes lie in `start:end` (line break included); cells are None where it is malformed.

    `undecided`: the end of the data had a say, so that more data could change the verdict.
    `cut_off`: the data stopped inside a quoted cell.
    """

    start: int
    end: int
    cells: tuple[bytes, ...] | None
    rule: Rule | None = None
    undecided: bool = False
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class _Scan:
    """One reading of a record from `start`, before anything is decided about it."""

    end: int
    cells: tuple[bytes, ...]
    broken: bool  # text after a closing quote, or no closing quote at all
    cut_off: bool  # the data ended inside a quoted cell
    stray: bool  # a quote inside an unquoted cell: ordinary text, but not what a clean record has


class _Cells:
    """How a cell is found and what its text is, in one dialect.

    The patterns of whole cells are possessive, so that each matches in one way only and in linear time. An escape
    is for the character after it, and for both of a CRLF; at the very end of the data it is text.
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
        """Whether a quote or an escape stands there."""
        return data.find(self.quote, start, end) >= 0 or bool(self.escape and data.find(self.escape, start, end) >= 0)

    def unquoted(self, cell: bytes) -> bytes:
        """The text of a quoted cell. Of quotes in a row, an escape before them takes one, and the others are pairs."""
        text = cell[1:-1].replace(self.quote * 2, self.quote)
        return self._without_escapes(text) if self.escape and self.escape in text else text

    def unescaped(self, cell: bytes) -> tuple[bytes, bool]:
        """The text of a plain cell, and whether a quote stands in it that is not escaped."""
        if not self.escape or self.escape not in cell:
            return cell, self.quote in cell
        bare = cell.replace(self.escape * 2, b"").replace(self.escape + self.quote, b"")
        return self._without_escapes(cell), self.quote in bare

    def _without_escapes(self, text: bytes) -> bytes:
        """Each escape gone, but for those escaped themselves, which a text that is not in the cell stands for."""
        escaped = b"\xff\xfe"
        while escaped in text:
            escaped += b"\xfe"
        last = self.escape if text.replace(self.escape * 2, b"").endswith(self.escape) else b""
        text = text.replace(self.escape * 2, escaped).replace(self.escape, b"")
        return text.replace(escaped, self.escape) + last


class RecordReader:
    """Reads records of one width and dialect out of a block of bytes that starts at a record."""

    def __init__(self, data: bytes, dialect: Dialect, width: int | None) -> None:
        self._data = data
        self._width = width
        self._delimiter = dialect.delimiter.encode()
        self._breaks = b"\r" if dialect.carriage_return else b"\n"
        self._cells = _Cells(dialect)

    def records(self, start: int = 0) -> Iterator[Record]:
        """Records in order; blank lines are none."""
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
        resume, looked_to_the_end = self._next_clean(next_line, scan)
        undecided = undecided or looked_to_the_end
        if scan.broken or resume:
            end = resume or (next_line if scan.cut_off else scan.end)
            return Record(start, end, None, Rule.ROW_BAD_QUOTING, undecided, scan.cut_off)
        return Record(start, scan.end, None, Rule.ROW_TOO_SHORT if too_few else Rule.ROW_TOO_LONG, undecided)

    def _next_clean(self, start: int, scan: _Scan) -> tuple[int | None, bool]:
        """Where the first clean record starts among the lines that a broken one crossed, if anywhere.

        A ragged record whose quotes are all in place swallowed none: read from within, its last quote
        would have to close somewhere after it. With a stray quote in it, everything that it crossed must
        read as clean records. Besides, whether the end of the data had a say.
        """
        if not (scan.broken or scan.stray):
            return None, False
        at, looked_to_the_end = start, False
        while at < scan.end:
            found = self._scan(at)
            looked_to_the_end = looked_to_the_end or found.end == len(self._data)
            clean = self._is_clean(found)
            if scan.broken and clean:
                return at, looked_to_the_end
            if not (scan.broken or clean):
                return None, looked_to_the_end
            at = self._line_end(at) if scan.broken else found.end
        return None if scan.broken or start >= scan.end else start, looked_to_the_end

    def _is_clean(self, scan: _Scan) -> bool:
        """Whether a record has the right width, every quote in its place, and anything in it at all."""
        right_width = self._width is None or len(scan.cells) == self._width
        return right_width and not scan.broken and not scan.stray and any(scan.cells)

    def _line_end(self, start: int) -> int:
        if self._breaks == b"\r":  # both are looked for at once: one of them may be a whole block away
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
