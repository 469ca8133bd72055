"""Suggestions: translations of a column that would make its rejected cells valid.

A reading is one such translation, in the keys of a preset's column. Each chunk counts what every reading
would do to its rejected cells (`transforms.chunks.readings`). The sums over the file decide here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from schemas.cells.dates import SERIAL
from schemas.cells.emails import INVISIBLE
from schemas.cells.words import BLANK_WORDS, FALSE_LETTERS, FALSE_WORDS, TRUE_LETTERS, TRUE_WORDS
from schemas.field_types import FieldType
from schemas.fields import Field
from schemas.presets.model import ColumnRule
from transforms.mapping.columns import MappedColumn

CONSENT = "subscribed"
MAX_KNOWN = 1 << 12  # different types and options of fields, whose readings are built once
MAX_LISTED = 5  # readings of one column that are listed where no clear one fixes every cell
MAX_BLANKING = 2  # readings that make cells empty, listed after them

Translation: TypeAlias = dict[str, Any]

_ORDERS = (("d", "m", "yyyy"), ("m", "d", "yyyy"), ("yyyy", "m", "d"), ("yyyy", "d", "m"))
_SHORT_ORDERS = (("d", "m", "yy"), ("m", "d", "yy"), ("yy", "m", "d"))
_NAMED = ("d mmm yyyy", "d-mmm-yyyy", "d/mmm/yyyy", "d.mmm.yyyy", "mmm d, yyyy", "mmm d yyyy")

# What programs write around values of every kind. Each reading removes it, and names those keys that a cell needed.
_AROUND_TEXTS = ("formula", "invisible")
_AROUND_NUMBERS = (*_AROUND_TEXTS, "apostrophe")
_CLEANERS = {
    FieldType.TEXT: ("formula",),  # invisible characters are valid there, such as those of emoji and of Persian names
    FieldType.PHONE: (*_AROUND_NUMBERS, "point_zero"),
    FieldType.DATE: (*_AROUND_NUMBERS, "point_zero"),
    FieldType.BOOLEAN: (*_AROUND_NUMBERS, "point_zero"),
    FieldType.INTEGER: (*_AROUND_NUMBERS, "point_zero", "currency"),
    FieldType.DECIMAL: (*_AROUND_NUMBERS, "currency"),
}


@dataclass(frozen=True)
class Reading:
    """A rule to try. Where `proof` is given, some fixed cell must match it for the reading to be certain."""

    rule: ColumnRule
    may_be_certain: bool = True
    proof: str | None = None


class ReadingCount(NamedTuple):
    """What one reading does to rejected cells; `digest` tells two readings apart that fix the same cells otherwise.

    `used` are the cleaners, such as `("formula", "")`, and the `values`, such as `("values", "yes")`, that changed a
    fixed cell.
    """

    fixes: int = 0
    blanks: int = 0
    digest: int = 0
    proved: bool = False
    used: frozenset[tuple[str, str]] = frozenset()

    def plus(self, other: "ReadingCount") -> "ReadingCount":
        return ReadingCount(
            self.fixes + other.fixes,
            self.blanks + other.blanks,
            (self.digest + other.digest) % 2**64,
            self.proved or other.proved,
            self.used | other.used,
        )


@dataclass(frozen=True)
class ColumnCounts:
    """The rejected cells of one column, and what each of its field's readings does to them, in their order."""

    rejected: int
    readings: tuple[ReadingCount, ...]

    def plus(self, other: "ColumnCounts") -> "ColumnCounts":
        counts = (mine.plus(theirs) for mine, theirs in zip(self.readings, other.readings, strict=True))
        return ColumnCounts(self.rejected + other.rejected, tuple(counts))


Counts: TypeAlias = Mapping[int, ColumnCounts]


@dataclass(frozen=True)
class Suggestion:
    """One reading of one column, with how many of its rejected cells it makes valid."""

    column: MappedColumn
    translation: Translation
    of: int
    fixes: int
    blanks: int
    certain: bool

    @property
    def drops_column(self) -> bool:
        """Whether the cells that it makes blank drop the column."""
        return self.blanks > 0 and self.column.is_dropped_with_gaps

    def as_rule(self) -> ColumnRule:
        """The reading as a preset's column has it."""
        return ColumnRule.model_validate({**self.translation, "field": self.column.field and self.column.field.id})

    def as_report(self) -> dict[str, object]:
        return {
            "position": self.column.position,
            "column": self.column.name,
            "field": self.column.field.id if self.column.field else None,
            "translation": self.translation,
            "of": self.of,
            "fixes": self.fixes,
            "blanks": self.blanks,
            "certain": self.certain,
            "drops_column": self.drops_column,
        }


def readings_of(field: Field) -> tuple[Reading, ...]:
    """Every reading of a field's cells that we know, the simplest first. Fields of one type and options share them."""
    return _readings_of(field.bare)


@lru_cache(MAX_KNOWN)
def _readings_of(field: Field) -> tuple[Reading, ...]:
    found = [_reading(field)]
    if field.type in _BY_TYPE:
        found += _BY_TYPE[field.type](field)
    elif field.traits.has_options:
        found += _options(field)
    if field.type is not FieldType.TEXT:
        found.append(_reading(field, certain=False, values=dict.fromkeys(BLANK_WORDS, "")))
    return tuple(sorted(found, key=lambda reading: len(reading.rule.translation)))


def _reading(field: Field, *, certain: bool = True, proof: str | None = None, **keys: Any) -> Reading:
    return Reading(ColumnRule(field=field.id, **dict.fromkeys(cleaners_of(field), "remove"), **keys), certain, proof)


def cleaners_of(field: Field) -> tuple[str, ...]:
    """The keys that every reading of the field has, whether a cell needs them or not."""
    return _CLEANERS.get(field.type, _AROUND_TEXTS)


def _texts(field: Field) -> Iterator[Reading]:
    yield _reading(field, invisible="remove")  # a NUL character, which is not valid


def _emails(field: Field) -> Iterator[Reading]:
    yield _reading(field, email="address")
    for separator in (";", ",", "/", " ", ":::"):
        yield _reading(field, certain=False, separator=separator, take="first")
        yield _reading(field, certain=False, separator=separator, take="first", email="address")


def _phones(field: Field) -> Iterator[Reading]:
    yield _reading(field, phone="plain")
    yield _reading(field, certain=False, extension="remove")
    yield _reading(field, certain=False, extension="remove", phone="plain")
    yield _reading(field, certain=False, plus="add")
    yield _reading(field, certain=False, plus="add", phone="plain")
    for separator in ("/", ";", ",", ":::"):
        yield _reading(field, certain=False, separator=separator, take="first", phone="plain")


def _dates(field: Field) -> Iterator[Reading]:
    full = [sign.join(order) for order, sign in product(_ORDERS, "/.-") if (order[:2], sign) != (("yyyy", "d"), "-")]
    short = [sign.join(order) for order, sign in product(_SHORT_ORDERS, "/.-")]
    named_short = [format.replace("yyyy", "yy") for format in _NAMED[:4]]
    formats = [
        *((format, True) for format in (*full, *_NAMED, "yyyymmdd", SERIAL)),
        *((format, False) for format in (*short, *named_short)),
    ]
    yield _reading(field, time="midnight")
    yield _reading(field, certain=False, time="drop")
    yield _reading(field, certain=False, yearless="blank")
    for format, certain in formats:
        yield _reading(field, certain=certain, date=format)
        yield _reading(field, certain=False, date=format, yearless="blank")
        if format != SERIAL:
            yield _reading(field, certain=certain, date=format, time="midnight")
            yield _reading(field, certain=False, date=format, time="drop")


def _decimals(field: Field) -> Iterator[Reading]:
    signs: tuple[Translation, ...] = (
        {"decimal": ","},
        {"decimal": ",", "thousands": " "},
        {"decimal": ",", "thousands": "'"},
        {"decimal": "."},
        {"thousands": " "},
        {"thousands": "'"},
    )
    for keys in signs:
        yield _reading(field, **keys)


def _integers(field: Field) -> Iterator[Reading]:
    for decimal, sign in (",.", ".,"):
        # 1.234.567: the sign cannot be a decimal one. 1.200,00: the other sign can only be a decimal one.
        proof = rf"(?:\{sign}[0-9]{{3}}){{2}}|\{decimal}(?:[0-9]{{1,2}}|[0-9]{{4,}})(?:[^0-9]|$)"
        yield _reading(field, proof=proof, decimal=decimal, thousands=sign)
    for sign in (" ", "'"):
        yield _reading(field, thousands=sign)


def _booleans(field: Field) -> Iterator[Reading]:
    words = dict.fromkeys(TRUE_WORDS, "true") | dict.fromkeys(FALSE_WORDS, "false")
    letters = dict.fromkeys(TRUE_LETTERS, "true") | dict.fromkeys(FALSE_LETTERS, "false")
    yield _reading(field, values=words)
    yield _reading(field, certain=False, values=words | letters)


def _options(field: Field) -> Iterator[Reading]:
    written = [(option.label.strip(), option.id) for option in reversed(field.options)]
    labels = [(name, id) for label, id in written for name in (label, INVISIBLE.sub("", label))]  # as cleaned before
    names = [*labels, *((id, id) for _, id in labels)]  # an ID that is also a label means itself
    by_key = {name.casefold(): (name, id) for name, id in names if name}
    values = {name: id for name, id in by_key.values() if by_key[id.casefold()][1] == id}
    if field.type is FieldType.RADIO:
        yield _reading(field, values=values)
        return
    for separator in ("|", ",", ";", "/"):
        yield _reading(field, separator=separator)
        yield _reading(field, separator=separator, values=values)


_BY_TYPE = {
    FieldType.TEXT: _texts,
    FieldType.EMAIL: _emails,
    FieldType.PHONE: _phones,
    FieldType.DATE: _dates,
    FieldType.DECIMAL: _decimals,
    FieldType.INTEGER: _integers,
    FieldType.BOOLEAN: _booleans,
}


def suggest(column: MappedColumn, counts: ColumnCounts, has_both_signs: bool = False) -> list[Suggestion]:
    """The readings of one column that are worth a look: those that fix most first, then those that empty cells.

    None is certain with `has_both_signs`: the column's numbers, accepted ones too, show two decimal signs.
    """
    if column.field is None or not counts.rejected:
        return []
    fitting = [
        (reading, count)
        for reading, count in zip(readings_of(column.field), counts.readings, strict=True)
        if count.fixes and (column.rule is None or column.rule.combine(reading.rule))
    ]
    distinct = list(_without_repetitions(fitting))
    whole = [pair for pair in distinct if pair[1].fixes == counts.rejected]
    alone = len(whole) == 1 and not has_both_signs
    enough = any(reading.may_be_certain for reading, _ in whole)
    listed = whole if enough else _best(distinct)
    return [_suggestion(column, reading, count, counts.rejected, alone) for reading, count in listed]


def _best(pairs: Sequence[tuple[Reading, ReadingCount]]) -> list[tuple[Reading, ReadingCount]]:
    """The readings that fix most; those that make cells empty compete only with each other."""
    ranked = sorted(pairs, key=lambda pair: -pair[1].fixes)
    keeping, blanking = ([pair for pair in ranked if bool(pair[1].blanks) is blanks] for blanks in (False, True))
    return [*keeping[:MAX_LISTED], *blanking[:MAX_BLANKING]]


def _without_repetitions(pairs: Sequence[tuple[Reading, ReadingCount]]) -> Iterator[tuple[Reading, ReadingCount]]:
    """Readings without those that do what a simpler one does, or that fix less than a part of them does."""
    kept: list[tuple[Reading, ReadingCount]] = []
    for reading, count in pairs:
        same = any(other[:3] == count[:3] and not _swap_days(known, reading) for known, other in kept)
        keys = reading.rule.translation.items()
        needless = any(
            all(item in keys for item in simpler.rule.translation.items()) and other.fixes > count.fixes
            for simpler, other in kept
        )
        if not same and not needless:
            kept.append((reading, count))
            yield reading, count


def _swap_days(one: Reading, other: Reading) -> bool:
    """Whether one reads the day first and the other the month: the next file shows which is right, if not this one."""
    return {re.sub("[^dm]", "", reading.rule.date or "") for reading in (one, other)} == {"dm", "md"}


def _suggestion(column: MappedColumn, reading: Reading, count: ReadingCount, of: int, alone: bool) -> Suggestion:
    translation = reading.rule.translation
    for cleaner in cleaners_of(column.field) if column.field else ():
        if (cleaner, "") not in count.used:
            del translation[cleaner]
    if values := translation.pop("values", {}):
        used = {key: value for key, value in values.items() if ("values", key) in count.used}
        translation |= {"values": used} if used else {}
    gives_consent = any(_gives_consent(column.field, value) for value in translation.get("values", {}).values())
    certain = (
        alone
        and reading.may_be_certain
        and count.fixes == of
        and not count.blanks
        and not gives_consent
        and (reading.proof is None or count.proved)
    )
    return Suggestion(column, translation, of, count.fixes, count.blanks, certain)


def _gives_consent(field: Field | None, value: str) -> bool:
    """Whether it is a consent, which is neither the weakest value, such as `none`, nor the strongest, a refusal."""
    consent = field.consent if field and field.consent else ()
    return value == CONSENT or value in (consent[1:-1] if len(consent) > 2 else consent[:-1])


def suggest_for_file(
    columns: Sequence[MappedColumn], chunks: Iterable[Counts], with_both_signs: Sequence[MappedColumn] = ()
) -> list[Suggestion]:
    """The suggestions for every column, from the counts of all chunks by column position."""
    total: dict[int, ColumnCounts] = {}
    for counts in chunks:
        for position, count in counts.items():
            total[position] = total[position].plus(count) if position in total else count
    return [
        each
        for column in columns
        if column.position in total
        for each in suggest(column, total[column.position], column in with_both_signs)
    ]
