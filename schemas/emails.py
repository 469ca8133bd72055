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

from schemas.columns import Mask, judged, like, mapped, mask_like, replaced, to_arrow

_ATOM = r"[a-z0-9_+-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
PLAIN = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[a-z](?:[a-z]{{0,61}}[a-z])$"
# Long addresses, coded or reserved domains are the library's to judge.
_RESERVED = "|".join(re.escape(name) for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)
DOUBTFUL = rf"@.*--|^.{{64,}}|@.{{200,}}|[@.](?:{_RESERVED})$"
LONGEST = 1_000  # characters; the standard allows 254, and composing accents can only shorten


@lru_cache(maxsize=1 << 16)
def to_address(text: str) -> str | None:
    """The address as it is stored, in lower case, or None if it is no valid one. Nothing is looked up."""
    if len(text) > LONGEST:
        return None
    address = _checked(text)
    return address if address is not None and _checked(address) == address else None


def _checked(text: str) -> str | None:
    try:
        return email_validator.validate_email(text, check_deliverability=False).normalized.lower()
    except email_validator.EmailNotValidError:
        return None


def _plain(lower: pd.Series) -> Mask:
    array = to_arrow(lower)
    return mask_like(
        lower,
        pc.and_(pc.match_substring_regex(array, PLAIN), pc.invert(pc.match_substring_regex(array, DOUBTFUL))),
    )


def addresses(column: pd.Series) -> pd.Series:
    """Valid addresses in their stored form; what is no address stays as it was written."""
    lower = like(column, pc.ascii_lower(to_arrow(column)))
    doubtful = ~_plain(lower)
    if not doubtful.any():
        return lower
    return replaced(lower, doubtful, mapped(column[doubtful], to_address))


def valid_addresses(column: pd.Series) -> Mask:
    """Which cells hold an address in its stored form; blank cells pass."""
    plain = _plain(column)
    return plain if plain.all() else plain | judged(column.where(~plain), lambda text: to_address(text) == text)


def what_is_wrong(text: str) -> str:
    """The library's own sentence on an address that is none."""
    if len(text) > LONGEST:
        return "it is too long."
    try:
        email_validator.validate_email(text, check_deliverability=False)
    except email_validator.EmailNotValidError as error:
        return str(error)
    return "its lower-case form is no address."
