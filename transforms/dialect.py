"""How a file's text is cut into records and cells, given by the user or found in its first records."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

QUOTE = '"'
DELIMITERS = (",", ";", "\t")
_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True)
class Dialect:
    """`encoding` is the source's; the landed text is always UTF-8. `carriage_return`: lines end in a lone CR."""

    delimiter: str
    encoding: str = "utf-8"
    header: bool = True
    carriage_return: bool = False
    quote: str = QUOTE

    def count_breaks(self, data: bytes) -> int:
        """How many line breaks are in the bytes, quoted ones too."""
        breaks = data.count(b"\n")
        return breaks + data.count(b"\r") - data.count(b"\r\n") if self.carriage_return else breaks

    def as_report(self) -> dict[str, str | bool]:
        return {
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "quote": self.quote,
            "header": self.header,
        }


def delimiter_named(text: str) -> str | None:
    """The delimiter a user means by a character or its name, or None if it can be none."""
    delimiter = _NAMED.get(text.lower(), text)
    usable = len(delimiter) == 1 and delimiter.isascii() and not delimiter.isalnum() and delimiter not in '"\r\n\0 '
    return delimiter if usable else None


def ends_lines_with_cr(sample: bytes) -> bool:
    """Whether the first line break outside quotes is a lone CR, as old Macs wrote."""
    outside = b"".join(sample.split(b'"')[::2])
    first = outside.find(b"\r")
    return 0 <= first < len(outside) - 1 and outside[first + 1 : first + 2] != b"\n" and b"\n" not in outside[:first]


def detect_delimiter(widths: Callable[[str], list[int]], known_names: Callable[[str], int]) -> str:
    """The delimiter under which the header names most fields, then the records agree best, then are widest.

    `widths` gives the cells of each sampled record under a delimiter; `known_names`, how many cells of
    the first one the catalogue knows. A file of one column is read with a comma.
    """

    def score(delimiter: str) -> tuple[int, float, int]:
        found = widths(delimiter)
        if not found or found[0] == 1:
            return (0, 0.0, 1)
        return known_names(delimiter), Counter(found)[found[0]] / len(found), found[0]

    return max(DELIMITERS, key=score)
