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
from transforms.chunks.duplicates import losers_of
from transforms.chunks.file_profile import PlacedChunk
from transforms.chunks.read import ReadPlan
from transforms.chunks.reread import RereadPlan, SomeRows, reread_rows
from transforms.chunks.split import REJECTION_FIELDS, ChunkVerdict
from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.mapping.record_numbers import LINE, number_column, numbers_in
from transforms.parsing.csv_writer import csv_bytes, csv_header
from transforms.parsing.layout import REJECTION_COLUMNS
from transforms.results.samples import RejectedSample
from transforms.work_folder import read_table, write_table, writing

BETWEEN_REASONS = " | "  # messages have commas and semicolons of their own

Rereading: TypeAlias = Callable[[Callable[[RereadPlan, SomeRows], str], RereadPlan, Iterable[SomeRows]], Iterator[str]]

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

    `numbered_by_first`: the source is a mended file, and its rows keep the numbers of the first import's records, so
    that they are known again, whichever of the rejected files they are mended in.
    """

    scratch: str
    folder: str
    path: str
    read: ReadPlan
    duplicates: Duplicates
    keep: int
    show: int = 0
    numbered_by_first: bool = False

    @property
    def mapping(self) -> ColumnMapping:
        return self.read.mapping

    @property
    def delimiter(self) -> str:
        return self.read.layout.dialect.delimiter


def write_rejected(
    plan: RejectedPlan, chunks: Sequence[PlacedChunk], verdicts: Sequence[ChunkVerdict], run: Rereading
) -> RejectedRows:
    """Write the rejected file, a chunk at a time, and count and keep the rejections.

    That a row would lose to its twin was not known when its chunk was checked: `run` reads such chunks again.
    """
    codes: Counter[str] = Counter()
    rows = kept = 0
    sample = RejectedSample(plan.show, REJECTION_FIELDS)
    kept_path, sample_path = (str(Path(plan.scratch) / name) for name in ("rejections.arrow", "sample.arrow"))
    with writing(plan.path) as stream, pa.ipc.new_file(kept_path, _SCHEMA) as writer:
        stream.write(_BOM)
        names = [column.name for column in _own_columns(plan.mapping)]
        stream.write(csv_header([*names, *REJECTION_COLUMNS], plan.delimiter))
        losing = (each for each in zip(chunks, verdicts, strict=True) if len(losers_of(plan.scratch, each[0])))
        reread = run(
            reread_rows, RereadPlan(plan.read, plan.folder), (_rejected_places(plan, *each) for each in losing)
        )
        for chunk, verdict in zip(chunks, verdicts, strict=True):
            losers = losers_of(plan.scratch, chunk)
            rows_path = next(reread) if len(losers) else verdict.rejected_path
            if rows_path is None:
                continue
            table = read_table(rows_path)
            rejections = _with_losers(plan, chunk, _by_rules(chunk, verdict), losers, table)
            stream.write(csv_bytes(_rejected_rows(plan, chunk, rejections, table), plan.delimiter))
            writer.write_table(pa.Table.from_pandas(rejections.head(plan.keep - kept), _SCHEMA, preserve_index=False))
            kept += min(len(rejections), plan.keep - kept)
            sample.add(rejections)
            codes.update(rejections["code"].to_list())
            rows += rejections["record_number"].nunique()
    write_table(pa.Table.from_pandas(sample.shared(), _SCHEMA, preserve_index=False), sample_path)
    return RejectedRows(rows, dict(sorted(codes.items())), plan.path, kept, kept_path, sample_path)


def _rejected_places(plan: RejectedPlan, chunk: PlacedChunk, verdict: ChunkVerdict) -> SomeRows:
    """All rows of a chunk that are rejected, those that broke a rule and those that lose."""
    losing = losers_of(plan.scratch, chunk)[:, 0] - chunk.first_record
    broken = np.asarray(read_table(verdict.rejected_path, ["row"])["row"]) if verdict.rejected_path else losing
    return SomeRows(chunk.block, np.union1d(broken, losing))


def _with_losers(
    plan: RejectedPlan, chunk: PlacedChunk, rejections: pd.DataFrame, losers: np.ndarray, table: pa.Table
) -> pd.DataFrame:
    """A chunk's rejections in record order, those of its losing duplicates among them."""
    if not len(losers):
        return rejections
    places = np.searchsorted(np.asarray(table["row"]), losers[:, 0] - chunk.first_record)
    identity = plan.mapping.column_of("email")
    duplicates = pd.DataFrame(
        {
            "record_number": losers[:, 0],
            "line_number": np.asarray(table["line"])[places] + chunk.first_line,
            "column_name": identity.name,
            "field": "email",
            "code": str(Rule.DUPLICATE_EMAIL),
            "message": [explain_duplicate(winner, plan.duplicates is not Duplicates.REJECT) for winner in losers[:, 1]],
            "value": table[identity.key].take(pa.array(places)).to_pylist(),
        }
    )
    if rejections.empty:
        return duplicates
    return pd.concat([rejections, duplicates]).sort_values("record_number", kind="stable", ignore_index=True)


def _by_rules(chunk: PlacedChunk, verdict: ChunkVerdict) -> pd.DataFrame:
    """The rejections that were found when the chunk was checked, numbered as in the file."""
    if verdict.rejections_path is None:
        return pd.DataFrame(columns=list(REJECTION_FIELDS))
    found: pd.DataFrame = read_table(verdict.rejections_path).to_pandas()
    records, lines = (found[name] for name in ("record_number", "line_number"))
    return found.assign(record_number=records + chunk.first_record, line_number=lines + chunk.first_line)


def _own_columns(mapping: ColumnMapping) -> list[MappedColumn]:
    """The source's own columns; the last ones of an earlier rejected file are made anew."""
    ours = tuple(column.name for column in mapping.columns[-len(REJECTION_COLUMNS) :]) == REJECTION_COLUMNS
    return list(mapping.columns[: -len(REJECTION_COLUMNS)] if ours else mapping.columns)


def _rejected_rows(plan: RejectedPlan, chunk: PlacedChunk, rejections: pd.DataFrame, table: pa.Table) -> pd.DataFrame:
    reasons = _one_row_a_record(rejections)
    numbers = reasons["record_number"].to_numpy(np.int64)
    rows = pa.array(np.searchsorted(np.asarray(table["row"]), numbers - chunk.first_record))
    cells = {column.key: table[column.key].take(rows) for column in _own_columns(plan.mapping)}
    if plan.numbered_by_first:
        reasons = reasons.assign(**_first_numbers(plan.mapping, table, rows))
    raw = table["raw"].take(rows) if "raw" in table.column_names else pa.nulls(len(rows), pa.string())
    ours = {name: pa.array(reasons[name].astype(str)) for name in ("record_number", "line_number", "code", "message")}
    rejected: pd.DataFrame = pa.table({**cells, **ours, "raw": raw}).to_pandas(types_mapper=pd.ArrowDtype)
    return rejected.astype(TEXT_DTYPE)


def _first_numbers(mapping: ColumnMapping, table: pa.Table, rows: pa.Array) -> dict[str, pd.Series]:
    """The numbers that the rows came with; blank in a row that came without, or is malformed."""
    found = {}
    for name, column in (("record_number", number_column(mapping)), ("line_number", number_column(mapping, LINE))):
        cells = numbers_in(table[column.key].take(rows)) if column else pa.nulls(len(rows), pa.string())
        found[name] = cells.to_pandas().fillna("").to_numpy()
    return found


def _one_row_a_record(rejections: pd.DataFrame) -> pd.DataFrame:
    """A record's codes, each once, and its reasons, joined; by column, since any row may have several."""
    ordered = rejections.sort_values("record_number", kind="stable").assign(message=_with_column)
    first = ordered.drop_duplicates("record_number")[["record_number", "line_number", "code", "message"]]
    if len(first) == len(ordered):
        return first
    each_once = ordered.drop_duplicates(["record_number", "code"])
    return first.assign(code=_joined(each_once, "code", ", "), message=_joined(ordered, "message", BETWEEN_REASONS))


def _with_column(rejections: pd.DataFrame) -> np.ndarray:
    """What is wrong, and in which column, unless it is the record itself."""
    columns, messages = (
        pa.array(rejections[name], pa.string(), from_pandas=True) for name in ("column_name", "message")
    )
    named = pc.coalesce(pc.binary_join_element_wise(columns, messages, ": "), messages)
    return np.asarray(named.to_numpy(zero_copy_only=False))


def _joined(ordered: pd.DataFrame, name: str, between: str) -> np.ndarray:
    """One text a record, made of those of its rows, which lie together."""
    records = ordered["record_number"].to_numpy()
    starts = np.flatnonzero(np.append(True, records[1:] != records[:-1]))
    bounds = pa.array(np.append(starts, len(records)), pa.int32())
    texts = pa.ListArray.from_arrays(bounds, pa.array(ordered[name].to_list(), pa.string()))
    joined: np.ndarray = pc.binary_join(texts, between).to_numpy(zero_copy_only=False)
    return joined
