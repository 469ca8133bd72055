"""Resolves duplicates: one row per email within a file, decided when all chunks are checked.

Only emails whose hash occurs more than once are compared; in most files there are none. Above `ROWS_PER_PARTITION`
rows they are partitioned by hash into files, so that memory holds one partition at a time. The dropped rows of each
chunk go to one small file. These files are in a local folder, wherever the chunks are.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.choices import Duplicates
from transforms.chunks.file_profile import ChunkPosition
from transforms.chunks.split import EMAIL_HASH, ChunkResult
from transforms.work_folder import open_for_writing, owner_only, read_table

ROWS_PER_PARTITION = 500_000
HASHES_PER_ROW = 2  # two hashes take about as much memory as one row with its email

_KEYS = pa.schema([("record_number", pa.int64()), ("email", pa.string())])


def resolve_duplicates(
    results: Sequence[ChunkResult],
    chunks: Sequence[ChunkPosition],
    choice: Duplicates,
    scratch: str,
    rows_per_partition: int = ROWS_PER_PARTITION,
) -> None:
    """Find the accepted rows that are dropped for another one with the same email. `dropped_duplicates` reads them."""
    for chunk in chunks:
        _dropped_path(scratch, chunk.block.index).unlink(missing_ok=True)
    repeated = _find_repeated_hashes(results, rows_per_partition * HASHES_PER_ROW, scratch)
    if not len(repeated):
        return
    first_records = np.array([chunk.first_record for chunk in chunks])
    for keys in _partitioned(results, repeated, rows_per_partition, scratch):
        dropped = find_dropped_duplicates(keys, choice)
        indexes = np.searchsorted(first_records, dropped[:, 0], side="right") - 1
        for index in np.unique(indexes):
            with open(_dropped_path(scratch, chunks[index].block.index), "ab", opener=owner_only) as stream:
                stream.write(dropped[indexes == index].tobytes())


def find_dropped_duplicates(keys: pa.Table, choice: Duplicates) -> np.ndarray:
    """Pairs of record numbers, as int64: a dropped record and the one kept for it (for `reject`, the first).

    `keys` has the accepted rows' `record_number` and `email`, in record order.
    """
    coded = keys["email"].dictionary_encode()
    if not coded.num_chunks or len(coded.chunk(0).dictionary) == len(keys):
        return np.empty((0, 2), np.int64)  # every email occurs once, as in most files
    codes = np.concatenate([np.asarray(chunk.indices) for chunk in coded.chunks])
    repeated = np.bincount(codes)[codes] > 1
    found = pd.DataFrame({"code": codes[repeated], "record": np.asarray(keys["record_number"])[repeated]})
    kept = found.groupby("code")["record"].transform("max" if choice is Duplicates.LAST else "min")
    is_dropped = (found["record"] != kept) | (choice is Duplicates.REJECT)
    return np.column_stack([found["record"][is_dropped], kept[is_dropped]]).astype(np.int64)


def dropped_duplicates(scratch: str, chunk: ChunkPosition) -> np.ndarray:
    """The chunk's dropped records and the records kept for them, in record order."""
    path = _dropped_path(scratch, chunk.block.index)
    if not path.exists():
        return np.empty((0, 2), np.int64)
    pairs = np.fromfile(path, np.int64).reshape(-1, 2)
    return pairs[np.argsort(pairs[:, 0])]


def count_dropped_values(
    results: Sequence[ChunkResult], chunks: Sequence[ChunkPosition], scratch: str, values: Mapping[str, str]
) -> dict[str, int]:
    """For each of these values, by field, how many dropped rows have it."""
    counts = dict.fromkeys(values, 0)
    for result, chunk in zip(results, chunks, strict=True):
        dropped = dropped_duplicates(scratch, chunk)
        if values and len(dropped):
            table = read_table(result.accepted_path, columns=["record_number", *values])
            numbers = pc.add(table["record_number"], result.first_record)
            lost = table.filter(pc.is_in(numbers, pa.array(dropped[:, 0])))
            for field, value in values.items():
                counts[field] += pc.sum(pc.equal(lost[field], value)).as_py() or 0
    return counts


def _dropped_path(scratch: str, index: int) -> Path:
    return Path(scratch) / f"dropped-{index:05}.i64"


def _find_repeated_hashes(results: Sequence[ChunkResult], at_once: int, scratch: str) -> np.ndarray:
    """The hashes that more than one accepted row has, sorted, with at most `at_once` hashes in memory.

    If there are more, they are distributed to files by range, so each is written and read once.
    """
    ranges = 1 + sum(result.accepted for result in results) // at_once
    if ranges == 1:
        return _repeated_hashes([_email_hashes(result) for result in results])
    bounds = np.arange(1, ranges, dtype=np.uint64) * np.uint64((1 << 64) // ranges)
    paths = [Path(scratch) / f"hashes-{number:03}.u64" for number in range(ranges)]
    with ExitStack() as stack:
        streams = [stack.enter_context(open_for_writing(str(path))) for path in paths]
        for hashes in _sorted_batches(results, at_once):
            for stream, part in zip(streams, np.split(hashes, np.searchsorted(hashes, bounds)), strict=True):
                stream.write(part.tobytes())
    found = []
    for path in paths:
        found.append(_repeated_hashes([np.fromfile(path, np.uint64)]))
        path.unlink()
    return np.concatenate(found)


def _sorted_batches(results: Sequence[ChunkResult], at_once: int) -> Iterator[np.ndarray]:
    """The hashes of several chunks together, sorted: each batch is split once per range."""
    batch: list[np.ndarray] = []
    for result in results:
        batch.append(_email_hashes(result))
        if sum(map(len, batch)) >= at_once or result is results[-1]:
            yield np.sort(np.concatenate(batch))
            batch = []


def _repeated_hashes(hashes: list[np.ndarray]) -> np.ndarray:
    """The hashes that occur more than once, sorted."""
    ordered = np.sort(np.concatenate([np.empty(0, np.uint64), *hashes]))
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _email_hashes(result: ChunkResult) -> np.ndarray:
    return np.asarray(read_table(result.accepted_path, columns=[EMAIL_HASH])[EMAIL_HASH])


def _candidates(result: ChunkResult, repeated: np.ndarray) -> tuple[pa.Table, np.ndarray]:
    """The keys of the rows that may be duplicates, numbered as in the file, and their hashes."""
    table = read_table(result.accepted_path, columns=[*_KEYS.names, EMAIL_HASH])
    hashes = np.asarray(table[EMAIL_HASH])
    nearest = np.searchsorted(repeated, hashes).clip(max=len(repeated) - 1)
    is_repeated = repeated[nearest] == hashes
    found = table.select(_KEYS.names).filter(pa.array(is_repeated)).cast(_KEYS)
    numbers = pc.add(found["record_number"], result.first_record)
    return found.set_column(0, "record_number", numbers), hashes[is_repeated]


def _partitioned(
    results: Sequence[ChunkResult], repeated: np.ndarray, rows_per_partition: int, scratch: str
) -> Iterator[pa.Table]:
    """The keys of all rows that may be duplicates; rows with the same email are in the same table."""
    partitions = 1 + sum(result.accepted for result in results) // rows_per_partition
    if partitions == 1:
        yield pa.concat_tables([_candidates(result, repeated)[0] for result in results])
        return
    paths = [str(Path(scratch) / f"keys-{partition:03}.arrow") for partition in range(partitions)]
    with ExitStack() as stack:
        streams = [stack.enter_context(open_for_writing(path)) for path in paths]
        writers = [stack.enter_context(pa.ipc.new_file(stream, _KEYS)) for stream in streams]
        for result in results:
            keys, hashes = _candidates(result, repeated)
            partition_of = hashes % np.uint64(partitions)
            for partition in np.unique(partition_of):
                writers[partition].write_table(keys.filter(pa.array(partition_of == partition)))
    for path in paths:
        yield read_table(path)
        Path(path).unlink()
