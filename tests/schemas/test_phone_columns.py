"""The patterns and the library agree on every region and kind of number that the library knows."""

import random
import re
from collections.abc import Iterator

import pandas as pd
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from schemas.cells import phone_columns
from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.cells.phone_columns import normalise_phones, plain_phones, valid_phones
from schemas.cells.phones import main_region, plus_reading, read_phone, to_e164

PREFIXES = ["+34", "+1", "+39", "+44", "+49", "+52", "+7", "+55", "+61", "+358"]


@pytest.fixture(autouse=True)
def patterns_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the patterns decide however few numbers there are."""
    monkeypatch.setattr(phone_columns, "MIN_PHONES_FOR_PATTERNS", 0)


def examples() -> Iterator[str]:
    """Every example number of the library, valid and not."""
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in PhoneNumberType.values():
            if number := phonenumbers.example_number_for_type(region, kind):
                yield phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if number := phonenumbers.invalid_example_number(region):
            yield phonenumbers.format_number(number, PhoneNumberFormat.E164)


def variations(number: str) -> Iterator[str]:
    """The number, and what people make of it: a digit more, less or other, trunk zeros, no prefix."""
    chance = random.Random(number)
    place = chance.randrange(2, len(number))
    yield number
    yield number[1:]
    yield number + "0"
    yield number[:-1]
    yield number[:place] + str(chance.randrange(10)) + number[place + 1 :]
    yield number[:3] + "0" + number[3:]
    yield "00" + number[1:]


@pytest.fixture(scope="module")
def phones() -> list[str]:
    return sorted({phone for example in examples() for phone in variations(example)})


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_column_is_normalised_as_each_phone_is_by_the_library(phones: list[str], prefix: str) -> None:
    stored = normalise_phones(pd.Series(phones, dtype=TEXT_DTYPE), prefix)
    wanted = [found if (found := read_phone(phone, prefix)) else phone for phone in phones]
    assert [(p, s) for p, s, w in zip(phones, stored, wanted, strict=True) if s != w] == []


@pytest.mark.parametrize("prefix", [*PREFIXES, "+46", "+383"])
def test_a_valid_number_without_its_plus_is_stored_as_itself_or_not_at_all(phones: list[str], prefix: str) -> None:
    """Its prefix is never put before it twice."""
    own = [phone for phone in phones if phone.startswith(prefix) and to_e164(phone, prefix) == phone]
    digits = [phone[1:] for phone in own]
    stored = normalise_phones(pd.Series(digits, dtype=TEXT_DTYPE), prefix)
    assert own
    assert [(d, s) for d, s in zip(digits, stored, strict=True) if s not in (d, f"+{d}")] == []


@pytest.mark.parametrize("prefix", [*PREFIXES, "+46", "+383"])
def test_only_a_phone_with_two_valid_meanings_is_ambiguous(phones: list[str], prefix: str) -> None:
    for phone in phones:
        after_prefix, with_plus = _by_library(phone, prefix), _by_library(f"+{phone}", prefix)
        both = None not in (after_prefix, with_plus) and after_prefix != with_plus
        ambiguous = both and phone.startswith(prefix[1:])
        assert plus_reading(phone, prefix) == (with_plus if ambiguous else None)


def _by_library(phone: str, prefix: str) -> str | None:
    try:
        number = phonenumbers.parse(phone, phonenumbers.region_code_for_country_code(int(prefix[1:])))
    except phonenumbers.NumberParseException:
        return None
    valid = re.fullmatch(r"\+?[0-9]+", phone) and phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if valid else None


def test_a_column_is_valid_where_each_phone_is_for_the_library(phones: list[str]) -> None:
    verdicts = valid_phones(pd.Series(phones, dtype=TEXT_DTYPE))
    wanted = [phone.startswith("+") and to_e164(phone, "+34") == phone for phone in phones]
    assert [(p, v) for p, v, w in zip(phones, verdicts, wanted, strict=True) if v != w] == []


def test_most_mobile_and_fixed_numbers_need_no_library() -> None:
    """Else the patterns would be there for nothing."""
    kinds = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
    numbers = [
        phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE
        for kind in kinds
        if (number := phonenumbers.example_number_for_type(main_region(f"+{code}"), kind))
    ]
    assert plain_phones(pd.Series(numbers, dtype=TEXT_DTYPE)).mean() > 0.8


@pytest.mark.parametrize("cell", ["+²34", "+٣٤651234567", "²", "+", "+0", "+999"])
def test_other_digits_than_ascii_are_not_valid(cell: str) -> None:
    column = pd.Series([cell], dtype=TEXT_DTYPE)
    assert normalise_phones(column, "+34").to_list() == [cell]
    assert not valid_phones(column).any()


@given(st.lists(st.from_regex(r"\A\+?[0-9]{3,14}\Z"), max_size=30), st.sampled_from(PREFIXES))
def test_any_digits_are_normalised_as_by_the_library(numbers: list[str], prefix: str) -> None:
    stored = normalise_phones(pd.Series(numbers, dtype=TEXT_DTYPE), prefix)
    assert stored.to_list() == [found if (found := to_e164(phone, prefix)) else phone for phone in numbers]


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=20))
def test_any_text_stays_as_it_was_or_becomes_a_phone(cells: list[str | None]) -> None:
    column = pd.Series(cells, dtype=TEXT_DTYPE)
    stored = normalise_phones(column, "+34")
    for before, after in zip(cells, stored, strict=True):
        assert (before is None and after is pd.NA) or after == (to_e164(before or "", "+34") or before)
    assert normalise_phones(stored, "+34").equals(stored)
