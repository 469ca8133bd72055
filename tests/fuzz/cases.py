"""Files made from a number: noise, mixtures of CSV characters, good files, and damaged good files.

A case knows as much of what must come out as can be said: of a good file the rows that were written, of a
damaged one those that the damage did not touch.
"""

import gzip
import io
import random
import string
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

FIELDS = (
    "email",
    "name",
    "mobile_phone",
    "birthdate",
    "points",
    "total_spent",
    "vip",
    "gender",
    "interests",
    "alternative_email",
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "iso8859-15", "mac-roman", "utf-16-le", "utf-32")
BREAKS = ("\n", "\n", "\n", "\r\n", "\r\n", "\r")
SIGNS = ['"', '""', ",", ";", "\t", "|", "\n", "\r\n", "\r", "'", "\\", "=", " ", "\0", "a", "é", "sep=;", "'=", "\x1c"]
NASTY = [
    "=1+1",
    "'=x",
    "''+1",
    "@",
    "-x",
    "\t",
    "'",
    "a\rb",
    "a\nb",
    "\ufeff",
    "NULL",
    "nan",
    "\u2028",
    "x" * 300,
    "\x85",
]
VALUES: dict[str, tuple[str, ...]] = {
    "name": ("Ann", "O'Hara", "José Núñez", "says \"hi\"", "tea, coffee", "a;b", "a\tb", "two\nlines", "x|y", "a\\b"),
    "mobile_phone": ("651234567", "+34651234568", "+442079460958", "'+34651234569", "0034651234567", "6512", "6 51",
        "34651234567"),
    "birthdate": ("1990-12-31", "2000-02-29", "0001-01-01", "9999-12-31", "1900-02-29", "31/12/1990", "2000-1-1"),
    "points": ("1", "5", "9223372036854775807", "9223372036854775808", "0", "007", "-5", "1e3", "1.0", "\u0661"),
    "total_spent": ("0", "-0", "1.50", "-007.250", "123456789012345", "1234567890123456", "0.1", ".5", "1,5", "1e5",
        "1.234", "1.234", "4,25 €", "1.234,5"),
    "vip": ("true", "FALSE", "1", "0", "yes", "True"),
    "gender": ("f", "m", "x", "F", "female"),
    "interests": ("sports", "music|sports", "sports|sports", "sports|", "music|chess", "|"),
    "alternative_email": ("b@example.com", "B@Example.com", "nope", "josé@example.com", "x@ex_ample.com", "a@b.test"),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One file, its reading options, and what is known about the expected result.

    `rows` are the cells of the records as written, `damaged` the indexes of those that were not left alone, `span`
    the lines of the file that they take up (from, to); None where nothing is known. `exact`: nothing is damaged, and
    the dialect is declared.
    """

    number: int
    kind: str
    content: bytes
    options: dict[str, Any]
    block_bytes: int = 1 << 20
    rows: tuple[tuple[str, ...], ...] | None = None
    damaged: frozenset[int] = frozenset()
    span: tuple[int, int] | None = None
    exact: bool = False
    names: tuple[str, ...] = ()
    encoding: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)


def case(number: int) -> Case:
    """The case of this number, always the same."""
    chance = random.Random(number)
    kind = chance.choices(list(_KINDS), [weight for _, weight in _KINDS.values()])[0]
    return _KINDS[kind][0](number, chance)


def _block(chance: random.Random) -> int:
    return chance.choices([1 << 20, 200, 40, 7, 1], [75, 10, 8, 4, 3])[0]


def _some_options(chance: random.Random) -> dict[str, Any]:
    """Random options, which may not fit the file."""
    found: dict[str, Any] = {}
    quote = chance.choice(['"', '"', "'", "`"])
    if chance.random() < 0.4:
        found["delimiter"] = chance.choice([",", ";", "\t", "|", " ", ":", "="])
    if chance.random() < 0.2:
        found["quote"] = quote
    if chance.random() < 0.2:
        found["escape"] = chance.choice(["\\", "^", "/"])
    if chance.random() < 0.2:
        found["encoding"] = chance.choice([*ENCODINGS, "ascii", "shift_jis", "cp037"])
    if chance.random() < 0.15:
        found["skip_lines"] = chance.randint(1, 3)
    if chance.random() < 0.2:
        found["header"] = False
        found["mapping"] = {f"column_{chance.randint(1, 3)}": "email"}
    if chance.random() < 0.3:
        found["gaps"] = "allow"
    if chance.random() < 0.3:
        found["duplicates"] = chance.choice(["first", "last", "reject"])
    if chance.random() < 0.1:
        found["default_prefix"] = chance.choice(["+34", "+1", "+39", "+44"])
    if chance.random() < 0.03:
        found["preset"] = "auto"
    return found


def _noise(number: int, chance: random.Random) -> Case:
    """Random bytes, mostly below a valid header."""
    length = chance.choice([0, 1, 2, 5, 20, 100, 400])
    alphabet = chance.choice(
        [bytes(range(256)), b"ab,\";\n\r'\\\t =@.1", bytes(range(32)) + b",\n", string.printable.encode()]
    )
    content = bytes(chance.choices(alphabet, k=length))
    header = chance.choice([b"", b"email\n", b"email,name\n", b"email;points\r\n", b"\xef\xbb\xbfemail\tname\n"])
    return Case(number, "noise", header + content, _some_options(chance), _block(chance))


def _soup(number: int, chance: random.Random) -> Case:
    """CSV characters and parts of contacts in random order."""
    pieces = [*SIGNS, *SIGNS, *NASTY, "a@b.com", "c@d.com", "651234567", "5", "true"]
    delimiter = chance.choice([",", ";", "\t"])
    pieces += [delimiter, "\n", '"'] * 12
    names = ["email", *chance.sample(FIELDS[1:], chance.randint(0, 3))]
    body = "".join(chance.choices(pieces, k=chance.randint(0, 80)))
    encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"])
    content = (delimiter.join(names) + chance.choice(BREAKS) + body).encode(encoding, "replace")
    return Case(number, "soup", content, _some_options(chance), _block(chance))


def _cell(chance: random.Random, field: str, number: int) -> str:
    if field == "email":
        made = chance.choice(["c{}@example.com", "C{}@Example.com", " c{}@example.com ", "c{}@exämple.com"])
        return chance.choices([made.format(number), "same@example.com", "", "bad"], [86, 8, 2, 4])[0]
    good, bad = VALUES[field][:2], VALUES[field][2:]
    drawn = chance.random()
    if drawn < 0.72:
        return chance.choice(good)
    if drawn < 0.9:
        return chance.choice(bad)
    return chance.choice(["", " "]) if drawn < 0.93 else chance.choice(NASTY)


def _table(chance: random.Random) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    names = ["email", *chance.sample(FIELDS[1:], chance.choice([1, 2, 2, 3, 5]))]
    chance.shuffle(names)
    count = chance.choice([1, 2, 4, 8, 12])
    return tuple(names), [tuple(_cell(chance, name, number) for name in names) for number in range(count)]


@dataclass(frozen=True)
class _Writing:
    """How a good file is written."""

    delimiter: str
    quote: str
    escape: str | None
    line_break: str
    header: bool
    skip: int
    all_quoted: bool

    def cell(self, text: str, chance: random.Random) -> str:
        marks = (self.delimiter, self.quote, "\n", "\r", *([self.escape] if self.escape else []))
        if not (self.all_quoted or any(mark in text for mark in marks) or chance.random() < 0.1):
            return text
        if self.escape:
            text = text.replace(self.escape, self.escape * 2)
            doubled = chance.choice([self.quote * 2, self.escape + self.quote])
        else:
            doubled = self.quote * 2
        return self.quote + text.replace(self.quote, doubled) + self.quote

    def record(self, cells: Sequence[str], chance: random.Random) -> str:
        return self.delimiter.join(self.cell(cell, chance) for cell in cells)

    @property
    def options(self) -> dict[str, Any]:
        found: dict[str, Any] = {"delimiter": self.delimiter, "quote": self.quote}
        if self.escape:
            found["escape"] = self.escape
        if self.skip:
            found["skip_lines"] = self.skip
        return found


def _writing(chance: random.Random) -> _Writing:
    return _Writing(
        chance.choice([",", ",", ";", "\t", "|", "^"]),
        chance.choice(['"', '"', '"', "'"]),
        chance.choice([None, None, None, "\\"]),
        chance.choice(BREAKS),
        chance.random() < 0.85,
        chance.choice([0, 0, 0, 1, 2]),
        chance.random() < 0.3,
    )


def _written(number: int, chance: random.Random, damage: Callable[[str], str] | None = None) -> Case:
    """A good file, or one with one or two damaged records."""
    names, rows = _table(chance)
    how = _writing(chance)
    if not how.header and rows[0][0].startswith("\ufeff"):
        rows[0] = ("x", *rows[0][1:])  # at the very beginning it is a byte order mark
    records = [how.record(row, chance) for row in rows]
    damaged: frozenset[int] = frozenset()
    span = None
    if damage:
        first = chance.randrange(len(records))
        last = min(len(records) - 1, first + chance.choice([0, 0, 0, 1]))
        damaged = frozenset(range(first, last + 1))
    above = [f"about {place}" for place in range(how.skip)]
    above += [how.delimiter.join(names)] if how.header else []
    parts, line = [each + how.line_break for each in above], len(above) + 1
    starts = []
    for place, record in enumerate(records):
        starts.append(line)
        text = damage(record) if damage and place in damaged else record
        ends = "" if place == len(records) - 1 and chance.random() < 0.3 else how.line_break
        parts.append(text + ends)
        line += _lines(text + ends, how.line_break)
        if damage and place in damaged:
            span = (starts[min(damaged)], line + (not ends))
    encoding = chance.choice(ENCODINGS) if chance.random() < 0.4 else "utf-8"
    text = "".join(parts)
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        encoding, content = "utf-8", text.encode()
    options = how.options | {"duplicates": chance.choice(["last", "first", "reject"])}
    options["encoding"] = "utf-8" if encoding == "utf-8-sig" else encoding
    if chance.random() < 0.5:
        options["gaps"] = "allow"
    if not how.header:
        options |= {"header": False, "mapping": {f"column_{n}": name for n, name in enumerate(names, 1)}}
    declared = chance.random() < 0.7
    if not declared:
        options.pop("delimiter")
    return Case(
        number,
        "damaged" if damage else "good",
        content,
        options,
        _block(chance),
        tuple(rows),
        damaged,
        span,
        declared and not damage,
        names,
        options["encoding"],
        {"delimiter": how.delimiter, "break": how.line_break},
    )


def _lines(text: str, line_break: str) -> int:
    """How many lines a piece of the file adds."""
    if line_break == "\r":
        return text.count("\n") + text.count("\r") - text.count("\r\n")
    return text.count("\n")


def _damaged(number: int, chance: random.Random) -> Case:
    """A good file with one record, or two adjacent ones, damaged in one to three places."""

    def damage(record: str) -> str:
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            record = _damage_once(record, chance)
        return record

    return _written(number, chance, damage)


def _damage_once(record: str, chance: random.Random) -> str:
    edges = [0, *(at + side for at, char in enumerate(record) if char in "\",;'\t|^" for side in (0, 1)), len(record)]
    place = chance.choice(edges) if chance.random() < 0.7 else chance.randrange(len(record) + 1)
    way = chance.choice(["add", "add", "remove", "double", "swap", "cut"])
    if way == "add":
        return record[:place] + chance.choice([*SIGNS, *['"', "'", ",", ";"] * 6]) + record[place:]
    if way == "remove":
        marks = [at for at, char in enumerate(record) if char in "\",;'\t|^\n\r\\"]
        place = chance.choice(marks) if marks and chance.random() < 0.8 else place
        return record[:place] + record[place + 1 :]
    if way == "double":
        return record[:place] + record[place : place + 1] * 2 + record[place + 1 :]
    if way == "swap":
        return record[:place] + record[place : place + 2][::-1] + record[place + 2 :]
    return record[:place]


def _mangled(number: int, chance: random.Random) -> Case:
    """The bytes of a good file, changed anywhere: cut, repeated, overwritten, or with other line breaks."""
    good = _written(number, chance)
    content = bytearray(good.content)
    for _ in range(chance.randint(1, 4)):
        place, end = sorted((chance.randrange(len(content) + 1), chance.randrange(len(content) + 1)))
        way = chance.choice(["cut", "repeat", "overwrite", "insert", "breaks", "tail", "mark"])
        if way == "cut":
            del content[place : min(end, place + 20)]
        elif way == "repeat":
            content[place:place] = content[place : min(end, place + 60)] * chance.randint(1, 3)
        elif way == "overwrite" and content:
            content[min(place, len(content) - 1)] = chance.randrange(256)
        elif way == "insert":
            content[place:place] = chance.choice(
                [b'"', b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r", b"\n\n"]
            )
        elif way == "breaks":
            content = content.replace(b"\n", chance.choice([b"\r", b"\r\n", b"\n\n", b"\n,\n"]))
        elif way == "tail":
            del content[end:]
        else:
            content[:0] = chance.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"sep=;\n", b"\n"])
    options = good.options if chance.random() < 0.6 else _some_options(chance)
    return Case(number, "mangled", bytes(content), options, good.block_bytes)


def _packed(number: int, chance: random.Random) -> Case:
    """A file in an archive; half of the archives are damaged."""
    inner = case(chance.randrange(1 << 40))
    if inner.kind == "packed":
        inner = _written(number, chance)
    if chance.random() < 0.5:
        content = bytearray(gzip.compress(inner.content, mtime=0))
    else:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
            for name in chance.choice(
                [["a.csv"], ["a.csv"], ["a.csv"], ["a.csv", "b.csv"], ["../a.csv"], ["a.bin"], []]
            ):
                archive.writestr(zipfile.ZipInfo(name), inner.content)
        content = bytearray(target.getvalue())
    if chance.random() < 0.5:
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(content) + 1)
            if chance.random() < 0.5:
                del content[place : place + chance.choice([1, 2, 50])]
            else:
                content[place : place + 1] = bytes([chance.randrange(256)])
    return Case(number, "packed", bytes(content), inner.options, inner.block_bytes)


_KINDS: dict[str, tuple[Callable[[int, random.Random], Case], int]] = {
    "noise": (_noise, 15),
    "soup": (_soup, 20),
    "good": (_written, 15),
    "damaged": (_damaged, 35),
    "mangled": (_mangled, 10),
    "packed": (_packed, 5),
}
