"""The only module that prints. Control characters are shown as escapes, so no text can steer the terminal.

It imports nothing heavy: a wrong command prints its error at once.
"""

import codecs
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

from flows.publishing.visible_text import NOT_ASCII_TEXT, visible


def print_line(text: object = "") -> None:
    print(visible(text))


def print_error(text: object) -> None:
    """A line on standard error, with the name of the command in front."""
    print(f"contacts: {visible(text)}", file=sys.stderr)


def print_note(text: object) -> None:
    """A line on standard error that leaves a JSON report on standard output alone."""
    print(visible(text), file=sys.stderr)


def print_lines(text: str) -> None:
    """A text of several lines; tabs stay as they are."""
    for line in text.removesuffix("\n").split("\n"):
        print("\t".join(map(visible, line.split("\t"))))


def print_json(content: object) -> None:
    """One JSON value on one line, in ASCII where the terminal is not UTF-8."""
    unicode_output = (sys.stdout.encoding or "").lower() in ("utf-8", "utf8")
    text = json.dumps(content, ensure_ascii=not unicode_output, default=str)
    # Control characters occur in strings only, where JSON has its own escapes.
    print(NOT_ASCII_TEXT.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text))


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Go on if the reader of standard output has gone (`… | head`): the exit status still says how it ended."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()


def discard_output() -> None:
    """Print to nowhere from now on; otherwise Python would fail when it flushes standard output at exit."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def escape_unencodable_output() -> None:
    """Print escapes for bytes that are no text, as in file names, and for letters that the terminal does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def open_terminal() -> Iterator[BinaryIO]:
    """Standard output for a file's bytes: as they are in a pipe or a file, with escapes at a terminal."""
    if not sys.stdout.isatty():
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with _VisibleBytes() as stream:
        yield cast(BinaryIO, stream)


class _VisibleBytes(io.RawIOBase):
    """Prints UTF-8 text line by line, each when it is complete."""

    _text = ""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="backslashreplace")

    def write(self, data: Any) -> int:
        *lines, self._text = (self._text + self._decoder.decode(bytes(data))).split("\n")
        for line in lines:
            print_lines(line.removesuffix("\r"))
        return len(data)

    def close(self) -> None:
        if self._text:
            print_lines(self._text)
            self._text = ""
        super().close()
