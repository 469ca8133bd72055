"""The way from a file to its verdicts, run in one process with blocks of any size, for tests to look at."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from flows.config.request import ReadingOptions
from flows.pipeline.chunk_runs import FileCheck, check_whole_file
from flows.pipeline.progress import NoProgress
from flows.pipeline.steps import REJECTED_FILE, land_file, map_source_columns
from schemas.catalogue import FieldCatalogue
from schemas.choices import GapRule
from transforms.chunks.duplicates import ROWS_PER_PARTITION, resolve_duplicates
from transforms.results.accepted_file import write_accepted
from transforms.results.rejected_file import RejectedPlan, write_rejected
from transforms.sources.fetch import SourceAccess, resolve_address
from transforms.work_folder import ImportFolder

Plan = TypeVar("Plan")
Item = TypeVar("Item")
Result = TypeVar("Result")

Rejection = tuple[int, int, str | None, str | None, str, str, str | None]


@dataclass(frozen=True)
class Checked:
    """What a check found; `rejections` are rows of record, line, column, field, code, message, value."""

    read: int
    accepted: list[dict[str, str]]
    rejections: list[Rejection]
    columns: list[dict[str, Any]]
    rejected_rows: int
    rejected_file: bytes
    accepted_file: bytes
    blank_records: int
    guarded_cells: int
    cut_off: bool
    delimiter: str
    encoding: str
    warnings: tuple[str, ...]
    dialect: dict[str, Any]
    preset: str | None
    notes: tuple[str, ...]
    translations: dict[tuple[str | None, str], int]

    @property
    def codes(self) -> list[tuple[int, str]]:
        """Each rejection as its record and its code."""
        return [(each[0], each[4]) for each in self.rejections]

    @property
    def messages(self) -> list[str]:
        return [each[5] for each in self.rejections]

    @property
    def lines(self) -> list[tuple[int, int]]:
        """Each rejected record and its line."""
        return list(dict.fromkeys((each[0], each[1]) for each in self.rejections))

    @property
    def outcomes(self) -> dict[str, str]:
        return {each["column"]: each["outcome"] for each in self.columns}

    def column(self, name: str) -> list[str]:
        """One accepted field, in record order."""
        return [row[name] for row in self.accepted]


def one_by_one(step: Callable[[Plan, Item], Result], plan: Plan, items: Iterable[Item]) -> Iterator[Result]:
    """Runs steps here and now, as threads would in order."""
    return (step(plan, item) for item in items)


def check(
    content: str | bytes,
    catalogue: FieldCatalogue,
    block_bytes: int = 1 << 20,
    rows_per_partition: int = ROWS_PER_PARTITION,
    name: str = "contacts.csv",
    **options: Any,
) -> Checked:
    """Check a file of this content; text is written as UTF-8, its line breaks as they are."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        asked = ReadingOptions(source=str(path), **options)
        return _check(asked, _adapted(catalogue, asked), folder, block_bytes, rows_per_partition)


def _adapted(catalogue: FieldCatalogue, asked: ReadingOptions) -> FieldCatalogue:
    return catalogue.adapt(allow_gaps=asked.gaps is GapRule.ALLOW, default_prefix=asked.default_prefix)


def _check(
    asked: ReadingOptions, catalogue: FieldCatalogue, folder: Path, block_bytes: int, rows_per_partition: int
) -> Checked:
    place = ImportFolder.local(folder)
    source = map_source_columns(
        asked, catalogue, land_file(asked, place, resolve_address(asked.source, SourceAccess()))
    )
    profile, verdicts = check_whole_file(
        FileCheck(source, catalogue.default_prefix, place, block_bytes, one_by_one, NoProgress())
    )
    resolve_duplicates(verdicts, profile.chunks, asked.duplicates, str(folder), rows_per_partition)
    path = str(folder / REJECTED_FILE)
    plan = RejectedPlan(str(folder), str(folder), path, source.read_plan, asked.duplicates, max_kept=1_000_000)
    rejected = write_rejected(plan, profile.chunks, verdicts, one_by_one)
    write_accepted(str(folder / "accepted.csv"), profile, verdicts, str(folder))
    frames = list(rejected.kept_frames())
    rejections = pd.concat(frames) if frames else pd.DataFrame()
    accepted_file = (folder / "accepted.csv").read_bytes()
    return Checked(
        profile.records,
        rows_of(accepted_file),
        [tuple(row) for row in json.loads(rejections.to_json(orient="values"))],
        [column.as_report() for column in profile.columns],
        rejected.rows,
        Path(path).read_bytes(),
        accepted_file,
        profile.blank_records,
        profile.guarded_cells,
        profile.cut_off,
        source.layout.dialect.delimiter,
        source.landed.encoding,
        (*source.landed.warnings, *source.layout.warnings),
        source.layout.dialect.as_report(),
        source.mapping.preset,
        source.mapping.notes,
        {(each.column, each.translation): each.cells for each in profile.translations},
    )


def rows_of(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    """A CSV that we wrote, as another reader sees it: the csv module."""
    import csv
    import io

    csv.field_size_limit(1 << 24)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def table_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """An Arrow table as plain rows."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
