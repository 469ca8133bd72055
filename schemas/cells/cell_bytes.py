"""The bytes at the edges of cells, a column at a time: enough to find the cells that may need trimming."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

_SPACE = ord(" ")  # all bytes up to it are ASCII white space or controls
# The last two bytes of white space beyond ASCII; some letters end with the same bytes.
_LAST = np.zeros(256, bool)
_LAST[[*range(0x80, 0x8B), 0x9F, 0xA0, 0xA8, 0xA9, 0xAF]] = True
_BEFORE_LAST = np.zeros(256, bool)
_BEFORE_LAST[[0xC2, 0x80, 0x81, 0x9A]] = True


def first_bytes(cells: pa.ChunkedArray) -> np.ndarray:
    """The first byte of each cell, 0 where there is none."""
    return _joined((_at(data, offsets, offsets[:-1]) for offsets, data in _buffers(cells)), np.uint8)


def may_be_blank(first: np.ndarray) -> np.ndarray:
    """Which cells may be empty or white space, as Arrow trims it, by their first bytes."""
    # Comparisons take a fraction of the time of a lookup table.
    may: np.ndarray = (first <= _SPACE) | (first == 0xC2) | ((first >= 0xE1) & (first <= 0xE3))
    return may


def may_need_trimming(cells: pa.ChunkedArray) -> np.ndarray:
    """Which cells may be empty, or begin or end with white space."""
    at_end = _joined((_may_end_in_space(data, offsets) for offsets, data in _buffers(cells)), bool)
    found: np.ndarray = may_be_blank(first_bytes(cells)) | at_end
    return found


def have_byte(cells: pa.ChunkedArray, byte: bytes) -> bool:
    """Whether a byte is in any of the cells."""
    return any((data[offsets[0] : offsets[-1]] == ord(byte)).any() for offsets, data in _buffers(cells))


def bytes_after(cells: pa.ChunkedArray, byte: bytes) -> frozenset[int]:
    """The bytes that follow a byte that ends no cell, the first of a letter in UTF-8 for example."""
    found: set[int] = set()
    for offsets, data in _buffers(cells):
        text = data[offsets[0] : offsets[-1]]
        found.update(np.flatnonzero(np.bincount(text[np.flatnonzero(text == ord(byte)) + 1])))
    return frozenset(found)


def _buffers(cells: pa.ChunkedArray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The offsets of the cells in the data, with the end of the last one, and the data."""
    for chunk in cells.chunks:
        _, offsets, data = chunk.buffers()
        yield (
            np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1],
            np.frombuffer(data or b"\0", np.uint8),
        )


def _at(data: np.ndarray, offsets: np.ndarray, places: np.ndarray) -> np.ndarray:
    found: np.ndarray = data.take(places, mode="wrap")  # an empty cell may be before the data, or after it
    found[offsets[:-1] == offsets[1:]] = 0
    return found


def _may_end_in_space(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    last = _at(data, offsets, offsets[1:] - 1)
    may: np.ndarray = (last <= _SPACE) | ((last >= 0x80) & (last <= 0xAF))
    beyond = np.flatnonzero(may & (last >= 0x80))
    may[beyond] = _LAST[last[beyond]] & _BEFORE_LAST[data[offsets[1:][beyond] - 2]]
    return may


def _joined(found: Iterable[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate([np.empty(0, kind), *found])
