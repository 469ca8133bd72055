"""The readers agree with each other, with the csv module, and over blocks of any size."""

import csv
import io
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.parsing.block_reader import (
    column_keys,
    count_lines,
    merge_malformed,
    read_records,
    read_regular,
    read_strictly,
)
from transforms.parsing.blocks import Block, cut_blocks, is_regular
from transforms.parsing.dialect import Dialect
from transforms.parsing.layout import Layout

DELIMITERS = [",", ";", "\t"]
CELL = st.text("ab \u00e9\u20ac'\\#|\x0b\x1c\u2028", max_size=4) | st.text('ab,;\t"\n\r ', max_size=5)
MESSY = st.lists(
    st.sampled_from(["a", "b", ",", ",", '"', '"', '""', "\n", "\n", "\r\n", " ", "é", 'x,"y', '","', '"\n"']),
    max_size=40,
).map("".join)


# Delimiter, quote and escape: any three that differ.
DIALECTS = st.permutations([",", ";", "\t", "|", '"', "'", "\\", "^", "]", "-", "."]).flatmap(
    lambda marks: st.sampled_from([None, marks[2]]).map(lambda escape: (marks[0], marks[1], escape))
)
Marks = tuple[str, str, str | None]


def layout(width: int, delimiter: str = ",", carriage_return: bool = False, marks: Marks | None = None) -> Layout:
    delimiter, quote, escape = marks or (delimiter, '"', None)
    dialect = Dialect(delimiter, carriage_return=carriage_return, quote=quote, escape=escape)
    return Layout(dialect, tuple(column_keys(width)), 0, 1)


def in_dialect(text: str, marks: Marks) -> str:
    """The text with its commas and quotes as the dialect has them, and an escape for each `b`."""
    delimiter, quote, escape = marks
    return text.translate(str.maketrans(',"b', delimiter + quote + (escape or "b")))


def judged_cells(records: Any) -> list[tuple[Any, ...]]:
    table = merge_malformed(records)
    return list(zip(*(table[name].to_pylist() for name in table.column_names if name != "line"), strict=True))


def by_csv_module(text: str, delimiter: str) -> list[tuple[str, ...]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return [tuple(row) for row in rows if row]


def well_formed_records(rows: list[list[str]], delimiter: str, line_break: str, quote_all: bool) -> str:
    """Not the csv module's writer, which leaves a line break unquoted that is not its own."""

    def written(cell: str) -> str:
        quote = quote_all or any(char in cell for char in (delimiter, '"', "\r", "\n"))
        return '"' + cell.replace('"', '""') + '"' if quote else cell

    return "".join(delimiter.join(map(written, row)) + line_break for row in rows)


TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=6)
)


@settings(max_examples=100)
@given(TABLES, st.sampled_from(DELIMITERS), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_readers_agree_with_the_csv_module_on_well_formed_text(
    rows: list[list[str]], delimiter: str, line_break: str, quote_all: bool
) -> None:
    """Blank lines are left out: whether an empty one-cell row is a record, the csv module and we see otherwise."""
    rows = [row for row in rows if row != [""]] or [["x" for _ in rows[0]]]
    text = well_formed_records(rows, delimiter, line_break, quote_all)
    data, plan = text.encode(), layout(len(rows[0]), delimiter)
    assert judged_cells(read_strictly(data, plan)) == by_csv_module(text, delimiter) == [tuple(row) for row in rows]
    if is_regular(data, plan.dialect):
        fast = read_regular(data, plan, count_lines(data, plan.dialect))
        assert fast is not None
        assert judged_cells(fast) == [tuple(row) for row in rows]


@settings(max_examples=100)
@given(TABLES, st.booleans())
def test_lone_carriage_returns_end_lines_too(rows: list[list[str]], quote_all: bool) -> None:
    rows = [row for row in rows if row != [""]] or [["x" for _ in rows[0]]]
    data, plan = well_formed_records(rows, ",", "\r", quote_all).encode(), layout(len(rows[0]), carriage_return=True)
    assert judged_cells(read_strictly(data, plan)) == [tuple(row) for row in rows]
    if is_regular(data, plan.dialect):
        fast = read_regular(data, plan, count_lines(data, plan.dialect))
        assert fast is not None
        assert judged_cells(fast) == [tuple(row) for row in rows]


@settings(max_examples=150)
@given(MESSY.filter(bool), st.integers(1, 3))
def test_fast_reader_reads_regular_text_as_the_strict_one(text: str, width: int) -> None:
    data, plan = text.encode(), layout(width)
    fast = read_regular(data, plan, count_lines(data, plan.dialect)) if is_regular(data, plan.dialect) else None
    if fast is not None:
        strict = read_strictly(data, plan)
        assert judged_cells(fast) == judged_cells(strict)
        if fast.lines is not None and strict.lines is not None:
            assert fast.lines.tolist() == strict.lines.tolist()


@settings(max_examples=150)
@given(MESSY.filter(bool), st.integers(1, 3), DIALECTS)
def test_fast_reader_reads_as_the_strict_one_in_any_dialect(text: str, width: int, marks: Marks) -> None:
    data, plan = in_dialect(text, marks).encode(), layout(width, marks=marks)
    fast = read_regular(data, plan, count_lines(data, plan.dialect)) if is_regular(data, plan.dialect) else None
    if fast is not None:
        assert judged_cells(fast) == judged_cells(read_strictly(data, plan))


@settings(max_examples=100)
@given(TABLES, DIALECTS, st.sampled_from(["\n", "\r\n"]), st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_dialect_reads_back_what_was_written(
    rows: list[list[str]], marks: Marks, line_break: str, chance: Random, size: int
) -> None:
    """Each cell is written quoted or with escapes, as chance has it, where it needs either."""
    delimiter, quote, escape = marks

    def written(cell: str) -> str:
        if escape and not cell.endswith("\r") and chance.random() < 0.5:  # an escaped CRLF is one
            return "".join(escape + char if char in (*marks, "\r", "\n") else char for char in cell)
        inside = cell.replace(escape, escape * 2) if escape else cell
        return quote + inside.replace(quote, quote * 2) + quote

    rows = [row for row in rows if row != [""]] or [["x" for _ in rows[0]]]
    data = "".join(delimiter.join(map(written, row)) + line_break for row in rows).encode()
    plan = layout(len(rows[0]), marks=marks)
    expected = [tuple(row) for row in rows if not (len(row) == 1 and not row[0])]
    assert [tuple(cell or "" for cell in row[1:-2]) for row in in_blocks(data, plan, size)[0] if row[1] != ""] == [
        row for row in expected if row[0] != ""
    ]
    if not escape and is_regular(data, plan.dialect):
        fast = read_regular(data, plan, count_lines(data, plan.dialect))
        assert fast is not None
        assert judged_cells(fast) == judged_cells(read_strictly(data, plan))


def in_blocks(data: bytes, plan: Layout, size: int) -> tuple[list[tuple[Any, ...]], int]:
    """Every record as its line, cells, rule and raw text, and the number of lines, with blocks of about `size`."""
    found: list[tuple[Any, ...]] = []
    first_line = 1
    with TemporaryDirectory() as name:
        path = f"{name}/landed.csv"
        Path(path).write_bytes(data)
        blocks: list[Block] = list(cut_blocks(path, "source", plan, size))
        assert [block.offset for block in blocks] == [
            sum(each.length for each in blocks[:n]) for n in range(len(blocks))
        ]
        assert sum(block.length for block in blocks) == len(data)
        assert not any(block.final for block in blocks[:-1])
        for block in blocks:
            records, lines = read_records(path, plan, block)
            table = merge_malformed(records)
            numbers = table["line"].to_pylist() if "line" in table.column_names else range(table.num_rows)
            nothing = [None] * table.num_rows
            found += zip(
                (first_line + number for number in numbers),
                *(table[key].to_pylist() for key in column_keys(plan.width)),
                *(table[key].to_pylist() if key in table.column_names else nothing for key in ("rule", "raw")),
                strict=True,
            )
            first_line += lines
    return found, first_line - 1


@settings(max_examples=80)
@given(MESSY, st.integers(1, 3), st.integers(1, 12))
@example('a,"b\nc,d\n"e,f\ng,h\n', 2, 1)
@example('a,b\n"c,d\ne,f\ng,h\n', 2, 3)
@example("a,b\n\n\nc\n", 2, 1)
@example('"\n"aaa\né"', 1, 1)
@example('"\n",aaa\n"', 1, 1)
def test_any_block_size_reads_the_same(text: str, width: int, size: int) -> None:
    whole = in_blocks(text.encode(), layout(width), 1 << 20)
    assert in_blocks(text.encode(), layout(width), size) == whole


@settings(max_examples=80)
@given(MESSY, st.integers(1, 3), st.integers(1, 12), DIALECTS)
def test_any_block_size_reads_the_same_in_any_dialect(text: str, width: int, size: int, marks: Marks) -> None:
    data, plan = in_dialect(text, marks).encode(), layout(width, marks=marks)
    assert in_blocks(data, plan, size) == in_blocks(data, plan, 1 << 20)


@settings(max_examples=80)
@given(MESSY.map(lambda text: text.replace("\r\n", "\n").replace("\n", "\r")), st.integers(1, 3), st.integers(1, 12))
def test_any_block_size_reads_the_same_where_lines_end_in_cr(text: str, width: int, size: int) -> None:
    plan = layout(width, carriage_return=True)
    assert in_blocks(text.encode(), plan, size) == in_blocks(text.encode(), plan, 1 << 20)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7])
def test_lines_count_once_where_a_block_ends_between_cr_and_lf(size: int) -> None:
    """A file of lone CRs with CRLFs among them."""
    plan = layout(1, carriage_return=True)
    assert in_blocks(b"a\rb\r\nc\rd\r\ne\r", plan, size) == in_blocks(b"a\rb\r\nc\rd\r\ne\r", plan, 1 << 20)


@settings(max_examples=80)
@given(MESSY, st.integers(1, 3))
def test_every_byte_is_in_a_record_or_a_blank_line(text: str, width: int) -> None:
    """Nothing is lost: what is malformed has its text in `raw`, and the rest has its cells."""
    records, lines = in_blocks(text.encode(), layout(width), 1 << 20)
    assert lines == len(text.split("\n")) - (text.endswith("\n") or not text)
    letters = "".join(char for char in text if char in "abxyé")
    kept = "".join(cell or "" for record in records for cell in (*record[1:-2], record[-1]))
    assert "".join(char for char in kept if char in "abxyé") == letters


@settings(max_examples=60)
@given(
    st.lists(st.binary(max_size=3) | st.sampled_from([b",", b"\n", b'"', "é".encode(), b"\xff"]), max_size=25),
    st.integers(1, 6),
)
def test_any_bytes_at_all_read_the_same_in_any_blocks(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    assert in_blocks(data, layout(2), size) == in_blocks(data, layout(2), 1 << 20)
