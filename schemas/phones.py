"""Phones, as phonenumbers judges them; the only module that knows the library."""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat

DEFAULT_PREFIX = "+34"
SHAPE = re.compile(r"\+?[0-9]+", re.ASCII)


@lru_cache
def main_region(prefix: str) -> str:
    """The region in which a phone without prefix is read: the main one of its country code."""
    return phonenumbers.region_code_for_country_code(int(prefix.removeprefix("+")))


def is_country_prefix(prefix: str) -> bool:
    """Whether `prefix` is `+` and the calling code of a country (`+800` and its like have no region)."""
    return bool(re.fullmatch(r"\+[1-9][0-9]{0,2}", prefix, re.ASCII)) and main_region(prefix) not in ("ZZ", "001")


@lru_cache
def example_phone(prefix: str) -> str:
    """A phone of the prefix's main region that nobody has, for messages."""
    number = phonenumbers.example_number(main_region(prefix))
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if number else f"{prefix}…"


@lru_cache(maxsize=1 << 16)
def to_e164(phone: str, prefix: str) -> str | None:
    """The number in E.164, or None if it is none: `651234567` with `+34` is `+34651234567`."""
    if not SHAPE.fullmatch(phone):
        return None
    try:
        number = phonenumbers.parse(phone, main_region(prefix))
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
