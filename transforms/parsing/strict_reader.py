"""The strict reader: reads records one by one, for blocks whose quoting is irregular.

A stray quote would swallow the lines after it. When a record is malformed and has crossed a line break, the
reader checks the lines that it crossed. If one of them starts a clean record (right width, every quote in its
place), the quote was stray: the malformed record ends before that line, and reading resumes there. Otherwise the
record does span those lines, and is malformed as a whole.

In a file whose lines end in LF, a lone CR outside quotes ends a record if the pieces on both sides of it are records of
the right width. Otherwise the record around it is malformed: an unquoted cell never contains a CR.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from schemas.validation.rules import Rule
from transforms.parsing.dialect import Dialect, count_lone_carriage_returns

MAX_RECORD_BYTES = 16 << 20  # bytes; a quote that is not closed within them counts as never closed

_ANY_BREAK = re.compile(rb"\r\n?|\n")
_LF_OR_LONE_CR = re.compile(rb"\r*\n|\r+")
_BLANK_LINES = re.compile(rb"[\r\n]+")


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
    """A record as scanned from one position, before its width is checked.

    `broken`: text after a closing quote, or no closing quote. `cut_off`: the data ends inside a quoted cell.
    `stray`: a quote inside an unquoted cell; it is text, but a clean record has none. `torn`: a later unquoted cell
    ends with a quote, so the quotes may be meant to enclose a delimiter, as in `Bob"Smith, Jr",x`.
    `before_cr`: a lone CR follows in a file of LF lines. `unquoted_cr`: one is inside the record.
    `seen`: the end of the data that the scan depends on.
    """

    end: int
    cells: tuple[bytes, ...]
    seen: int
    broken: bool = False
    cut_off: bool = False
    stray: bool = False
    torn: bool = False
    before_cr: bool = False
    unquoted_cr: bool = False


class _Cells:
    """Finds the cells of one dialect and decodes their text.

    The patterns are possessive: each matches in one way only, in linear time. An escape applies to the next
    character, or to both characters of a CRLF; at the end of the data it is text.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.quote, self.escape = dialect.quote.encode(), (dialect.escape or "").encode()
        quote, stop = re.escape(self.quote), re.escape(dialect.delimiter.encode())
        stop += rb"\r\n"
        escape = re.escape(self.escape)
        pair = escape + rb"(?:\r\n|[\s\S])"
        within, outside = b"[^" + quote + escape + b"]*+", b"[^" + stop + escape + b"]*+"
        doubled = quote + quote + (b"|" + pair if escape else b"")
        self.quoted = re.compile(quote + within + b"(?:(?:" + doubled + b")" + within + b")*+" + quote)
        self._plain = re.compile(
            outside + (b"(?:(?:" + pair + b"|" + escape + rb"\Z)" + outside + b")*+") * bool(escape)
        )

    def plain_end(self, data: bytes, start: int) -> int:
        """The end of the unquoted cell that starts there, which may be empty."""
        found = self._plain.match(data, start)
        return found.end() if found else start

    def marked(self, data: bytes, start: int, end: int) -> bool:
        """Whether there is a quote or an escape in the range."""
        return data.find(self.quote, start, end) >= 0 or bool(self.escape and data.find(self.escape, start, end) >= 0)

    def unquoted(self, cell: bytes) -> bytes:
        """The text of a quoted cell. Before a run of quotes, an escape applies to the first; the rest are pairs."""
        text = cell[1:-1].replace(self.quote * 2, self.quote)
        return self._without_escapes(text) if self.escape and self.escape in text else text

    def ends_with_quote(self, cell: bytes) -> bool:
        """Whether an unquoted cell ends with a quote that is not escaped."""
        if not cell.endswith(self.quote):
            return False
        before = cell[: -len(self.quote)]
        return not self.escape or (len(before) - len(before.rstrip(self.escape))) % 2 == 0

    def is_formula(self, cell: bytes) -> bool:
        """Whether an unquoted cell is `="…"`, as spreadsheets export texts; its quotes belong together."""
        return cell.startswith(b"=" + self.quote) and cell.endswith(self.quote) and cell.count(self.quote) == 2

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
        self._carriage_return = dialect.carriage_return
        self._has_lone_cr = not dialect.carriage_return and count_lone_carriage_returns(data) > 0
        self._cells = _Cells(dialect)

    def records(self, start: int = 0) -> Iterator[Record]:
        """Records in order, without blank lines."""
        while True:
            if blank := _BLANK_LINES.match(self._data, start):
                start = blank.end()
            if start >= len(self._data):
                return
            record = self._record(start)
            yield record
            start = record.end

    def _record(self, start: int) -> Record:
        scan = self._scan(start)
        undecided = scan.seen == len(self._data)
        if scan.unquoted_cr:
            return Record(start, scan.end, None, Rule.ROW_BAD_QUOTING, undecided)
        too_few = self._width is not None and len(scan.cells) < self._width
        too_many = self._width is not None and len(scan.cells) > self._width
        torn = scan.torn and self._width is not None
        if torn and not scan.broken and self._data.count(b"\n", start, scan.end) <= 1:
            return Record(start, scan.end, None, Rule.ROW_BAD_QUOTING, undecided)
        if not (scan.broken or too_few or too_many or torn):
            return Record(start, scan.end, scan.cells, undecided=undecided)
        next_line = self._line_end(start)
        resume, reached_end = self._next_clean(next_line, scan)
        undecided = undecided or reached_end
        if scan.broken or resume:
            end = resume or (next_line if scan.cut_off else scan.end)
            return Record(start, end, None, Rule.ROW_BAD_QUOTING, undecided, scan.cut_off)
        rule = Rule.ROW_BAD_QUOTING if torn else Rule.ROW_TOO_SHORT if too_few else Rule.ROW_TOO_LONG
        return Record(start, scan.end, None, rule, undecided)

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
            reached_end = reached_end or found.seen == len(self._data)
            clean = self._is_clean(found)
            if scan.broken and clean:
                return at, reached_end
            if not (scan.broken or clean):
                return None, reached_end
            at = self._line_end(at) if scan.broken else found.end
        return None if scan.broken or start >= scan.end else start, reached_end

    def _is_clean(self, scan: _Scan) -> bool:
        """Whether a record has the right width, every quote in its place, and a cell that is not empty."""
        return self._is_row(scan) and not scan.unquoted_cr and not scan.stray and any(scan.cells)

    def _is_row(self, scan: _Scan) -> bool:
        return not scan.broken and (self._width is None or len(scan.cells) == self._width)

    def _line_end(self, start: int) -> int:
        if self._carriage_return:  # one search for both breaks: a search for one alone may scan the whole block
            return self._end_of(_ANY_BREAK, start)
        found = self._data.find(b"\n", start)
        return len(self._data) if found < 0 else found + 1

    def _piece_end(self, start: int) -> int:
        return self._end_of(_LF_OR_LONE_CR, start) if self._has_lone_cr else self._line_end(start)

    def _end_of(self, line_break: re.Pattern[bytes], start: int) -> int:
        found = line_break.search(self._data, start)
        return found.end() if found else len(self._data)

    def _scan(self, start: int) -> _Scan:
        """The record at a position, up to a break, or to a lone CR between two records."""
        piece = first = self._scan_piece(start)
        seen = piece.seen
        while piece.before_cr:
            following = self._scan_piece(piece.end)
            seen = following.seen
            if self._is_row(piece) and self._is_row(following):
                break
            piece = following
        if piece is first:
            return replace(first, seen=seen) if first.before_cr else first
        return replace(piece, seen=seen, cells=(), unquoted_cr=not piece.broken)

    def _scan_piece(self, start: int) -> _Scan:
        data, size = self._data, len(self._data)
        end = self._piece_end(start)
        if not self._cells.marked(data, start, end):
            line = data[start:end].rstrip(b"\r\n")
            return _Scan(end, tuple(line.split(self._delimiter)), end, before_cr=self._is_lone_cr(end))
        cells: list[bytes] = []
        at, stray, inner_quote, torn = start, False, False, False
        while True:
            if data[at : at + 1] == self._cells.quote:
                quoted = self._cells.quoted.match(data, at)
                if quoted is None:
                    return _Scan(size, tuple(cells), size, broken=True, cut_off=True, stray=stray)
                cells.append(self._cells.unquoted(quoted[0]))
                at = quoted.end()
                if data[at : at + 1] not in (self._delimiter, b"\r", b"\n", b""):
                    end = self._line_end(at)
                    return _Scan(end, tuple(cells), end, broken=True, stray=stray)
            else:
                end = self._cells.plain_end(data, at)
                text = data[at:end]
                cell, has_quote = self._cells.unescaped(text)
                if not self._cells.is_formula(text):
                    torn = torn or (inner_quote and self._cells.ends_with_quote(text))
                    inner_quote = inner_quote or has_quote
                at, stray = end, stray or has_quote
                cells.append(cell)
            if data[at : at + 1] == self._delimiter:
                at += 1
                continue
            end = self._piece_end(at)
            return _Scan(end, tuple(cells), end, stray=stray, torn=torn, before_cr=self._is_lone_cr(end))

    def _is_lone_cr(self, end: int) -> bool:
        """Whether a piece that ends here ends with a lone CR; at the end of the data, the CR ends the last line."""
        return self._has_lone_cr and end < len(self._data) and self._data[end - 1 : end] == b"\r"
