"""Cuts the landed text into blocks of whole records.

Blocks are independent and of bounded size, so they can be read in parallel, on any machine. A block whose quoting
is proven regular goes to the fast reader (Arrow), any other to the strict one.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from schemas.errors.limits import RecordTooLarge
from transforms.landing.encoding import is_utf8
from transforms.parsing.dialect import Dialect, count_byte, count_lone_carriage_returns, find_byte
from transforms.parsing.layout import Layout
from transforms.parsing.strict_reader import MAX_RECORD_BYTES, RecordReader
from transforms.work_folder import read_range, size_of

_LF, _CR = ord("\n"), ord("\r")


@dataclass(frozen=True)
class Block:
    """Whole records: `length` bytes at `offset` of the landed text. `final`: the file ends with this block."""

    index: int
    offset: int
    length: int
    regular: bool
    final: bool


def cut_blocks(
    path: str, source: str, layout: Layout, block_bytes: int, first_bytes: int | None = None
) -> Iterator[Block]:
    """Blocks of about `block_bytes` in file order; `RecordTooLarge` rather than unbounded memory.

    If the file needs more than one block, the first may have another size.
    """
    offset, index = layout.data_start, 0
    end = size_of(path) if layout.data_end is None else layout.data_end
    size = block_bytes if first_bytes is None or end - offset <= block_bytes else first_bytes
    while offset < end:
        data = read_range(path, offset, min(size + 1, end - offset))
        final = len(data) <= size
        length, regular = _whole_records(data, final, layout, size >= MAX_RECORD_BYTES)
        if not length and size >= MAX_RECORD_BYTES:
            raise RecordTooLarge(source, _line_at(path, offset, layout.dialect), MAX_RECORD_BYTES)
        if not length:
            size = min(size * 2, MAX_RECORD_BYTES)
            continue
        yield Block(index, offset, length, regular, final and length == len(data))
        offset, index, size = offset + length, index + 1, block_bytes


def _line_at(path: str, offset: int, dialect: Dialect) -> int:
    """The number of the line that starts at a byte, for the message of an error."""
    line, step = 1, 1 << 20
    for start in range(0, offset, step):
        line += dialect.count_breaks(read_range(path, start, min(step, offset - start)))
    return line


def _whole_records(data: bytes, final: bool, layout: Layout, at_record_limit: bool) -> tuple[int, bool]:
    """How many bytes are whole records, and whether their quoting is regular.

    `at_record_limit`: no more data is read, so a first record that is undecided is taken as it is.
    """
    length = len(data) if final else _last_break_outside_quotes(data, layout.dialect)
    if layout.dialect.carriage_return and not final and data[length : length + 1] in (b"", b"\n"):
        length = 0  # the CR may be half of a CRLF, which is one line break
    if length and is_regular(data[:length], layout.dialect, layout.all_utf8):
        return length, True
    if final:
        return length, False
    end = 0
    for record in RecordReader(data, layout.dialect, layout.width).records():
        if record.undecided and not (at_record_limit and not end and record.end < len(data)):
            break
        end = record.end
    return end, False


def _last_break_outside_quotes(data: bytes, dialect: Dialect) -> int:
    line_break, quote = b"\r" if dialect.carriage_return else b"\n", dialect.quote.encode()
    end, quotes = len(data), count_byte(data, dialect.quote)
    while (found := data.rfind(line_break, 0, end)) >= 0:
        quotes -= data.count(quote, found, end)
        if quotes % 2 == 0:
            return found + 1
        end = data.rfind(quote, 0, found)
        quotes -= data.count(quote, end, found)
    return 0


def is_regular(data: bytes, dialect: Dialect, all_utf8: bool = False) -> bool:
    """Whether Arrow reads these bytes as the strict reader does.

    Required: every quote in its place, no escapes, one kind of line break, UTF-8. `all_utf8`: already known to be.
    """
    if (dialect.escape and dialect.escape.encode() in data) or data.startswith(codecs.BOM_UTF8):
        return False  # Arrow removes a byte order mark, which is text anywhere but at the start of the file
    breaks = count_byte(data, "\n") if dialect.carriage_return else count_lone_carriage_returns(data)
    return (
        not breaks
        and (all_utf8 or is_utf8(data))
        and (dialect.quote.encode() not in data or _quotes_in_place(data, dialect))
    )


def _quotes_in_place(data: bytes, dialect: Dialect) -> bool:
    """Whether every odd quote opens a cell and every even one closes it, doubled ones inside apart."""
    text = np.frombuffer(data, np.uint8)
    quotes = find_byte(data, dialect.quote)
    if len(quotes) % 2:
        return False
    edges = (ord(dialect.delimiter), _LF, _CR)
    opening, closing = quotes[::2], quotes[1::2]
    before = text[np.maximum(opening - 1, 0)]
    opens = np.isin(before, edges) | (opening == 0)
    opens[1:] |= opening[1:] == closing[:-1] + 1
    after = text[np.minimum(closing + 1, len(text) - 1)]
    closes = np.isin(after, edges) | (closing == len(text) - 1)
    closes[:-1] |= opening[1:] == closing[:-1] + 1
    return bool(opens.all() and closes.all())
