"""A file's beginning, from which its layout is found: after the lines that the user skips, and a `sep=;` line."""

import re
from dataclasses import dataclass
from itertools import islice

from transforms.landing.land import Landed
from transforms.parsing.dialect import ends_lines_with_cr
from transforms.parsing.strict_reader import LARGEST_RECORD
from transforms.work_folder import read_range

SAMPLE = 1 << 18
BLOCK = 1 << 20

_SEP_LINE = re.compile(rb'"?sep=([^\r\n])"?(\r\n|\r|\n|\Z)', re.IGNORECASE)


@dataclass(frozen=True)
class FileHead:
    """`text` begins at a byte of the landed text, after so many lines; `whole` where the file ends with it.

    `said` is what a first line of `sep=` says; spreadsheets write it, and it is no record.
    """

    text: bytes
    start: int
    lines: int
    whole: bool
    sep_line: str | None
    carriage_return: bool


def read_head(landed: Landed, quote: str, skip_lines: int, escape: str | None = None) -> FileHead:
    """The beginning after `skip_lines` lines of the file, with one whole record in it, as far as records may go."""
    start, sep_line = landed.start, None
    if found := _SEP_LINE.match(_read(landed, start, 16)):
        sep_line = found[1].decode("ascii", "replace")
        start, skip_lines = start + found.end(), max(0, skip_lines - 1)
    start, skipped = _after_lines(landed, start, skip_lines)
    text, whole = _beginning(landed, start, quote)
    return FileHead(
        text, start, skipped + (sep_line is not None), whole, sep_line, ends_lines_with_cr(text, quote, escape)
    )


def _read(landed: Landed, start: int, length: int) -> bytes:
    return read_range(landed.path, start, length) if start < landed.size else b""


def _after_lines(landed: Landed, start: int, count: int) -> tuple[int, int]:
    """The byte after so many lines, whatever is quoted in them, and how many lines there were."""
    lines, ends = 0, None
    while lines < count and (block := _read(landed, start, BLOCK)):
        if block.endswith(b"\r") and len(block) > 1 and start + len(block) < landed.size:
            block = block[:-1]  # it may be half of a CRLF
        if ends is None and (first := re.search(rb"\r\n|\r|\n", block)):
            ends = re.compile(rb"\r\n?|\n" if first[0] == b"\r" else rb"\n")
        found = [each.end() for each in islice(ends.finditer(block), count - lines)] if ends else []
        lines += len(found)
        start += found[-1] if lines == count else len(block)
    return start, lines


def _beginning(landed: Landed, start: int, quote: str) -> tuple[bytes, bool]:
    size = SAMPLE
    while True:
        text = _read(landed, start, size)
        outside = b"".join(text.split(quote.encode())[::2])
        whole = start + len(text) >= landed.size
        if whole or size >= LARGEST_RECORD or b"\n" in outside or b"\r" in outside[:-1]:
            return text, whole
        size *= 2
