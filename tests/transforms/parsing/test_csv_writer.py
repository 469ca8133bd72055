"""CSV for spreadsheets is read back unchanged, and its cells cannot run as formulas."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.cells.arrow_columns import TEXT_DTYPE
from transforms.chunks.read import ReadInputs, read_chunk
from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.parsing.block_reader import column_keys
from transforms.parsing.blocks import cut_blocks
from transforms.parsing.csv_writer import add_guards, csv_bytes, csv_header, remove_guard, remove_guards
from transforms.parsing.dialect import Dialect
from transforms.parsing.layout import Layout

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
CELL = ANY | st.text("'=+-@\t\r\n\",;|\0 a1.", max_size=8)
DELIMITERS = [",", ";", "\t", "|", "'", "=", "-", "@", "+", ".", " ", "\x01"]


def column(*cells: str | None) -> pd.Series:
    return pd.Series(list(cells), dtype=TEXT_DTYPE)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("+34651234567", "'+34651234567", id="plus"),
        pytest.param("-x", "'-x", id="minus"),
        pytest.param("-1.5", "-1.5", id="negative-number"),
        pytest.param("@x", "'@x", id="at"),
        pytest.param("\tx", "'\tx", id="tab"),
        pytest.param("\rx", "'\rx", id="cr"),
        pytest.param("'=x", "''=x", id="guard-of-its-own"),
        pytest.param("'x", "'x", id="apostrophe"),
        pytest.param("'", "'", id="lone-apostrophe"),
        pytest.param("x=1", "x=1", id="equals-inside"),
        pytest.param("", "", id="empty"),
    ],
)
def test_cells_that_a_spreadsheet_would_run_get_a_guard(cell: str, written: str) -> None:
    assert add_guards(column(cell)).to_list() == [written]
    assert remove_guards(column(written))[0].to_list() == [cell]
    assert remove_guard(written) == cell


def test_a_null_stays_a_null() -> None:
    assert add_guards(column(None, "=x")).isna().to_list() == [True, False]
    assert remove_guards(column(None, "'=x"))[1] == 1


@given(st.lists(CELL, max_size=10))
def test_removing_guards_undoes_adding_them(cells: list[str]) -> None:
    guarded = add_guards(column(*cells))
    assert remove_guards(guarded)[0].to_list() == cells
    assert [remove_guard(cell) for cell in guarded] == cells
    assert not [cell for cell in guarded if re.match(r"[=+@\t\r]|-(?![0-9.]+\Z)", cell)]


def read_back(content: bytes, width: int, delimiter: str, block: int) -> list[tuple[str, ...]]:
    """The cells of every record, as our reader gives them to the pipeline."""
    columns = tuple(MappedColumn(position, key, None) for position, key in enumerate(column_keys(width), 1))
    layout = Layout(Dialect(delimiter), tuple(column_keys(width)), 0, 1)
    rows: list[tuple[str, ...]] = []
    with TemporaryDirectory() as folder:
        path = f"{folder}/written.csv"
        Path(path).write_bytes(content)
        plan = ReadInputs(path, layout, ColumnMapping(columns))
        for each in cut_blocks(path, path, layout, block):
            table, _ = read_chunk(plan, each)
            assert "rule" not in table.column_names
            rows += zip(*(table[key].to_pylist() for key in column_keys(width)), strict=True)
    return rows


@settings(max_examples=60)
@given(
    st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6),
    st.sampled_from(DELIMITERS),
    st.sampled_from([1, 20, 1 << 20]),
)
@example([("\r", "\n"), ("'\r", '"'), ("'=", "''-1")], "'", 1)
def test_what_the_csv_writer_writes_is_read_back(rows: list[tuple[str, str]], delimiter: str, block: int) -> None:
    frame = pd.DataFrame([("x", *row) for row in rows], dtype=TEXT_DTYPE)
    assert read_back(csv_bytes(frame, delimiter), 3, delimiter, block) == [("x", *row) for row in rows]


@settings(max_examples=40)
@given(st.lists(CELL, min_size=2, max_size=4), st.sampled_from(DELIMITERS))
def test_headers_get_guards_too(names: list[str], delimiter: str) -> None:
    names = ["x", *names]
    assert read_back(csv_header(names, delimiter), len(names), delimiter, 1 << 20) == [tuple(names)]
