"""Reads one block into a chunk: without blank records and guards, translated, and profiled.

A chunk is a table of raw cells, as `transforms.parsing.block_reader` describes it. Reading the same block again gives
the same chunk.
"""

import re
import time
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.cell_bytes import bytes_after, first_bytes
from schemas.field_types import FieldType
from schemas.validation.rules import Rule
from transforms.cells.translate import translate
from transforms.chunks.ambiguous import DecimalSigns, find_decimal_signs
from transforms.chunks.cells import blank_cells, judged_cells, to_series
from transforms.chunks.gaps import find_gaps
from transforms.mapping.columns import ColumnMapping
from transforms.mapping.record_numbers import CODES, MARK, RAW, rejection_column
from transforms.parsing.block_reader import column_keys, merge_malformed, read_records
from transforms.parsing.blocks import Block
from transforms.parsing.csv_writer import remove_guards
from transforms.parsing.dialect import Dialect
from transforms.parsing.layout import Layout
from transforms.parsing.strict_reader import RecordReader

MAX_MARKS = 3  # two are an error already
MAX_FOOTER_RECORDS = 20  # at the end of a file; more are no footer

# UTF-8 that was read as Windows-1252 or Latin-1 and written as UTF-8: `Ã©` for `é`.
_MOJIBAKE = (
    r"Ã[\x{80}-\x{BF}€‚ƒ„…†‡ˆ‰Š‹ŒŽ•—˜™š›œžŸ\x{2013}\x{2018}\x{2019}\x{201C}\x{201D}]|Â[\x{A0}-\x{BF}]"
    r"|â€[\x{80}-\x{BF}™œ¦\x{2018}\x{201C}\x{201D}]"
)
_MOJIBAKE_BYTES = frozenset(b"\x82\x83\xa2")  # in UTF-8, `Â`, `Ã` and `â` are C3 and one of these
_ROW_CODES = "|".join(rule for rule in Rule if rule.malformed or rule in (Rule.DUPLICATE_EMAIL, Rule.SUPPRESSED))
_REMAINING_CODE = re.compile(rf"(?<![\w-])(?:{_ROW_CODES})(?![\w-])")


@dataclass(frozen=True)
class ReadInputs:
    """Everything that reading a block needs."""

    landed: str
    layout: Layout
    mapping: ColumnMapping


@dataclass(frozen=True)
class ChunkProfile:
    """What reading a chunk found. Rows are counted from 0 within the chunk.

    `empty`: by column position, the number of empty cells and the first rows that have one. Where a gap drops the
    column, only cells of records with a valid email count. `incomplete`: the ids of the fields that have such a gap.
    `translated`: by column position, how many cells each of the column's translations changed.
    `marks`: in a rejected file, the imports that its rows name, up to a few. `work`: CPU seconds.
    `footer`: how many records at the end look like text below the records, and the line of the first.
    `decimal_signs`: what the numbers of decimal columns show, by position. `mojibake`: by position, how many cells were
    decoded twice, and the first row with one.
    """

    block: Block
    records: int
    lines: int
    empty: dict[int, tuple[int, tuple[int, ...]]]
    incomplete: frozenset[str]
    blank_records: int = 0
    guarded_cells: int = 0
    cut_off: bool = False
    translated: dict[int, tuple[int, ...]] = field(default_factory=dict)
    work: float = 0.0
    marks: frozenset[str] = frozenset()
    footer: tuple[int, int] = (0, 0)
    decimal_signs: dict[int, DecimalSigns] = field(default_factory=dict)
    mojibake: dict[int, tuple[int, int]] = field(default_factory=dict)


def read_chunk(inputs: ReadInputs, block: Block) -> tuple[pa.Table, ChunkProfile]:
    """A block's records, and their profile, which counts the empty cells of the well-formed ones."""
    began = time.thread_time()
    records, lines = read_records(inputs.landed, inputs.layout, block)
    table = merge_malformed(records)
    keys = column_keys(inputs.layout.width)
    table, blank = _drop_blank_records(table, keys, inputs.layout.dialect)
    table, guarded = _remove_formula_guards(table, keys)
    marks = _marks(table, inputs.mapping) if inputs.layout.rejected_file else frozenset[str]()
    if inputs.layout.rejected_file:
        table = _restore_remaining_rules(table, inputs.mapping)
    table = _blank_never_read_columns(table, inputs.mapping)
    table, translated = _apply_translations(table, inputs.mapping)
    empty, incomplete = find_gaps(table, inputs.mapping)
    footer = (0, 0) if inputs.layout.rejected_file else _footer(table, keys)
    signs = {
        column.position: find_decimal_signs(judged_cells(table, column))
        for column in inputs.mapping.mapped
        if column.field and column.field.type is FieldType.DECIMAL
    }
    cut_off, work = block.final and records.cut_off, time.thread_time() - began
    return table, ChunkProfile(
        block=block,
        records=table.num_rows,
        lines=lines,
        empty=empty,
        incomplete=incomplete,
        blank_records=blank,
        guarded_cells=guarded,
        cut_off=cut_off,
        translated=translated,
        work=work,
        marks=marks,
        footer=footer,
        decimal_signs=signs,
        mojibake=_mojibake(table, inputs.mapping),
    )


def _mojibake(table: pa.Table, mapping: ColumnMapping) -> dict[int, tuple[int, int]]:
    """The imported columns with text that was decoded twice: how many such cells, and the first row."""
    found = {}
    for column in mapping.mapped:
        if _MOJIBAKE_BYTES & bytes_after(table[column.key], b"\xc3"):
            rows = np.flatnonzero(
                np.asarray(pc.fill_null(pc.match_substring_regex(table[column.key], _MOJIBAKE), False))
            )
            if len(rows):
                found[column.position] = (len(rows), int(rows[0]))
    return found


def _footer(table: pa.Table, keys: list[str]) -> tuple[int, int]:
    """The records at the end that have no `@`, and another number of cells or half of them empty; and their line."""
    start = table.num_rows
    while start and table.num_rows - start <= MAX_FOOTER_RECORDS:
        (record,) = table.slice(start - 1, 1).to_pylist()
        cells = [cell.strip() for key in keys if (cell := record[key])]
        raw = record.get("raw")
        if "@" in (raw or "".join(cells)) or not (raw or 2 * sum(map(bool, cells)) <= len(keys)):
            break
        start -= 1
    found = table.num_rows - start
    if not 0 < found <= MAX_FOOTER_RECORDS:
        return 0, 0
    return found, table["line"][start].as_py() if "line" in table.column_names else start


def _drop_blank_records(table: pa.Table, keys: list[str], dialect: Dialect) -> tuple[pa.Table, int]:
    """The table without records whose cells are all blank, whatever their width, and how many there were."""
    blank = blank_cells(table[keys[0]])
    for key in keys[1:]:
        if not blank.any():
            break
        blank &= blank_cells(table[key])
    if "rule" in table.column_names:
        blank |= _blank_lines(table, dialect)
    count = int(blank.sum())
    if not count:
        return table, 0
    if "line" not in table.column_names:
        table = table.append_column("line", pa.array(np.arange(table.num_rows)))
    return table.filter(pa.array(~blank)), count


def _blank_lines(table: pa.Table, dialect: Dialect) -> np.ndarray:
    """A mask of the records of a wrong width whose cells are all blank."""
    ragged = pc.is_in(table["rule"], value_set=pa.array([Rule.ROW_TOO_SHORT, Rule.ROW_TOO_LONG], pa.string()))
    rows = np.flatnonzero(np.asarray(ragged))
    blank = np.zeros(table.num_rows, bool)
    blank[rows] = [_is_blank_line(raw, dialect) for raw in table["raw"].take(pa.array(rows)).to_pylist()]
    return blank


def _is_blank_line(raw: str, dialect: Dialect) -> bool:
    """Whether all cells of a record are empty or white space, quoted or not."""
    if raw.strip().strip(dialect.quote + dialect.delimiter)[:1].strip():
        return False
    record = next(RecordReader(raw.encode(), dialect, None).records(), None)
    return record is None or not any(cell.decode().strip() for cell in record.cells or ())


def _remove_formula_guards(table: pa.Table, keys: list[str]) -> tuple[pa.Table, int]:
    """The table without the `'` before formulas in files for spreadsheets, and how many cells had one."""
    changed, total = {}, 0
    for key in keys:
        if not (first_bytes(table[key]) == ord("'")).any():
            continue
        column, count = remove_guards(to_series(table[key]))
        if count:
            changed[key], total = pa.chunked_array(pa.array(column)), total + count
    if changed:  # all at once: replacing one column copies the list of all columns
        table = pa.table({name: changed.get(name, table[name]) for name in table.column_names})
    return table, total


def _marks(table: pa.Table, mapping: ColumnMapping) -> frozenset[str]:
    column = rejection_column(mapping, MARK)
    if column is None:
        return frozenset()
    marks = pc.unique(pc.utf8_trim_whitespace(pc.drop_null(table[column.key])))
    return frozenset(list(filter(None, marks.to_pylist()))[:MAX_MARKS])


def _restore_remaining_rules(table: pa.Table, mapping: ColumnMapping) -> pa.Table:
    """Mark the records of a rejected file whose codes still name a rule about the row: they are rejected again."""
    columns = [rejection_column(mapping, name) for name in (CODES, RAW)]
    codes, raws = (table[column.key].to_pylist() if column else [None] * table.num_rows for column in columns)
    rules = table["rule"].to_pylist() if "rule" in table.column_names else [None] * table.num_rows
    texts = table["raw"].to_pylist() if "raw" in table.column_names else [None] * table.num_rows
    for row, (rule, code) in enumerate(zip(rules, codes, strict=True)):
        if rule is None and (found := _REMAINING_CODE.search(code or "")):
            rules[row], texts[row] = found[0], raws[row] or None
    if not any(rules):
        return table
    table = table.drop_columns([name for name in ("rule", "raw") if name in table.column_names])
    return table.append_column("rule", pa.array(rules, pa.string())).append_column("raw", pa.array(texts, pa.string()))


def _blank_never_read_columns(table: pa.Table, mapping: ColumnMapping) -> pa.Table:
    """Blank the columns that are never read, and the text of malformed records, which contains them."""
    for column in mapping.never_read:
        blank = pc.if_else(pc.is_null(table[column.key]), pa.scalar(None, pa.string()), "")
        table = table.set_column(column.position - 1, column.key, blank)
    if mapping.never_read and "raw" in table.column_names:
        hidden = pa.nulls(table.num_rows, pa.string())
        table = table.set_column(table.column_names.index("raw"), "raw", hidden)
    return table


def _apply_translations(table: pa.Table, mapping: ColumnMapping) -> tuple[pa.Table, dict[int, tuple[int, ...]]]:
    """The table with one more column for each column in which a translation changed a cell, and the counts."""
    counts = {}
    for column, target, rule in mapping.translated:
        cells, counts[column.position] = translate(table[column.key], rule, target.type)
        if any(counts[column.position]):
            table = table.append_column(column.translated_key, cells)
    return table, counts
