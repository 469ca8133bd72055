"""Reads one block into a chunk: raw cells as text, one row per record, in file order.

A chunk is a table with one column for each column of the file (`column_1` …). It may have three more: `line`, the
record's line counted from the first line of the block, if not every record is one line; `rule` and `raw`, the rule
that a malformed record broke and its text. All cells of a malformed record are null.
"""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv

from schemas.validation.rules import Rule
from transforms.landing.encoding import is_utf8
from transforms.parsing.blocks import Block
from transforms.parsing.dialect import Dialect, find_byte, find_unquoted_breaks
from transforms.parsing.layout import Layout
from transforms.parsing.strict_reader import RecordReader
from transforms.work_folder import read_range

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Malformed:
    """A record that is not a row of cells; `row` counts all records of the block."""

    row: int
    rule: Rule
    raw: str


@dataclass(frozen=True)
class RawRecords:
    """A block's records: a table of the well-formed ones, and the malformed ones. `lines`: None for one line each."""

    table: pa.Table
    malformed: tuple[Malformed, ...]
    lines: np.ndarray | None
    cut_off: bool = False


def column_keys(width: int) -> list[str]:
    return [f"column_{number}" for number in range(1, width + 1)]


def read_records(path: str, layout: Layout, block: Block) -> tuple[RawRecords, int]:
    """The block's records, and its number of lines."""
    data = read_range(path, block.offset, block.length)
    lines = count_lines(data, layout.dialect, block.final)
    records = read_regular(data, layout, lines) if block.regular else None
    return records or read_strictly(data, layout), lines


def count_lines(data: bytes, dialect: Dialect, final: bool = True) -> int:
    """The number of lines; the last one of the file may lack its line break.

    A lone CR that ends a block of LF lines is within a line, which the next block counts.
    """
    ended = data.endswith((b"\n", b"\r") if dialect.carriage_return or not final else b"\n")
    return dialect.count_breaks(data) + (not ended)


def read_regular(data: bytes, layout: Layout, lines: int) -> RawRecords | None:
    """Read a regular block with Arrow; None if a record of the wrong width crosses lines."""
    keys = column_keys(layout.width)
    ragged: list[tuple[int, str, int]] = []

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append((row.number, row.text, row.actual_columns))
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.BufferReader(data),
        pyarrow.csv.ReadOptions(column_names=keys, use_threads=False, block_size=len(data) + 1),
        pyarrow.csv.ParseOptions(
            delimiter=layout.dialect.delimiter,
            quote_char=layout.dialect.quote,
            newlines_in_values=True,
            invalid_row_handler=skip,
        ),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(keys, pa.string()), strings_can_be_null=False, check_utf8=False
        ),
    ).combine_chunks()
    if any("\n" in text or "\r" in text for _, text, _ in ragged):
        return None
    malformed = tuple(
        Malformed(number - 1, Rule.ROW_TOO_SHORT if width < layout.width else Rule.ROW_TOO_LONG, text)
        for number, text, width in ragged
    )
    one_line_each = lines == table.num_rows + len(malformed)
    return RawRecords(table, malformed, None if one_line_each else _record_lines(data, layout.dialect))


def _record_lines(data: bytes, dialect: Dialect) -> np.ndarray:
    """The line on which each record of a regular block starts, counted from 0, without blank lines."""
    text = np.frombuffer(data, np.uint8)
    breaks = find_byte(data, "\r" if dialect.carriage_return else "\n")
    if not data.endswith((b"\n", b"\r") if dialect.carriage_return else b"\n"):
        breaks = np.append(breaks, len(data))
    quotes = find_byte(data, dialect.quote)
    ends = np.flatnonzero(np.searchsorted(quotes, breaks) % 2 == 0)
    first_lines = np.arange(len(ends)) if dialect.line_per_record else np.concatenate(([0], ends[:-1] + 1))
    starts = np.concatenate(([0], breaks[ends[:-1]] + 1))
    sizes = breaks[ends] - starts
    blank = (sizes == 0) | ((sizes == 1) & (text[np.minimum(starts, len(text) - 1)] == ord("\r")))
    return np.asarray(first_lines[~blank])


def read_strictly(data: bytes, layout: Layout) -> RawRecords:
    """Read record by record."""
    rows: list[tuple[bytes, ...]] = []
    malformed: list[Malformed] = []
    starts: list[int] = []
    cut_off = False
    for record in RecordReader(data, layout.dialect, layout.width).records():
        rule, cells, raw = record.rule, record.cells, data[record.start : record.end]
        if not is_utf8(raw):
            rule = Rule.ROW_UNDECODABLE
        if rule or cells is None:
            malformed.append(Malformed(len(starts), rule or Rule.ROW_BAD_QUOTING, readable_text(raw).rstrip("\r\n")))
            cut_off = record.cut_off and record.end == len(data)
        else:
            rows.append(cells)
        starts.append(record.start)
    keys = column_keys(layout.width)
    columns = zip(*rows, strict=True) if rows else ((),) * layout.width
    arrays = [pa.array(cells, pa.binary()).cast(pa.string()) for cells in columns]
    table = pa.table(dict(zip(keys, arrays, strict=True)))
    return RawRecords(table, tuple(malformed), _lines_at(data, starts, layout), cut_off)


def _lines_at(data: bytes, starts: list[int], layout: Layout) -> np.ndarray:
    if layout.dialect.line_per_record:
        return np.searchsorted(find_unquoted_breaks(data, layout.dialect), np.array(starts, np.int64))
    text = np.frombuffer(data, np.uint8)
    line_feeds = text == ord("\n")
    breaks = line_feeds
    if layout.dialect.carriage_return:
        breaks = text == ord("\r")
        breaks[:-1] &= ~line_feeds[1:]
        breaks |= line_feeds
    return np.searchsorted(np.flatnonzero(breaks), np.array(starts, np.int64))


def readable_text(raw: bytes) -> str:
    """Bytes as text for people; an undecodable byte becomes `\\xNN`."""
    try:
        text = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace")
    return _LONE_SURROGATES.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    """A byte that landing could not decode, or half of a surrogate pair, which some databases export."""
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC00 <= code <= 0xDCFF else f"\\u{code:04x}"


def merge_malformed(records: RawRecords) -> pa.Table:
    """One table of all records in file order; malformed ones have null cells, `rule` and `raw`."""
    table = records.table
    if records.malformed:
        rows = np.array([each.row for each in records.malformed])
        total = table.num_rows + len(rows)
        order = np.full(total, -1)
        order[np.setdiff1d(np.arange(total), rows, assume_unique=True)] = np.arange(table.num_rows)
        table = table.take(pa.array(order, mask=order < 0))
        for name in ("rule", "raw"):
            texts = np.full(total, None, object)
            texts[rows] = [str(getattr(each, name)) for each in records.malformed]
            table = table.append_column(name, pa.array(texts, pa.string()))
    if records.lines is not None:
        table = table.append_column("line", pa.array(records.lines, pa.int64()))
    return table
