"""Removes the quotes around whole lines: some programs write each record as one quoted cell."""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from transforms.landing.land import Landed, open_target
from transforms.work_folder import open_for_reading, remove, size_of

_READ_BYTES = 1 << 20
_MAX_LINE_BYTES = 16 << 20  # a longer record is refused when records are read


def unwrap_lines(landed: Landed) -> Landed:
    """The landed text with every line that is one quoted cell replaced by the cell's text; other lines stay."""
    path = f"{landed.path.removesuffix('csv')}unwrapped.csv"
    with open_for_reading(landed.path) as source, open_target(path) as target:
        target.write(source.read(landed.start))
        for line in _lines(source):
            target.write(unwrapped(line))
    remove(landed.path)
    return replace(landed, path=path, size=size_of(path))


def unwrapped(line: bytes) -> bytes:
    """The text of a line that is one quoted cell; any other line as it is."""
    text = line.rstrip(b"\r\n")
    inner = text[1:-1]
    if len(text) < 2 or text[:1] != b'"' or text[-1:] != b'"' or b'"' in inner.replace(b'""', b""):
        return line
    return inner.replace(b'""', b'"') + line[len(text) :]


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Lines with their breaks; one that is too long comes in parts."""
    rest = b""
    while block := source.read(_READ_BYTES):
        *lines, rest = (rest + block).splitlines(keepends=True)
        if rest.endswith(b"\n"):
            lines, rest = [*lines, rest], b""
        yield from lines
        if len(rest) > _MAX_LINE_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest
