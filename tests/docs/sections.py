"""Sections of the docs that hold what the code says: tables between two markers, compared and renewed by a test.

A table's first columns come from the code, its last ones are written by hand in the page itself and stay
with their row, told by its first cell, when the table is renewed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[2]
RENEW = "UPDATE_DOCS=1 make test PYTEST_ARGS=tests/docs"


@dataclass(frozen=True)
class Section:
    """`rows` are what the code says; `by_hand` names the columns that follow them."""

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
        """The section as the page has it; a page without its markers has none."""
        found = self._block.search(text)
        return found[0] if found else ""

    def table(self, text: str) -> str:
        """The section as it should be, with what was written by hand on the page."""
        kept = self.written_by_hand(text)
        blank = ("",) * len(self.by_hand)
        lines = [(*self.header, *self.by_hand), ("---",) * (len(self.header) + len(self.by_hand))]
        lines += [(*row, *kept.get(row[0], blank)) for row in self.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def written_by_hand(self, text: str) -> dict[str, tuple[str, ...]]:
        """The last cells of each row on the page, by the row's first cell."""
        rows = [_cells(line) for line in self.found_in(text).splitlines()[2:]]
        count = len(self.by_hand)
        return {row[0]: row[-count:] for row in rows if len(row) > count} if count else {}

    def renewed(self, text: str) -> str:
        """The page with the section as it should be."""
        return self._block.sub(lambda _: self.table(text), text, count=1)


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))


def code(text: object) -> str:
    """Text in backticks, fit for a table's cell."""
    return f"`{text}`".replace("|", "\\|")


def codes(texts: Iterable[object]) -> str:
    return ", ".join(code(text) for text in texts)


def plain(text: str) -> str:
    """Prose fit for a table's cell."""
    return " ".join(text.split()).replace("|", "\\|")
