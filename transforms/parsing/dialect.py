"""The dialect of a file: how its text is split into records and cells. Given by the user, or detected."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

QUOTE = '"'
DELIMITERS = (",", ";", "\t")
AMBIGUITY_MARGIN = 0.1  # delimiters whose agreement differs by less than this share are reported as ambiguous
_DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


class DelimiterCertainty(StrEnum):
    """How the delimiter was determined."""

    DECLARED = "declared"
    FIRST_LINE = "first line"
    DETECTED = "detected"
    GUESSED = "guessed"


@dataclass(frozen=True)
class DialectOptions:
    """The user's options; what they leave open is detected."""

    delimiter: str | None = None
    quote: str = QUOTE
    escape: str | None = None
    header: bool = True
    skip_lines: int = 0
    skip_last: int = 0


@dataclass(frozen=True)
class Dialect:
    """`encoding` is the source's; the landed text is always UTF-8. `carriage_return`: lines end in a lone CR.

    The character after an `escape` is text, inside and outside quotes. `line_per_record`: line breaks inside quotes do
    not count as lines, because a line is a row of a sheet.
    """

    delimiter: str
    encoding: str = "utf-8"
    header: bool = True
    carriage_return: bool = False
    quote: str = QUOTE
    escape: str | None = None
    encoding_certainty: str = "declared"
    delimiter_certainty: DelimiterCertainty = DelimiterCertainty.DECLARED
    skipped_lines: int = 0
    line_per_record: bool = False

    def count_breaks(self, data: bytes) -> int:
        """How many lines end in the bytes, which must start outside quotes if a line is a record."""
        if self.line_per_record:
            return len(find_unquoted_breaks(data, self))
        breaks = count_byte(data, "\n")
        return breaks + count_lone_carriage_returns(data) if self.carriage_return else breaks

    def as_report(self) -> dict[str, str | bool | int | None]:
        return {
            "encoding": self.encoding,
            "encoding_certainty": str(self.encoding_certainty),
            "delimiter": self.delimiter,
            "delimiter_certainty": str(self.delimiter_certainty),
            "quote": self.quote,
            "escape": self.escape,
            "header": self.header,
            "skipped_lines": self.skipped_lines,
        }


def count_byte(data: bytes, character: str) -> int:
    """How often an ASCII character is in the bytes; much faster than `bytes.count` if it is frequent or absent."""
    if character.encode() not in data:
        return 0
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord(character)))


def find_byte(data: bytes, character: str) -> np.ndarray:
    """The positions of an ASCII character in the bytes, in order."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord(character))


def find_unquoted_breaks(data: bytes, dialect: Dialect) -> np.ndarray:
    """The positions of the line breaks outside quotes, in bytes that start outside quotes and quote regularly."""
    breaks = find_byte(data, "\r" if dialect.carriage_return else "\n")
    if dialect.quote.encode() not in data:
        return breaks
    unquoted: np.ndarray = breaks[np.searchsorted(find_byte(data, dialect.quote), breaks) % 2 == 0]
    return unquoted


def count_lone_carriage_returns(data: bytes) -> int:
    """How many carriage returns are not followed by a line feed."""
    if b"\r" not in data:
        return 0
    text = np.frombuffer(data, np.uint8)
    returns = text == ord("\r")
    return int(np.count_nonzero(returns) - np.count_nonzero(returns[:-1] & (text[1:] == ord("\n"))))


def parse_delimiter(text: str) -> str | None:
    """The delimiter for a character or its name; None if it cannot be a delimiter."""
    delimiter = _DELIMITER_NAMES.get(text.lower(), text)
    usable = len(delimiter) == 1 and delimiter.isascii() and not delimiter.isalnum() and delimiter not in '"\r\n\0'
    return delimiter if usable else None


def parse_quote_character(text: str) -> str | None:
    """The quote or escape character for a character or its name; None if it cannot be one."""
    character = "\\" if text.lower() == "backslash" else text
    usable = len(character) == 1 and character.isascii() and character.isprintable() and character != " "
    return character if usable and not character.isalnum() else None


def ends_lines_with_cr(sample: bytes, quote: str = QUOTE, escape: str | None = None) -> bool:
    """Whether the first line break outside quotes is a lone CR, as in files of old Macs."""
    if escape:
        sample = re.sub(re.escape(escape).encode() + rb"(?:\r\n|[\s\S])", b"", sample)
    outside = b"".join(sample.split(quote.encode())[::2])
    first = outside.find(b"\r")
    return 0 <= first < len(outside) - 1 and outside[first + 1 : first + 2] != b"\n" and b"\n" not in outside[:first]


def detect_delimiter(
    widths: Callable[[str], list[int]], known_names: Callable[[str], int], candidates: tuple[str, ...] = DELIMITERS
) -> tuple[str, str | None]:
    """The delimiter, and a second one that fits nearly as well, None if there is none.

    Best is the one with which the header names most fields, then the records agree best on their number of cells,
    then have most cells. `widths` returns the number of cells of each sampled record, `known_names` how many cells
    of the first record the catalogue knows. A file of one column is read with a comma.
    """

    def score(delimiter: str) -> tuple[int, float, int]:
        found = widths(delimiter)
        if not found or found[0] == 1:
            return (0, 0.0, 1)
        return known_names(delimiter), Counter(found)[found[0]] / len(found), found[0]

    scores = {delimiter: score(delimiter) for delimiter in candidates}
    best, *others = sorted(candidates, key=lambda each: scores[each], reverse=True)
    if not others:
        return best, None
    second = others[0]
    names, agreement, width = scores[second]
    close = width > 1 and names == scores[best][0] and agreement >= scores[best][1] - AMBIGUITY_MARGIN
    return best, second if close else None
