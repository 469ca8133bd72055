"""Shows the control characters of a text, so that nobody's text steers a terminal or changes how a page reads.

Headers, file names and values may come from anybody.
"""

import re

# Every character that may be unprintable; `str.isprintable` decides. ASCII text is skipped at the speed of C.
NOT_ASCII_TEXT = re.compile(r"[^ -~]")


def visible(text: object) -> str:
    r"""The text with control characters as escapes: ESC as \x1b, a newline as \n, a change of direction as \u202e."""
    return NOT_ASCII_TEXT.sub(lambda found: _escaped(found[0]), str(text))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    # A byte of a file name that is not UTF-8 is a lone surrogate.
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
