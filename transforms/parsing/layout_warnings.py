"""What in a file's first records speaks against the way it is read: told, not guessed away."""

from collections import Counter
from collections.abc import Iterator, Sequence

MAX_RAGGED_SHARE = (
    0.25  # of the first records may differ from the header: they are rejected, and the dialect is in no doubt
)


def width_warnings(
    first: str, names: Sequence[str], widths: Sequence[int], last_empty: Sequence[bool]
) -> Iterator[str]:
    """Where records disagree with the first one on the number of cells.

    `first` is what that one is called, `names` its cells; `widths` are the others' numbers of cells, and `last_empty`
    whether their last cells are empty.
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
            f"{odd} of the first {total} records have another number of cells than the {first}'s {width}, most often "
            f"{commonest}; if that is not so, name the right --delimiter, --quote or --skip-lines"
        )


def ambiguous_delimiter_warnings(chosen: str, other: str | None) -> Iterator[str]:
    """Where another delimiter would do as well as the one found."""
    if other is not None:
        yield f"the delimiter is in doubt: {chosen!r} was used, and {other!r} would fit too. Name it with --delimiter"


def one_column_warnings(used: str, better: dict[str, int]) -> Iterator[str]:
    """Where the header is one cell, and another delimiter would make columns of it that the catalogue knows."""
    if better:
        other, width = max(better.items(), key=lambda each: each[1])
        yield f"with the delimiter {used!r} the file has one column; --delimiter {other!r} would make {width} of it"


def sep_line_warnings(sep_line: str | None, used: str) -> Iterator[str]:
    """Where a `sep=` line says another delimiter than the one that is used."""
    if sep_line is not None and sep_line != used:
        yield f"the first line says sep={sep_line!r}, and {used!r} was used as the delimiter"


def lines_above_warnings(lines: int) -> Iterator[str]:
    """Where the header seems to stand further below."""
    if lines:
        these = f"the first {lines} lines look" if lines > 1 else "the first line looks"
        yield f"{these} like text above the header; --skip-lines {lines} would leave that out"
