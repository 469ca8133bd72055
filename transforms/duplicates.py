"""Settling duplicates: one row an email within a file, decided once all chunks are checked.

Emails are compared as they are stored. Beyond half a million rows they are spilled to files by a hash of
the email, so that memory holds one partition at a time; the losers go to one small file a chunk. All of this
is the run's own business, so its files lie in a local folder, wherever the chunks are.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.choices import Duplicates
from transforms.check import ChunkVerdict
from transforms.folder import read_table
from transforms.profile import PlacedChunk

ROWS_A_PARTITION = 500_000

_KEYS = pa.schema([("record_number", pa.int64()), ("email", pa.string())])


def settle_duplicates(
    verdicts: Sequence[ChunkVerdict],
    chunks: Sequence[PlacedChunk],
    choice: Duplicates,
    scratch: str,
    rows_a_partition: int = ROWS_A_PARTITION,
) -> int:
    """Find the accepted rows that lose to another with the same email; how many there are."""
    for chunk in chunks:
        _losers_path(scratch, chunk.index).unlink(missing_ok=True)
    partitions = 1 + sum(verdict.accepted for verdict in verdicts) // rows_a_partition
    first_records = np.array([chunk.first_record for chunk in chunks])
    total = 0
    for keys in _partitioned(verdicts, partitions, scratch):
        losers = find_losers(keys, choice)
        places = np.searchsorted(first_records, losers[:, 0], side="right") - 1
        for place in np.unique(places):
            with _losers_path(scratch, chunks[place].index).open("ab") as stream:
                stream.write(losers[places == place].tobytes())
        total += len(losers)
    return total


def find_losers(keys: pa.Table, choice: Duplicates) -> np.ndarray:
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


def losers_of(scratch: str, chunk: PlacedChunk) -> np.ndarray:
    """The chunk's losing records and their winners, in record order."""
    path = _losers_path(scratch, chunk.index)
    if not path.exists():
        return np.empty((0, 2), np.int64)
    pairs = np.fromfile(path, np.int64).reshape(-1, 2)
    return pairs[np.argsort(pairs[:, 0])]


def _losers_path(scratch: str, index: int) -> Path:
    return Path(scratch) / f"losers-{index:05}.i64"


def _keys_of(verdict: ChunkVerdict) -> pa.Table:
    return read_table(verdict.accepted_path, _KEYS.names).cast(_KEYS)


def _partitioned(verdicts: Sequence[ChunkVerdict], partitions: int, scratch: str) -> Iterator[pa.Table]:
    """All accepted keys, rows with one email always in the same table."""
    if partitions == 1:
        yield pa.concat_tables([_keys_of(verdict) for verdict in verdicts]) if verdicts else _KEYS.empty_table()
        return
    paths = [str(Path(scratch) / f"keys-{partition:03}.arrow") for partition in range(partitions)]
    with ExitStack() as stack:
        writers = [stack.enter_context(pa.ipc.new_file(path, _KEYS)) for path in paths]
        for verdict in verdicts:
            keys = _keys_of(verdict)
            home = email_hash(keys["email"].combine_chunks()) % partitions
            for partition, writer in enumerate(writers):
                writer.write_table(keys.filter(pa.array(home == partition)))
    for path in paths:
        yield read_table(path)
        Path(path).unlink()


def email_hash(emails: pa.StringArray) -> np.ndarray:
    """A small number for each email that depends on all its bytes, computed by column."""
    emails = pc.cast(emails, pa.large_string())
    offsets = np.frombuffer(emails.buffers()[1], np.int64)[emails.offset : emails.offset + len(emails) + 1]
    data = np.frombuffer(emails.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]].astype(np.uint32)
    starts = offsets[:-1] - offsets[0]
    place = np.arange(len(data)) - np.repeat(starts, np.diff(offsets))
    return np.add.reduceat(data * (place.astype(np.uint32) * 2654435761 | 1), starts) if len(emails) else np.empty(0)
