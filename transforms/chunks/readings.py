"""Tries every reading of a field on the rejected cells of one chunk, and counts what comes out."""

import re
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.util import hash_array

from schemas.cells.arrow_columns import TEXT_DTYPE, to_arrow
from schemas.cells.dates import SERIAL
from schemas.fields import Field
from schemas.presets.model import ColumnRule
from schemas.validation.pandera_schemas import find_failures
from transforms.cells.normalise import NormaliseContext, normalise
from transforms.cells.translate import translate
from transforms.mapping.suggestions import ColumnCounts, Reading, ReadingCount, readings_of

_SHAPES = {"yyyy": "9999", "yy": "99", "mmm": r"[^0-9/,]+?", "mm": "99", "m": "99?", "dd": "99", "d": "99?"}


def count_readings(cells: pa.ChunkedArray, field: Field, context: NormaliseContext) -> ColumnCounts:
    """What each reading does to rejected cells, none of which is null."""
    counted = pc.value_counts(cells.combine_chunks())
    distinct = pa.chunked_array([pc.struct_field(counted, "values")])
    times = np.asarray(pc.struct_field(counted, "counts"))
    shapes = pc.unique(pc.replace_substring_regex(distinct, "[0-9]", "9")).to_pylist()
    counts = (_count(reading, distinct, times, shapes, field, context) for reading in readings_of(field))
    return ColumnCounts(len(cells), tuple(counts))


def _count(
    reading: Reading,
    cells: pa.ChunkedArray,
    times: np.ndarray,
    shapes: list[str],
    field: Field,
    context: NormaliseContext,
) -> ReadingCount:
    rule = reading.translation
    if rule.date and not any(map(_may_change(rule.date, bool(rule.time), bool(rule.yearless)).search, shapes)):
        return ReadingCount()
    after = translate(cells, rule).cells
    changed = np.flatnonzero(np.asarray(pc.not_equal(after, pc.utf8_trim_whitespace(cells))))
    if not len(changed):
        return ReadingCount()
    raw = pd.DataFrame(
        {field.id: pd.Series(pd.arrays.ArrowExtensionArray(after.take(pa.array(changed))), dtype=TEXT_DTYPE)}
    )
    judged = normalise(raw, (field,), context)
    valid = np.ones(len(changed), bool)
    for failure in find_failures(judged, (field,)):
        valid[failure.rows] = False
    blank = judged[field.id].isna().to_numpy(bool)
    valid |= blank
    if not valid.any():
        return ReadingCount()
    fixed = cells.take(pa.array(changed[valid]))
    weights = times[changed[valid]]
    read = to_arrow(judged[field.id][valid]).fill_null("")
    pairs = np.array(pc.binary_join_element_wise(fixed, read, "\0").to_pylist(), object)
    digest = int((hash_array(pairs, categorize=False) * weights.astype(np.uint64)).sum(dtype=np.uint64))
    proved = bool(reading.proof and pc.any(pc.match_substring_regex(fixed, reading.proof)).as_py())
    return ReadingCount(
        int(weights.sum()), int(times[changed[blank]].sum()), digest, proved, _used_values(rule, fixed.to_pylist())
    )


def _used_values(rule: ColumnRule, cells: list[str]) -> frozenset[str]:
    """The keys of `values` that some cell needs."""
    if not rule.values:
        return frozenset()
    keys = {key.strip().casefold(): key for key in rule.values}
    pattern = re.compile(rf"{re.escape(rule.trimmed_separator)}|\|") if rule.trimmed_separator else None
    parts = {part.strip() for cell in cells for part in (pattern.split(cell) if pattern else [cell])}
    found = ((keys.get(part.casefold()), part) for part in parts)
    return frozenset(key for key, part in found if key is not None and rule.values[key] != part)


@cache
def _may_change(format: str, with_time: bool, yearless: bool) -> re.Pattern[str]:
    """What such a cell looks like when every digit is a 9: most date formats need not be tried on a chunk."""
    parts = ["9{5}"] if format == SERIAL else re.findall(r"yyyy|yy|mmm|mm?|dd?|.", format)
    body = "".join(_SHAPES.get(part, part if format == SERIAL else re.escape(part)) for part in parts)
    shapes = [f"^ *{body} *$"]
    if with_time:
        shapes.append("[0-9]:[0-9]")
    if yearless:
        shapes += ["^ *(?:--|9999-)99-99 *$", "^ *99?[/.-]99? *$"]
    return re.compile("|".join(shapes))
