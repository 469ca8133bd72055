"""Whole columns of phones: the plain numbers by pattern, the doubtful ones by the library, once each.

The patterns come from the library's metadata (`schemas.cells.phones.plain_numbers`), and tests hold both ways
against each other for every region and kind of number that the library knows.
"""

import pandas as pd
import pyarrow as pa
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
from schemas.cells.phones import DEFAULT_PREFIX, PlainNumbers, parse_calling_code, plain_numbers, to_e164

FEW = 200  # as many distinct numbers as the library judges in less time than their patterns take


def normalise_phones(column: pd.Series, prefix: str) -> pd.Series:
    """Valid phones in E.164; what is no phone stays as it was written."""
    text = to_arrow(column)
    national = pc.invert(pc.starts_with(text, "+"))
    stored = series_like(column, pc.if_else(national, pc.binary_join_element_wise(prefix, text, ""), text))
    plain = plain_phones(stored, prefix)
    kind = plain_numbers(int(prefix.removeprefix("+")))
    if kind:
        abroad = pc.and_(national, pc.match_substring_regex(text, kind.dialled))
        plain &= ~mask_like(column, abroad, null=False)
    if not plain.all():
        stored = replace_where(stored, ~plain, map_unique(column[~plain], lambda phone: to_e164(phone, prefix)))
    valid_phones.store(stored, _valid(stored, plain))
    return stored


def _valid(column: pd.Series, plain: Mask) -> Mask:
    """With its prefix, a number needs no region."""
    return check_remaining(
        column,
        plain,
        lambda rest: check_unique(
            rest, lambda phone: phone.startswith("+") and to_e164(phone, DEFAULT_PREFIX) == phone
        ),
    )


valid_phones = CachedMask(lambda column: _valid(column, plain_phones(column)))
"""Which cells hold a phone in E.164; blank cells pass."""


def plain_phones(column: pd.Series, prefix: str = DEFAULT_PREFIX) -> Mask:
    """Which cells are plain numbers in E.164, of `prefix` or a calling code that occurs often; blank cells pass."""
    text = to_arrow(column)
    likely = plain_numbers(int(prefix.removeprefix("+")))
    plain = mask_like(column, _plain_of(text, likely)) if likely else column.isna()
    return check_remaining(column, plain, _plain_abroad)


def _plain_abroad(column: pd.Series) -> Mask:
    text = to_arrow(column)
    plain = pa.chunked_array([pc.is_null(text).combine_chunks()])
    counts: dict[int, int] = {}
    for head in pc.value_counts(pc.utf8_slice_codeunits(text, 1, 4)).to_pylist():
        if head["values"] and (code := parse_calling_code(head["values"])):
            counts[code] = counts.get(code, 0) + head["counts"]
    for code, count in counts.items():
        kind = plain_numbers(code) if count > FEW else None
        if kind:
            plain = pc.or_(plain, _plain_of(text, kind))
    return mask_like(column, plain)


def _plain_of(text: pa.ChunkedArray, kind: PlainNumbers) -> pa.ChunkedArray:
    """One calling code's; null where the cell is."""
    plain = pc.match_substring_regex(text, kind.all)
    known = None
    for pattern, lengths in kind.numbers:
        found = pc.match_substring_regex(text, pattern)
        if lengths:
            found = pc.and_(found, pc.is_in(pc.binary_length(text), value_set=pa.array(lengths, pa.int32())))
        known = found if known is None else pc.or_(known, found)
    plain = pc.and_(plain, known)
    if kind.doubtful:
        plain = pc.and_not(plain, pc.match_substring_regex(text, kind.doubtful))
    return plain
