"""Hashes of texts, eight bytes each, computed by column."""

from functools import cache

import numpy as np
import pyarrow as pa

ROWS_PER_STEP = 8192  # the numbers of a step then fit into the processor's cache
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse among the numbers of 64 bits
_INVERSE = pow(_BASE, -1, 1 << 64)


def hash_texts(texts: pa.Array) -> np.ndarray:
    """A uint64 for each text: the same for the same text, on any machine, and very rarely for two different texts.

    It is the text's bytes as the digits of a number in a large base, modulo 2 to the 64, which running sums
    give for all texts at once. The texts have no nulls.
    """
    texts = texts.cast(pa.large_string())
    steps = [_hash_step(texts.slice(start, ROWS_PER_STEP)) for start in range(0, len(texts), ROWS_PER_STEP)]
    return np.concatenate([np.empty(0, np.uint64), *steps])


def _hash_step(texts: pa.LargeStringArray) -> np.ndarray:
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(data_buffer or b"", np.uint8)[offsets[0] : offsets[-1]]
    places = offsets - offsets[0]
    size = max(1 << 16, 1 << len(data).bit_length())
    sums = np.zeros(len(data) + 1, np.uint64)
    np.cumsum(data * _powers(_BASE, size)[: len(data)], out=sums[1:])
    return np.asarray((sums[places[1:]] - sums[places[:-1]]) * _powers(_INVERSE, size)[places[:-1]])


@cache
def _powers(base: int, size: int) -> np.ndarray:
    powers = np.full(size, base, np.uint64)
    powers[0] = 1
    return np.cumprod(powers, out=powers)
