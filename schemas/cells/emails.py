"""Emails, as email-validator judges them; the only module that knows the library.

The plain addresses, nearly all, are settled by one pattern over the whole column. It accepts only
what the library accepts, with lower case as the stored form; anything it does not match is doubtful,
and the library decides. A property test holds the two against each other.
"""

import re
from functools import lru_cache

import email_validator
import pandas as pd
import pyarrow.compute as pc

from schemas.cells.arrow_columns import (
    CachedMask,
    Mask,
    check_remaining,
    check_unique,
    map_unique,
    mask_like,
    replace_where,
    series_like,
    to_arrow,
)

_ATOM = r"[a-z0-9_+-]+"
_LABEL = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_BEGINNING = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+"
PLAIN = rf"{_BEGINNING}[a-z]{{2,3}}$"
PLAIN_LONG = rf"{_BEGINNING}[a-z]{{4,}}$"  # as the reserved domains are
PLAIN_LENGTH = 63  # what a label may have at most, and the part before the @; longer ones are the library's to judge
# So are coded domains, which have two hyphens in a row, and reserved ones.
RESERVED_DOMAIN = rf"[@.](?:{'|'.join(re.escape(name) for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)})$"
MAX_LENGTH = 1_000  # characters; the standard allows 254, and composing accents can only shorten


def normalise_email(text: str) -> str | None:
    """The address as it is stored, in lower case, or None if it is no valid one. Nothing is looked up."""
    return _address(text) if len(text) <= MAX_LENGTH else None


@lru_cache(maxsize=1 << 16)
def _address(text: str) -> str | None:
    address = _checked(text)
    return address if address is not None and _checked(address) == address else None


def _checked(text: str) -> str | None:
    try:
        return email_validator.validate_email(text, check_deliverability=False).normalized.lower()
    except email_validator.EmailNotValidError:
        return None


def _plain(lower: pd.Series) -> Mask:
    array = to_arrow(lower)
    short = pc.less_equal(pc.binary_length(array), PLAIN_LENGTH)
    plain = mask_like(lower, pc.and_(short, pc.match_substring_regex(array, PLAIN)))
    return check_remaining(lower, plain, _plain_in_long_domains)


def _plain_in_long_domains(lower: pd.Series) -> Mask:
    array = to_arrow(lower)
    short = pc.less_equal(pc.binary_length(array), PLAIN_LENGTH)
    unreserved = pc.and_not(
        pc.match_substring_regex(array, PLAIN_LONG), pc.match_substring_regex(array, RESERVED_DOMAIN)
    )
    return mask_like(lower, pc.and_(short, unreserved))


def normalise_emails(column: pd.Series) -> pd.Series:
    """Valid addresses in their stored form; what is no address stays as it was written."""
    stored = series_like(column, pc.ascii_lower(to_arrow(column)))
    plain = _plain(stored)
    if not plain.all():
        stored = replace_where(stored, ~plain, map_unique(column[~plain], normalise_email))
    valid_emails.store(stored, _valid(stored, plain))
    return stored


def _valid(column: pd.Series, plain: Mask) -> Mask:
    return check_remaining(column, plain, lambda rest: check_unique(rest, lambda text: normalise_email(text) == text))


valid_emails = CachedMask(lambda column: _valid(column, _plain(column)))
"""Which cells hold an address in its stored form; blank cells pass."""


def explain_invalid_email(text: str) -> str:
    """The library's own sentence on an address that is none."""
    if len(text) > MAX_LENGTH:
        return "it is too long."
    try:
        email_validator.validate_email(text, check_deliverability=False)
    except email_validator.EmailNotValidError as error:
        return str(error)
    return "its lower-case form is no address."
