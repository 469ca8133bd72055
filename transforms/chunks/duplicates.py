"""Settling duplicates: one row an email within a file, decided once all chunks are checked.

Emails are compared as they are stored, and only those whose fingerprint occurs twice, in most files none.
Beyond half a million of them they are spilled to files by their fingerprint, so that memory holds one
partition at a time; the losers go to one small file a chunk. All of this is the run's own business, so its
files lie in a local folder, wherever the chunks are.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.choices import Duplicates
from transforms.chunks.file_profile import ChunkPosition
from transforms.chunks.split import EMAIL_HASH, ChunkResult
from transforms.work_folder import read_table

ROWS_PER_PARTITION = 500_000

HASHES_PER_ROW = 2  # as many of them take less memory than a row's email, and can be sorted besides

_KEYS = pa.schema([("record_number", pa.int64()), ("email", pa.string())])


def resolve_duplicates(
    verdicts: Sequence[ChunkResult],
    chunks: Sequence[ChunkPosition],
    choice: Duplicates,
    scratch: str,
    rows_per_partition: int = ROWS_PER_PARTITION,
) -> int:
    """Find the accepted rows that lose to another with the same email; how many there are."""
    for chunk in chunks:
        _dropped_path(scratch, chunk.block.index).unlink(missing_ok=True)
    repeated = _find_repeated_hashes(verdicts, rows_per_partition * HASHES_PER_ROW, scratch)
    if not len(repeated):
        return 0
    first_records = np.array([chunk.first_record for chunk in chunks])
    total = 0
    for keys in _partitioned(verdicts, repeated, rows_per_partition, scratch):
        dropped = find_dropped_duplicates(keys, choice)
        places = np.searchsorted(first_records, dropped[:, 0], side="right") - 1
        for place in np.unique(places):
            with _dropped_path(scratch, chunks[place].block.index).open("ab") as stream:
                stream.write(dropped[places == place].tobytes())
        total += len(dropped)
    return total


def find_dropped_duplicates(keys: pa.Table, choice: Duplicates) -> np.ndarray:
    """Pairs of a losing record's number and its winner's, as rows of int64; `reject` names the first one.

    `keys` has the accepted rows' `record_number` and `email`, in record order.
    """
    coded = keys["email"].dictionary_encode()
    if not coded.num_chunks or len(coded.chunk(0).dictionary) == len(keys):
        return np.empty((0, 2), np.int64)  # as in most files: every email once
    codes = np.concatenate([np.asarray(chunk.indices) for chunk in coded.chunks])
    repeated = np.bincount(codes)[codes] > 1
    found = pd.DataFrame({"code": codes[repeated], "record": np.asarray(keys["record_number"])[repeated]})
    winner = found.groupby("code")["record"].transform("max" if choice is Duplicates.LAST else "min")
    loses = (found["record"] != winner) | (choice is Duplicates.REJECT)
    return np.column_stack([found["record"][loses], winner[loses]]).astype(np.int64)


def dropped_duplicates(scratch: str, chunk: ChunkPosition) -> np.ndarray:
    """The chunk's losing records and their winners, in record order."""
    path = _dropped_path(scratch, chunk.block.index)
    if not path.exists():
        return np.empty((0, 2), np.int64)
    pairs = np.fromfile(path, np.int64).reshape(-1, 2)
    return pairs[np.argsort(pairs[:, 0])]


def _dropped_path(scratch: str, index: int) -> Path:
    return Path(scratch) / f"losers-{index:05}.i64"


def _find_repeated_hashes(verdicts: Sequence[ChunkResult], at_once: int, scratch: str) -> np.ndarray:
    """The fingerprints that more than one accepted row has, sorted; `at_once` of them are in memory at a time.

    More of them are dealt out to files, each for a range of them, so that every one is written and read once.
    """
    ranges = 1 + sum(verdict.accepted for verdict in verdicts) // at_once
    if ranges == 1:
        return _repeated_hashes([_prints(verdict) for verdict in verdicts])
    bounds = np.arange(1, ranges, dtype=np.uint64) * np.uint64((1 << 64) // ranges)
    paths = [Path(scratch) / f"prints-{number:03}.u64" for number in range(ranges)]
    with ExitStack() as stack:
        streams = [stack.enter_context(path.open("wb")) for path in paths]
        for hashes in _sorted_batches(verdicts, at_once):
            for stream, part in zip(streams, np.split(hashes, np.searchsorted(hashes, bounds)), strict=True):
                stream.write(part.tobytes())
    found = []
    for path in paths:
        found.append(_repeated_hashes([np.fromfile(path, np.uint64)]))
        path.unlink()
    return np.concatenate(found)


def _sorted_batches(verdicts: Sequence[ChunkResult], at_once: int) -> Iterator[np.ndarray]:
    """The fingerprints of several chunks together, sorted: to deal them out costs as much as there are ranges."""
    some: list[np.ndarray] = []
    for verdict in verdicts:
        some.append(_prints(verdict))
        if sum(map(len, some)) >= at_once or verdict is verdicts[-1]:
            yield np.sort(np.concatenate(some))
            some = []


def _repeated_hashes(hashes: list[np.ndarray]) -> np.ndarray:
    """The fingerprints that are there more than once, sorted."""
    sorted_prints = np.sort(np.concatenate([np.empty(0, np.uint64), *hashes]))
    return np.unique(sorted_prints[1:][sorted_prints[1:] == sorted_prints[:-1]])


def _prints(verdict: ChunkResult) -> np.ndarray:
    return np.asarray(read_table(verdict.accepted_path, columns=[EMAIL_HASH])[EMAIL_HASH])


def _candidates(verdict: ChunkResult, repeated: np.ndarray) -> tuple[pa.Table, np.ndarray]:
    """The keys of the rows that may have a twin, numbered as in the file, and their fingerprints."""
    table = read_table(verdict.accepted_path, columns=[*_KEYS.names, EMAIL_HASH])
    hashes = np.asarray(table[EMAIL_HASH])
    places = np.searchsorted(repeated, hashes).clip(max=len(repeated) - 1)
    is_repeated = repeated[places] == hashes
    found = table.select(_KEYS.names).filter(pa.array(is_repeated)).cast(_KEYS)
    numbers = pc.add(found["record_number"], verdict.first_record)
    return found.set_column(0, "record_number", numbers), hashes[is_repeated]


def _partitioned(
    verdicts: Sequence[ChunkResult], repeated: np.ndarray, rows_per_partition: int, scratch: str
) -> Iterator[pa.Table]:
    """The keys of all rows that may have a twin, rows with one email always in the same table."""
    partitions = 1 + sum(verdict.accepted for verdict in verdicts) // rows_per_partition
    if partitions == 1:
        yield pa.concat_tables([_candidates(verdict, repeated)[0] for verdict in verdicts])
        return
    paths = [str(Path(scratch) / f"keys-{partition:03}.arrow") for partition in range(partitions)]
    with ExitStack() as stack:
        writers = [stack.enter_context(pa.ipc.new_file(path, _KEYS)) for path in paths]
        for verdict in verdicts:
            keys, hashes = _candidates(verdict, repeated)
            home = hashes % np.uint64(partitions)
            for partition in np.unique(home):
                writers[partition].write_table(keys.filter(pa.array(home == partition)))
    for path in paths:
        yield read_table(path)
        Path(path).unlink()
