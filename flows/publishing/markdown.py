"""Escapes text from files, so that the Prefect UI shows it as text.

The UI renders markdown in artifacts, also in the cells of table artifacts. Without escapes, a header or a value could
become a link, load an image from another server, or disappear as an HTML tag.
"""

import re
from collections.abc import Iterable, Sequence

from flows.publishing.visible_text import visible

MASKED_VALUE = "•••"
MAX_SHOWN_COLUMNS = 500  # of a file, in one form or list; a page with more would take minutes to load
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")  # of ASCII; markdown allows a backslash before each
_ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)
_MARKUP = re.compile(
    r"([\\`*~<>\[\]&|]"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # inside a word it is not markup
    r"|:(?=//)|(?i:(?<=www))\."  # addresses, which would become links
    r"|^[#+=-](?=[\s#=-]|$))"
)


def plain(text: object, *, in_table: bool = False) -> str:
    """Any text on one line, with all its punctuation escaped; a text with a web address as code."""
    line = one_line(text)
    if _ADDRESS.search(line):  # Prefect's newer UI makes links of escaped addresses too, but not inside code
        # A bar ends the code and its cell; a backslash before it does not help where the text has one there too.
        return code(line.replace("|", "¦") if in_table else line)
    return _PUNCTUATION.sub(r"\\\1", line)


def cell(text: object) -> str:
    """The same with fewer backslashes, for tables: their search box looks in the text as it is stored."""
    return _MARKUP.sub(r"\\\1", one_line(text))


def code(text: str) -> str:
    """A text as code; a text with backticks gets a longer fence."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{one_line(text)}{space}{fence}"


def one_line(text: object) -> str:
    """White space as single spaces, other control characters as escapes."""
    return visible(" ".join(str(text).split()))


class MarkdownLink(str):
    """A link to a page of the UI."""

    def __new__(cls, text: str, path: str) -> "MarkdownLink":
        return super().__new__(cls, f"[{plain(text)}]({path})")


def table(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table of escaped cells: numbers with thousands separators, None as empty, links unchanged."""
    lines = [header, ["---"] * len(header), *([_format_cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _format_cell(value: object) -> str:
    if isinstance(value, MarkdownLink):
        return value
    return f"{value:,}" if isinstance(value, int) else plain("" if value is None else value, in_table=True)
