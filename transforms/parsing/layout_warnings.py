"""Warnings when a file's first records suggest that it should be read in another way."""

from collections import Counter
from collections.abc import Iterator, Sequence

MAX_RAGGED_SHARE = 0.25  # with more of the first records of another width than the header, the dialect is in doubt


def width_warnings(
    first: str, names: Sequence[str], widths: Sequence[int], last_empty: Sequence[bool]
) -> Iterator[str]:
    """Records whose number of cells differs from that of the first one.

    `first` is how to call the first record, `names` are its cells; `widths` are the other records' numbers of cells,
    `last_empty` whether their last cells are empty.
    """
    if not names or not widths:
        return
    width, total = len(names), len(widths)
    odd = sum(found != width for found in widths)
    one_more = sum(found == width + 1 and empty for found, empty in zip(widths, last_empty, strict=True))
    one_less = sum(found == width - 1 for found in widths)
    if one_more > total / 2 and names[-1]:
        yield (
            f"{one_more} of the first {total} records end with a delimiter and the {first} does not, so they are "
            f"row-too-long; put a delimiter at the end of the {first}"
        )
    elif one_less > total / 2 and not names[-1]:
        yield (
            f"the {first} ends with a delimiter and {one_less} of the first {total} records do not, so they are "
            f"row-too-short; take the delimiter off the {first}"
        )
    elif odd > max(1, total * MAX_RAGGED_SHARE):
        commonest = Counter(found for found in widths if found != width).most_common(1)[0][0]
        yield (
            f"{odd} of the first {total} records have another number of cells than the {first}, which has {width}; "
            f"most of them have {commonest}. Check --delimiter, --quote and --skip-lines"
        )


def ambiguous_delimiter_warnings(chosen: str, other: str | None) -> Iterator[str]:
    """Another delimiter would fit as well as the detected one."""
    if other is not None:
        yield f"the delimiter is in doubt: {chosen!r} was used, and {other!r} would fit too; name it with --delimiter"


def one_column_warnings(used: str, better: dict[str, int]) -> Iterator[str]:
    """The header is one cell, and another delimiter would split it into columns that the catalogue knows."""
    if better:
        other, width = max(better.items(), key=lambda each: each[1])
        yield f"with the delimiter {used!r} the file has one column, with --delimiter {other!r} it has {width}"


def sep_line_warnings(sep_line: str | None, used: str) -> Iterator[str]:
    """A `sep=` line names another delimiter than the one in use."""
    if sep_line is not None and sep_line != used:
        yield f"the first line says sep={sep_line!r}, but the delimiter {used!r} was used; check --delimiter"


def wrapped_lines_warnings(every: bool, some: bool) -> Iterator[str]:
    """Lines are one quoted cell: every one, or those that contain quotes, since some programs quote only these."""
    if every or some:
        lines = "every line is" if every else "some lines are"
        yield f"{lines} one quoted cell with a record in it; read the file with --unwrap-lines"


def lines_above_warnings(lines: int) -> Iterator[str]:
    """The header seems to be further down."""
    if lines:
        these = f"the first {lines} lines look" if lines > 1 else "the first line looks"
        yield f"{these} like text above the header; skip it with --skip-lines {lines}"
