"""Tries every reading of a field on the rejected cells of one chunk, and counts what comes out."""

import re
from functools import cache
from typing import NamedTuple

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


class TriedReadings(NamedTuple):
    """What the readings do to rejected cells, and what cells mean that all certain readings read alike."""

    counts: ColumnCounts
    meant: dict[str, str]


class _Judged(NamedTuple):
    """Distinct cells after a reading: which are valid, which blank, and their normal form."""

    valid: np.ndarray
    blank: np.ndarray
    texts: np.ndarray


def count_readings(cells: pa.ChunkedArray, field: Field, context: NormaliseContext) -> ColumnCounts:
    """What each reading does to rejected cells, none of which is null."""
    return try_readings(cells, field, context).counts


def try_readings(cells: pa.ChunkedArray, field: Field, context: NormaliseContext) -> TriedReadings:
    """Try every reading on rejected cells, none of which is null. What the readings make of them is judged once."""
    counted = pc.value_counts(cells.combine_chunks())
    distinct = pa.chunked_array([pc.struct_field(counted, "values")])
    times = np.asarray(pc.struct_field(counted, "counts"))
    trimmed = pc.utf8_trim_whitespace(distinct)
    shapes = pc.unique(pc.replace_substring_regex(distinct, "[0-9]", "9")).to_pylist()
    readings = readings_of(field)
    changed, after = [], []
    for reading in readings:
        rows, texts = _translated(reading.translation, distinct, trimmed, shapes)
        changed.append(rows)
        after.append(texts)
    coded = pa.concat_arrays(after).dictionary_encode()
    judged, codes = _judge(coded.dictionary, field, context), np.asarray(coded.indices)
    meant = np.full(len(distinct), -1)
    counts, start = [], 0
    for reading, rows in zip(readings, changed, strict=True):
        found = codes[start : start + len(rows)]
        start += len(rows)
        counts.append(_count(reading, distinct, times, rows, found, judged))
        if reading.may_be_certain and reading.proof is None and len(rows):
            _note_meaning(meant, rows, found, judged)
    texts = distinct.to_pylist()
    known = {texts[row]: str(judged.texts[meant[row]]) for row in np.flatnonzero(meant >= 0)}
    return TriedReadings(ColumnCounts(len(cells), tuple(counts)), known)


def _translated(
    rule: ColumnRule, cells: pa.ChunkedArray, trimmed: pa.ChunkedArray, shapes: list[str]
) -> tuple[np.ndarray, pa.Array]:
    """The cells that a translation changes, by number, and what it makes of them."""
    if rule.date and not any(map(_may_change(rule.date, bool(rule.time), bool(rule.yearless)).search, shapes)):
        return np.empty(0, np.int64), pa.array([], pa.string())
    after = translate(cells, rule).cells
    changed = np.flatnonzero(np.asarray(pc.not_equal(after, trimmed)))
    return changed, after.take(pa.array(changed)).combine_chunks()


def _judge(cells: pa.Array, field: Field, context: NormaliseContext) -> _Judged:
    raw = pd.DataFrame(
        {field.id: pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([cells])), dtype=TEXT_DTYPE)}
    )
    judged = normalise(raw, (field,), context)
    valid = np.ones(len(cells), bool)
    for failure in find_failures(judged, (field,)) if len(cells) else ():
        valid[failure.rows] = False
    blank = judged[field.id].isna().to_numpy(bool)
    return _Judged(valid | blank, blank, to_arrow(judged[field.id]).fill_null("").to_numpy())


def _note_meaning(meant: np.ndarray, rows: np.ndarray, found: np.ndarray, judged: _Judged) -> None:
    """Note what a reading makes of the cells; -2 where two readings differ."""
    usable = judged.valid[found] & ~judged.blank[found]
    rows, found = rows[usable], found[usable]
    before = meant[rows]
    differs = (before >= 0) & (judged.texts[before] != judged.texts[found])
    meant[rows] = np.where(before == -1, found, np.where(differs, -2, before))


def _count(
    reading: Reading,
    cells: pa.ChunkedArray,
    times: np.ndarray,
    rows: np.ndarray,
    found: np.ndarray,
    judged: _Judged,
) -> ReadingCount:
    valid = judged.valid[found]
    if not valid.any():
        return ReadingCount()
    fixed, weights = cells.take(pa.array(rows[valid])), times[rows[valid]]
    texts = fixed.to_pylist()
    pairs = np.array([f"{cell}\0{read}" for cell, read in zip(texts, judged.texts[found[valid]], strict=True)], object)
    digest = int((hash_array(pairs, categorize=False) * weights.astype(np.uint64)).sum(dtype=np.uint64))
    proved = bool(reading.proof and pc.any(pc.match_substring_regex(fixed, reading.proof)).as_py())
    blanks = int(times[rows[judged.blank[found]]].sum())
    return ReadingCount(int(weights.sum()), blanks, digest, proved, _used_values(reading.translation, texts))


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
