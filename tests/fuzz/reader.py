"""A reader of single records, character by character: slow, plain, and with nothing in common with the product's."""

from bisect import bisect_left
from dataclasses import dataclass

from transforms.parsing.dialect import Dialect


@dataclass(frozen=True)
class Text:
    """The text below a file's header, undecodable bytes in it as lone surrogates, and where its lines begin.

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

    @property
    def end(self) -> int:
        """The number of the line after the last one."""
        return self.first_line + len(self.starts) if self.text else self.first_line

    def line(self, number: int) -> str:
        """A line, with its break."""
        place = number - self.first_line
        return self.text[self.starts[place] : (*self.starts, len(self.text))[place + 1]]

    def record(self, line: int) -> tuple[list[str] | None, int]:
        """The record at a line: its cells, or None where its quoting is wrong, and the number of the line after it."""
        cells, at = _record(self.text, self.starts[line - self.first_line], self.dialect)
        return cells, self.first_line + bisect_left(self.starts, at)


def _decoded(content: bytes, encoding: str) -> str:
    """Decoded a byte at a time where it does not go otherwise; what is undecodable becomes U+DC00 plus the byte."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        wrong = content[error.start : error.end]
        head = content[: error.start].decode(encoding)
        marks = "".join(chr(0xDC00 + byte) for byte in wrong)
        return head + marks + _decoded(content[error.end :], _unmarked(encoding, content))


def _unmarked(encoding: str, content: bytes) -> str:
    """What is left has no mark at its beginning."""
    if encoding in ("utf-16", "utf-32"):
        big = content[:1] in (b"\xfe", b"\0")
        return f"{encoding}-{'be' if big else 'le'}"
    return encoding


def _record(text: str, at: int, dialect: Dialect) -> tuple[list[str] | None, int]:
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
            return cells, _after_break(text, at)
        at += 1


def _after_break(text: str, at: int) -> int:
    return at + 2 if text[at : at + 2] == "\r\n" else min(at + 1, len(text))


def _escaped(text: str, at: int) -> str:
    """What an escape at this place makes text of; nothing where it is the last character."""
    return "\r\n" if text[at + 1 : at + 3] == "\r\n" else text[at + 1 : at + 2]


def _ends(text: str, at: int, dialect: Dialect) -> bool:
    here = text[at : at + 1]
    if here == "\r":
        return dialect.carriage_return or text[at + 1 : at + 2] in ("\n", "")
    return here in ("", "\n", dialect.delimiter)


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
