"""Translations by column: what they change, what they leave to the rules, and that they are idempotent."""

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.field_types import FieldType
from schemas.presets.model import ColumnRule
from transforms.cells.translate import titles, translate


def translated(
    cells: list[str | None], type: FieldType = FieldType.TEXT, **rule: Any
) -> tuple[list[str | None], list[int]]:
    array = pa.chunked_array([pa.array(cells[:1], pa.string()), pa.array(cells[1:], pa.string())])
    found = translate(array, ColumnRule(field="field", **rule), type)
    assert len(found.counts) == len(titles(ColumnRule(field="field", **rule)))
    return found.cells.to_pylist(), list(found.counts)


VALUES = {"yes": "subscribed", "no": "unsubscribed", "n/a": ""}


@pytest.mark.parametrize(
    ("rule", "cells", "after", "counts"),
    [
        pytest.param(
            {"values": VALUES},
            ["yes", " YES ", "no", "n/a", "maybe", "", None, "subscribed"],
            ["subscribed", "subscribed", "unsubscribed", "", "maybe", "", None, "subscribed"],
            [2, 1, 1],
            id="values",
        ),
        pytest.param({"values": {"": "none"}}, ["", " ", "x", None], ["none", "none", "x", None], [2], id="blank"),
        pytest.param({"values": {"F": "f"}}, ["f", "F"], ["f", "f"], [1], id="letter-case-alone"),
        pytest.param({"values": {"x": "", "": "y"}}, ["x", ""], ["", "y"], [1, 1], id="each-cell-is-read-once"),
        pytest.param(
            {"date": "m/d/yyyy"},
            ["1/2/1990", "12/31/1999", "13/1/1990", "2/30/1990", "1/2/90", "1990-01-02", "1/2/1990 x", ""],
            ["1990-01-02", "1999-12-31", "13/1/1990", "2/30/1990", "1/2/90", "1990-01-02", "1/2/1990 x", ""],
            [2],
            id="american-dates",
        ),
        pytest.param({"date": "dd.mm.yyyy"}, ["02.01.1990", "2.1.1990"], ["1990-01-02", "2.1.1990"], [1], id="german"),
        pytest.param(
            {"decimal": ","},
            ["1.234,50", "-0,5", "12,5", "1.234", "12.50", "1,2,3", "1.23,4", "12.345,", "x"],
            ["1234.50", "-0.5", "12.5", "1234", "12.50", "1,2,3", "1.23,4", "12.345,", "x"],
            [4],
            id="decimal-comma",
        ),
        pytest.param({"decimal": "."}, ["1,234.50", "1,23", "7"], ["1234.50", "1,23", "7"], [1], id="comma-thousands"),
        pytest.param(
            {"decimal": ",", "thousands": " "},
            ["1 234,5", "1\u202f234", "12 34", "12.5"],
            ["1234.5", "1234", "12 34", "12.5"],
            [2],
            id="space-thousands",
        ),
        pytest.param({"decimal": ",", "thousands": ""}, ["1234,5", "1.234,5"], ["1234.5", "1.234,5"], [1], id="plain"),
        pytest.param({"thousands": "'"}, ["1'234", "1234.5"], ["1234", "1234.5"], [1], id="swiss"),
        pytest.param(
            {"phone": "plain"},
            ["+34 651 23 45 67", "(651) 234-567", "+34\u00a0651/234.567", "6x 1", "+34", "ext. 5", "-", "651234567"],
            ["+34651234567", "651234567", "+34651234567", "6x 1", "+34", "ext. 5", "-", "651234567"],
            [3],
            id="phones",
        ),
        pytest.param(
            {"apostrophe": "remove"},
            ["'6123", "''+34651", "'t Hooft", "6123", "'"],
            ["6123", "+34651", "'t Hooft", "6123", "'"],
            [2],
            id="apostrophe",
        ),
        pytest.param(
            {"separator": ",", "values": {"Deportes": "sports"}},
            ["music, Deportes", "music|books", "deportes", "a,,b", "", None],
            ["music|sports", "music|books", "sports", "a||b", "", None],
            [2, 2],
            id="several-values",
        ),
        pytest.param(
            {"separator": " ", "values": {"none": ""}},
            ["none", "music none", "none  none"],
            ["", "music", ""],
            [2, 3],
            id="parts-that-mean-nothing",
        ),
        pytest.param(
            {"separator": " ::: ", "take": "first", "phone": "plain"},
            ["+34 651 ::: +34 652", "a ::: b", " ::: x", "y"],
            ["+34651", "a", "::: x", "y"],
            [2, 1],
            id="first-of-several",
        ),
    ],
)
def test_a_translation_changes_the_cells_that_it_can_read(
    rule: dict[str, Any], cells: list[str | None], after: list[str | None], counts: list[int]
) -> None:
    assert translated(cells, **rule) == (after, counts)


@pytest.mark.parametrize(
    ("type", "after"),
    [
        (FieldType.CHECKBOX, ["sports|Music", "sports|sports", "a"]),
        (FieldType.TEXT, ["Sport|Music", "Sport|sport", "a"]),
    ],
)
def test_only_in_a_checkbox_each_value_between_bars_is_translated(type: FieldType, after: list[str]) -> None:
    cells: list[str | None] = ["Sport|Music", "Sport|sport", "a"]
    assert translated(cells, type, values={"Sport": "sports"})[0] == after


def test_a_whole_checkbox_cell_is_translated_before_its_parts() -> None:
    cells: list[str | None] = ["News|Art", "Art|x", "art"]
    found, _ = translated(cells, FieldType.CHECKBOX, values={"News|Art": "news", "art": "culture"})
    assert found == ["news", "culture|x", "culture"]


def test_an_integer_loses_decimals_that_are_zero() -> None:
    cells: list[str | None] = ["1.200,00", "3,0", "3,5", "1.234"]
    assert translated(cells, FieldType.INTEGER, decimal=",")[0] == ["1200", "3", "3.5", "1234"]
    assert translated(cells, FieldType.DECIMAL, decimal=",")[0] == ["1200.00", "3.0", "3.5", "1234"]


@pytest.mark.parametrize(
    "chunks", [pytest.param([], id="no-chunk"), pytest.param([[]], id="no-row"), pytest.param([[None]], id="null")]
)
@pytest.mark.parametrize("rule", [{"values": VALUES}, {"separator": ",", "values": {"a": "b"}}, {"phone": "plain"}])
def test_chunks_without_a_cell(chunks: list[list[None]], rule: dict[str, Any]) -> None:
    cells = pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())
    found = translate(cells, ColumnRule(field="field", **rule), FieldType.TEXT)
    assert found.cells.to_pylist() == [None for chunk in chunks for _ in chunk]
    assert sum(found.counts) == 0


@given(cells=st.lists(st.sampled_from(["yes", "no", "x", None]), min_size=1, max_size=4), times=st.integers(1, 30))
def test_repeated_values_come_out_and_count_as_single_ones(cells: list[str | None], times: int) -> None:
    """Where values repeat, each distinct one is translated once."""
    after, counts = translated(cells, values=VALUES)
    assert translated(cells * times, values=VALUES) == (after * times, [count * times for count in counts])


RULES = [
    {"values": VALUES},
    {"values": {"1": "m", "2": "f", "0": ""}},
    {"date": "m/d/yyyy"},
    {"date": "yyyymmdd"},
    {"phone": "plain", "apostrophe": "remove"},
    {"separator": ",", "values": {"sport": "sports"}},
    {"separator": " ::: ", "take": "first"},
]
ODD = st.text(alphabet="019/.,' -:|+()\u00a0yesno", max_size=14) | st.text(max_size=6)


@pytest.mark.parametrize("rule", RULES, ids=str)
@given(cells=st.lists(ODD | st.none() | st.sampled_from(["yes", "1/2/1990", "sport, x", "'1", "a ::: b"]), min_size=1))
def test_translating_twice_is_translating_once(rule: dict[str, Any], cells: list[str | None]) -> None:
    once, _ = translated(cells, **rule)
    twice, counts = translated(once, **rule)
    if "take" not in rule:  # `a ::: b ::: c` loses one more value
        assert (twice, sum(counts)) == (once, 0)


@given(
    day=st.dates(min_value=dt.date(1, 1, 1)),
    format=st.sampled_from(["m/d/yyyy", "dd.mm.yyyy", "yyyymmdd", "d-m-yyyy", "yyyy/m/d"]),
)
def test_a_date_comes_out_as_the_day_that_was_written(day: dt.date, format: str) -> None:
    parts = {"yyyy": f"{day.year:04}", "mm": f"{day.month:02}", "dd": f"{day.day:02}"}
    written = format
    for token, text in (*parts.items(), ("m", str(day.month)), ("d", str(day.day))):
        written = written.replace(token, text)
    assert translated([written, day.isoformat()], date=format)[0] == [day.isoformat()] * 2


@given(st.decimals(-(10**9), 10**9, places=2, allow_nan=False))
def test_a_number_comes_out_as_the_one_that_was_written(number: Any) -> None:
    english = f"{number:,.2f}"
    spanish = english.translate(str.maketrans(",.", ".,"))
    plain = english.replace(",", "")
    assert translated([spanish], decimal=",")[0] == [plain]
    assert translated([english], decimal=".")[0] == [plain]
    assert translated([plain], decimal=",")[0] == [plain]  # the format of a corrected cell
