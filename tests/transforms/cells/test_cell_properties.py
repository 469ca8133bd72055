"""Properties of cells: normalising is idempotent, and the results agree with models that read one cell at a time."""

import datetime
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cells.phones import to_e164
from schemas.field_types import FieldType
from tests.transforms.judge_cells import field_of, judge, normalised

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NEARLY = {
    FieldType.TEXT: st.nothing(),
    FieldType.EMAIL: st.from_regex(r"[A-Za-z.+ é]{1,5}@[A-Za-z.-]{1,6}\.(com|ES|test|xn--p1ai)", fullmatch=True),
    FieldType.PHONE: st.from_regex(r"(\+|00|\+34|\+54|\+52|\+1|\+39|0)?[0-9 ]{3,12}", fullmatch=True),
    FieldType.DATE: st.from_regex(r"[0-9]{3,5}-[0-9]{1,2}-[0-9]{1,2}", fullmatch=True),
    FieldType.INTEGER: st.from_regex(r"[-+]?[0-9]{1,20}", fullmatch=True),
    FieldType.DECIMAL: st.from_regex(r"-?0{0,3}[0-9]{0,9}(\.[0-9]{0,9}0{0,3})?", fullmatch=True),
    FieldType.BOOLEAN: st.sampled_from(["true", "FALSE", "1", "0", "tRUE", "yes", "ﬀ", "İ"]),
    FieldType.RADIO: st.sampled_from(["subscribed", "Subscribed", "none", "007", "7"]),
    FieldType.CHECKBOX: st.lists(st.sampled_from(["subscribed", "music", "none", "", "x"])).map("|".join),
}


def cells_near(type: FieldType) -> st.SearchStrategy[list[str]]:
    spaced = st.tuples(st.sampled_from(["", " ", "\t", "\u2003"]), NEARLY[type]).map("".join)
    return st.lists(ANY_TEXT | NEARLY[type] | spaced, max_size=12)


@pytest.mark.parametrize("type", FieldType)
@settings(max_examples=25)
@given(st.data())
def test_normalising_twice_is_once(type: FieldType, data: st.DataObject) -> None:
    field = field_of(type)
    once = normalised(data.draw(cells_near(type)), field)
    assert normalised(once, field) == once


@pytest.mark.parametrize("type", FieldType)
@settings(max_examples=15)
@given(st.data())
def test_accepted_stays_accepted_and_stored_the_same(type: FieldType, data: st.DataObject) -> None:
    """What was imported and exported imports again unchanged."""
    field = field_of(type)
    accepted = [verdict for verdict in judge(data.draw(cells_near(type)), field) if not verdict.codes]
    assert judge([verdict.stored for verdict in accepted], field) == accepted


@pytest.mark.parametrize("type", FieldType)
@settings(max_examples=6)
@given(st.data())
def test_a_cell_is_judged_alike_beside_any_other_cells(type: FieldType, data: st.DataObject) -> None:
    """A column of cells gets the verdicts that each of them gets alone."""
    cells = data.draw(cells_near(type))[:4]
    field = field_of(type)
    assert judge(cells, field) == [judge([cell], field)[0] for cell in cells]


def is_iso_day(text: str) -> bool:
    """The contract, read one cell at a time: yyyy-mm-dd in ASCII digits, a day that exists."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        datetime.date(*map(int, text.split("-")))
    except ValueError:
        return False
    return True


def test_dates_agree_with_the_calendar() -> None:
    """Every day, and every day that does not exist, of years of each kind."""
    years = (0, 1, 4, 100, 400, 1000, 1582, 1896, 1900, 1970, 1999, 2000, 2023, 2024, 2038, 2100, 2400, 9996, 9999)
    days = [f"{year:04}-{month:02}-{day:02}" for year in years for month in range(15) for day in range(34)]
    days += [f"{year:04}-02-29" for year in range(10_000)]
    stored = [verdict.stored for verdict in judge(days, field_of("date"))]
    assert stored == [day if is_iso_day(day) else None for day in days]


@settings(max_examples=25)
@given(cells_near(FieldType.DATE))
def test_dates_agree_with_the_oracle(cells: list[str]) -> None:
    stored = [cell.strip() if is_iso_day(cell.strip()) else None for cell in cells]
    assert [verdict.stored for verdict in judge(cells, field_of("date"))] == stored


def is_integer(text: str) -> bool:
    return text.isascii() and text.isdigit() and text[0] != "0" and int(text) < 2**63


@settings(max_examples=40)
@given(
    st.lists(
        st.integers(-(2**64), 2**65).map(str)
        | st.integers(2**63 - 3, 2**63 + 3).map(str)
        | NEARLY[FieldType.INTEGER]
        | ANY_TEXT
    )
)
def test_integers_agree_with_the_oracle(cells: list[str]) -> None:
    stored = [cell.strip() if is_integer(cell.strip()) else None for cell in cells]
    assert [verdict.stored for verdict in judge(cells, field_of("integer"))] == stored


def decimal_of(text: str) -> Decimal | None:
    """The contract: -?digits[.digits], at most 15 significant digits; zeros in front say nothing."""
    if not re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", text):
        return None
    return value if len((value := Decimal(text)).as_tuple().digits) <= 15 or not value else None


@settings(max_examples=40)
@given(
    st.lists(
        NEARLY[FieldType.DECIMAL]
        | st.from_regex(r"-?0{0,2}[0-9]{5,9}\.[0-9]{5,9}", fullmatch=True)
        | st.from_regex(r"-?0\.0{1,40}[0-9]{1,16}", fullmatch=True)
        | ANY_TEXT
    )
)
def test_decimals_agree_with_the_oracle(cells: list[str]) -> None:
    for cell, verdict in zip(cells, judge(cells, field_of("decimal")), strict=True):
        expected = decimal_of(cell.strip())
        assert (verdict.stored and Decimal(verdict.stored)) == expected or (expected == 0 and verdict.stored == "0")
        assert bool(verdict.codes) == (expected is None and bool(cell.strip()))


@pytest.mark.parametrize("prefix", ["+34", "+1", "+44", "+54"])
@settings(max_examples=25)
@given(cells=st.lists(NEARLY[FieldType.PHONE], min_size=1, max_size=20))
def test_a_phone_that_is_valid_is_accepted_in_e164(prefix: str, cells: list[str]) -> None:
    for cell, verdict in zip(cells, judge(cells, field_of("phone"), prefix), strict=True):
        assert verdict.stored == to_e164(cell.strip(), prefix)
        assert verdict.stored is None or re.fullmatch(r"\+[1-9][0-9]{4,16}", verdict.stored)
