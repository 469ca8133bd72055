"""The account of what was rejected: the rejected file, and the rejections in record order.

The rejected file holds every rejected row with the source's own cells, then why. Mended, it imports as it
is: its trailing columns tell the reader what it is.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.choices import Duplicates
from schemas.validation.rules import Rule
from transforms.cells.messages import explain_duplicate
from transforms.chunks.duplicates import dropped_duplicates
from transforms.chunks.file_profile import ChunkPosition
from transforms.chunks.read import ReadPlan
from transforms.chunks.reread import RereadPlan, RowSelection, reread_rows
from transforms.chunks.split import REJECTION_FIELDS, ChunkResult
from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.mapping.record_numbers import LINE, parse_record_numbers, rejection_column
from transforms.parsing.csv_writer import csv_bytes, csv_header
from transforms.parsing.layout import REJECTION_COLUMNS
from transforms.results.samples import RejectedSample
from transforms.work_folder import open_for_writing, read_table, write_table

REASON_SEPARATOR = " | "  # messages have commas and semicolons of their own

RereadRunner: TypeAlias = Callable[
    [Callable[[RereadPlan, RowSelection], str], RereadPlan, Iterable[RowSelection]], Iterator[str]
]

_BOM = "\ufeff".encode()
_SCHEMA = pa.schema([(name, pa.int64() if name.endswith("_number") else pa.string()) for name in REJECTION_FIELDS])


@dataclass(frozen=True)
class RejectedRows:
    """Every rejection by code; the first of them as `kept_path`, an Arrow file in record order.

    `sample_path` is one with a fair share of each reason, the commonest first, its values cut where they are long.
    """

    rows: int
    codes: dict[str, int]
    path: str
    kept: int
    kept_path: str
    sample_path: str

    @property
    def found(self) -> int:
        return sum(self.codes.values())

    def sample(self) -> pd.DataFrame:
        rows: pd.DataFrame = read_table(self.sample_path).to_pandas()
        return rows

    def kept_frames(self) -> Iterator[pd.DataFrame]:
        """The kept rejections, a frame at a time."""
        with pa.OSFile(self.kept_path) as source, pa.ipc.open_file(source) as reader:
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index).to_pandas()


@dataclass(frozen=True)
class RejectedPlan:
    """How the rejected rows are written: in the source's delimiter, the first `keep` rejections kept in `scratch`, and
    `show` to look at. In `folder` are the files of the steps over chunks.

    `keep_retried_numbers`: the source is a mended file, and its rows keep the numbers of the first import's records, so
    that they are known again, whichever of the rejected files they are mended in.
    """

    scratch: str
    folder: str
    path: str
    read: ReadPlan
    duplicates: Duplicates
    max_kept: int
    max_shown: int = 0
    keep_retried_numbers: bool = False

    @property
    def mapping(self) -> ColumnMapping:
        return self.read.mapping

    @property
    def delimiter(self) -> str:
        return self.read.layout.dialect.delimiter


def write_rejected(
    plan: RejectedPlan, chunks: Sequence[ChunkPosition], verdicts: Sequence[ChunkResult], run: RereadRunner
) -> RejectedRows:
    """Write the rejected file, a chunk at a time, and count and keep the rejections.

    That a row would lose to its twin was not known when its chunk was checked: `run` reads such chunks again.
    """
    codes: Counter[str] = Counter()
    rows = kept = 0
    sample = RejectedSample(plan.max_shown, REJECTION_FIELDS)
    kept_path, sample_path = (str(Path(plan.scratch) / name) for name in ("rejections.arrow", "sample.arrow"))
    with open_for_writing(plan.path) as stream, pa.ipc.new_file(kept_path, _SCHEMA) as writer:
        stream.write(_BOM)
        names = [column.name for column in _source_columns(plan.mapping)]
        stream.write(csv_header([*names, *REJECTION_COLUMNS], plan.delimiter))
        losing = (each for each in zip(chunks, verdicts, strict=True) if len(dropped_duplicates(plan.scratch, each[0])))
        reread = run(
            reread_rows, RereadPlan(plan.read, plan.folder), (_rejected_rows_of(plan, *each) for each in losing)
        )
        for chunk, verdict in zip(chunks, verdicts, strict=True):
            dropped = dropped_duplicates(plan.scratch, chunk)
            rows_path = next(reread) if len(dropped) else verdict.rejected_path
            if rows_path is None:
                continue
            table = read_table(rows_path)
            rejections = _add_dropped_duplicates(plan, chunk, _read_rejections(chunk, verdict), dropped, table)
            stream.write(csv_bytes(_rejected_rows(plan, chunk, rejections, table), plan.delimiter))
            writer.write_table(
                pa.Table.from_pandas(rejections.head(plan.max_kept - kept), _SCHEMA, preserve_index=False)
            )
            kept += min(len(rejections), plan.max_kept - kept)
            sample.add(rejections)
            codes.update(rejections["code"].to_list())
            rows += rejections["record_number"].nunique()
    write_table(pa.Table.from_pandas(sample.rows_by_share(), _SCHEMA, preserve_index=False), sample_path)
    return RejectedRows(rows, dict(sorted(codes.items())), plan.path, kept, kept_path, sample_path)


def _rejected_rows_of(plan: RejectedPlan, chunk: ChunkPosition, verdict: ChunkResult) -> RowSelection:
    """All rows of a chunk that are rejected, those that broke a rule and those that lose."""
    losing = dropped_duplicates(plan.scratch, chunk)[:, 0] - chunk.first_record
    broken = np.asarray(read_table(verdict.rejected_path, ["row"])["row"]) if verdict.rejected_path else losing
    return RowSelection(chunk.block, np.union1d(broken, losing))


def _add_dropped_duplicates(
    plan: RejectedPlan, chunk: ChunkPosition, rejections: pd.DataFrame, dropped: np.ndarray, table: pa.Table
) -> pd.DataFrame:
    """A chunk's rejections in record order, those of its losing duplicates among them."""
    if not len(dropped):
        return rejections
    places = np.searchsorted(np.asarray(table["row"]), dropped[:, 0] - chunk.first_record)
    identity = plan.mapping.column_of("email")
    duplicates = pd.DataFrame(
        {
            "record_number": dropped[:, 0],
            "line_number": np.asarray(table["line"])[places] + chunk.first_line,
            "column_name": identity.name,
            "field": "email",
            "code": str(Rule.DUPLICATE_EMAIL),
            "message": [
                explain_duplicate(winner, plan.duplicates is not Duplicates.REJECT) for winner in dropped[:, 1]
            ],
            "value": table[identity.key].take(pa.array(places)).to_pylist(),
        }
    )
    if rejections.empty:
        return duplicates
    return pd.concat([rejections, duplicates]).sort_values("record_number", kind="stable", ignore_index=True)


def _read_rejections(chunk: ChunkPosition, verdict: ChunkResult) -> pd.DataFrame:
    """The rejections that were found when the chunk was checked, numbered as in the file."""
    if verdict.rejections_path is None:
        return pd.DataFrame(columns=list(REJECTION_FIELDS))
    found: pd.DataFrame = read_table(verdict.rejections_path).to_pandas()
    records, lines = (found[name] for name in ("record_number", "line_number"))
    return found.assign(record_number=records + chunk.first_record, line_number=lines + chunk.first_line)


def _source_columns(mapping: ColumnMapping) -> list[MappedColumn]:
    """The source's own columns; the last ones of an earlier rejected file are made anew."""
    ours = tuple(column.name for column in mapping.columns[-len(REJECTION_COLUMNS) :]) == REJECTION_COLUMNS
    return list(mapping.columns[: -len(REJECTION_COLUMNS)] if ours else mapping.columns)


def _rejected_rows(plan: RejectedPlan, chunk: ChunkPosition, rejections: pd.DataFrame, table: pa.Table) -> pd.DataFrame:
    reasons = _one_row_per_record(rejections)
    numbers = reasons["record_number"].to_numpy(np.int64)
    rows = pa.array(np.searchsorted(np.asarray(table["row"]), numbers - chunk.first_record))
    cells = {column.key: table[column.key].take(rows) for column in _source_columns(plan.mapping)}
    if plan.keep_retried_numbers:
        reasons = reasons.assign(**_retried_numbers(plan.mapping, table, rows))
    raw = table["raw"].take(rows) if "raw" in table.column_names else pa.nulls(len(rows), pa.string())
    ours = {name: pa.array(reasons[name].astype(str)) for name in ("record_number", "line_number", "code", "message")}
    rejected: pd.DataFrame = pa.table({**cells, **ours, "raw": raw}).to_pandas(types_mapper=pd.ArrowDtype)
    return rejected.astype(TEXT_DTYPE)


def _retried_numbers(mapping: ColumnMapping, table: pa.Table, rows: pa.Array) -> dict[str, pd.Series]:
    """The numbers that the rows came with; blank in a row that came without, or is malformed."""
    found = {}
    for name, column in (
        ("record_number", rejection_column(mapping)),
        ("line_number", rejection_column(mapping, LINE)),
    ):
        cells = parse_record_numbers(table[column.key].take(rows)) if column else pa.nulls(len(rows), pa.string())
        found[name] = cells.to_pandas().fillna("").to_numpy()
    return found


def _one_row_per_record(rejections: pd.DataFrame) -> pd.DataFrame:
    """A record's codes, each once, and its reasons, joined; by column, since any row may have several."""
    ordered = rejections.sort_values("record_number", kind="stable").assign(message=_with_column)
    first = ordered.drop_duplicates("record_number")[["record_number", "line_number", "code", "message"]]
    if len(first) == len(ordered):
        return first
    each_once = ordered.drop_duplicates(["record_number", "code"])
    return first.assign(
        code=_join_texts(each_once, "code", ", "), message=_join_texts(ordered, "message", REASON_SEPARATOR)
    )


def _with_column(rejections: pd.DataFrame) -> np.ndarray:
    """What is wrong, and in which column, unless it is the record itself."""
    columns, messages = (
        pa.array(rejections[name], pa.string(), from_pandas=True) for name in ("column_name", "message")
    )
    named = pc.coalesce(pc.binary_join_element_wise(columns, messages, ": "), messages)
    return np.asarray(named.to_numpy(zero_copy_only=False))


def _join_texts(ordered: pd.DataFrame, name: str, between: str) -> np.ndarray:
    """One text a record, made of those of its rows, which lie together."""
    records = ordered["record_number"].to_numpy()
    starts = np.flatnonzero(np.append(True, records[1:] != records[:-1]))
    bounds = pa.array(np.append(starts, len(records)), pa.int32())
    texts = pa.ListArray.from_arrays(bounds, pa.array(ordered[name].to_list(), pa.string()))
    joined: np.ndarray = pc.binary_join(texts, between).to_numpy(zero_copy_only=False)
    return joined
