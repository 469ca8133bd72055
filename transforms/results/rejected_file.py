"""Writes the rejected file, and collects the rejections in record order.

The rejected file has every rejected row with the source's own cells, then the reasons. After correction it imports as
it is: the names of the columns that it adds identify it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.choices import Duplicates
from schemas.errors.base import shortened
from schemas.validation.rules import Rule
from transforms.cells.messages import explain_duplicate
from transforms.chunks.duplicates import dropped_duplicates
from transforms.chunks.file_profile import ChunkPosition
from transforms.chunks.read import ReadInputs
from transforms.chunks.reread import RereadInputs, RowSelection, reread_rows
from transforms.chunks.split import REJECTION_FIELDS, ChunkResult
from transforms.mapping.columns import ColumnMapping
from transforms.mapping.record_numbers import LINE, parse_record_numbers, rejection_column
from transforms.parsing.csv_writer import csv_bytes, csv_header
from transforms.parsing.layout import REJECTION_COLUMNS
from transforms.results.samples import RejectedSample
from transforms.work_folder import ImportFolder, join_path, open_for_writing, read_table, write_table

REJECTED_FILE = "rejected.csv"
REASON_SEPARATOR = " | "  # messages contain commas and semicolons

RereadRunner: TypeAlias = Callable[
    [Callable[[RereadInputs, RowSelection], str], RereadInputs, Iterable[RowSelection]], Iterator[str]
]

_BOM = "\ufeff".encode()
_SCHEMA = pa.schema([(name, pa.int64() if name.endswith("_number") else pa.string()) for name in REJECTION_FIELDS])
_SAMPLE_SCHEMA = _SCHEMA.append(pa.field("email", pa.string()))


@dataclass(frozen=True)
class Reason:
    """How many cells of a column have a code, and the first record that has it. A malformed record has no column."""

    code: str
    column: str | None
    cells: int
    first_record: int


@dataclass(frozen=True)
class RejectedRows:
    """The number of rejected rows, and of rejections by code; `reasons`, the most frequent first.

    `kept_path` is an Arrow file with the first `kept` rejections in record order. `sample_path` is one with a fair
    share of each code, the most frequent first, with the row's email, and long values shortened.
    """

    rows: int
    codes: dict[str, int]
    path: str
    kept: int
    kept_path: str
    sample_path: str
    reasons: tuple[Reason, ...] = ()

    @property
    def found(self) -> int:
        return sum(self.codes.values())

    def sample(self) -> pd.DataFrame:
        rows: pd.DataFrame = read_table(self.sample_path).to_pandas()
        return rows

    def kept_frames(self) -> Iterator[pd.DataFrame]:
        """The kept rejections, frame by frame."""
        with pa.OSFile(self.kept_path) as source, pa.ipc.open_file(source) as reader:
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index).to_pandas()


@dataclass(frozen=True)
class RejectedInputs:
    """How to write the rejected file into the `folder`, which has the files of the checked chunks.

    The first `max_kept` rejections and a sample of `max_shown` are kept in its `scratch`. `keep_retried_numbers`: the
    source is a corrected rejected file, and its rows keep the record numbers of the first import, so that every
    rejected file of a chain of retries identifies them. `mark` identifies the import in every row; a check has none.
    """

    folder: ImportFolder
    read: ReadInputs
    duplicates: Duplicates
    max_kept: int = 0
    max_shown: int = 0
    keep_retried_numbers: bool = False
    mark: str = ""

    @property
    def path(self) -> str:
        return join_path(self.folder.address, REJECTED_FILE)

    @property
    def scratch(self) -> str:
        return self.folder.scratch

    @property
    def mapping(self) -> ColumnMapping:
        return self.read.mapping

    @property
    def delimiter(self) -> str:
        return self.read.layout.dialect.delimiter


def write_rejected(
    inputs: RejectedInputs, chunks: Sequence[ChunkPosition], results: Sequence[ChunkResult], run: RereadRunner
) -> RejectedRows:
    """Write the rejected file chunk by chunk, and count and keep the rejections.

    Duplicates are known only after their chunk was checked, so `run` reads the chunks that have some again.
    """
    reasons: dict[tuple[str, str | None], Reason] = {}
    rows = kept = 0
    sample = RejectedSample(inputs.max_shown, tuple(_SAMPLE_SCHEMA.names))
    kept_path, sample_path = (str(Path(inputs.scratch) / name) for name in ("rejections.arrow", "sample.arrow"))
    with (
        open_for_writing(inputs.path) as stream,
        open_for_writing(kept_path) as kept_stream,
        pa.ipc.new_file(kept_stream, _SCHEMA) as writer,
    ):
        stream.write(_BOM)
        names = [column.name for column in inputs.mapping.of_source]
        stream.write(csv_header([*names, *REJECTION_COLUMNS], inputs.delimiter))
        pairs = list(zip(chunks, results, strict=True))
        incomplete = (pair for pair in pairs if len(dropped_duplicates(inputs.scratch, pair[0])))
        selections = (_rejected_rows_of(inputs, *pair) for pair in incomplete)
        reread = run(reread_rows, RereadInputs(inputs.read, inputs.folder.address), selections)
        for chunk, result in pairs:
            dropped = dropped_duplicates(inputs.scratch, chunk)
            rows_path = next(reread) if len(dropped) else result.rejected_path
            if rows_path is None:
                continue
            table = read_table(rows_path)
            rejections = _add_dropped_duplicates(inputs, chunk, _read_rejections(chunk, result), dropped, table)
            stream.write(csv_bytes(_rejected_rows(inputs, chunk, rejections, table), inputs.delimiter))
            writer.write_table(
                pa.Table.from_pandas(rejections.head(inputs.max_kept - kept), _SCHEMA, preserve_index=False)
            )
            kept += min(len(rejections), inputs.max_kept - kept)
            sample.add(rejections, partial(_emails, inputs, chunk, table, rejections))
            _add_reasons(reasons, rejections)
            rows += rejections["record_number"].nunique()
    write_table(pa.Table.from_pandas(sample.rows_by_share(), _SAMPLE_SCHEMA, preserve_index=False), sample_path)
    ranked = sorted(reasons.values(), key=lambda reason: (-reason.cells, reason.first_record, reason.code))
    codes: Counter[str] = Counter()
    for reason in ranked:
        codes[reason.code] += reason.cells
    return RejectedRows(rows, dict(sorted(codes.items())), inputs.path, kept, kept_path, sample_path, tuple(ranked))


def _emails(
    inputs: RejectedInputs, chunk: ChunkPosition, table: pa.Table, rejections: pd.DataFrame, records: pd.Series
) -> np.ndarray:
    """The email cells of a chunk's rejected rows as the source has them; none where the address is suppressed."""
    identity, _ = inputs.mapping.column_of("email")
    rows = np.searchsorted(np.asarray(table["row"]), records - chunk.first_record)
    hidden = set(rejections["record_number"][rejections["code"] == Rule.SUPPRESSED])
    cells = table[identity.key].take(pa.array(rows)).to_pylist()
    return np.array([None if record in hidden else cell for record, cell in zip(records, cells, strict=True)], object)


def _add_reasons(reasons: dict[tuple[str, str | None], Reason], rejections: pd.DataFrame) -> None:
    groups = rejections.groupby(["code", "column_name"], dropna=False, sort=False)["record_number"].agg(["size", "min"])
    for (code, name), cells, first in groups.itertuples():
        column = name if isinstance(name, str) else None
        known = reasons.get((code, column), Reason(code, column, 0, int(first)))
        reasons[code, column] = replace(known, cells=known.cells + int(cells))


def _rejected_rows_of(inputs: RejectedInputs, chunk: ChunkPosition, result: ChunkResult) -> RowSelection:
    """All rejected rows of a chunk: those that broke a rule, and dropped duplicates."""
    dropped = dropped_duplicates(inputs.scratch, chunk)[:, 0] - chunk.first_record
    broken = np.asarray(read_table(result.rejected_path, ["row"])["row"]) if result.rejected_path else dropped
    return RowSelection(chunk.block, np.union1d(broken, dropped))


def _add_dropped_duplicates(
    inputs: RejectedInputs, chunk: ChunkPosition, rejections: pd.DataFrame, dropped: np.ndarray, table: pa.Table
) -> pd.DataFrame:
    """A chunk's rejections in record order, with those of its dropped duplicates."""
    if not len(dropped):
        return rejections
    rows = np.searchsorted(np.asarray(table["row"]), dropped[:, 0] - chunk.first_record)
    identity, _ = inputs.mapping.column_of("email")
    duplicates = pd.DataFrame(
        {
            "record_number": dropped[:, 0],
            "line_number": np.asarray(table["line"])[rows] + chunk.first_line,
            "column_name": shortened(identity.name),
            "field": "email",
            "code": str(Rule.DUPLICATE_EMAIL),
            "message": [
                explain_duplicate(other, inputs.duplicates is not Duplicates.REJECT) for other in dropped[:, 1]
            ],
            "value": table[identity.key].take(pa.array(rows)).to_pylist(),
        }
    )
    if rejections.empty:
        return duplicates
    return pd.concat([rejections, duplicates]).sort_values("record_number", kind="stable", ignore_index=True)


def _read_rejections(chunk: ChunkPosition, result: ChunkResult) -> pd.DataFrame:
    """The rejections found when the chunk was checked, numbered as in the file."""
    if result.rejections_path is None:
        return pd.DataFrame(columns=list(REJECTION_FIELDS))
    found: pd.DataFrame = read_table(result.rejections_path).to_pandas()
    records, lines = (found[name] for name in ("record_number", "line_number"))
    return found.assign(record_number=records + chunk.first_record, line_number=lines + chunk.first_line)


def _rejected_rows(
    inputs: RejectedInputs, chunk: ChunkPosition, rejections: pd.DataFrame, table: pa.Table
) -> pd.DataFrame:
    reasons = _one_row_per_record(rejections)
    numbers = reasons["record_number"].to_numpy(np.int64)
    rows = pa.array(np.searchsorted(np.asarray(table["row"]), numbers - chunk.first_record))
    cells = {column.key: table[column.key].take(rows) for column in inputs.mapping.of_source}
    raw = table["raw"].take(rows) if "raw" in table.column_names else pa.nulls(len(rows), pa.string())
    suppressed = pa.array(reasons["code"] == Rule.SUPPRESSED)
    if suppressed.true_count:
        cells = {key: pc.if_else(suppressed, None, column) for key, column in cells.items()}
        raw = pc.if_else(suppressed, None, raw)
    if inputs.keep_retried_numbers:
        reasons = reasons.assign(**_retried_numbers(inputs.mapping, table, rows))
    ours = {name: pa.array(reasons[name].astype(str)) for name in ("record_number", "line_number", "code", "message")}
    ours["message"] = pc.if_else(suppressed, None, ours["message"])
    marks = pa.array([inputs.mark or None] * len(rows), pa.string())
    rejected: pd.DataFrame = pa.table({**cells, **ours, "raw": raw, "of": marks}).to_pandas(types_mapper=pd.ArrowDtype)
    return rejected.astype(TEXT_DTYPE)


def _retried_numbers(mapping: ColumnMapping, table: pa.Table, rows: pa.Array) -> dict[str, pd.Series]:
    """The first import's numbers in the rows; blank if a row has none, or is malformed."""
    found = {}
    for name, column in (
        ("record_number", rejection_column(mapping)),
        ("line_number", rejection_column(mapping, LINE)),
    ):
        cells = parse_record_numbers(table[column.key].take(rows)) if column else pa.nulls(len(rows), pa.string())
        found[name] = cells.to_pandas().fillna("").to_numpy()
    return found


def _one_row_per_record(rejections: pd.DataFrame) -> pd.DataFrame:
    """One row per record: its distinct codes and all its reasons, joined."""
    ordered = rejections.sort_values("record_number", kind="stable").assign(message=_with_column)
    first = ordered.drop_duplicates("record_number")[["record_number", "line_number", "code", "message"]]
    if len(first) == len(ordered):
        return first
    each_once = ordered.drop_duplicates(["record_number", "code"])
    return first.assign(
        code=_join_texts(each_once, "code", ", "), message=_join_texts(ordered, "message", REASON_SEPARATOR)
    )


def _with_column(rejections: pd.DataFrame) -> np.ndarray:
    """The messages, each with its column's name in front if it has one."""
    columns, messages = (
        pa.array(rejections[name], pa.string(), from_pandas=True) for name in ("column_name", "message")
    )
    named = pc.coalesce(pc.binary_join_element_wise(columns, messages, ": "), messages)
    return np.asarray(named.to_numpy(zero_copy_only=False))


def _join_texts(ordered: pd.DataFrame, name: str, separator: str) -> np.ndarray:
    """One text per record, joined from its rows, which are adjacent."""
    records = ordered["record_number"].to_numpy()
    starts = np.flatnonzero(np.append(True, records[1:] != records[:-1]))
    bounds = pa.array(np.append(starts, len(records)), pa.int32())
    texts = pa.ListArray.from_arrays(bounds, pa.array(ordered[name].to_list(), pa.string()))
    joined: np.ndarray = pc.binary_join(texts, separator).to_numpy(zero_copy_only=False)
    return joined
