"""Text from files that anyone may have written, as markdown that shows just that text.

The Prefect UI renders markdown in artifacts, in the cells of table artifacts too: a header or a value could be a
link, or a picture that is fetched from elsewhere, or vanish as a tag.
"""

import re
from collections.abc import Iterable, Sequence

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")  # all of ASCII: a backslash may stand before each
_MARKUP = re.compile(
    r"([\\`*~<>\[\]&|]"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # inside a word, it is no markup
    r"|:(?=//)|(?<=www)\."  # addresses, which would become links
    r"|^[#+=-](?=[\s#=-]|$))"
)


def plain(text: object) -> str:
    """Any text on one line, none of it markup."""
    return _PUNCTUATION.sub(r"\\\1", one_line(text))


def cell(text: object) -> str:
    """The same with fewer backslashes, as the search box of a table looks into the text as it is stored."""
    return _MARKUP.sub(r"\\\1", one_line(text))


def code(text: str) -> str:
    """A path as code, whatever backticks it has in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{one_line(text)}{space}{fence}"


def one_line(text: object) -> str:
    return " ".join(str(text).split())


class MarkdownLink(str):
    """Words of ours that lead somewhere in the UI."""

    def __new__(cls, words: str, path: str) -> "MarkdownLink":
        return super().__new__(cls, f"[{plain(words)}]({path})")


def table(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table of plain cells: numbers with their thousands, nothing for None, links as they are."""
    lines = [header, ["---"] * len(header), *([_format_cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _format_cell(value: object) -> str:
    if isinstance(value, MarkdownLink):
        return value
    return f"{value:,}" if isinstance(value, int) else plain("" if value is None else value)
