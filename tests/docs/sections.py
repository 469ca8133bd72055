"""Tables in the docs between two markers, which a test compares with the code and can update.

The first columns of a table come from the code. The last ones are written by hand in the page. An update keeps them
with their row, which is identified by its first cell.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
UPDATE_COMMAND = "UPDATE_DOCS=1 make test PYTEST_ARGS=tests/docs"


@dataclass(frozen=True)
class Section:
    """`rows` come from the code; `by_hand` names the columns that follow them."""

    name: str
    page: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    by_hand: tuple[str, ...] = ()

    @property
    def _block(self) -> re.Pattern[str]:
        begin, end = re.escape(self._begin), re.escape("<!-- end -->")
        return re.compile(rf"(?<={begin}\n).*?(?={end})", re.DOTALL)

    @property
    def _begin(self) -> str:
        return f"<!-- from the code: {self.name} -->"

    def found_in(self, text: str) -> str:
        """The section in the text of the page; empty if there are no markers."""
        found = self._block.search(text)
        return found[0] if found else ""

    def table(self, text: str) -> str:
        """The section as it should be, with the cells written by hand in the page."""
        kept = self.written_by_hand(text)
        blank = ("",) * len(self.by_hand)
        lines = [(*self.header, *self.by_hand), ("---",) * (len(self.header) + len(self.by_hand))]
        lines += [(*row, *kept.get(row[0], blank)) for row in self.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def written_by_hand(self, text: str) -> dict[str, tuple[str, ...]]:
        """The cells written by hand, by the first cell of their row."""
        rows = [_cells(line) for line in self.found_in(text).splitlines()[2:]]
        count = len(self.by_hand)
        return {row[0]: row[-count:] for row in rows if len(row) > count} if count else {}

    def updated(self, text: str) -> str:
        """The page with an up-to-date section."""
        return self._block.sub(lambda _: self.table(text), text, count=1)


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))


def code(text: object) -> str:
    """Text in backticks, for a cell of a table."""
    return f"`{text}`".replace("|", "\\|")


def codes(texts: Iterable[object]) -> str:
    return ", ".join(code(text) for text in texts)


def plain(text: str) -> str:
    """Prose on one line, for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
