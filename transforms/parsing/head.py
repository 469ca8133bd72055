"""The head of a file, from which its layout is detected: after the skipped lines and a `sep=;` line."""

import re
from dataclasses import dataclass, replace
from itertools import islice

from transforms.landing.land import Landed
from transforms.parsing.dialect import DELIMITERS, Dialect, ends_lines_with_cr, find_unquoted_breaks
from transforms.parsing.strict_reader import MAX_RECORD_BYTES
from transforms.work_folder import read_range

SAMPLE_BYTES = 1 << 18
READ_BYTES = 1 << 20

_BLANK = tuple(b" \t\r\n" + delimiter.encode() for delimiter in DELIMITERS)
_SEP_LINE = re.compile(rb'"?sep=([^\r\n])"?(\r\n|\r|\n|\Z)', re.IGNORECASE)


@dataclass(frozen=True)
class FileHead:
    """`text` starts at byte `start` of the landed text, after `lines` lines; `whole`: the file ends with it.

    `sep_line` is the character that a first line `sep=;` names. Spreadsheets write that line; it is not a record.
    """

    text: bytes
    start: int
    lines: int
    whole: bool
    sep_line: str | None
    carriage_return: bool
    is_sheet: bool = False


def read_head(landed: Landed, quote: str, skip_lines: int, escape: str | None = None) -> FileHead:
    """The head after `skip_lines` lines, long enough for one whole record, up to `MAX_RECORD_BYTES`."""
    start, sep_line = landed.start, None
    if found := _SEP_LINE.match(_read(landed, start, 16)):
        sep_line = found[1].decode("ascii", "replace")
        start, skip_lines = start + found.end(), max(0, skip_lines - 1)
    start, skipped = (_after_rows if landed.is_sheet else _after_lines)(landed, start, skip_lines)
    start, blank = _after_blank_samples(landed, start)
    text, whole = _beginning(landed, start, quote)
    lines = skipped + blank + (sep_line is not None)
    carriage_return = ends_lines_with_cr(text, quote, escape)
    return FileHead(text, start, lines, whole, sep_line, carriage_return, landed.is_sheet)


def _read(landed: Landed, start: int, length: int) -> bytes:
    return read_range(landed.path, start, min(length, landed.size - start)) if start < landed.size else b""


def _after_lines(landed: Landed, start: int, count: int) -> tuple[int, int]:
    """The byte after `count` lines, quoted line breaks included, and how many lines there were."""
    lines, ends = 0, None
    while lines < count and (block := _read(landed, start, READ_BYTES)):
        if block.endswith(b"\r") and len(block) > 1 and start + len(block) < landed.size:
            block = block[:-1]  # the CR may be half of a CRLF
        if ends is None and (first := re.search(rb"\r\n|\r|\n", block)):
            ends = re.compile(rb"\r\n?|\n" if first[0] == b"\r" else rb"\n")
        found = [each.end() for each in islice(ends.finditer(block), count - lines)] if ends else []
        lines += len(found)
        start += found[-1] if lines == count else len(block)
    return start, lines


def without_last_lines(landed: Landed, count: int) -> Landed:
    """The landed text up to its last `count` lines, quoted line breaks included; of a sheet, its last rows."""
    if not count:
        return landed
    line_break = b"\r" if ends_lines_with_cr(_read(landed, landed.start, SAMPLE_BYTES)) else b"\n"
    breaks, end = count + 1, landed.size
    if _read(landed, landed.size - 1, 1) not in (b"\n", b"\r"):
        breaks -= 1
    quotes = 0  # after the line break; if their number is odd, a cell contains the line break
    while breaks and end > landed.start:
        start = max(landed.start, end - READ_BYTES)
        block, at = _read(landed, start, end - start), end - start
        while breaks and at >= 0:
            before = block.rfind(line_break, 0, at)
            quotes += block.count(b'"', before + 1, at)
            breaks -= before >= 0 and not (landed.is_sheet and quotes % 2)
            at = before
        end = start + at + 1 if not breaks else start
    return replace(landed, size=max(end, landed.start))


def _after_rows(landed: Landed, start: int, count: int) -> tuple[int, int]:
    """The byte after `count` rows of a sheet, and how many rows there were."""
    size = READ_BYTES
    while count:
        text = _read(landed, start, size)
        ends = find_unquoted_breaks(text, Dialect(","))[:count]
        if len(ends) == count or len(text) < size:
            return (start + int(ends[-1]) + 1 if len(ends) else start), len(ends)
        size *= 2
    return start, 0


def _after_blank_samples(landed: Landed, start: int) -> tuple[int, int]:
    """The byte after blank lines that fill whole samples, or lines of delimiters, and how many lines there were."""
    lines, carriage_return = 0, ends_lines_with_cr(_read(landed, start, SAMPLE_BYTES))
    dialect = Dialect(",", carriage_return=carriage_return)
    while block := _read(landed, start, SAMPLE_BYTES):
        end = block.rfind(b"\r") if carriage_return else block.rfind(b"\n") + 1
        if end <= 0 or all(block.strip(blank) for blank in _BLANK):
            break
        lines += dialect.count_breaks(block[:end])
        start += end
    return start, lines


def _beginning(landed: Landed, start: int, quote: str) -> tuple[bytes, bool]:
    size = SAMPLE_BYTES
    while True:
        text = _read(landed, start, size)
        outside = b"".join(text.split(quote.encode())[::2])
        whole = start + len(text) >= landed.size
        if whole or size >= MAX_RECORD_BYTES or b"\n" in outside or b"\r" in outside[:-1]:
            return text, whole
        size *= 2
