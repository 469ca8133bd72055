"""Writes presets as YAML, with comments about what a person still has to decide."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import yaml

from schemas.presets.model import Preset

HOW_TO_USE = "# To use a line, remove its '#'. A '#' with a space after it begins a note.\n"
_LINE = 10_000  # characters; so that YAML breaks no line
_LINE_BREAK = re.compile("[\n\x85\u2028\u2029]")
_OTHER_LINE_BREAK = re.compile("[\x85\u2028\u2029]")


class UnmatchedValues(NamedTuple):
    """The values of a column that are no option, with how many cells have each, and the sign between several values."""

    cells: Mapping[str, int] = {}
    separator: str | None = None


@dataclass
class ColumnComments:
    """What is open about one column: `readings` as translations with a remark, and values without a meaning.

    `options` are what the unmatched values can mean.
    """

    readings: list[tuple[Mapping[str, Any], str]] = field(default_factory=list)
    unmatched: UnmatchedValues = field(default_factory=UnmatchedValues)
    options: tuple[str, ...] = ()


def describe_translation(translation: Mapping[str, Any]) -> str:
    """The keys of a preset's column, on one line as YAML writes them."""
    return _flow(dict(translation))[1:-1]


def dump_preset(preset: Preset, comments: Mapping[str, ColumnComments] | None = None) -> str:
    """A preset as YAML that reads back as the same preset. `comments` are by column, in the file's order."""
    content = preset.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    parts = [HOW_TO_USE] if comments else []
    for key, value in content.items():
        if key == "columns":
            parts.append("columns:\n")
            parts += (f"  {line}\n" for line in _columns(value, comments or {}))
        else:
            parts.append(_block({key: value}))
    return "".join(parts)


def _columns(rules: Mapping[str, Any], comments: Mapping[str, ColumnComments]) -> Iterator[str]:
    names = [*dict.fromkeys([*comments, *rules])] if comments else list(rules)
    for name in names:
        open_points = comments.get(name, ColumnComments())
        if name not in rules:
            yield f"#{_flow(name)}:   # not imported; write a field to import it"
        elif open_points.readings or open_points.unmatched.cells:
            yield from _with_comments(name, rules[name], open_points)
        else:
            rule = rules[name]
            yield from _block({name: rule.get("field", "") if set(rule) <= {"field"} else rule}).splitlines()


def _with_comments(name: str, rule: Mapping[str, Any], comments: ColumnComments) -> Iterator[str]:
    """The column, with its open points as lines that count once their `#` is removed."""
    values, separator = rule.get("values"), comments.unmatched.separator
    yield from _block({name: {key: value for key, value in rule.items() if key != "values"}}).splitlines()
    unmatched = [
        f"    #{_flow(value)}: OPTION   # in {cells:,} cell{'' if cells == 1 else 's'}"
        for value, cells in comments.unmatched.cells.items()
    ]
    if unmatched:
        unmatched.insert(0, f"    # OPTION is one of: {', '.join(comments.options)}; or '' for blank")
    for translation, remark in comments.readings:
        yield f"  # {remark}:"
        with_values_last = dict(sorted(translation.items(), key=lambda item: item[0] == "values"))
        yield from (re.sub("^( *)", r"  \1#", line) for line in _block(with_values_last).splitlines())
        if "values" in translation:  # a column has one list of values
            yield from unmatched
            unmatched = []
    if unmatched and separator:
        yield f"  #separator: {_flow(separator)}"
    if values:
        yield from (f"  {line}" for line in _block({"values": values}).splitlines())
    elif unmatched:
        yield "  #values:"
    yield from unmatched


def _block(content: Mapping[str, Any]) -> str:
    """On several lines. If a text has a line break other than LF, all characters beyond ASCII become escapes."""
    dump = partial(yaml.safe_dump, dict(content), sort_keys=False, width=120)
    text = str(dump(allow_unicode=True))
    return str(dump(allow_unicode=False)) if _OTHER_LINE_BREAK.search(text) else text


def _flow(content: Any) -> str:
    """On one line. A text is quoted where YAML needs it."""
    dump = partial(yaml.safe_dump, content, default_flow_style=True, allow_unicode=True, sort_keys=False, width=_LINE)
    text = str(dump()).removesuffix("\n").removesuffix("\n...")
    # In this style, line breaks in texts are written as escapes.
    return str(dump(default_style='"')).removesuffix("\n") if _LINE_BREAK.search(text) else text
