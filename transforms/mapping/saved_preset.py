"""The mapping of one file as a preset, which reads every file of the same origin."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from schemas.fields import header_key
from schemas.presets.loader import load_preset, split_preset_name
from schemas.presets.model import ColumnRule, Preset
from schemas.presets.writer import ColumnComments, UnmatchedValues
from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.mapping.suggestions import Suggestion


def preset_from_mapping(name: str, mapping: ColumnMapping, header: bool, own: Path | None) -> Preset:
    """The mapping as a preset; what the file's columns do not show is taken over from the preset it was read with.

    `own` is the folder of the user's presets. The columns that a rejected file adds are left out.
    """
    base = load_preset(split_preset_name(mapping.preset)[0], own) if mapping.preset else Preset(columns={})
    columns = mapping.of_source
    times = Counter(header_key(column.name) for column in columns)
    before = {header_key(column): rule for column, rule in base.columns.items()}
    rules = {
        key: _rule(column, before.get(header_key(key)))
        for column in columns
        if (column.field or column.ignored) and not column.never_read
        for key in (_rule_key(column, times),)
    }
    fields = {rule.field for rule in rules.values()}
    parts = {
        part: it.model_copy(update={"constants": _constants_without(it.constants, fields)})
        for part, it in base.parts.items()
    }
    return Preset(
        name=name,
        label=base.label,
        note=base.note,
        signature=tuple(column.name for column in columns if header and column.name != column.key),
        columns=rules,
        constants=_constants_without(base.constants, fields),
        parts=parts,
        never_read=base.never_read,
    )


def _rule_key(column: MappedColumn, times: Counter[str]) -> str:
    return column.name if times[header_key(column.name)] == 1 else column.key


def _rule(column: MappedColumn, before: ColumnRule | None) -> ColumnRule:
    """The column's translation; of a column without one, what else the preset `before` says about the same field."""
    field = column.field.id if column.field else ""
    if column.rule:
        return column.rule
    same = before if before and before.field == field else ColumnRule()
    return ColumnRule(field=field, gaps=same.gaps, merge=same.merge)


def _constants_without(constants: dict[str, str], fields: set[str]) -> dict[str, str]:
    return {field: value for field, value in constants.items() if field not in fields}


def open_points(
    mapping: ColumnMapping, suggestions: Iterable[Suggestion], unmatched: Mapping[int, UnmatchedValues]
) -> dict[str, ColumnComments]:
    """What a person still has to decide about each column of the file, by its name in the preset.

    `unmatched` are by column position.
    """
    readings: dict[int, list[tuple[Mapping[str, object], str]]] = {}
    for each in suggestions:
        blanks = f", and makes {each.blanks:,} blank" if each.blanks else ""
        day = "; the day is that of UTC if the time is" if each.translation.get("time") == "drop" else ""
        drops = "; then the column is dropped, unless it has gaps: allow" if each.drops_column else ""
        remark = f"would fix {each.fixes:,} of {each.of:,} cells{blanks}{drops}{day}"
        readings.setdefault(each.column.position, []).append((each.translation, remark))
    columns = mapping.of_source
    times = Counter(header_key(column.name) for column in columns)
    return {
        _rule_key(column, times): ColumnComments(
            readings.get(column.position, []),
            unmatched.get(column.position, UnmatchedValues()),
            column.field.option_ids if column.field else (),
        )
        for column in columns
        if not column.ignored
    }
