"""Checking one chunk: normalise, validate, split, and cast what was accepted.

Writes two Arrow files beside the chunk: the accepted contacts, typed as the warehouse stages them, and
the rejections, one row a broken rule.
"""

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.catalogue import Field
from schemas.columns import ARROW_TYPES, to_arrow
from schemas.frames import row_schema
from schemas.rules import Rule
from transforms.chunks import raw_frame
from transforms.dialect import Dialect
from transforms.explain import explain_cell, explain_lingering, explain_row, explain_rule
from transforms.fingerprints import fingerprints
from transforms.folder import inside, read_table, write_table
from transforms.mapping import ColumnMapping
from transforms.normalise import Reading, normalise
from transforms.profile import PlacedChunk
from transforms.records import RecordReader
from transforms.validate import Failure, failures

FINGERPRINT = "email fingerprint"  # no field has an id with a space in it

REJECTION_FIELDS = ("record_number", "line_number", "column_name", "field", "code", "message", "value")


@dataclass(frozen=True)
class CheckPlan:
    """All that checking a chunk needs to know; `imported` are the fields that were not dropped, `kept` those of them
    that are written of accepted rows.
    """

    folder: str
    mapping: ColumnMapping
    imported: tuple[Field, ...]
    kept: tuple[Field, ...]
    dialect: Dialect
    reading: Reading


@dataclass(frozen=True)
class ChunkVerdict:
    """How a chunk's records split, and where the two sides lie; `work` is in seconds of a processor."""

    index: int
    accepted: int
    rejected: int
    accepted_path: str
    rejections_path: str
    work: float = 0.0


class RowSplit(NamedTuple):
    """Accepted contacts, and rejections with one row a broken rule; both know their record numbers."""

    accepted: pd.DataFrame
    rejected: pd.DataFrame


def check_chunk(plan: CheckPlan, chunk: PlacedChunk) -> ChunkVerdict:
    """Split a chunk's records and write both sides."""
    began = time.thread_time()
    table = read_table(chunk.path)
    split = split_records(table, plan, chunk)
    accepted_path = inside(plan.folder, f"accepted-{chunk.index:05}.arrow")
    rejections_path = inside(plan.folder, f"rejections-{chunk.index:05}.arrow")
    write_table(cast_accepted(split.accepted, plan.kept), accepted_path)
    write_table(pa.Table.from_pandas(split.rejected, preserve_index=False), rejections_path)
    accepted = len(split.accepted)
    work = time.thread_time() - began
    return ChunkVerdict(chunk.index, accepted, table.num_rows - accepted, accepted_path, rejections_path, work)


def split_records(table: pa.Table, plan: CheckPlan, chunk: PlacedChunk) -> RowSplit:
    """Split records by failure; a record with several bad cells is rejected once, with all its reasons."""
    rules = _rules(table)
    refused = np.array([rule is not None and rule.malformed for rule in rules], bool)
    places = np.flatnonzero(~refused) if rules else np.arange(table.num_rows)
    raw = raw_frame(table, plan.mapping)[[field.id for field in plan.imported]]
    raw = raw[~refused] if refused.any() else raw
    contacts = normalise(raw, plan.imported, plan.reading)
    broken = failures(contacts, row_schema(plan.imported))
    rejected = np.array([rule is not None for rule in rules], bool) if rules else np.zeros(table.num_rows, bool)
    for failure in broken:
        rejected[places[failure.rows]] = True
    rejections = [
        *_row_rejections(table, rules, plan, chunk),
        *(_cell_rejections(failure, raw, table, places, plan) for failure in broken),
    ]
    accepted = contacts[~rejected[places]] if rejected.any() else contacts
    return RowSplit(
        accepted.set_axis(accepted.index + chunk.first_record), _in_order(rejections, table, plan.mapping, chunk)
    )


def _rules(table: pa.Table) -> list[Rule | None]:
    """The rule that each record broke as a row; nothing at all where none did."""
    if "rule" not in table.column_names:
        return []
    return [rule and Rule(rule) for rule in table["rule"].to_pylist()]


def _row_rejections(
    table: pa.Table, rules: list[Rule | None], plan: CheckPlan, chunk: PlacedChunk
) -> list[pd.DataFrame]:
    broken = [(row, rule) for row, rule in enumerate(rules) if rule]
    if not broken:
        return []
    rows = [row for row, _ in broken]
    read = pc.is_valid(table[plan.mapping.columns[0].key]).take(pa.array(rows)).to_pylist()
    raws, lines = table["raw"].take(pa.array(rows)).to_pylist(), line_numbers(table, chunk)
    width = len(plan.mapping.columns)
    messages = [
        explain_lingering(rule)
        if has_cells
        else explain_row(rule, lines[row], cells_in(raw or "", plan.dialect), width)
        for (row, rule), has_cells, raw in zip(broken, read, raws, strict=True)
    ]
    codes = [str(rule) for _, rule in broken]
    return [
        pd.DataFrame({"row": rows, "position": 0, "field": None, "code": codes, "message": messages, "value": raws})
    ]


def cells_in(raw: str, dialect: Dialect) -> int | None:
    """How many cells a record has, where its quoting lets that be told."""
    record = next(RecordReader(raw.encode("utf-8", "surrogatepass"), dialect, None).records(), None)
    return len(record.cells) if record and record.cells else None


def _cell_rejections(
    failure: Failure, cells: pd.DataFrame, table: pa.Table, places: np.ndarray, plan: CheckPlan
) -> pd.DataFrame:
    """A rejection shows the source's own cell; what is wrong with it is said of what it was read as."""
    column = plan.mapping.column_of(failure.field)
    field, rows = column.field, places[failure.rows]
    assert field is not None  # only mapped columns are in the schema
    judged = [text or "" for text in to_arrow(cells[failure.field]).take(pa.array(failure.rows)).to_pylist()]
    values = [text or "" for text in table[column.key].take(rows).to_pylist()] if column.rule else judged
    hint = f" {explain_rule(column.rule)}" if column.rule else ""
    said = {
        text: explain_cell(Rule(failure.code), text.strip(), field, plan.reading) + hint
        for text in dict.fromkeys(judged)
    }
    return pd.DataFrame(
        {
            "row": rows,
            "position": column.position,
            "field": failure.field,
            "code": failure.code,
            "message": [said[text] for text in judged],
            "value": values,
        }
    )


def _in_order(
    rejections: list[pd.DataFrame], table: pa.Table, mapping: ColumnMapping, chunk: PlacedChunk
) -> pd.DataFrame:
    """Rejections by record, then by column; a record's own failure comes before its cells'."""
    if not rejections:
        return pd.DataFrame(columns=list(REJECTION_FIELDS))
    found = pd.concat(rejections, ignore_index=True)
    names = np.array([None, *(column.name for column in mapping.columns)], object)
    found["column_name"] = names[found["position"].to_numpy(np.int64)]
    found = found.sort_values(["row", "position"], kind="stable", ignore_index=True)
    found["record_number"] = found["row"] + chunk.first_record
    lines = line_numbers(table, chunk)
    found["line_number"] = lines[found["row"].to_numpy(np.int64)]
    return found[list(REJECTION_FIELDS)]


def line_numbers(table: pa.Table, chunk: PlacedChunk) -> np.ndarray:
    """The line of the file on which each of the chunk's records starts."""
    lines = np.asarray(table["line"]) if "line" in table.column_names else np.arange(table.num_rows)
    return lines + chunk.first_line


def cast_accepted(contacts: pd.DataFrame, fields: tuple[Field, ...]) -> pa.Table:
    """Accepted text as the types in which it is staged; it has been validated, so no cast can fail.

    Besides, the fingerprints of the emails, by which duplicates are found in a file of any size.
    """
    columns = {"record_number": pa.array(contacts.index, pa.int64())}
    if "email" in contacts:
        columns[FINGERPRINT] = pa.array(fingerprints(to_arrow(contacts["email"]).combine_chunks()))
    for field in fields:
        columns[field.id] = to_arrow(contacts[field.id]).cast(ARROW_TYPES[field.storage])
    return pa.table(columns)
