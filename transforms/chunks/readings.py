"""Tries every reading of a field on the rejected cells of one chunk, and counts what comes out."""

import re
from functools import cache, lru_cache
from typing import NamedTuple, TypeAlias

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
from transforms.cells.normalise import normalise
from transforms.cells.translate import Changes, TranslationStep, steps_of, titles, translate
from transforms.chunks.text_hashes import hash_texts
from transforms.mapping.suggestions import MAX_KNOWN, ColumnCounts, ReadingCount, cleaners_of, readings_of

_SHAPES = {"yyyy": "9999", "yy": "99", "mmm": r"[^0-9/,]+?", "mm": "99", "m": "99?", "dd": "99", "d": "99?"}


class TriedReadings(NamedTuple):
    """What the readings do to rejected cells, and what cells mean that all certain readings read alike."""

    counts: ColumnCounts
    meant: dict[str, str]


class _Judged(NamedTuple):
    """Distinct cells after a reading: which are valid, which blank, their normal form, and a number for equal ones."""

    valid: np.ndarray
    blank: np.ndarray
    texts: pa.Array
    text_numbers: np.ndarray


def try_readings(cells: pa.ChunkedArray, field: Field, prefix: str, rule: ColumnRule | None = None) -> TriedReadings:
    """Try every reading on rejected cells, none of which is null. What the readings make of them is judged once.

    The `rule` of the column has translated the cells already. It runs again after each reading, as it would with both.
    """
    counted = pc.value_counts(cells.combine_chunks())
    distinct = pc.struct_field(counted, "values")
    times = np.asarray(pc.struct_field(counted, "counts")).astype(np.uint64)
    readings = readings_of(field)
    read, ends, changes = _run_readings(pc.utf8_trim_whitespace(distinct), field)
    if rule:
        read[1:] = [translate(pa.chunked_array([each]), rule, field.type).cells.combine_chunks() for each in read[1:]]
    changed = {end: np.flatnonzero(np.asarray(pc.not_equal(read[end], read[0]))) for end in dict.fromkeys(ends)}
    coded = pa.concat_arrays([read[end].take(pa.array(rows)) for end, rows in changed.items()]).dictionary_encode()
    judged, codes = _judge(coded.dictionary, field, prefix), np.asarray(coded.indices)
    found = dict(zip(changed, np.split(codes, np.cumsum([len(rows) for rows in changed.values()])), strict=False))
    fixed = {end: judged.valid[found[end]] for end in changed}
    hashes = hash_texts(distinct), hash_texts(judged.texts)
    totals = {end: _count(times, changed[end], found[end], judged, hashes) for end in changed}
    proofs = {
        each: np.asarray(pc.match_substring_regex(distinct, each)) for each in {r.proof for r in readings} if each
    }
    meant = np.full(len(distinct), -1)
    for end, proof in dict.fromkeys(
        (end, reading.proof) for end, reading in zip(ends, readings, strict=True) if reading.may_be_certain
    ):
        clear = proofs[proof][changed[end]] if proof else slice(None)
        _note_meaning(meant, changed[end][clear], found[end][clear], judged)
    counts = [
        _with_proof(totals[end], changed[end][fixed[end]], proofs.get(reading.proof or ""), changed_by)
        for reading, end, changed_by in zip(readings, ends, changes, strict=True)
    ]
    known = np.flatnonzero(meant >= 0)
    texts = (distinct.take(pa.array(known)), judged.texts.take(pa.array(meant[known])))
    return TriedReadings(
        ColumnCounts(len(cells), tuple(counts)), dict(zip(*(each.to_pylist() for each in texts), strict=True))
    )


_Key: TypeAlias = tuple[str, str]  # of `ReadingCount.used`
_NamedChanges: TypeAlias = list[tuple[tuple[_Key, ...], Changes]]  # the keys of the translations of a step
_UNCHANGED = Changes(np.zeros(0, np.int64), np.zeros(0, np.int64))


def _run_readings(cells: pa.Array, field: Field) -> tuple[list[pa.Array], list[int], list[_NamedChanges]]:
    """The different results that some steps of the readings have, the cells themselves first; and that of each reading.

    The third list has for each reading which cells its cleaners and values change.
    A step, known by its titles, runs once on equal cells, since most readings share their first steps, and most steps
    change nothing.
    """
    results, after = [cells], dict[tuple[int, tuple[str, ...]], tuple[int, Changes]]()
    shapes: dict[int, list[str]] = {}
    ends, changes = [], []
    for named_steps in _named_steps(field.bare):
        at, changed = 0, _NamedChanges()
        for step, shape, names in named_steps:
            key = at, step.titles
            if key not in after:
                after[key] = at, _UNCHANGED
                if shape and at not in shapes:
                    shapes[at] = pc.unique(pc.replace_substring_regex(results[at], "[0-9]", "9")).to_pylist()
                if shape is None or any(map(shape.search, shapes[at])):
                    read, by_step = step.apply(pa.chunked_array([results[at]]))
                    if len(by_step.rows):
                        after[key] = len(results), by_step
                        results.append(read.combine_chunks())
            at, by_step = after[key]
            if names and len(by_step.rows):
                changed.append((names, by_step))
        ends.append(at)
        changes.append(changed)
    return results, ends, changes


@lru_cache(MAX_KNOWN)
def _named_steps(
    field: Field,
) -> list[list[tuple[TranslationStep, re.Pattern[str] | None, tuple[_Key, ...]]]]:
    """The steps of each reading; with a date's step, what the cells look like that it may change.

    With a cleaner and with values, the keys of `ReadingCount.used`.
    """
    found = []
    cleaners = {titles(ColumnRule(field=field.id, **{key: "remove"})): ((key, ""),) for key in cleaners_of(field)}
    for rule in (reading.rule for reading in readings_of(field)):
        shapes = {titles(rule)[-1:]: _date_shape(rule.date)} if rule.date else {}
        values = {titles(ColumnRule(field=field.id, values=rule.values)): tuple(("values", key) for key in rule.values)}
        found.append(
            [
                (step, shapes.get(step.titles), (cleaners | values).get(step.titles, ()))
                for step in steps_of(rule, field.type)
            ]
        )
    return found


def _judge(cells: pa.Array, field: Field, prefix: str) -> _Judged:
    raw = pd.DataFrame(
        {field.id: pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([cells])), dtype=TEXT_DTYPE)}
    )
    judged = normalise(raw, (field,), prefix)
    valid = np.ones(len(cells), bool)
    for failure in find_failures(judged, (field,)) if len(cells) else ():
        valid[failure.rows] = False
    blank = judged[field.id].isna().to_numpy(bool)
    texts = to_arrow(judged[field.id]).fill_null("").combine_chunks()
    return _Judged(valid | blank, blank, texts, np.asarray(texts.dictionary_encode().indices))


def _note_meaning(meant: np.ndarray, rows: np.ndarray, found: np.ndarray, judged: _Judged) -> None:
    """Note what a reading makes of the cells; -2 where two readings differ."""
    usable = judged.valid[found] & ~judged.blank[found]
    rows, found = rows[usable], found[usable]
    before = meant[rows]
    differs = (before >= 0) & (judged.text_numbers[before] != judged.text_numbers[found])
    meant[rows] = np.where(before == -1, found, np.where(differs, -2, before))


def _count(
    times: np.ndarray, rows: np.ndarray, found: np.ndarray, judged: _Judged, hashes: tuple[np.ndarray, np.ndarray]
) -> ReadingCount:
    """How many cells become valid or blank; equal digests mean that the same cells get the same texts."""
    valid = judged.valid[found]
    fixed, weights = rows[valid], times[rows[valid]]
    # Hashed twice, so that sums of pairs differ where only the order within the pairs differs.
    pairs = hash_array(hash_array(hashes[0][fixed]) + hashes[1][found[valid]])
    blanks = times[rows[judged.blank[found]]].sum()
    return ReadingCount(int(weights.sum()), int(blanks), int((pairs * weights).sum(dtype=np.uint64)))


def _with_proof(
    count: ReadingCount, fixed: np.ndarray, proof: np.ndarray | None, changes: _NamedChanges
) -> ReadingCount:
    """The count, with what only this reading asks of the cells that it fixes."""
    if not count.fixes:
        return count
    used = frozenset(
        keys[place] for keys, (rows, places) in changes for place in np.unique(places[np.isin(rows, fixed)])
    )
    return count._replace(proved=proof is not None and bool(proof[fixed].any()), used=used)


@cache
def _date_shape(format: str) -> re.Pattern[str]:
    """What such a cell looks like when every digit is a 9: most date formats need not be tried on a chunk."""
    parts = ["9{5}"] if format == SERIAL else re.findall(r"yyyy|yy|mmm|mm?|dd?|.", format)
    body = "".join(_SHAPES.get(part, part if format == SERIAL else re.escape(part)) for part in parts)
    return re.compile(f"^ *{body} *$")
