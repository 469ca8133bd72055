"""Date formats of other programs, such as `m/d/yyyy`, as regular expressions."""

import re

SERIAL = "serial"
ISO = "yyyy-mm-dd"

# Month names in English and Spanish, short and long, with the number of the month.
MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "jan january ene enero",
            "feb february febrero",
            "mar march marzo",
            "apr april abr abril",
            "may mayo",
            "jun june junio",
            "jul july julio",
            "aug august ago agosto",
            "sep sept september set septiembre setiembre",
            "oct october octubre",
            "nov november noviembre",
            "dec december dic diciembre",
        ),
        start=1,
    )
    for name in names.split()
}
_NAME = "|".join(sorted(MONTHS, key=len, reverse=True))

_TOKENS = {
    "yyyy": r"(?P<y>[0-9]{4})",
    "yy": r"(?P<y>[0-9]{2})",
    "mmm": rf"(?P<m>(?i:{_NAME}))\.?",
    "mm": r"(?P<m>0[1-9]|1[0-2])",
    "m": r"(?P<m>0?[1-9]|1[0-2])",
    "dd": r"(?P<d>0[1-9]|[12][0-9]|3[01])",
    "d": r"(?P<d>0?[1-9]|[12][0-9]|3[01])",
}
_SEPARATORS = "/.-, "
_PARTS = re.compile(r"yyyy|yy|mmm|mm?|dd?|.", re.DOTALL)


def swapped_pattern(format: str) -> str | None:
    """The pattern of dates in this format that exist only with day and month exchanged; None if it names the month."""
    parts = _PARTS.findall(format)
    if format == SERIAL or "mmm" in parts:
        return None
    digits = {"y": "[0-9]{2,4}", "m": "(?:1[3-9]|2[0-9]|3[01])", "d": "(?:0?[1-9]|1[0-2])"}
    return "^" + "".join(digits[part[0]] if part in _TOKENS else re.escape(part) for part in parts) + "$"


def date_pattern(format: str) -> str:
    """The pattern of a date in this format, with the groups y, m and d; `ValueError` says what to correct.

    `serial` is the number of a day as spreadsheets store it, with the group n. Five digits are read, 1927 to
    2173: four digits may be a year.
    """
    if format == SERIAL:
        return "^(?P<n>[1-9][0-9]{4})$"
    parts = _PARTS.findall(format)
    kinds = [part[0] for part in parts if part in _TOKENS]
    separators = [part for part in parts if part not in _TOKENS]
    if sorted(kinds) != ["d", "m", "y"] or any(each not in _SEPARATORS for each in separators):
        raise ValueError(
            f"{format!r} is no date format; write yyyy or yy, m, mm or mmm (a name), and d or dd, each once, "
            f"with / . - , or a space between them, such as m/d/yyyy; or {SERIAL}, for the numbers of a spreadsheet"
        )
    if len(separators) < 2 and {"m", "d", "yy"} & set(parts):
        raise ValueError(f"{format!r} can be read in two ways; write yyyy, mm and dd, or put separators between them")
    if kinds == ["y", "d", "m"] and "-" in separators and "yyyy" in parts:
        raise ValueError(f"{format!r} looks like yyyy-mm-dd, the format of corrected dates; have it exported otherwise")
    return "^" + "".join(_TOKENS.get(part, re.escape(part)) for part in parts) + "$"
