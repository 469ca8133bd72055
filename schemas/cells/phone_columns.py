"""Whole columns of phones: plain numbers by pattern, each distinct one of the others by the library.

The patterns come from the library's metadata (`schemas.cells.phones.plain_numbers`). Tests compare patterns and
library for every region and kind of number.
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
from schemas.cells.phones import (
    DEFAULT_PREFIX,
    PlainNumbers,
    parse_calling_code,
    plain_numbers,
    read_phone,
    to_e164,
)

MIN_PHONES_FOR_PATTERNS = 200  # up to here, the library takes less time than the patterns of a calling code


def normalise_phones(column: pd.Series, prefix: str) -> pd.Series:
    """Valid phones in E.164; other cells, ambiguous ones too, stay as they were written."""
    text = to_arrow(column)
    national = pc.invert(pc.starts_with(text, "+"))
    stored = series_like(column, pc.if_else(national, pc.binary_join_element_wise(prefix, text, ""), text))
    plain = plain_phones(stored, prefix)
    patterns = plain_numbers(int(prefix.removeprefix("+")))
    if patterns:
        ambiguous = pc.and_(national, pc.match_substring_regex(text, patterns.with_calling_code))
        plain &= ~mask_like(column, ambiguous, null=False)
    if not plain.all():
        stored = replace_where(stored, ~plain, map_unique(column[~plain], lambda phone: read_phone(phone, prefix)))
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
    """Which cells are plain numbers in E.164, of `prefix` or of a frequent calling code; blank cells pass."""
    text = to_arrow(column)
    patterns = plain_numbers(int(prefix.removeprefix("+")))
    plain = mask_like(column, _match(text, patterns)) if patterns else column.isna()
    return check_remaining(column, plain, _plain_by_calling_code)


def _plain_by_calling_code(column: pd.Series) -> Mask:
    text = to_arrow(column)
    plain = pa.chunked_array([pc.is_null(text).combine_chunks()])
    counts: dict[int, int] = {}
    for head in pc.value_counts(pc.utf8_slice_codeunits(text, 1, 4)).to_pylist():
        if head["values"] and (code := parse_calling_code(head["values"])):
            counts[code] = counts.get(code, 0) + head["counts"]
    for code, count in counts.items():
        patterns = plain_numbers(code) if count > MIN_PHONES_FOR_PATTERNS else None
        if patterns:
            plain = pc.or_(plain, _match(text, patterns))
    return mask_like(column, plain)


def _match(text: pa.ChunkedArray, patterns: PlainNumbers) -> pa.ChunkedArray:
    """Which cells are plain numbers of one calling code; null where the cell is."""
    plain = pc.match_substring_regex(text, patterns.all)
    known = None
    for pattern, lengths in patterns.numbers:
        found = pc.match_substring_regex(text, pattern)
        if lengths:
            found = pc.and_(found, pc.is_in(pc.binary_length(text), value_set=pa.array(lengths, pa.int32())))
        known = found if known is None else pc.or_(known, found)
    plain = pc.and_(plain, known)
    if patterns.with_trunk_prefix:
        plain = pc.and_not(plain, pc.match_substring_regex(text, patterns.with_trunk_prefix))
    return plain
