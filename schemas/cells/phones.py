"""Phones, as the library phonenumbers parses them; the only module that imports it."""

import re
from functools import cache, lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat

DEFAULT_PREFIX = "+34"
MAX_LENGTH = 250  # characters; the library reads no more
PHONE_PATTERN = re.compile(r"\+?[0-9]+", re.ASCII)


@lru_cache
def main_region(prefix: str) -> str:
    """The region that a prefix stands for where its country code has several: its main region."""
    return phonenumbers.region_code_for_country_code(int(prefix.removeprefix("+")))


def is_country_prefix(prefix: str) -> bool:
    """Whether `prefix` is `+` and the calling code of a country (`+800`, for example, has no region)."""
    return bool(re.fullmatch(r"\+[1-9][0-9]{0,2}", prefix, re.ASCII)) and main_region(prefix) not in ("ZZ", "001")


@lru_cache
def example_phone(prefix: str) -> str:
    """A phone of the prefix's main region that belongs to nobody, for messages."""
    number = phonenumbers.example_number(main_region(prefix))
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if number else f"{prefix}…"


def to_e164(phone: str, prefix: str) -> str | None:
    """The number in E.164, or None if it is not valid: `651234567` with `+34` is `+34651234567`."""
    return _e164(phone, prefix) if len(phone) <= MAX_LENGTH else None


def read_phone(phone: str, prefix: str) -> str | None:
    """The number in E.164, or None if it is not valid, or ambiguous: see `plus_reading`."""
    return None if plus_reading(phone, prefix) else to_e164(phone, prefix)


def plus_reading(phone: str, prefix: str) -> str | None:
    """The other number that an ambiguous phone may mean: itself with a `+`. None for any other phone.

    Without `+`, the phone begins with the digits of the default prefix. It is valid after that prefix, and with a `+`
    alone: `491712345678` may be +491712345678 or +49491712345678.
    """
    if not phone.startswith(prefix[1:]):
        return None
    number = to_e164(phone, prefix)
    if number in (None, f"+{phone}"):
        return None
    other = to_e164(f"+{phone}", prefix)
    return None if other == number else other


@lru_cache(maxsize=1 << 16)
def _e164(phone: str, prefix: str) -> str | None:
    if not PHONE_PATTERN.fullmatch(phone):
        return None
    try:
        number = phonenumbers.parse(phone, main_region(prefix))
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


class PlainNumbers(NamedTuple):
    """Patterns of one calling code's plain numbers, which are valid without asking the library.

    `numbers` are whole numbers in E.164, each with the lengths of its kind (none: any length).
    `all` matches every number of the region. `with_trunk_prefix` are those from which parsing may remove digits.
    `with_calling_code` are numbers without `+` that may start with a calling code nevertheless.
    """

    numbers: tuple[tuple[str, tuple[int, ...]], ...]
    all: str
    with_trunk_prefix: str | None
    with_calling_code: str


@cache
def plain_numbers(calling_code: int) -> PlainNumbers | None:
    """The fixed and mobile numbers of a calling code's main region, from the library's metadata.

    These numbers are valid, since the library looks at the main region first. A region that is recognised by
    leading digits is an exception; it has no patterns here.
    """
    region = phonenumbers.region_code_for_country_code(calling_code)
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.leading_digits or metadata.general_desc is None:
        return None
    kinds = [kind for kind in (metadata.mobile, metadata.fixed_line) if kind]
    general = metadata.general_desc.national_number_pattern
    if not general:
        return None
    prefix_length = len(str(calling_code)) + 1
    by_lengths: dict[tuple[int, ...], list[str]] = {}
    for kind in kinds:
        lengths = tuple(length + prefix_length for length in kind.possible_length or ())
        if kind.national_number_pattern:
            by_lengths.setdefault(lengths, []).append(kind.national_number_pattern)
    if not by_lengths:
        return None
    return PlainNumbers(
        tuple((rf"^\+{calling_code}(?:{'|'.join(found)})$", lengths) for lengths, found in by_lengths.items()),
        rf"^\+{calling_code}(?:{general})$",
        rf"^\+{calling_code}(?:{trunk})" if (trunk := metadata.national_prefix_for_parsing) else None,
        f"^(?:{'|'.join(filter(None, (str(calling_code), metadata.international_prefix)))})",
    )


def parse_calling_code(digits: str) -> int | None:
    """The calling code at the start of an international number; no code is the start of another."""
    codes = (int(digits[:length]) for length in (1, 2, 3) if digits[:length].isascii() and digits[:length].isdigit())
    return next((code for code in codes if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), None)
