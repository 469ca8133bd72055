"""The expected value of one cell, from the plain libraries, to compare the product's columns with."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TypeAlias

import email_validator
import phonenumbers

from schemas.fields import Field

Stored: TypeAlias = str | int | float | bool | date | None

# White space to Unicode, and the four separators that Python counts in; so trimmed, a cell is blank or not.
_SPACE = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


class Refused(Exception):
    """The cell breaks its type's rule."""


def plain(raw: str) -> str | None:
    """A raw cell without guard and outer white space; None if nothing is left."""
    bare = raw.lstrip("'")
    if raw.startswith("'") and bare[:1] in ("=", "+", "@", "\t", "\r", "-") and bare:
        raw = raw[1:]
    return raw.strip(_SPACE) or None


def stored(text: str | None, field: Field, prefix: str) -> Stored:
    """The value as the warehouse stores it; raises `Refused` if it is invalid."""
    if text is None:
        if field.identity or field.gaps == "reject-row":
            raise Refused
        return None
    return _JUDGES[field.type](text, field, prefix)


def _refuse_unless(fine: object) -> None:
    if not fine:
        raise Refused


def _text(text: str, field: Field, prefix: str) -> str:
    _refuse_unless("\0" not in text and not re.fullmatch('=".*"', text))
    return text


@cache
def _address(text: str) -> str | None:
    try:
        return email_validator.validate_email(text, check_deliverability=False).normalized.lower()
    except email_validator.EmailNotValidError:
        return None


def _email(text: str, field: Field, prefix: str) -> str:
    address = _address(text)
    _refuse_unless(address is not None and _address(address) == address)
    assert address is not None
    return address


def _phone(text: str, field: Field, prefix: str) -> str:
    _refuse_unless(re.fullmatch("[+]?[0-9]+", text))
    region = phonenumbers.region_code_for_country_code(int(prefix[1:]))
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise Refused from None
    _refuse_unless(phonenumbers.is_valid_number(number))
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if text.startswith(prefix[1:]) and found != f"+{text}":
        try:
            _refuse_unless(not phonenumbers.is_valid_number(phonenumbers.parse(f"+{text}")))
        except phonenumbers.NumberParseException:
            return found
    return found


def _date(text: str, field: Field, prefix: str) -> date:
    _refuse_unless(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text))
    try:
        return date(*map(int, text.split("-")))
    except ValueError:
        raise Refused from None


def _integer(text: str, field: Field, prefix: str) -> int:
    _refuse_unless(re.fullmatch("[1-9][0-9]{0,18}", text) and int(text) < 2**63)
    return int(text)


def _decimal(text: str, field: Field, prefix: str) -> float:
    _refuse_unless(re.fullmatch(r"-?[0-9]+(\.[0-9]{1,300})?", text))
    digits = Decimal(text).as_tuple().digits
    significant = "".join(map(str, digits)).lstrip("0")
    _refuse_unless(len(significant) <= 15)
    return float(text) + 0.0


def has_decimal_comma(cells: Iterable[str | None]) -> bool:
    """Whether some cell of a column can only be read with a decimal comma, and none only with a point."""
    signs = {sign for cell in cells if cell and (sign := _decimal_sign(cell))}
    return signs == {","}


def is_either_way(cell: str) -> bool:
    """Whether the point of a number may be a decimal or a thousands sign."""
    return re.fullmatch(r"-?[1-9][0-9]{0,2}\.[0-9]{3}", cell) is not None


def _decimal_sign(cell: str) -> str | None:
    number = re.fullmatch(r"[^0-9]{0,4}?([0-9](?:.*[0-9])?)[^0-9]{0,4}", cell, re.DOTALL)
    if number is None:
        return None
    for decimal, thousands in ((",", "."), (".", ",")):
        whole, sign, decimals = number[1].rpartition(decimal)
        groups = re.fullmatch(rf"[0-9]{{1,3}}(?:[{thousands} '\u2019\xa0\u202f][0-9]{{3}})+", whole)
        plain = re.fullmatch("[0-9]+", whole)
        grouped = plain and len(decimals) == 3 and len(whole) <= 3 and whole[0] != "0"
        if sign and re.fullmatch("[0-9]+", decimals) and (groups or (plain and not grouped)):
            return decimal
        if re.fullmatch(rf"[0-9]{{1,3}}(?:[{thousands}][0-9]{{3}}){{2,}}", number[1]):
            return decimal
    return None


def _boolean(text: str, field: Field, prefix: str) -> bool:
    _refuse_unless(text.lower() in ("true", "false", "1", "0"))
    return text.lower() in ("true", "1")


def _radio(text: str, field: Field, prefix: str) -> str:
    _refuse_unless(text in field.option_ids)
    return text


def _checkbox(text: str, field: Field, prefix: str) -> str:
    parts = text.split("|")
    _refuse_unless(all(part in field.option_ids for part in parts))
    return "|".join(option for option in field.option_ids if option in parts)


_JUDGES: dict[str, Callable[[str, Field, str], Stored]] = {
    "text": _text,
    "email": _email,
    "phone": _phone,
    "date": _date,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "radio": _radio,
    "checkbox": _checkbox,
}
