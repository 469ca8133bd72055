"""How a table fits into a width: which columns are shown, how wide they are, and what is cut out of their cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

GAP = 2  # characters between two columns
ELLIPSIS = "…"
LEAST_TEXT = 12  # characters of a text that wraps or is cut
LEAST_WORD = 8  # characters, where a table does not fit in another way
USUAL_WORD = 20  # characters; longer words may be folded


@dataclass(frozen=True)
class Column:
    """A column of a table, and how it becomes narrower if the table is too wide.

    Text wraps at its words, numbers stay on one line. `least` is the usual least width. With `cut`, cells lose their
    middle instead of wrapping. With `fixed`, they keep their width. Columns with a `rank` may be left out, the highest
    first, and always are if they are empty. The numbers of `ids` are written as commands take them, without commas.
    """

    name: str
    least: int = LEAST_TEXT
    cut: bool = False
    fixed: bool = False
    rank: int = 0
    ids: bool = False


@dataclass(frozen=True)
class TableLayout:
    """The columns that are shown, by number, with their widths, and the names of those for which there is no room."""

    shown: list[int]
    widths: list[int]
    left_out: list[str]

    @property
    def width(self) -> int:
        return sum(self.widths) + GAP * (len(self.widths) - 1)


def cut_middle(text: str, width: int) -> str:
    """The start and the end of a text that is too wide; of a path, the end says most."""
    if cell_len(text) <= width:
        return text
    start = (width - 1) // 3
    end = width - 1 - start
    return f"{set_cell_size(text, start)}{ELLIPSIS}{set_cell_size(text[::-1], end)[::-1]}"


def fit_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], numeric: Sequence[bool], available: int, *, complete: bool
) -> TableLayout:
    """Leave out columns until the least widths fit, then share what is left of the width, the narrowest first.

    A `complete` table, for a log or a pipe, is as wide as it must be: nothing is cut or left out.
    """
    shown = [index for index, column in enumerate(columns) if not column.rank or any(row[index] for row in rows)]
    cells = [[row[index] for row in rows] for index in range(len(columns))]
    full = {index: max(map(cell_len, (columns[index].name, *cells[index]))) for index in shown}
    fixed = {index for index in shown if columns[index].fixed or (columns[index].cut and complete)}
    widths = {
        index: full[index]
        if index in fixed
        else min(full[index], _least_width(columns[index], cells[index], numeric[index]))
        for index in shown
    }
    left_out = []

    def spare() -> int:
        return available - sum(widths.values()) - GAP * (len(widths) - 1)

    while spare() < 0 and not complete and (ranked := [index for index in widths if columns[index].rank]):
        left_out.append(max(ranked, key=lambda each: columns[each].rank))
        del widths[left_out[-1]]
    while spare() < 0 and (wide := [each for each in widths if each not in fixed and widths[each] > LEAST_WORD]):
        widths[max(wide, key=widths.__getitem__)] -= 1
    while spare() > 0 and (growing := [index for index in widths if widths[index] < full[index]]):
        widths[min(growing, key=widths.__getitem__)] += 1
    return TableLayout(list(widths), list(widths.values()), [columns[index].name for index in sorted(left_out)])


def _least_width(column: Column, cells: Sequence[str], numeric: bool) -> int:
    """Wide enough for the words of the name, for numbers, and for the usual words of cells that wrap."""
    words = map(cell_len, column.name.split())
    if numeric:
        return max((*words, *map(cell_len, cells)))
    if column.cut:
        return max((*words, column.least))
    longest = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
    return max((*words, column.least, min(longest, USUAL_WORD)))
