"""Translations added to those of a preset: values that the user names, readings, and those of an earlier import."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from schemas.errors.request import ValueInvalid
from schemas.presets.model import ColumnRule
from transforms.mapping.columns import AddedBy, AddedRule, ColumnMapping, Header, MappedColumn
from transforms.mapping.preset_fit import is_valid_value
from transforms.mapping.suggestions import Suggestion


def add_rules(mapping: ColumnMapping, rules: Iterable[tuple[int, AddedRule]]) -> ColumnMapping:
    """The mapping with more rules, by column position. A rule that contradicts one before it is left out."""
    columns = {column.position: column for column in mapping.columns}
    for position, added in rules:
        column = columns[position]
        rule = column.rule.combine(added.rule) if column.rule else added.rule
        if column.field and rule:
            columns[position] = replace(column, rule=rule, added=(*column.added, added))
    return replace(mapping, columns=tuple(columns.values()))


def add_certain(mapping: ColumnMapping, suggestions: Iterable[Suggestion]) -> ColumnMapping:
    """The mapping with all suggestions that are certain."""
    return add_rules(
        mapping,
        [(each.column.position, AddedRule(AddedBy.FIX, each.as_rule())) for each in suggestions if each.certain],
    )


def add_readings(mapping: ColumnMapping, readings: Mapping[str, Mapping[str, Any]]) -> ColumnMapping:
    """The mapping with the translations that were chosen in a form, by the keys of their columns."""
    return add_rules(
        mapping,
        [
            (column.position, AddedRule(AddedBy.FORM, ColumnRule.model_validate({**chosen, "field": column.field.id})))
            for column in mapping.columns
            if column.field and (chosen := readings.get(column.key))
        ],
    )


def add_rules_of_first_import(mapping: ColumnMapping, earlier: Sequence[Mapping[str, Any]]) -> ColumnMapping:
    """The mapping with what was added in the import that this file retries, as its report has it.

    Columns are known by their names and fields.
    """
    known = {(column["column"], column["field"]): column.get("readings", ()) for column in earlier}
    rules = [
        (column.position, AddedRule(AddedBy(each["by"]), ColumnRule(field=column.field.id, **each["translation"])))
        for column in mapping.columns
        if column.field
        for each in known.get((column.name, column.field.id), ())
    ]
    return add_rules(mapping, rules)


def add_values(mapping: ColumnMapping, texts: Sequence[str], prefix: str) -> ColumnMapping:
    """The mapping with values such as `Status:Activo=active`; `ValueInvalid` says what is wrong with one."""
    header = Header([column.name for column in mapping.columns])
    meant: dict[tuple[int, str], str] = {}
    values: dict[int, dict[str, str]] = {}
    for text in texts:
        positions, written, target = _parse(text, header)
        for column in (mapping.columns[position - 1] for position in positions):
            _check(text, column, target, prefix)
            if meant.setdefault((column.position, written.casefold()), target) != target:
                raise ValueInvalid(text, f"gives {written!r} a second meaning; write just one")
            values.setdefault(column.position, {})[written] = target
    rules = ((position, _rule(mapping, position, pairs)) for position, pairs in values.items())
    return add_rules(mapping, [(position, AddedRule(AddedBy.VALUE, rule)) for position, rule in rules])


def _parse(text: str, header: Header) -> tuple[Sequence[int], str, str]:
    """The columns, the written value and its meaning. The column is the longest name before a colon."""
    before, equals, target = text.rpartition("=")
    colons = [index for index, character in enumerate(before) if character == ":"]
    if not equals or not colons:
        raise ValueInvalid(text, "is not COLUMN:written=meant; write for example 'Status:Activo=active'")
    for colon in reversed(colons):
        if positions := header.positions_of(before[:colon]):
            written = before[colon + 1 :].strip()
            if not written:
                raise ValueInvalid(text, "names no written value; a blank cell cannot be translated")
            return positions, written, target.strip()
    raise ValueInvalid(
        text, f"names no column of the file; write one of its names, or column_1 to column_{len(header.names)}"
    )


def _check(text: str, column: MappedColumn, target: str, prefix: str) -> None:
    if column.field is None:
        raise ValueInvalid(text, f"is about the column {column.name!r}, which goes to no field; map it with --map")
    if target and not is_valid_value(target, column.field, prefix):
        options = ", ".join(column.field.option_ids)
        write = f"write one of: {options}, or nothing for blank" if options else "write a value that the rules accept"
        raise ValueInvalid(text, f"means {target!r}, which is no value of the field {column.field.id!r}; {write}")


def _rule(mapping: ColumnMapping, position: int, values: Mapping[str, str]) -> ColumnRule:
    column = mapping.columns[position - 1]
    try:
        rule = ColumnRule(field=column.field.id if column.field else "", values=dict(values))
    except ValidationError:
        rule = None
    if rule is None or (column.rule and column.rule.combine(rule) is None):
        keys = {written.casefold() for written in values}
        pairs = sorted(values.items(), key=lambda pair: pair[1].casefold() not in keys)  # the wrong one first
        written, target = pairs[0]
        raise ValueInvalid(
            f"{column.name}:{written}={target}",
            "gives a meaning to a value that is the meaning of another one; use each value on one side only",
        )
    return rule
