"""Dates as other programs write them: a format such as `m/d/yyyy`, as the pattern of such a date."""

import re

_TOKENS = {
    "yyyy": r"(?P<y>[0-9]{4})",
    "mm": r"(?P<m>0[1-9]|1[0-2])",
    "m": r"(?P<m>0?[1-9]|1[0-2])",
    "dd": r"(?P<d>0[1-9]|[12][0-9]|3[01])",
    "d": r"(?P<d>0?[1-9]|[12][0-9]|3[01])",
}
_SIGNS = "/.- "


def date_pattern(format: str) -> str:
    """The pattern of a date in this format, its groups called y, m and d; `ValueError` says what is wrong with it."""
    parts = re.findall(r"yyyy|mm?|dd?|.", format, re.DOTALL)
    kinds = [part[0] for part in parts if part in _TOKENS]
    signs = [part for part in parts if part not in _TOKENS]
    if sorted(kinds) != ["d", "m", "y"] or any(sign not in _SIGNS for sign in signs):
        raise ValueError(
            f"{format!r} is no date format; write yyyy, m or mm, and d or dd, each once, with / . - or a space "
            "between them, such as m/d/yyyy (years of two digits are not read: the century would be a guess)"
        )
    if len(signs) < 2 and {"m", "d"} & set(parts):
        raise ValueError(f"{format!r} can be read in two ways; write mm and dd, or put signs between the parts")
    if kinds == ["y", "d", "m"] and "-" in signs:
        raise ValueError(f"{format!r} looks like yyyy-mm-dd, as mended dates are written; it cannot be told apart")
    return "^" + "".join(_TOKENS.get(part, re.escape(part)) for part in parts) + "$"
