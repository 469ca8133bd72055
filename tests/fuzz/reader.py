"""Reads single records, character by character: slow, simple, and independent of the product's reader."""

from bisect import bisect_right
from dataclasses import dataclass

from transforms.parsing.dialect import Dialect


@dataclass(frozen=True)
class Text:
    """The text below a file's header, with undecodable bytes as lone surrogates, and where its lines start.

    `first_line` is the number of the first of them; `whole` the file's text, without byte order marks.
    """

    whole: str
    text: str
    starts: tuple[int, ...]
    first_line: int
    dialect: Dialect

    @classmethod
    def of(cls, content: bytes, dialect: Dialect, below: int, first_line: int) -> "Text":
        """`below` is how many characters at the end of the file are below its header."""
        whole = _decoded(content, dialect.encoding).lstrip("\ufeff")
        text = whole[len(whole) - below :]
        starts = [0]
        for at, char in enumerate(text):
            ends = char == "\n" or (dialect.carriage_return and char == "\r" and text[at + 1 : at + 2] != "\n")
            if ends and at + 1 < len(text):
                starts.append(at + 1)
        return cls(whole, text, tuple(starts), first_line, dialect)

    def start(self, line: int) -> int:
        """Where a line starts."""
        return self.starts[line - self.first_line]

    def line_at(self, position: int) -> int:
        """The number of the line that a position is on."""
        return self.first_line + bisect_right(self.starts, position) - 1

    def record(self, start: int, width: int) -> tuple[list[str] | None, int]:
        """The cells of the record that starts there, and where it ends.

        None if its quoting is wrong. An empty list if a lone CR is in it that is not between two records.
        """
        cells, end = _piece(self.text, start, self.dialect)
        has_cr = False
        while cells is not None and self._lone_cr_before(end):
            following, following_end = _piece(self.text, end, self.dialect)
            if following is not None and len(cells) == len(following) == width:
                break
            has_cr, cells, end = True, following, following_end
        if cells is None:
            return None, next((each for each in self.starts if each > end), len(self.text))
        if not has_cr and _is_torn(self.text, start, self.dialect):
            return None, end
        return ([] if has_cr else cells), end

    def _lone_cr_before(self, end: int) -> bool:
        return not self.dialect.carriage_return and self.text[end - 1] == "\r" and end < len(self.text)


def _decoded(content: bytes, encoding: str) -> str:
    """The decoded text; a byte that cannot be decoded becomes U+DC00 plus the byte."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        wrong = content[error.start : error.end]
        head = content[: error.start].decode(encoding)
        marks = "".join(chr(0xDC00 + byte) for byte in wrong)
        return head + marks + _decoded(content[error.end :], _unmarked(encoding, content))


def _unmarked(encoding: str, content: bytes) -> str:
    """The encoding of the rest, which has no byte order mark."""
    if encoding in ("utf-16", "utf-32"):
        big = content[:1] in (b"\xfe", b"\0")
        return f"{encoding}-{'be' if big else 'le'}"
    return encoding


def _piece(text: str, at: int, dialect: Dialect) -> tuple[list[str] | None, int]:
    cells: list[str] = []
    while True:
        if text[at : at + 1] == dialect.quote:
            cell, at = _quoted(text, at + 1, dialect)
            if cell is None:
                return None, at
        else:
            cell, at = _unquoted(text, at, dialect)
        cells.append(cell)
        if text[at : at + 1] != dialect.delimiter:
            return cells, _after_break(text, at, dialect)
        at += 1


def _is_torn(text: str, at: int, dialect: Dialect) -> bool:
    """Whether a quote is inside an unquoted cell, and a later unquoted cell of the record ends with one."""
    stray = False
    while True:
        if text[at : at + 1] == dialect.quote:
            _, at = _quoted(text, at + 1, dialect)
        else:
            start, last, quotes = at, -1, 0
            while not _ends(text, at, dialect):
                escaped = _escaped(text, at) if text[at] == dialect.escape else ""
                if not escaped and text[at] == dialect.quote:
                    last = at
                if text[at] == dialect.quote:
                    quotes += 1
                at += 1 + len(escaped)
            formula = text[start:at][:2] == f"={dialect.quote}" and text[at - 1] == dialect.quote and quotes == 2
            if stray and last == at - 1 >= start and not formula:
                return True
            stray = stray or (last >= 0 and not formula)
        if text[at : at + 1] != dialect.delimiter:
            return False
        at += 1


def _after_break(text: str, at: int, dialect: Dialect) -> int:
    """After a line break; where lines end in LF, several CRs before one are part of it."""
    last_cr = at
    while not dialect.carriage_return and text[last_cr : last_cr + 1] == "\r":
        last_cr += 1
    if dialect.carriage_return:
        return at + 2 if text[at : at + 2] == "\r\n" else min(at + 1, len(text))
    return last_cr + (text[last_cr : last_cr + 1] == "\n")


def _escaped(text: str, at: int) -> str:
    """The text after an escape; empty if the escape is the last character."""
    return "\r\n" if text[at + 1 : at + 3] == "\r\n" else text[at + 1 : at + 2]


def _ends(text: str, at: int, dialect: Dialect) -> bool:
    return text[at : at + 1] in ("", "\n", "\r", dialect.delimiter)


def _quoted(text: str, at: int, dialect: Dialect) -> tuple[str | None, int]:
    cell = ""
    while at < len(text):
        char = text[at]
        if char == dialect.escape and _escaped(text, at):
            cell += _escaped(text, at)
            at += 1 + len(_escaped(text, at))
        elif char == dialect.quote and text[at + 1 : at + 2] == dialect.quote:
            cell, at = cell + char, at + 2
        elif char == dialect.quote:
            return (cell, at + 1) if _ends(text, at + 1, dialect) else (None, at)
        else:
            cell, at = cell + char, at + 1
    return None, at


def _unquoted(text: str, at: int, dialect: Dialect) -> tuple[str, int]:
    cell = ""
    while not _ends(text, at, dialect):
        found = _escaped(text, at) if text[at] == dialect.escape else ""
        cell += found or text[at]
        at += 1 + len(found)
    return cell, at
