"""A whole file through all steps of this package, in one process, with blocks of any size."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from schemas.catalogue import FieldCatalogue
from schemas.choices import Duplicates
from schemas.errors.request import NoEmailColumn
from transforms.chunks.duplicates import ROWS_PER_PARTITION, resolve_duplicates
from transforms.chunks.file_profile import profile_file
from transforms.chunks.read import ReadInputs, read_chunk
from transforms.chunks.split import CheckInputs, ChunkTask, check_chunk
from transforms.landing.encoding import usable_encoding
from transforms.landing.land import Landed, land
from transforms.mapping.preset_fit import find_preset, map_with_preset
from transforms.parsing.blocks import Block, cut_blocks
from transforms.parsing.dialect import QUOTE, DialectOptions, parse_delimiter, parse_quote_character
from transforms.parsing.layout import REJECTION_COLUMNS, find_layout
from transforms.results.accepted_file import write_accepted
from transforms.results.rejected_file import RejectedInputs, write_rejected
from transforms.work_folder import ImportFolder

Inputs = TypeVar("Inputs")
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
    footer_lines: int = 0
    mojibake: Mapping[int, tuple[int, int]] = field(default_factory=dict)

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


def run_in_order(step: Callable[[Inputs, Item], Result], plan: Inputs, items: Iterable[Item]) -> Iterator[Result]:
    """Runs the steps one after another, as a chunk runner would give their results."""
    return (step(plan, item) for item in items)


def check(
    content: str | bytes,
    catalogue: FieldCatalogue,
    block_bytes: int = 1 << 20,
    rows_per_partition: int = ROWS_PER_PARTITION,
    name: str = "contacts.csv",
    *,
    mapping: dict[str, str] | None = None,
    preset: str | None = None,
    encoding: str | None = None,
    gaps: str = "catalogue",
    default_prefix: str | None = None,
    duplicates: str = "last",
    **dialect: Any,
) -> Checked:
    """Check a file of this content; text is written as UTF-8, its line breaks as they are."""
    catalogue = catalogue.adapt(allow_gaps=gaps == "allow", default_prefix=default_prefix)
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        landed = land(str(path), ImportFolder.local(folder), encoding and usable_encoding(encoding))
        layout = find_layout(landed, catalogue, dialect_options(**dialect))
        chosen = find_preset(preset, None, layout.columns, str(path)) if preset else None
        never = REJECTION_COLUMNS if layout.rejected_file else ()
        try:
            columns = map_with_preset(layout.columns, catalogue, [(mapping or {}).items()], never, {}, chosen)
        except NoEmailColumn as error:
            raise replace(error, lines_above=layout.lines_above) from None
        plan = CheckInputs(ReadInputs(landed.path, layout, columns), folder, catalogue.default_prefix)
        blocks = list(cut_blocks(landed.path, name, layout, block_bytes))
        return _check(plan, blocks, landed, Duplicates(duplicates), rows_per_partition)


def dialect_options(
    delimiter: str | None = None,
    quote: str = QUOTE,
    escape: str | None = None,
    header: bool = True,
    skip_lines: int = 0,
    skip_last: int = 0,
) -> DialectOptions:
    """The dialect as a request names it."""
    mark = escape and parse_quote_character(escape)
    return DialectOptions(delimiter and parse_delimiter(delimiter), quote, mark, header, skip_lines, skip_last)


def _check(
    plan: CheckInputs, blocks: list[Block], landed: Landed, duplicates: Duplicates, rows_per_partition: int
) -> Checked:
    """In two passes: the first finds the columns that have gaps, the second checks the others."""
    folder, layout = plan.folder, plan.read.layout
    profile = profile_file([read_chunk(plan.read, block)[1] for block in blocks], plan.mapping, layout.first_line)
    verdicts = []
    for chunk in profile.chunks:
        _, verdict = check_chunk(plan, ChunkTask(chunk.block, profile.imported, profile.comma_fields))
        assert verdict is not None
        verdicts.append(replace(verdict, first_record=chunk.first_record))
    resolve_duplicates(verdicts, profile.chunks, duplicates, folder, rows_per_partition)
    rejected_plan = RejectedInputs(ImportFolder.local(folder), plan.read, duplicates, max_kept=1_000_000)
    rejected = write_rejected(rejected_plan, profile.chunks, verdicts, run_in_order)
    with Path(folder, "accepted.csv").open("wb") as stream:
        write_accepted(stream, profile, verdicts, folder)
    frames = list(rejected.kept_frames())
    rejections = pd.concat(frames) if frames else pd.DataFrame()
    accepted_file = Path(folder, "accepted.csv").read_bytes()
    return Checked(
        profile.records,
        rows_of(accepted_file),
        [tuple(row) for row in json.loads(rejections.to_json(orient="values"))],
        [column.as_report() for column in profile.columns],
        rejected.rows,
        Path(rejected.path).read_bytes(),
        accepted_file,
        profile.blank_records,
        profile.guarded_cells,
        profile.cut_off,
        layout.dialect.delimiter,
        landed.encoding,
        (*landed.warnings, *layout.warnings),
        layout.dialect.as_report(),
        plan.mapping.preset,
        plan.mapping.notes,
        {(each.column, each.translation): each.cells for each in profile.translations},
        profile.footer_lines,
        profile.mojibake,
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
