"""Translations: turn the cells of a column from another program's format into the one that the rules require.

They run before normalising and change only what they can read; any other cell stays as it is, for the rules to
judge. A cell that is valid already stays too, so a corrected file imports.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells.dates import MONTHS, SERIAL, date_pattern
from schemas.cells.emails import INVISIBLE
from schemas.field_types import FieldType
from schemas.presets.model import ColumnRule
from schemas.validation.checks import DATE, FORMULA, WHITE_SPACE

Cells: TypeAlias = pa.ChunkedArray
SAMPLE_ROWS = 10_000

_PHONE_SIGNS = " -().\t/"
# Two numbers in one cell, which are never joined: six digits or more before a slash or the like, and after it as many.
# After a slash, one to three digits replace the last ones of the first number.
_SIX_DIGITS = r"(?:[0-9][\s.()-]{0,2}){5}[0-9]\)?"
_BETWEEN_PHONES = r"(?:\s?[/,;|\n]\s?|\s-\s|\s(?i:y|e|i|o|ou|et|or|and|und|oder)\s)"
TWO_PHONES = rf"{_SIX_DIGITS}(?:{_BETWEEN_PHONES}[+(]{{0,2}}{_SIX_DIGITS}|\s?/\s?[0-9]{{1,3}}$)"
_TRUNK_ZERO = r"^((?:\+|00)[ ]*[0-9]{1,3}[ ]*)\(0\)"
POINT_ZERO = r"^(\+?[0-9]+)\.0$"  # a number that a spreadsheet stored as a decimal
_ENDS_WITH_ZERO = r"^\+?[0-9 ()/-]+\.0$"  # the zero is no digit of the phone
EXTENSION = r"(?i)[ ,;]*(?:ext(?:ension)?\.?|extensi[oó]n|x|#|;ext=)[ .:]*[0-9]{1,6}$"
_NAME_AND_ADDRESS = r"^[\s\"']*(?P<text>[^<>]*?)[\s\"']*<\s*(?P<address>[^<>\s]+)\s*>[;,.]*$"
_LINK = r"^\[(?P<text>[^\]]*)\]\((?i:mailto:)?(?P<address>[^)]*)\)$"
# A link; brackets and quotes around an address; punctuation after it.
_AROUND_ADDRESS = (
    r"^(?i:mailto:)\s*([^?\s]+)(?:\?.*)?$",
    r"^[\[({\"'<]+([^\s\[\](){}\"'<>]+)[\])}\"'>]+[;,.]*$",
    r"^([^\s]*[^\s;,.:])[;,.:]+$",
)
# Control characters, and those of which nothing shows.
_INVISIBLE = rf"[\x{{00}}-\x{{08}}\x{{0B}}\x{{0C}}\x{{0E}}-\x{{1F}}\x{{7F}}-\x{{9F}}]|{INVISIBLE.pattern}"
_CURRENCY = r"(?:[€$£¥₹]|EUR|USD|GBP|CHF|BRL|MXN|JPY|R\$|kr\.?)"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?"
_TIME = rf"(?i)(?:T| +)[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?(?: ?[ap]\.?m\.?)?{_ZONE}$"
_MIDNIGHT = rf"(?i)(?:T| +)(?:0?0:00(?::00(?:\.0+)?)?|12:00(?::00)? ?a\.?m\.?){_ZONE}$"
YEARLESS = (
    r"^(?:--|0000-)(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$"
    r"|^(?:0?[1-9]|1[0-2])[/.-](?:0?[1-9]|[12][0-9]|3[01])$|^(?:0?[1-9]|[12][0-9]|3[01])[/.-](?:0?[1-9]|1[0-2])$"
)
_DAY_ZERO = np.datetime64("1899-12-30")  # day 0 of a spreadsheet, for every day after its false 29 February 1900
_FIRST_YY = 30  # of two-digit years, as spreadsheets read them: 30 is 1930, 29 is 2029
_OTHER_PHONE_SIGNS = rf"(?:{WHITE_SPACE}|[\x{{2010}}-\x{{2015}}])+"
_THOUSANDS = {" ": r"[ \x{00A0}\x{2009}\x{202F}]", "'": "['\u2019]", ".": r"\.", ",": ","}


class Changes(NamedTuple):
    """Which translations of a step changed which cells, as pairs of a row and the place of a title.

    A mask of each translation would need a byte for each cell and each of thousands of values.
    """

    rows: np.ndarray
    places: np.ndarray


class TranslationStep(NamedTuple):
    """Translations of a column that run together.

    `titles` are their names in the report, which tell all that they do. `apply` returns the cells and what changed.
    """

    titles: tuple[str, ...]
    apply: Callable[[Cells], tuple[Cells, Changes]]


class TranslationResult(NamedTuple):
    """The cells after all translations of a column, and how many cells each of them changed."""

    cells: Cells
    counts: tuple[int, ...]


def titles(rule: ColumnRule) -> tuple[str, ...]:
    """The names of a column's translations for the report, in the order in which they run."""
    return tuple(title for step in steps_of(rule, FieldType.TEXT) for title in step.titles)


def translate(cells: Cells, rule: ColumnRule, type: FieldType) -> TranslationResult:
    """Run a column's translations; nulls (the cells of malformed records) stay null.

    If values repeat, as in statuses and dates, each distinct value is translated once.
    """
    cells = pc.utf8_trim_whitespace(cells)
    steps = list(steps_of(rule, type))
    if not (_splits_values(rule, type) or _repeats(cells)):
        return _run(cells, steps, np.ones(len(cells), np.int64))
    coded = cells.combine_chunks().dictionary_encode()
    times = np.bincount(np.asarray(coded.indices.drop_null()), minlength=len(coded.dictionary))
    distinct, counts = _run(pa.chunked_array([coded.dictionary]), steps, times)
    return TranslationResult(distinct.take(coded.indices), counts)


def _repeats(cells: Cells) -> bool:
    sample = cells.slice(0, SAMPLE_ROWS)
    return 2 * int(pc.count_distinct(sample).as_py()) < len(sample)


def _run(cells: Cells, steps: Iterable[TranslationStep], times: np.ndarray) -> TranslationResult:
    """Run the steps on distinct cells; `times` is how often each one occurs."""
    counts: list[int] = []
    for step in steps:
        cells, changed = step.apply(cells)
        counts += np.bincount(changed.places, times[changed.rows], len(step.titles)).astype(np.int64).tolist()
    return TranslationResult(cells, tuple(counts))


def steps_of(rule: ColumnRule, type: FieldType) -> Iterator[TranslationStep]:
    """The order matters: each step may make a cell readable for the next one. Titles do not depend on the type."""
    separator = rule.trimmed_separator
    if rule.formula:
        yield _step('the ="…" of a spreadsheet taken off', lambda it: pc.replace_substring_regex(it, FORMULA, r"\1"))
    if rule.invisible:
        yield _step("invisible characters taken out", _remove_invisible)
    if rule.apostrophe:
        yield _step("a leading ' taken off", _remove_apostrophe)
    if separator and rule.take:
        yield _step(f"the first of several values ({separator})", lambda it: _first_value(it, separator))
    if rule.email:
        yield _step("the address of a name or link", _plain_email)
    if rule.point_zero:
        yield _step("'.0' taken off whole numbers", lambda it: pc.replace_substring_regex(it, POINT_ZERO, r"\1"))
    if rule.extension:
        yield _step("extensions taken off phones", _remove_extension)
    if rule.phone:
        yield _step("spaces and signs out of phones", _plain_phone)
    if rule.plus:
        yield _step("'+' before phones", lambda it: pc.replace_substring_regex(it, r"^([1-9][0-9]{6,14})$", r"+\1"))
    if separator and not rule.take:
        yield _step(f"several values: {separator!r} to '|'", lambda it: _join_with_pipes(it, separator))
    if pairs := rule.values.items():
        named = tuple(_value_title(key, target) for key, target in pairs)
        valued = _map_parts if _splits_values(rule, type) else _map_values
        yield TranslationStep(named, lambda cells: valued(cells, rule.values))
    if rule.yearless:
        yield _step("dates without a year to blank", lambda it: pc.replace_substring_regex(it, YEARLESS, ""))
    if rule.time:
        title, pattern = ("midnight", _MIDNIGHT) if rule.time == "midnight" else ("times", _TIME)
        yield _step(f"{title} taken off dates", lambda it: _remove_time(it, pattern))
    if rule.date:
        format = rule.date
        yield _step(f"dates as {format}", lambda cells: _iso_dates(cells, format))
    if rule.currency:
        yield _step("currency signs taken off numbers", _remove_currency)
    if rule.decimal or rule.thousands:
        decimal, thousands = rule.number_signs
        grouped = f", {thousands!r} between thousands" if thousands else ""
        # Without a sign that the rule names, the zeros of 12.000 may be a thousand.
        drops_zeros = type is FieldType.INTEGER and rule.decimal is not None
        yield _step(
            f"numbers with {decimal!r} before decimals{grouped}",
            lambda it: _numbers(it, decimal, thousands, drops_zeros=drops_zeros),
        )


def _value_title(key: str, target: str) -> str:
    if key.casefold() == target.casefold():
        return f"{target!r} in another letter case"
    return f"{key!r} to {target!r}" if target else f"{key!r} to blank"


def _splits_values(rule: ColumnRule, type: FieldType) -> bool:
    """Whether a cell may have several values, of which each is translated."""
    return bool((rule.separator and not rule.take) or (rule.values and type is FieldType.CHECKBOX))


def _step(title: str, change: Callable[[Cells], Cells]) -> TranslationStep:
    def apply(cells: Cells) -> tuple[Cells, Changes]:
        after = change(cells)
        rows = _changed_rows(cells, after)
        return after, Changes(rows, np.zeros_like(rows))

    return TranslationStep((title,), apply)


def _changed_rows(before: Cells, after: Cells) -> np.ndarray:
    return np.flatnonzero(np.asarray(pc.fill_null(pc.not_equal(before, after), False)))


def _where(mask: Cells, changed: Cells, cells: Cells) -> Cells:
    return pc.if_else(pc.fill_null(mask, False), changed, cells)


def _remove_apostrophe(cells: Cells) -> Cells:
    """Only before numbers and phones, so that a name such as 't Hooft stays."""
    return pc.replace_substring_regex(cells, r"^'+([+0-9])", r"\1")


def _first_value(cells: Cells, separator: str) -> Cells:
    if not pc.any(pc.match_substring(cells, separator)).as_py():
        return cells
    first = pc.utf8_trim_whitespace(pc.list_element(pc.split_pattern(cells, separator, max_splits=1), 0))
    return _where(pc.greater(pc.binary_length(first), 0), first, cells)


def _remove_invisible(cells: Cells) -> Cells:
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(cells, _INVISIBLE, ""))


def _plain_email(cells: Cells) -> Cells:
    """The address in `Name <a@b>`, `mailto:a@b`, a link or brackets, or before punctuation; never one of several."""
    plain = cells
    # What may be a second address, unless it is the same one: any text of a link, and a name with an address in it.
    for pattern, second in ((_LINK, ""), (_NAME_AND_ADDRESS, r"[^\s@]@[^\s@]")):
        found = pc.extract_regex(cells, pattern)
        text, address = (pc.struct_field(found, name) for name in ("text", "address"))
        same = pc.equal(pc.utf8_lower(text), pc.utf8_lower(address))
        plain = _where(pc.or_(same, pc.invert(pc.match_substring_regex(text, second))), address, plain)
    for pattern in _AROUND_ADDRESS:
        plain = pc.replace_substring_regex(plain, pattern, r"\1")
    return _where(pc.equal(pc.count_substring(plain, "@"), 1), plain, cells)


def _remove_extension(cells: Cells) -> Cells:
    """Phones without their extension; other cells stay as they are."""
    shorter = pc.utf8_trim_whitespace(pc.replace_substring_regex(cells, EXTENSION, ""))
    return _where(pc.match_substring_regex(shorter, r"^[+(0-9][0-9 ().\-/]{5,}$"), shorter, cells)


def _plain_phone(cells: Cells) -> Cells:
    """Digits alone, with a `+` where there is one; full-width digits count as digits."""
    plain = cells
    if not pc.all(pc.string_is_ascii(plain)).as_py():
        plain = pc.utf8_normalize(plain, "NFKC")
    plain = pc.replace_substring_regex(plain, "^(?i:tel:) *", "")
    plain = pc.replace_substring_regex(plain, _TRUNK_ZERO, r"\1")
    other = pc.match_substring_regex(plain, rf"{TWO_PHONES}|{_ENDS_WITH_ZERO}")
    for sign in _PHONE_SIGNS:
        plain = pc.replace_substring(plain, sign, "")
    if not pc.all(pc.string_is_ascii(plain)).as_py():
        plain = pc.replace_substring_regex(plain, _OTHER_PHONE_SIGNS, "")
    return _where(pc.and_(pc.match_substring_regex(plain, r"^\+?[0-9]+$"), pc.invert(other)), plain, cells)


def _join_with_pipes(cells: Cells, separator: str) -> Cells:
    if not pc.any(pc.match_substring(cells, separator)).as_py():
        return cells
    parts = pc.split_pattern(cells, separator)
    trimmed = pa.chunked_array(
        [
            pa.ListArray.from_arrays(chunk.offsets, pc.utf8_trim_whitespace(chunk.values), mask=pc.is_null(chunk))
            for chunk in parts.chunks
        ],
        pa.list_(pa.string()),
    )
    return pc.binary_join(trimmed, "|")


def _map_values(cells: Cells, values: dict[str, str]) -> tuple[Cells, Changes]:
    keys = pc.utf8_lower(pc.utf8_trim_whitespace(pa.array(values, pa.string())))
    found = pc.index_in(pc.utf8_lower(cells), value_set=keys)
    after = pc.coalesce(pa.array(values.values(), pa.string()).take(found), cells)
    rows = _changed_rows(cells, after)
    return after, Changes(rows, np.asarray(pc.fill_null(found, -1))[rows])


def _map_parts(cells: Cells, values: dict[str, str]) -> tuple[Cells, Changes]:
    """Map a whole cell, or else each part of cells with several values; a part that is mapped to blank is removed."""
    indexes = {key.strip().lower(): index for index, key in enumerate(values)}
    targets = list(values.values())
    after, rows, places = [], list[int](), list[int]()
    for row, cell in enumerate(cells.to_pylist()):
        names = [cell] if cell.lower() in indexes else cell.split("|")
        parts = [(part, indexes.get(part.lower()) if part or len(names) == 1 else None) for part in names]
        mapped = {index for part, index in parts if index is not None and targets[index] != part}
        rows += [row] * len(mapped)
        places += mapped
        result = [part if index is None else targets[index] for part, index in parts]
        after.append("|".join(part for part in result if part or len(result) == 1) if mapped else cell)
    return pa.chunked_array([pa.array(after, pa.string())]), Changes(
        np.array(rows, np.int64), np.array(places, np.int64)
    )


def _remove_time(cells: Cells, pattern: str) -> Cells:
    """Cells without their time, where the rest begins as a date does."""
    shorter = pc.replace_substring_regex(cells, pattern, "")
    return _where(pc.match_substring_regex(shorter, r"^[0-9A-Za-z]{1,9}[/.\- ]"), shorter, cells)


def _iso_dates(cells: Cells, format: str) -> Cells:
    """Dates in ISO form; a day that does not exist stays as it is."""
    found = pc.extract_regex(cells, date_pattern(format))
    if format == SERIAL:
        return _serial_dates(pc.struct_field(found, "n"), cells)
    year, month, day = (pc.struct_field(found, name) for name in "ymd")
    if "yyyy" not in format:
        later = pc.less(pc.cast(year, pa.int64()), _FIRST_YY)
        year = pc.binary_join_element_wise(pc.if_else(later, "20", "19"), year, "")
    if "mmm" in format:
        names = pa.array(MONTHS, pa.string())
        numbers = pa.array([f"{number:02}" for number in MONTHS.values()])
        month = numbers.take(pc.index_in(pc.utf8_lower(month), value_set=names).combine_chunks())
    padded = (pc.utf8_lpad(part, 2, "0") for part in (month, day))
    dates = pc.binary_join_element_wise(year, *padded, "-")
    return _where(pc.match_substring_regex(dates, DATE), dates, cells)


def _serial_dates(numbers: Cells, cells: Cells) -> Cells:
    days = np.asarray(pc.cast(pc.fill_null(numbers, "0"), pa.int64()))
    dates = pa.array(np.datetime_as_string(_DAY_ZERO + days))
    return _where(pc.is_valid(numbers), dates, cells)


def _remove_currency(cells: Cells) -> Cells:
    bare = pc.replace_substring_regex(cells, rf"^(-?)[ \x{{A0}}]*{_CURRENCY}[ \x{{A0}}]*(-?[0-9])", r"\1\2")
    return pc.replace_substring_regex(bare, rf"([0-9])[ \x{{A0}}\x{{202F}}]*{_CURRENCY}$", r"\1")


def _numbers(cells: Cells, decimal: str, thousands: str, *, drops_zeros: bool) -> Cells:
    """Numbers without thousands signs and with a decimal point; `drops_zeros`: without decimals that are zero."""
    group = _THOUSANDS.get(thousands, "")
    whole = rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+" if group else "[0-9]+"
    readable = pc.match_substring_regex(cells, rf"^-?(?:{whole})(?:\{decimal}[0-9]+)?$")
    plain = pc.replace_substring_regex(cells, group, "") if group else cells
    plain = pc.replace_substring(plain, decimal, ".")
    if drops_zeros:
        plain = pc.replace_substring_regex(plain, r"\.0+$", "")
    return _where(readable, plain, cells)
