"""Cells with two meanings, which are rejected rather than read in one way: phones, and decimals of whole columns."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.arrow_columns import to_arrow, trim
from schemas.cells.cell_bytes import have_byte
from schemas.cells.decimals import COMMA_ONLY, EITHER_SIGN, POINT_ONLY
from schemas.cells.phones import plus_reading
from schemas.fields import Field
from schemas.validation.pandera_schemas import Failure
from schemas.validation.rules import Rule

SAMPLE_ROWS = 1_000


class DecimalSigns(NamedTuple):
    """What the numbers of a column show: a decimal comma, a decimal point; and whether some may be read either way."""

    comma: bool = False
    point: bool = False
    either: bool = False

    def plus(self, other: "DecimalSigns") -> "DecimalSigns":
        return DecimalSigns(*(mine or theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def contradict(self) -> bool:
        return self.comma and self.point

    @property
    def make_ambiguous(self) -> bool:
        """Whether a point may separate thousands, since other numbers have a decimal comma and none has a point."""
        return self.comma and not self.point and self.either


def find_decimal_signs(cells: pa.ChunkedArray) -> DecimalSigns:
    """What the cells of a decimal column show."""
    point = any(_any_match(some, POINT_ONLY) for some in (cells.slice(0, SAMPLE_ROWS), cells.slice(SAMPLE_ROWS)))
    comma = (have_byte(cells, b",") or not point) and _any_match(cells, COMMA_ONLY)
    return DecimalSigns(comma, point, not point and _any_match(cells, EITHER_SIGN))


def _any_match(cells: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(cells, pattern)).as_py())


def mark_ambiguous(
    failures: Sequence[Failure],
    raw: pd.DataFrame,
    fields: Sequence[Field],
    prefix: str,
    comma_fields: frozenset[str],
) -> Iterator[Failure]:
    """The failures, with ambiguous phones under their own code, and the ambiguous decimals of `comma_fields`."""
    for failure in failures:
        if failure.code == Rule.PHONE_INVALID:
            yield from _split_phones(failure, raw, prefix)
        else:
            yield failure
    for field in fields:
        if field.id in comma_fields:
            cells = to_arrow(trim(raw[field.id]))
            either = pc.fill_null(pc.match_substring_regex(cells, EITHER_SIGN), False)
            yield Failure(field.id, Rule.DECIMAL_AMBIGUOUS.value, np.flatnonzero(np.asarray(either)))


def _split_phones(failure: Failure, raw: pd.DataFrame, prefix: str) -> Iterator[Failure]:
    cells = to_arrow(raw[failure.field]).take(pa.array(failure.rows)).to_pylist()
    ambiguous = np.array([plus_reading(cell.strip(), prefix) is not None for cell in cells], bool)
    for code, rows in ((failure.code, failure.rows[~ambiguous]), (Rule.PHONE_AMBIGUOUS.value, failure.rows[ambiguous])):
        if len(rows):
            yield Failure(failure.field, code, rows)
