"""Checks one chunk: read, normalise, validate, split into accepted and rejected, cast the accepted rows.

Writes Arrow files into the import's work folder: the accepted contacts, typed as the warehouse stages them, and, if
there are any, the rejected rows as they were read and the rejections, one row per broken rule. Tasks exchange paths
and numbers only, never records.
"""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.arrow_columns import ARROW_TYPES, to_arrow
from schemas.cells.dates import ISO, swapped_pattern
from schemas.cells.emails import count_rewritten
from schemas.cells.suppressed_emails import SuppressedEmails
from schemas.errors.base import shortened
from schemas.field_types import FieldType
from schemas.fields import Field
from schemas.validation.pandera_schemas import Failure, find_failures
from schemas.validation.rules import Rule
from transforms.cells.messages import explain_cell, explain_remaining_code, explain_row, explain_rule
from transforms.cells.normalise import normalise
from transforms.chunks.ambiguous import mark_ambiguous
from transforms.chunks.cells import raw_frame
from transforms.chunks.read import ChunkProfile, ReadInputs, read_chunk
from transforms.chunks.readings import TriedReadings, try_readings
from transforms.chunks.suppressed import suppressed_rows
from transforms.chunks.text_hashes import hash_texts
from transforms.mapping.columns import ColumnMapping
from transforms.mapping.record_numbers import parse_record_numbers, rejection_column
from transforms.mapping.suggestions import Counts
from transforms.parsing.blocks import Block
from transforms.parsing.dialect import Dialect
from transforms.parsing.strict_reader import RecordReader
from transforms.work_folder import join_path, write_table

# Names with a space, which no field id can have.
EMAIL_HASH = "email fingerprint"
RETRIED_RECORD = "first number"

REJECTION_FIELDS = ("record_number", "line_number", "column_name", "field", "code", "message", "value")


@dataclass(frozen=True)
class CheckInputs:
    """Everything that checking a chunk needs. With `keys_only`, only the emails of accepted rows are written.

    A row with a `suppressed` address is rejected, and nothing of it is written but where it is.
    """

    read: ReadInputs
    folder: str
    prefix: str
    keys_only: bool = False
    suppressed: SuppressedEmails | None = None

    @property
    def mapping(self) -> ColumnMapping:
        return self.read.mapping


@dataclass(frozen=True)
class ChunkTask:
    """A block, and the fields that have no gap so far; no fields if the block is only to be profiled.

    `comma_fields` are those whose numbers have a decimal comma in the whole file, once that is known.
    """

    block: Block
    fields: tuple[Field, ...]
    comma_fields: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ChunkResult:
    """How a chunk's records split, and the paths of both sides; `work` is in CPU seconds.

    The files count records and lines from the first of the chunk; `first_record` is its number in the file, once
    known. `swapped_dates`: by column position, the rejected dates that exist only with day and month exchanged.
    `rejections_path` (each broken rule) and `rejected_path` (the rows as read) are None if nothing was rejected.
    """

    accepted: int
    rejected: int
    accepted_path: str
    rejections_path: str | None
    rejected_path: str | None
    work: float = 0.0
    first_record: int = 0
    readings: Counts = dataclasses.field(default_factory=dict)
    rewritten_emails: int = 0
    swapped_dates: Mapping[int, int] = dataclasses.field(default_factory=dict)
    phones: Mapping[int, "PhoneCounts"] = dataclasses.field(default_factory=dict)


class PhoneCounts(NamedTuple):
    """The accepted phones of a column that were written without a country prefix, and those of other countries."""

    prefix: str
    national: int
    foreign: int

    def plus(self, other: "PhoneCounts") -> "PhoneCounts":
        return PhoneCounts(self.prefix, self.national + other.national, self.foreign + other.foreign)


class RowSplit(NamedTuple):
    """Accepted contacts, indexed by row of the chunk; rejections, one row per broken rule; what readings would fix."""

    accepted: pd.DataFrame
    rejected: pd.DataFrame
    readings: Counts
    rewritten_emails: int
    swapped_dates: Mapping[int, int]
    phones: Mapping[int, PhoneCounts]


def check_chunk(inputs: CheckInputs, chunk_task: ChunkTask) -> tuple[ChunkProfile, ChunkResult | None]:
    """Read a block, check the fields that have no gap in it, and write both sides."""
    table, profile = read_chunk(inputs.read, chunk_task.block)
    fields = tuple(field for field in chunk_task.fields if field.id not in profile.incomplete)
    return profile, _write_sides(table, replace(chunk_task, fields=fields), inputs) if fields else None


def _write_sides(table: pa.Table, chunk_task: ChunkTask, inputs: CheckInputs) -> ChunkResult:
    began = time.thread_time()
    fields, index = chunk_task.fields, chunk_task.block.index
    split = split_records(table, fields, inputs, chunk_task.comma_fields)
    kept = tuple(field for field in fields if field.identity) if inputs.keys_only else fields
    accepted_path = _path(inputs, "accepted", index)
    write_table(cast_accepted(split.accepted, kept, _retried_numbers(table, split.accepted, inputs)), accepted_path)
    rejections_path = rejected_path = None
    if len(split.rejected):
        rejections_path, rejected_path = (_path(inputs, name, index) for name in ("rejections", "rejected"))
        write_table(pa.Table.from_pandas(split.rejected, preserve_index=False), rejections_path)
        write_table(take_rows(table, np.unique(split.rejected["record_number"])), rejected_path)
    accepted = len(split.accepted)
    work = time.thread_time() - began
    return ChunkResult(
        accepted,
        table.num_rows - accepted,
        accepted_path,
        rejections_path,
        rejected_path,
        work,
        readings=split.readings,
        rewritten_emails=split.rewritten_emails,
        swapped_dates=split.swapped_dates,
        phones=split.phones,
    )


def _path(inputs: CheckInputs, name: str, index: int) -> str:
    return join_path(inputs.folder, f"{name}-{index:05}.arrow")


def take_rows(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Some records of a chunk as they were read, with their `row` and `line` in the chunk."""
    lines = pa.array(record_lines(table)[rows])
    some = table.drop_columns([name for name in ("line",) if name in table.column_names]).take(pa.array(rows))
    return some.append_column("line", lines).append_column("row", pa.array(rows, pa.int64()))


def split_records(
    table: pa.Table, fields: tuple[Field, ...], inputs: CheckInputs, comma_fields: frozenset[str] = frozenset()
) -> RowSplit:
    """Split the records; one with several invalid cells is rejected once, with all its reasons."""
    rules = _rules(table)
    malformed = np.array([rule is not None and rule.malformed for rule in rules], bool)
    rows = np.flatnonzero(~malformed) if rules else np.arange(table.num_rows)
    raw = raw_frame(table, inputs.mapping)[[field.id for field in fields]]
    raw = raw[~malformed] if malformed.any() else raw
    contacts = normalise(raw, fields, inputs.prefix)
    suppressed = np.zeros(table.num_rows, bool)
    if rules:  # in a rejected file, the records that were rejected for it have no address any more
        suppressed |= np.array([rule is Rule.SUPPRESSED for rule in rules], bool)
    if inputs.suppressed is not None:
        suppressed |= suppressed_rows(table, contacts, rows, inputs.suppressed)
    if suppressed.any():  # no rule is applied to these rows, so that nothing else is known of them
        kept = ~suppressed[rows]
        raw, contacts, rows = raw[kept], contacts[kept], rows[kept]
        rules = [None if gone else rule for rule, gone in zip(rules, suppressed, strict=True)] if rules else rules
    failures = list(mark_ambiguous(find_failures(contacts, fields), raw, fields, inputs.prefix, comma_fields))
    rejected = np.array([rule is not None for rule in rules], bool) if rules else np.zeros(table.num_rows, bool)
    rejected |= suppressed
    for failure in failures:
        rejected[rows[failure.rows]] = True
    tried = _try_readings(failures, raw, inputs)
    rejections = [
        *_suppressed_rejections(suppressed),
        *_row_rejections(table, rules, inputs),
        *(_cell_rejections(failure, raw, table, rows, inputs, tried) for failure in failures),
    ]
    accepted = contacts[~rejected[rows]] if rejected.any() else contacts
    return RowSplit(
        accepted,
        _sort_rejections(rejections, table, inputs.mapping),
        {inputs.mapping.column_of(id)[0].position: each.counts for id, each in tried.items()},
        _count_rewritten_emails(fields, raw, accepted),
        _count_swapped_dates(failures, raw, inputs),
        _count_phones(fields, raw, accepted, inputs),
    )


def _count_swapped_dates(failures: Sequence[Failure], raw: pd.DataFrame, inputs: CheckInputs) -> dict[int, int]:
    found = {}
    for failure in failures:
        column, _ = inputs.mapping.column_of(failure.field) if failure.code == Rule.DATE_INVALID else (None, None)
        if column and (pattern := swapped_pattern((column.rule and column.rule.date) or ISO)):
            cells = pc.utf8_trim_whitespace(to_arrow(raw[failure.field]).take(pa.array(failure.rows)))
            if count := pc.sum(pc.match_substring_regex(cells, pattern)).as_py():
                found[column.position] = count
    return found


def _count_phones(
    fields: Sequence[Field], raw: pd.DataFrame, accepted: pd.DataFrame, inputs: CheckInputs
) -> dict[int, PhoneCounts]:
    prefix, found = inputs.prefix, {}
    phones = [(each, each.field) for each in inputs.mapping.mapped if each.field and each.field.type is FieldType.PHONE]
    for column, field in phones:
        if field not in fields:
            continue
        national = pc.invert(pc.match_substring(to_arrow(_written(raw, accepted, field)), "+"))
        stored = to_arrow(accepted[field.id])
        foreign = pc.invert(pc.starts_with(stored, prefix))
        counts = (pc.sum(pc.and_(mask, pc.is_valid(stored))).as_py() or 0 for mask in (national, foreign))
        found[column.position] = PhoneCounts(prefix, *counts)
    return found


def _written(raw: pd.DataFrame, accepted: pd.DataFrame, field: Field) -> pd.Series:
    """The cells of the accepted rows before they were normalised."""
    return raw[field.id] if len(raw) == len(accepted) else raw.loc[accepted.index, field.id]


def _count_rewritten_emails(fields: Sequence[Field], raw: pd.DataFrame, accepted: pd.DataFrame) -> int:
    emails = (field for field in fields if field.type is FieldType.EMAIL)
    return sum(count_rewritten(_written(raw, accepted, field), accepted[field.id]) for field in emails)


def _try_readings(failures: Sequence[Failure], raw: pd.DataFrame, inputs: CheckInputs) -> dict[str, TriedReadings]:
    """What every known reading would do to the rejected cells, by field."""
    rows: dict[str, list[np.ndarray]] = {}
    for failure in failures:
        if Rule(failure.code) not in (Rule.EMAIL_MISSING, Rule.VALUE_MISSING):
            rows.setdefault(failure.field, []).append(failure.rows)
    tried = {}
    for id, found in rows.items():
        cells = to_arrow(raw[id]).take(pa.array(np.unique(np.concatenate(found))))
        column, field = inputs.mapping.column_of(id)
        tried[id] = try_readings(cells, field, inputs.prefix, column.rule)
    return tried


def _rules(table: pa.Table) -> list[Rule | None]:
    """The rule that each record broke as a row; an empty list if none did."""
    if "rule" not in table.column_names:
        return []
    return [rule and Rule(rule) for rule in table["rule"].to_pylist()]


def _suppressed_rejections(suppressed: np.ndarray) -> list[pd.DataFrame]:
    if not suppressed.any():
        return []
    nothing = {"position": 0, "field": None, "message": None, "value": None}
    return [pd.DataFrame({"row": np.flatnonzero(suppressed), "code": str(Rule.SUPPRESSED), **nothing})]


def _row_rejections(table: pa.Table, rules: list[Rule | None], inputs: CheckInputs) -> list[pd.DataFrame]:
    broken = [(row, rule) for row, rule in enumerate(rules) if rule]
    if not broken:
        return []
    rows = [row for row, _ in broken]
    read = pc.is_valid(table[inputs.mapping.columns[0].key]).take(pa.array(rows)).to_pylist()
    raws = table["raw"].take(pa.array(rows)).to_pylist()
    dialect, width = inputs.read.layout.dialect, len(inputs.mapping.columns)
    messages = [
        explain_remaining_code(rule) if has_cells else _explain_row(rule, raw or "", dialect, width)
        for (_, rule), has_cells, raw in zip(broken, read, raws, strict=True)
    ]
    codes = [str(rule) for _, rule in broken]
    return [
        pd.DataFrame({"row": rows, "position": 0, "field": None, "code": codes, "message": messages, "value": raws})
    ]


def _explain_row(rule: Rule, raw: str, dialect: Dialect, width: int) -> str:
    has_lone_cr = not dialect.carriage_return and "\r" in raw.replace("\r\n", "\n")
    return explain_row(rule, count_cells(raw, dialect), width, has_lone_cr)


def count_cells(raw: str, dialect: Dialect) -> int | None:
    """How many cells a record has; None if its quoting is wrong."""
    record = next(RecordReader(raw.encode("utf-8", "surrogatepass"), dialect, None).records(), None)
    return len(record.cells) if record and record.cells else None


def _cell_rejections(
    failure: Failure,
    cells: pd.DataFrame,
    table: pa.Table,
    well_formed: np.ndarray,
    inputs: CheckInputs,
    tried: Mapping[str, TriedReadings],
) -> pd.DataFrame:
    """One rejection per failed cell: its value is the source's cell, its message is about the translated cell."""
    column, field = inputs.mapping.column_of(failure.field)
    rows = well_formed[failure.rows]
    judged = [text or "" for text in to_arrow(cells[failure.field]).take(pa.array(failure.rows)).to_pylist()]
    values = [text or "" for text in table[column.key].take(rows).to_pylist()] if column.rule else judged
    meant = tried[failure.field].meant if failure.field in tried else {}
    hint = f" {explain_rule(column.rule)}" if column.rule else ""
    rule = Rule(failure.code)
    messages = {
        text: explain_cell(rule, text.strip(), field, inputs.prefix, meant.get(text)) + hint
        for text in dict.fromkeys(judged)
    }
    return pd.DataFrame(
        {
            "row": rows,
            "position": column.position,
            "field": failure.field,
            "code": failure.code,
            "message": [messages[text] for text in judged],
            "value": values,
        }
    )


def _sort_rejections(rejections: list[pd.DataFrame], table: pa.Table, mapping: ColumnMapping) -> pd.DataFrame:
    """Rejections by record, then by column; a failure of the record itself comes first."""
    if not rejections:
        return pd.DataFrame(columns=list(REJECTION_FIELDS))
    found = pd.concat(rejections, ignore_index=True)
    names = np.array([None, *(shortened(column.name) for column in mapping.columns)], object)
    found["column_name"] = names[found["position"].to_numpy(np.int64)]
    found = found.sort_values(["row", "position"], kind="stable", ignore_index=True)
    found["record_number"] = found["row"]
    found["line_number"] = record_lines(table)[found["row"].to_numpy(np.int64)]
    return found[list(REJECTION_FIELDS)]


def record_lines(table: pa.Table) -> np.ndarray:
    """The line on which each record starts, counted from the first line of the chunk."""
    return np.asarray(table["line"]) if "line" in table.column_names else np.arange(table.num_rows)


def _retried_numbers(table: pa.Table, accepted: pd.DataFrame, inputs: CheckInputs) -> pa.ChunkedArray | None:
    """The first import's record numbers in the accepted rows of a corrected rejected file; None for another file."""
    column = rejection_column(inputs.mapping)
    return parse_record_numbers(table[column.key].take(pa.array(accepted.index))) if column else None


def cast_accepted(
    contacts: pd.DataFrame, fields: tuple[Field, ...], first_numbers: pa.ChunkedArray | None = None
) -> pa.Table:
    """Accepted text as the types in which it is staged. It has been validated, so no cast can fail.

    `EMAIL_HASH` is added to find duplicates.
    """
    columns = {"record_number": pa.array(contacts.index, pa.int64())}
    if "email" in contacts:
        columns[EMAIL_HASH] = pa.array(hash_texts(to_arrow(contacts["email"]).combine_chunks()))
    if first_numbers is not None:
        columns[RETRIED_RECORD] = first_numbers.cast(pa.int64())
    for field in fields:
        columns[field.id] = to_arrow(contacts[field.id]).cast(ARROW_TYPES[field.storage])
    return pa.table(columns)
