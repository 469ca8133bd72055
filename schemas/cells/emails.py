"""Emails, as email-validator parses them; the only module that imports the library.

One pattern over the whole column finds the plain addresses, which are nearly all. It matches only what the library
accepts, with lower case as the stored form. The library decides on the others. A property test compares both ways.
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
PLAIN_LENGTH = 63  # the limit of a label; the library decides on longer addresses
# It also decides on coded domains, which have two hyphens in a row, and on reserved ones.
RESERVED_DOMAIN = rf"[@.](?:{'|'.join(re.escape(name) for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)})$"
MAX_LENGTH = 1_000  # characters; the standard allows 254, and composing accents can only shorten
# Unicode's Default_Ignorable_Code_Point and the blank Braille pattern: two addresses that look the same are not.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def normalise_email(text: str) -> str | None:
    """The address as it is stored, or None if it is not valid. Nothing is looked up in the network.

    The stored form is in lower case, with composed accents and an international domain in its own script, so that
    the two spellings of such a domain are one contact.
    """
    if len(text) > MAX_LENGTH or explain_shape(text):
        return None
    address, _ = _validated(text)
    return address if address is not None and (address == text or _validated(address)[0] == address) else None


@lru_cache(maxsize=1 << 16)
def _validated(text: str) -> tuple[str | None, str]:
    """The address in lower case, or why there is none."""
    try:
        return _validate(text).lower(), ""
    except email_validator.EmailNotValidError as error:
        return None, str(error)


def explain_shape(text: str) -> str | None:
    """What is wrong with an ASCII text that cannot be an address, without asking the library."""
    if not text.isascii():
        return None
    if "@" not in text:
        return "it has no @"
    if text.count("@") > 1:
        return "it has several @; write one address"
    if found := re.search(r'[\s<>()\[\],;:\\"]', text):
        sign = "a space" if found[0].isspace() else f"the sign {found[0]}"
        return f"it has {sign}, which an address must not have"
    return None


def _validate(text: str) -> str:
    if invisible := INVISIBLE.search(text):
        raise email_validator.EmailSyntaxError(f"It has an invisible character, U+{ord(invisible[0]):04X}; remove it.")
    # Strict: at most 64 characters before the @.
    return email_validator.validate_email(text, check_deliverability=False, strict=True).normalized


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
    """Valid addresses in their stored form; other cells stay as they were written."""
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


def count_rewritten(written: pd.Series, stored: pd.Series) -> int:
    """How many addresses are stored in another spelling than as written, apart from case and outer space."""
    text, addresses = to_arrow(written), to_arrow(stored)
    differ = pc.fill_null(pc.not_equal(pc.ascii_lower(text), addresses), False)
    pairs = zip(text.filter(differ).to_pylist(), addresses.filter(differ).to_pylist(), strict=True)
    return sum(cell.strip().lower() != address for cell, address in pairs)


def explain_invalid_email(text: str) -> str:
    """What is wrong with an address that is not valid, in one sentence."""
    if len(text) > MAX_LENGTH:
        return "it is too long."
    return explain_shape(text) or _validated(text)[1] or "its lower-case form is no address."
