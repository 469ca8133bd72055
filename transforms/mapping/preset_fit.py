"""A preset fitted to one file: which preset it is, which part of it, and what of it the catalogue can follow.

A catalogue may lack a field or an option that a preset speaks of. Then that line is passed over and told;
the column is matched by its name, as if the preset did not know it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd

from schemas.catalogue import Field, FieldCatalogue, header_key
from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.errors.request import ColumnNeverRead, PresetNotFound, UnknownPreset
from schemas.field_types import FieldType
from schemas.presets.loader import (
    is_preset_path,
    load_built_in_presets,
    load_own_presets,
    load_preset,
    split_preset_name,
)
from schemas.presets.model import AUTO, ColumnRule, Preset
from schemas.validation.checks import CHECKS
from transforms.cells.normalise import NormaliseContext, normalise
from transforms.mapping.columns import ColumnMapping, Constant, MappedColumn, map_columns, positions_of

_NUMBERS = (FieldType.DECIMAL, FieldType.INTEGER)


@dataclass(frozen=True)
class ChosenPreset:
    """A preset, and the part of it that the file is, if it has parts."""

    preset: Preset
    part: str | None = None
    path: str | None = None

    @property
    def name(self) -> str:
        """As `--preset` takes it."""
        name = self.path or self.preset.name
        return f"{name}:{self.part}" if self.part else name

    @property
    def constants(self) -> dict[str, str]:
        """What the file implies, by field."""
        return self.preset.constants | (self.preset.parts[self.part].constants if self.part else {})


def find_preset(
    asked: str, own: Path | None, columns: Sequence[str], source: str, earlier: str | None = None
) -> ChosenPreset:
    """The preset of this name or path; with `auto`, the one whose columns are all in the header.

    Where it is the preset of an `earlier` import, whose mended rows these are, it is the same part too.
    """
    name, part = split_preset_name(asked)
    if asked == AUTO:
        preset = detect_preset(columns, tuple(load_own_presets(own)) if own else (), tuple(load_built_in_presets()))
        name = preset.name
    else:
        preset = load_preset(name, own)
    if earlier and part is None and split_preset_name(earlier)[0] == name:
        part = split_preset_name(earlier)[1]
    return chosen(preset, part, source, name if is_preset_path(name) else None)


def chosen(preset: Preset, part: str | None, source: str, path: str | None = None) -> ChosenPreset:
    """The preset with the part that was named, else with the one that the file's name tells."""
    if part is not None and part not in preset.parts:
        raise UnknownPreset(f"{preset.name}:{part}", tuple(f"{preset.name}:{name}" for name in preset.parts))
    return ChosenPreset(preset, part or part_of(preset, source), path)


def part_of(preset: Preset, source: str) -> str | None:
    """The part whose pattern the file's name fits; an archive's member goes by its own name."""
    name = re.split(r"[!/\\]", source)[-1].casefold()
    return next((part for part, it in preset.parts.items() if fnmatchcase(name, it.file.casefold())), None)


def detect_preset(names: Sequence[str], *shelves: Sequence[Preset]) -> Preset:
    """The one preset whose signature is in the header, of the first shelf that has any; else `PresetNotFound`."""
    keys = frozenset(map(header_key, names))
    for shelf in shelves:
        fitting = [preset for preset in shelf if preset.keys and preset.keys <= keys]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise PresetNotFound(tuple(preset.name for preset in fitting))
    raise PresetNotFound(())


def fit_rule(rule: ColumnRule, column: str, field: Field, context: NormaliseContext) -> tuple[ColumnRule, list[str]]:
    """As much of a column's rule as its field can take, and a note on each thing that it cannot."""
    wrong = [target for target in rule.values.values() if target and not is_valid_value(target, field, context)]
    values = {key: target for key, target in rule.values.items() if target not in wrong}
    notes = [f"{target!r} is no value of {field.id!r} (column {column!r})" for target in dict.fromkeys(wrong)]
    off: dict[str, object] = {"field": field.id, "values": values}
    if rule.date and field.type is not FieldType.DATE:
        off |= {"date": None}
    if (rule.decimal or rule.thousands) and field.type not in _NUMBERS:
        off |= {"decimal": None, "thousands": None}
    if rule.phone and field.type is not FieldType.PHONE:
        off |= {"phone": None}
    if rule.sign and not rule.take and not _can_be_split(field, rule.sign):
        off |= {"separator": None}
    notes += [
        f"{key!r} does not go with {field.id!r} (column {column!r})" for key in off if key not in ("field", "values")
    ]
    return rule.model_copy(update=off), notes


def _can_be_split(field: Field, separator: str) -> bool:
    return field.type is FieldType.CHECKBOX and not any(separator in id for id in field.option_ids)


def map_with_preset(
    names: Sequence[str],
    catalogue: FieldCatalogue,
    explicit: Mapping[str, str],
    never: Sequence[str],
    kept: Mapping[int, MappedColumn],
    chosen: ChosenPreset | None,
    *,
    final: bool = True,
) -> ColumnMapping:
    """Match columns to fields, a preset coming after what the user or an earlier import says, and before names."""
    if chosen is None:
        return map_columns(names, catalogue, explicit, never, kept, final=final)
    preset, context = chosen.preset, NormaliseContext(catalogue.default_prefix)
    rules = {place: rule for column, rule in preset.columns.items() for place in positions_of(column, names)}
    hidden = _never_read_columns(preset, names)
    lines, unknown = _preset_columns(rules, names, catalogue)
    constants, lacking = fit_constants(chosen.constants, catalogue, context)
    settled = _merge_columns(kept, lines) | hidden
    implied = {constant.field.id for constant in constants}
    mapping = map_columns(names, catalogue, explicit, never, settled, implied, final=final)
    if read := next((column for column in mapping.columns if column.field and column.position in hidden), None):
        raise ColumnNeverRead(read.name, chosen.name)
    columns, unfit = _fit_rules([hidden.get(column.position, column) for column in mapping.columns], rules, context)
    fields = {field.id for field in mapping.fields}
    return ColumnMapping(
        columns,
        tuple(constant for constant in constants if constant.field.id not in fields),
        chosen.name,
        tuple(_preset_notes(chosen, names, [*unknown, *lacking, *unfit])),
    )


def _never_read_columns(preset: Preset, names: Sequence[str]) -> dict[int, MappedColumn]:
    """The columns that the preset says are never to be read."""
    return {
        place: MappedColumn(place, names[place - 1], None, ignored=True, never_read=True)
        for column in preset.never_read
        for place in positions_of(column, names)
    }


def _fit_rules(
    columns: Sequence[MappedColumn], rules: Mapping[int, ColumnRule], context: NormaliseContext
) -> tuple[tuple[MappedColumn, ...], list[str]]:
    """The columns with as much of their rules as their fields can take, and notes on what these cannot."""
    fitted, unfit = [], []
    for column in columns:
        if column.field and (rule := rules.get(column.position)) and rule.changes_cells:
            rule, notes = fit_rule(rule, column.name, column.field, context)
            unfit += notes
            column = replace(column, rule=rule if rule.changes_cells else None)
        fitted.append(column)
    return tuple(fitted), unfit


def _merge_columns(kept: Mapping[int, MappedColumn], lines: Mapping[int, MappedColumn]) -> dict[int, MappedColumn]:
    """What was decided before goes before what the preset says; a field that is taken leaves its column ignored."""
    taken = {column.field.id for column in kept.values() if column.field}
    beside = {
        place: replace(column, field=None, ignored=True) if column.field and column.field.id in taken else column
        for place, column in lines.items()
    }
    return beside | dict(kept)


def _preset_columns(
    rules: Mapping[int, ColumnRule], names: Sequence[str], catalogue: FieldCatalogue
) -> tuple[dict[int, MappedColumn], list[str]]:
    """The columns of the file as a preset maps them, and notes on the fields that the catalogue lacks."""
    lines, lacking = {}, []
    for place, rule in sorted(rules.items()):
        name = names[place - 1]
        if not rule.field or rule.field in catalogue.by_id:
            lines[place] = MappedColumn(place, name, catalogue.by_id.get(rule.field), ignored=not rule.field)
        else:
            lacking.append(f"there is no field {rule.field!r} (column {name!r})")
    return lines, lacking


def _preset_notes(chosen: ChosenPreset, names: Sequence[str], passed_over: Sequence[str]) -> Iterator[str]:
    keys = set(map(header_key, names))
    if missing := [name for name in chosen.preset.signature if header_key(name) not in keys]:
        yield f"the file may not be what the preset {chosen.name!r} is for: it has no column {', '.join(missing)}"
    if chosen.preset.parts and not chosen.part:
        parts = ", ".join(f"{chosen.name}:{part}" for part in chosen.preset.parts)
        yield f"the file's name does not tell which part of the export it is; name it with --preset, as one of: {parts}"
    if passed_over:
        yield f"of the preset {chosen.name!r}, the catalogue could not follow: {'; '.join(passed_over)}"


def fit_constants(
    constants: dict[str, str], catalogue: FieldCatalogue, context: NormaliseContext
) -> tuple[tuple[Constant, ...], list[str]]:
    """The constants that the catalogue can hold, and notes on those that it cannot."""
    fitted, notes = [], []
    for id, value in constants.items():
        field = catalogue.by_id.get(id)
        if field is None:
            notes.append(f"there is no field {id!r} to hold {value!r}")
        elif not is_valid_value(value, field, context):
            notes.append(f"{value!r} is no value of {id!r}")
        else:
            fitted.append(Constant(field, value))
    return tuple(fitted), notes


def is_valid_value(value: str, field: Field, context: NormaliseContext) -> bool:
    """Whether the rules would accept a cell with this text."""
    cells = normalise(pd.DataFrame({field.id: pd.Series([value], dtype=TEXT_DTYPE)}), (field,), context)[field.id]
    return bool(cells.notna().all()) and all(bool(check.passes(cells, field).all()) for check in CHECKS[field.type])
