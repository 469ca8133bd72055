"""Date formats of other programs, such as `m/d/yyyy`, as regular expressions."""

import re

_TOKENS = {
    "yyyy": r"(?P<y>[0-9]{4})",
    "mm": r"(?P<m>0[1-9]|1[0-2])",
    "m": r"(?P<m>0?[1-9]|1[0-2])",
    "dd": r"(?P<d>0[1-9]|[12][0-9]|3[01])",
    "d": r"(?P<d>0?[1-9]|[12][0-9]|3[01])",
}
_SEPARATORS = "/.- "


def date_pattern(format: str) -> str:
    """The pattern of a date in this format, with the groups y, m and d; `ValueError` says what to correct."""
    parts = re.findall(r"yyyy|mm?|dd?|.", format, re.DOTALL)
    kinds = [part[0] for part in parts if part in _TOKENS]
    separators = [part for part in parts if part not in _TOKENS]
    if sorted(kinds) != ["d", "m", "y"] or any(each not in _SEPARATORS for each in separators):
        raise ValueError(
            f"{format!r} is no date format; write yyyy, m or mm, and d or dd, each once, with / . - or a space "
            "between them, such as m/d/yyyy (years of two digits are not read: their century is unknown)"
        )
    if len(separators) < 2 and {"m", "d"} & set(parts):
        raise ValueError(f"{format!r} can be read in two ways; write mm and dd, or put separators between the parts")
    if kinds == ["y", "d", "m"] and "-" in separators:
        raise ValueError(f"{format!r} looks like yyyy-mm-dd, the format of corrected dates; have it exported otherwise")
    return "^" + "".join(_TOKENS.get(part, re.escape(part)) for part in parts) + "$"
