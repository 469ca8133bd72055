"""Fits a preset to one file: which preset and part it is, and what of it the catalogue supports.

If the catalogue lacks a field or an option of a preset, that line is skipped with a note, and the column is matched by
its name.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import compress
from pathlib import Path

import pandas as pd

from schemas.catalogue import FieldCatalogue
from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.choices import FieldPolicy
from schemas.errors.request import ColumnMappedTwice, ColumnNeverRead, PresetNotFound, UnknownPreset
from schemas.field_types import FieldType, Gaps
from schemas.fields import Field, header_key
from schemas.presets.loader import (
    is_preset_path,
    load_built_in_presets,
    load_own_presets,
    load_preset,
    split_preset_name,
)
from schemas.presets.model import AUTO, ColumnRule, Preset
from schemas.validation.pandera_schemas import find_failures
from transforms.cells.normalise import normalise
from transforms.mapping.columns import (
    ColumnMapping,
    Constant,
    Header,
    MappedColumn,
    Requests,
    field_ids,
    ignore_if_taken,
    map_columns,
)
from transforms.parsing.first_cells import FirstCells

_NUMBERS = (FieldType.DECIMAL, FieldType.INTEGER)
# The types whose cells each key of a preset's column can read; a key that is not here goes with every type.
_KEY_TYPES: dict[str, tuple[FieldType, ...]] = {
    "date": (FieldType.DATE,),
    "time": (FieldType.DATE,),
    "yearless": (FieldType.DATE,),
    "decimal": _NUMBERS,
    "thousands": _NUMBERS,
    "currency": _NUMBERS,
    "phone": (FieldType.PHONE,),
    "extension": (FieldType.PHONE,),
    "plus": (FieldType.PHONE,),
    "email": (FieldType.EMAIL,),
}


@dataclass(frozen=True)
class ChosenPreset:
    """A preset, the part of it that the file is, if it has parts, and its path, if it was named by one."""

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
        """The constants of the preset and of its part, by field."""
        return self.preset.constants | (self.preset.parts[self.part].constants if self.part else {})


def find_preset(
    asked: str, own: Path | None, columns: Sequence[str], source: str, earlier: str | None = None
) -> ChosenPreset:
    """The preset of this name or path; with `auto`, the one whose signature is in the header.

    If it is the preset of the `earlier` import that this one retries, its part is the same too.
    """
    name, part = split_preset_name(asked)
    if asked == AUTO:
        preset = detect_preset(columns, load_own_presets(own), load_built_in_presets())
        name = preset.name
    else:
        preset = load_preset(name, own)
    if earlier and part is None and split_preset_name(earlier)[0] == name:
        part = split_preset_name(earlier)[1]
    return choose_part(preset, part, source, name if is_preset_path(name) else None)


def choose_part(preset: Preset, part: str | None, source: str, path: str | None = None) -> ChosenPreset:
    """The preset with the named part, else with the part whose pattern fits the file's name."""
    if part is not None and part not in preset.parts:
        raise UnknownPreset(f"{preset.name}:{part}", tuple(f"{preset.name}:{name}" for name in preset.parts))
    return ChosenPreset(preset, part or part_of(preset, source), path)


def part_of(preset: Preset, source: str) -> str | None:
    """The part whose pattern fits the file's name; of a file in an archive, the member's name."""
    name = re.split(r"[!/\\]", source)[-1].casefold()
    return next((part for part, it in preset.parts.items() if fnmatchcase(name, it.file.casefold())), None)


def detect_preset(names: Sequence[str], *shelves: Iterable[Preset]) -> Preset:
    """The one preset whose signature is in the header, of the first shelf that has any; else `PresetNotFound`."""
    keys = frozenset(map(header_key, names))
    for shelf in shelves:
        fitting = [preset for preset in shelf if preset.keys and preset.keys <= keys]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise PresetNotFound(tuple(preset.name for preset in fitting))
    raise PresetNotFound(())


def fit_rule(rule: ColumnRule, column: str, field: Field, prefix: str) -> tuple[ColumnRule, list[str]]:
    """The part of a column's rule that its field supports, and a note on each part that it does not."""
    wrong = dict.fromkeys(_invalid_values(filter(None, rule.values.values()), field, prefix))
    values = {key: target for key, target in rule.values.items() if target not in wrong}
    notes = [f"{target!r} is not a value of {field.id!r} (column {column!r})" for target in wrong]
    off: dict[str, object] = {
        key: None for key in _KEY_TYPES if getattr(rule, key) and field.type not in _KEY_TYPES[key]
    }
    if rule.trimmed_separator and not rule.take and not _can_be_split(field, rule.trimmed_separator):
        off["separator"] = None
    notes += [f"{key!r} does not go with {field.id!r} (column {column!r})" for key in off]
    return rule.model_copy(update={"field": field.id, "values": values, **off}), notes


def _can_be_split(field: Field, separator: str) -> bool:
    return field.type is FieldType.CHECKBOX and not any(separator in id for id in field.option_ids)


def map_with_preset(
    names: Sequence[str],
    catalogue: FieldCatalogue,
    requested: Sequence[Requests],
    never: Sequence[str],
    earlier: Mapping[int, MappedColumn],
    chosen: ChosenPreset | None,
    first: FirstCells = (),
    *,
    final: bool = True,
) -> ColumnMapping:
    """Map columns to fields: requests come first, then an earlier import's decisions, the preset, and names."""
    if chosen is None:
        return map_columns(names, catalogue, requested, never, earlier, first=first, final=final)
    preset, prefix, header = chosen.preset, catalogue.default_prefix, Header(names)
    rules = _preset_rules(preset, header, header.requested(requested) | earlier.keys())
    hidden = _never_read_columns(preset, header)
    lines, unknown = _preset_columns(rules, names, catalogue)
    constants, lacking = fit_constants(chosen.constants, catalogue, prefix)
    decisions = _merge_columns(earlier, lines) | hidden
    implied = {constant.field.id for constant in constants}
    mapping = map_columns(names, catalogue, requested, never, decisions, implied, first, final=final)
    if read := next((column for column in mapping.columns if column.field and column.position in hidden), None):
        raise ColumnNeverRead(read.name, chosen.name)
    columns, unfit = _fit_rules([hidden.get(column.position, column) for column in mapping.columns], rules, prefix)
    fields = {field.id for field in mapping.fields}
    return ColumnMapping(
        columns,
        tuple(constant for constant in constants if constant.field.id not in fields),
        chosen.name,
        tuple(_preset_notes(chosen, names, [*unknown, *lacking, *unfit])),
    )


def _preset_rules(preset: Preset, header: Header, decided: Collection[int]) -> dict[int, ColumnRule]:
    """The preset's rules by position; two different rules for one column that nothing stronger decides are an error."""
    rules: dict[int, tuple[str, ColumnRule]] = {}
    for column, rule in preset.columns.items():
        for position in header.positions_of(column):
            first, first_rule = rules.setdefault(position, (column, rule))
            if first_rule != rule and position not in decided:
                raise ColumnMappedTwice(
                    header.names[position - 1], (f"{first}: {first_rule.field}", f"{column}: {rule.field}")
                )
    return {position: rule for position, (_, rule) in rules.items()}


def _never_read_columns(preset: Preset, header: Header) -> dict[int, MappedColumn]:
    """The columns that the preset forbids to read."""
    return {
        position: MappedColumn(position, header.names[position - 1], None, ignored=True, never_read=True)
        for column in preset.never_read
        for position in header.positions_of(column)
    }


def _fit_rules(
    columns: Sequence[MappedColumn], rules: Mapping[int, ColumnRule], prefix: str
) -> tuple[tuple[MappedColumn, ...], list[str]]:
    """The columns with the part of their rules that their fields support, and notes on the rest."""
    fitted, unfit = [], []
    for column in columns:
        if (field := column.field) and (rule := rules.get(column.position)):
            if rule.gaps and field.gaps is Gaps.DROP_COLUMN:
                field = field.model_copy(update={"gaps": Gaps.ALLOW})
            if rule.merge is FieldPolicy.APPEND and field.type is not FieldType.CHECKBOX:
                unfit.append(f"'merge: append' does not go with {field.id!r} (column {column.name!r})")
            elif rule.merge and not field.identity:
                field = field.model_copy(update={"merge": rule.merge})
            rule, notes = fit_rule(rule, column.name, field, prefix)
            unfit += notes
            column = replace(column, field=field, rule=rule if rule.changes_cells else None)
        fitted.append(column)
    return tuple(fitted), unfit


def _merge_columns(earlier: Mapping[int, MappedColumn], lines: Mapping[int, MappedColumn]) -> dict[int, MappedColumn]:
    """An earlier import's decisions before the preset's; a column whose field is taken is ignored."""
    taken = field_ids(earlier)
    return {position: ignore_if_taken(taken, column) for position, column in lines.items()} | dict(earlier)


def _preset_columns(
    rules: Mapping[int, ColumnRule], names: Sequence[str], catalogue: FieldCatalogue
) -> tuple[dict[int, MappedColumn], list[str]]:
    """The columns of the file as the preset maps them, and notes on the fields that the catalogue lacks."""
    lines, lacking = {}, []
    for position, rule in sorted(rules.items()):
        name = names[position - 1]
        if not rule.field or rule.field in catalogue.by_id:
            lines[position] = MappedColumn(position, name, catalogue.by_id.get(rule.field), ignored=not rule.field)
        else:
            lacking.append(f"there is no field {rule.field!r} (column {name!r})")
    return lines, lacking


def _preset_notes(chosen: ChosenPreset, names: Sequence[str], skipped: Sequence[str]) -> Iterator[str]:
    keys = set(map(header_key, names))
    if missing := [name for name in chosen.preset.signature if header_key(name) not in keys]:
        yield f"the preset {chosen.name!r} may not be for this file, which has no column {', '.join(missing)}"
    if chosen.preset.parts and not chosen.part:
        parts = ", ".join(f"{chosen.name}:{part}" for part in chosen.preset.parts)
        yield f"the file's name does not say which part of the export it is; name it with --preset: {parts}"
    if skipped:
        yield f"the catalogue does not support these parts of the preset {chosen.name!r}: {'; '.join(skipped)}"


def fit_constants(
    constants: dict[str, str], catalogue: FieldCatalogue, prefix: str
) -> tuple[tuple[Constant, ...], list[str]]:
    """The constants that the catalogue supports, and notes on the others."""
    fitted, notes = [], []
    for id, value in constants.items():
        field = catalogue.by_id.get(id)
        if field is None:
            notes.append(f"there is no field {id!r} to hold {value!r}")
        elif not is_valid_value(value, field, prefix):
            notes.append(f"{value!r} is not a value of {id!r}")
        else:
            fitted.append(Constant(field, value))
    return tuple(fitted), notes


def is_valid_value(value: str, field: Field, prefix: str) -> bool:
    """Whether the rules would accept a cell with this text."""
    return not _invalid_values([value], field, prefix)


def _invalid_values(values: Iterable[str], field: Field, prefix: str) -> list[str]:
    """The values that the rules would not accept as cells, each once. All are judged in one frame."""
    distinct = list(dict.fromkeys(values))
    if not distinct:
        return []
    cells = normalise(pd.DataFrame({field.id: pd.Series(distinct, dtype=TEXT_DTYPE)}), (field,), prefix)
    invalid = cells[field.id].isna().to_numpy(bool, copy=True)
    for failure in find_failures(cells, (field,)):
        invalid[failure.rows] = True
    return list(compress(distinct, invalid))
