"""Messages about rejected cells and records: what is wrong, and what to write instead.

They quote the contact's value. They go to the rejected file, the warehouse and the artifacts that people review,
never to a log or an exception.
"""

import re
from collections.abc import Callable

from schemas.cells.decimals import DECIMAL, SIGNIFICANT_DIGITS
from schemas.cells.emails import INVISIBLE, explain_invalid_email
from schemas.cells.phones import MAX_LENGTH, example_phone, plus_reading, read_phone, to_e164
from schemas.field_types import FieldType
from schemas.fields import Field, header_key
from schemas.nearest_name import nearest_name
from schemas.presets.model import ColumnRule
from schemas.validation.checks import DATE, FORMULA
from schemas.validation.rules import EXPECTED, Rule
from transforms.cells.translate import EXTENSION, POINT_ZERO, TWO_PHONES, YEARLESS, titles

MAX_QUOTED_LENGTH = 60
_MIN_SIMILARITY = 0.6  # from 0 to 1; an option that is less similar is not suggested
MAX_LISTED = 5  # wrong options of one cell that a message names
MAX_KNOWN_OPTIONS = 20  # valid options that a message names

_OTHER_DIGITS = re.compile(r"[\W\d_]*[^\D0-9][\W\d_]*")
_EXPONENT = re.compile(r"-?[0-9](?:[.,](?P<decimals>[0-9]+)E\+?|E\+)(?P<exponent>[0-9]{1,3})", re.IGNORECASE | re.ASCII)
_SPREADSHEET_ERROR = re.compile(r"#(?:#+|N/[AD]|NV|[¡¿]?[\w/]+[!?])", re.IGNORECASE)  # in any language: #¡VALOR!
_DAY_FIRST = re.compile(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}", re.ASCII)
_DAY_AND_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{1,2}:.*?)(Z|[+-]00:?00)?", re.ASCII)


def quoted(value: str) -> str:
    """A value in quotes, shortened if it is long."""
    text = value if len(value) <= MAX_QUOTED_LENGTH else f"{value[:MAX_QUOTED_LENGTH]}…"
    return f"'{text}'"


def _general_problem(value: str) -> str | None:
    """What is wrong with a cell of any type but text, and what to do."""
    if found := INVISIBLE.search(value):
        return f"{quoted(value)} has the invisible character U+{ord(found[0]):04X}"
    if _OTHER_DIGITS.fullmatch(value):
        return f"{quoted(value)} is not written with the digits 0 to 9"
    if _SPREADSHEET_ERROR.fullmatch(value):
        next_step = "correct its formula" if value.strip("#") else "widen its column"
        return f"{quoted(value)} is an error of a spreadsheet; {next_step} there and export again"
    if found := _EXPONENT.fullmatch(value):
        is_lost = len(found["decimals"] or "") < int(found["exponent"])
        problem = "has lost its digits in a spreadsheet" if is_lost else "is written with an exponent"
        return f"{quoted(value)} {problem}; format the column as text or number there, and export again"
    return None


def _phone_invalid(value: str, field: Field, prefix: str) -> str:
    shown = quoted(value)
    if len(value) > MAX_LENGTH:
        return f"{shown} is too long for a phone; write a number such as {example_phone(prefix)}"
    if re.search(TWO_PHONES, value):
        return f"{shown} has two numbers; write one of them"
    without = re.sub(EXTENSION, "", value)
    digits = re.sub(r"[-().\s]", "", re.sub(POINT_ZERO, r"\1", without))
    if (phone := read_phone(digits, prefix)) is not None:
        problem = "an extension" if without != value else "characters other than digits"
        return f"{shown} has {problem}; write {phone}"
    if plus_reading(digits, prefix) is not None:
        return _two_meanings(shown, digits, prefix)
    if re.search(r"[^\W\d_]", value):
        return f"{shown} has letters; write a number such as {example_phone(prefix)}"
    if value.lstrip("(").startswith(("+", "00")):
        return f"{shown} is not a valid phone; check its digits, and its prefix"
    return (
        f"{shown} is not a valid phone after the prefix {prefix}; check its digits, or write it with "
        f"its own international prefix, such as {example_phone(prefix)}"
    )


def _text_invalid(value: str, field: Field, prefix: str) -> str:
    if formula := re.fullmatch(FORMULA, value):
        return f"{quoted(value)} is the formula of a spreadsheet; write {quoted(formula[1])} alone"
    return f"{quoted(value)} contains a NUL character; remove it"


def _phone_has_spaces(value: str, field: Field, prefix: str) -> str:
    if phone := read_phone("".join(value.split()), prefix):
        return f"{quoted(value)} has spaces; write {phone}"
    return f"{quoted(value)} has spaces and{_phone_invalid(value, field, prefix).removeprefix(quoted(value))}"


def _phone_ambiguous(value: str, field: Field, prefix: str) -> str:
    return _two_meanings(quoted(value), value, prefix)


def _two_meanings(shown: str, digits: str, prefix: str) -> str:
    plus, national = plus_reading(digits, prefix), to_e164(digits, prefix)
    written = f"0{digits}" if to_e164(f"0{digits}", prefix) == national else national
    return f"{shown} may be {plus}, or {national} with the prefix {prefix}; write {plus} or {written}"


def _decimal_ambiguous(value: str, field: Field, prefix: str) -> str:
    return (
        f"{quoted(value)} may be {value.replace('.', '')} or {value}, since other numbers of the column have a decimal "
        f"comma; write {value.replace('.', '')} or {value}0"
    )


def _date_invalid(value: str, field: Field, prefix: str) -> str:
    shown = quoted(value)
    if re.fullmatch(r"0+[-/.]0+[-/.]0+(?: .*)?", value):
        return f"{shown} is no date; write yyyy-mm-dd"
    if re.fullmatch(YEARLESS, value):
        return f"{shown} has no year; write the date with its year, as in 1990-12-31"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII) or _exists_in_no_order(value):
        return f"{shown} is a day that does not exist; correct the day or the month"
    if _DAY_FIRST.fullmatch(value):
        return f"{shown} may have its day or its month first; write yyyy-mm-dd"
    if found := _DAY_AND_TIME.fullmatch(value):
        if found[3] and re.search("[1-9]", found[2]):
            return f"{shown} has a time in UTC, and may be another day where you are; write the right day alone"
        return f"{shown} has a time; write the day alone: {found[1]}"
    if re.search(r"[/.\- ][0-9]{2}$", value):
        return f"{shown} has a year of two digits; write yyyy-mm-dd, such as 1990-12-31"
    return f"{shown} is not an ISO date; write yyyy-mm-dd, such as 1990-12-31"


def _exists_in_no_order(value: str) -> bool:
    """Whether it is a day, a month and a year in numbers, but no day of any calendar in any order."""
    found = re.fullmatch(r"([0-9]{1,4})[/.-]([0-9]{1,2})[/.-]([0-9]{1,4})", value, re.ASCII)
    if not found or (len(found[1]) == 4) == (len(found[3]) == 4):
        return False
    year, *rest = (found[1], found[2], found[3]) if len(found[1]) == 4 else (found[3], found[1], found[2])
    return not any(re.search(DATE, f"{year}-{month:0>2}-{day:0>2}") for month, day in (rest, reversed(rest)))


def _integer_invalid(value: str, field: Field, prefix: str) -> str:
    if re.fullmatch(r"[1-9][0-9]*", value, re.ASCII):
        return f"{quoted(value)} is too large; write at most 9223372036854775807"
    return f"{quoted(value)} is not a whole number above 0; write only digits, without zeros in front"


def _decimal_invalid(value: str, field: Field, prefix: str) -> str:
    point = value.replace(",", ".", 1)
    digits = re.sub(r"^-?[0.]*|\.", "", point)
    if re.fullmatch(r"-?[1-9][0-9]{0,2},[0-9]{3}", value, re.ASCII):
        return f"{quoted(value)} may be {point} or {value.replace(',', '')}; write the right one"
    if re.search(DECIMAL, point) and point != value and len(digits) <= SIGNIFICANT_DIGITS:
        return f"{quoted(value)} has a decimal comma; write {point}"
    if re.fullmatch(r"\([0-9.,]+\)", value):
        return f"{quoted(value)} may be a negative number; write it with - or without brackets"
    if re.search(DECIMAL, point):
        return f"{quoted(value)} has more than 15 significant digits; write a rounded number"
    return f"{quoted(value)} is not a decimal; write digits with a point, such as 12.50"


def _option_unknown(value: str, field: Field, prefix: str) -> str:
    if field.type is FieldType.CHECKBOX and value.startswith("["):
        return f"{quoted(value)} is a list in brackets; write the options with '|' between them"
    parts, next_step = [value], []
    if field.type is FieldType.CHECKBOX:
        parts = value.split("|")
        if signs := signs_between_options(value, field):
            parts = [part.strip() for part in re.split("|".join(map(re.escape, ["|", *signs])), value)]
            parts, next_step = list(filter(None, parts)) or [value], ["separate the options with '|'"]
    wrong = list(dict.fromkeys(part for part in parts if part not in field.option_places))
    more = [f"and {len(wrong) - MAX_LISTED} more"] if len(wrong) > MAX_LISTED else []
    problems = dict.fromkeys(_wrong_option(part, field) for part in wrong[:MAX_LISTED])
    return "; ".join([*(problems or [f"{quoted(value)} has several values"]), *more, *next_step])


def signs_between_options(cell: str, field: Field) -> list[str]:
    """The signs that seem to separate several values of a checkbox cell, beside `|`: no option contains them."""
    return [sign for sign in field.signs_in_no_option if sign in cell]


def _wrong_option(part: str, field: Field) -> str:
    if not part.strip():
        return "an option between two '|' is empty; remove one '|'"
    key = header_key(part)
    if key and (option := field.options_by_key.get(key)):
        is_label = key == header_key(option.label) and part != option.id
        kind = "a label" if is_label else "not written as the option is"
        return f"{quoted(part)} is {kind}; write the ID '{option.id}'"
    near = None if field.is_consent else nearest_name(key, field.option_ids, at_least=_MIN_SIMILARITY)
    if near:
        return f"{quoted(part)} is not an option; did you mean '{near}'?"
    known = ", ".join(field.option_ids[:MAX_KNOWN_OPTIONS])
    return f"{quoted(part)} is not an option; write one of: {known}"


def _message(problem: str) -> Callable[[str, Field, str], str]:
    return lambda value, field, prefix: f"{quoted(value)} {problem}"


_MESSAGES: dict[Rule, Callable[[str, Field, str], str]] = {
    Rule.EMAIL_MISSING: lambda value, field, prefix: "the email is empty; write it, because it identifies the contact",
    Rule.EMAIL_INVALID: lambda value, field, prefix: (
        f"{quoted(value)} is not a valid email: {explain_invalid_email(value)}"
    ),
    Rule.VALUE_MISSING: lambda value, field, prefix: f"{field.label or field.id} is empty; write a value",
    Rule.TEXT_INVALID: _text_invalid,
    Rule.PHONE_HAS_SPACES: _phone_has_spaces,
    Rule.PHONE_INVALID: _phone_invalid,
    Rule.PHONE_AMBIGUOUS: _phone_ambiguous,
    Rule.DATE_INVALID: _date_invalid,
    Rule.INTEGER_INVALID: _integer_invalid,
    Rule.DECIMAL_INVALID: _decimal_invalid,
    Rule.DECIMAL_AMBIGUOUS: _decimal_ambiguous,
    Rule.BOOLEAN_INVALID: _message("is neither true nor false; write true, false, 1 or 0"),
    Rule.OPTION_UNKNOWN: _option_unknown,
}


_FOREIGN_FORM = {
    Rule.EMAIL_INVALID: "is not an address alone",
    Rule.PHONE_HAS_SPACES: "has spaces",
    Rule.PHONE_INVALID: "has characters other than digits",
    Rule.DATE_INVALID: "is not an ISO date",
    Rule.INTEGER_INVALID: "is not written in digits alone",
    Rule.DECIMAL_INVALID: "is not written with a decimal point alone",
    Rule.BOOLEAN_INVALID: "is neither true nor false",
    Rule.OPTION_UNKNOWN: "has several values, which must be separated by '|'",
}


def explain_cell(rule: Rule, value: str, field: Field, prefix: str, meant: str | None = None) -> str:
    """Why a cell was rejected, and what to write: `meant`, if the cell can be read in one way only."""
    problem = _general_problem(value) if field.type is not FieldType.TEXT and value else None
    if meant is None or not _has_foreign_form(rule, value, field):
        return problem or _MESSAGES[rule](value, field, prefix)
    return f"{problem or f'{quoted(value)} {_FOREIGN_FORM[rule]}'}; write {meant}"


def _has_foreign_form(rule: Rule, value: str, field: Field) -> bool:
    """Whether the cell is only written in another form. The messages of other cells say more than `_FOREIGN_FORM`."""
    if field.type is FieldType.CHECKBOX:
        return rule in _FOREIGN_FORM and re.search("[,;/]", value) is not None
    return rule in _FOREIGN_FORM and field.type is not FieldType.RADIO


def explain_rule(rule: ColumnRule) -> str:
    """What is read in a column in addition to the rules' own format."""
    return f"(translated in this column: {', '.join(titles(rule)[:MAX_LISTED])})"


def explain_row(rule: Rule, cells: int | None, width: int, has_lone_cr: bool = False) -> str:
    """Why a record could not be read as a row of cells. `cells` is None if the record may not be shown."""
    if rule in (Rule.ROW_TOO_SHORT, Rule.ROW_TOO_LONG):
        too_many = "few" if rule is Rule.ROW_TOO_SHORT else "many"
        has = f"too {too_many} cells" if cells is None else f"{cells} cell{'s' * (cells != 1)}"
        return f"the record has {has}; the header has {width} columns, so write {width} cells"
    if rule is Rule.ROW_BAD_QUOTING:
        if has_lone_cr:
            return (
                "a carriage return (CR) is outside quotes, or a quote is not closed; quote the cell, or remove the CR"
            )
        return (
            "a quote is not closed where its cell ends, or quotes inside cells may enclose a delimiter; put the whole "
            "cell in quotes, and double the quotes inside"
        )
    return f"the record's bytes are not {EXPECTED[rule]}; correct them, or name the file's --encoding"


def explain_remaining_code(rule: Rule) -> str:
    """Why a record of a rejected file is rejected again."""
    return f"rejection_codes still says {rule}; correct the record and clear that cell"


def explain_duplicate(other: int, kept: bool) -> str:
    """Which record has the same email, and whether that one was kept."""
    if kept:
        return f"record {other} has the same email and was kept; correct one of the emails to import both"
    return f"several records have this email, record {other} first, and none was kept; remove all but one"
