"""Which column of the file goes to which field of the catalogue."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

from schemas.catalogue import Field, FieldCatalogue, header_key
from schemas.errors.request import (
    DuplicateMapping,
    MappingInvalid,
    NoEmailColumn,
    SeveralEmailColumns,
    UnknownColumn,
    UnknownField,
)
from schemas.presets.model import ColumnRule
from transforms.cells.nearest_name import nearest_name

_BY_POSITION = re.compile(r"column_([1-9][0-9]{0,5})", re.ASCII)
_MIN_SIMILARITY = 0.75  # how alike two names must be for one to be suggested for the other


class ColumnOutcome(StrEnum):
    """What became of a column."""

    IMPORTED = "imported"
    INCOMPLETE = "incomplete"
    UNKNOWN_FIELD = "unknown-field"
    IGNORED = "ignored"


@dataclass(frozen=True)
class MappedColumn:
    """A column of the file, its position counted from 1, and the field it goes to, if any.

    `was_incomplete`: the import that this file retries found gaps in the field. `rule` is the preset's translation
    of the cells, if any. A column that is `never_read` is blank in every file that we write.
    """

    position: int
    name: str
    field: Field | None
    ignored: bool = False
    suggestion: str | None = None
    was_incomplete: bool = False
    rule: ColumnRule | None = None
    never_read: bool = False

    @property
    def translated_key(self) -> str:
        """The name of its translated cells, in chunks in which there are any."""
        return f"translated_{self.position}"

    @property
    def key(self) -> str:
        """Its name in frames of raw cells: header texts may repeat, positions do not."""
        return f"column_{self.position}"


@dataclass(frozen=True)
class Constant:
    """A value that the file implies for a field of all its contacts."""

    field: Field
    value: str

    @property
    def title(self) -> str:
        """What the report calls it."""
        return f"{self.value!r} in every row"


@dataclass(frozen=True)
class ColumnMapping:
    """Every column of the file, in order; and a preset's name, its constants, and notes on what it could not do."""

    columns: tuple[MappedColumn, ...]
    constants: tuple[Constant, ...] = ()
    preset: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def translated(self) -> tuple[tuple[MappedColumn, Field, ColumnRule], ...]:
        """The columns that a preset translates, with their fields and rules."""
        return tuple((column, column.field, column.rule) for column in self.columns if column.field and column.rule)

    @property
    def never_read(self) -> tuple[MappedColumn, ...]:
        return tuple(column for column in self.columns if column.never_read)

    @property
    def mapped(self) -> tuple[MappedColumn, ...]:
        return tuple(column for column in self.columns if column.field)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that columns go to; those of constants need no column."""
        return tuple(column.field for column in self.columns if column.field)

    def column_of(self, field_id: str) -> tuple[MappedColumn, Field]:
        """The column that goes to a field, and the field."""
        return next((each, each.field) for each in self.columns if each.field and each.field.id == field_id)


def read_mapping(path: str) -> dict[str, str]:
    """A mapping file: YAML, `Column: field` a line, nothing after the colon to ignore the column."""
    try:
        # Everything as text: a column may be called No, On or 2024-01-01, which YAML would make values of.
        raw = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise MappingInvalid(path, "cannot be read") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise MappingInvalid(path, "is no YAML") from error
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise MappingInvalid(path, "does not map columns to fields")
    return {str(column): field for column, field in raw.items()}


def map_columns(
    names: Sequence[str],
    catalogue: FieldCatalogue,
    explicit: Mapping[str, str],
    never: Sequence[str] = (),
    kept: Mapping[int, MappedColumn] | None = None,
    implied: Collection[str] = (),
    *,
    final: bool = True,
) -> ColumnMapping:
    """Match columns to fields: explicit mapping first, then as `kept` from an earlier import, by position, then by
    id, label or alias; `never` maps nowhere, and no name leads to a field that is `implied`.

    Raises the `RequestError` of the rule that is broken: unknown column or field, two columns for one
    field, and exactly one column for the identity; the last two only of a `final` mapping, which no
    person is going to look at.
    """
    chosen = _requested_fields(names, catalogue, explicit)
    taken = {field.id for field in chosen.values() if field}
    kept = {
        position: _ignore_if_taken(taken, column) for position, column in (kept or {}).items() if position not in chosen
    }
    taken |= {column.field.id for column in kept.values() if column.field}
    columns = []
    for position, name in enumerate(names, 1):
        if name in never:
            columns.append(MappedColumn(position, name, None, ignored=True))
        elif position in chosen:
            columns.append(MappedColumn(position, name, chosen[position], ignored=chosen[position] is None))
        else:
            columns.append(kept.get(position) or _match_by_name(position, name, catalogue, taken.union(implied)))
    if final:
        _check_one_column_per_field(columns, catalogue)
    return ColumnMapping(tuple(columns))


def _requested_fields(
    names: Sequence[str], catalogue: FieldCatalogue, explicit: Mapping[str, str]
) -> dict[int, Field | None]:
    chosen: dict[int, Field | None] = {}
    for column, target in explicit.items():
        if target and target not in catalogue.by_id:
            raise UnknownField(target, catalogue.ids)
        positions = positions_of(column, names)
        if not positions:
            raise UnknownColumn(column, tuple(names))
        chosen |= dict.fromkeys(positions, catalogue[target] if target else None)
    return chosen


def positions_of(column: str, names: Sequence[str]) -> list[int]:
    """The columns meant by a name: by position, else by the exact text, else by what it comes to."""
    if by_position := _BY_POSITION.fullmatch(column):
        number = int(by_position[1])
        return [number] if number <= len(names) else []
    exact = [position for position, name in enumerate(names, 1) if name == column.strip()]
    return exact or [position for position, name in enumerate(names, 1) if header_key(name) == header_key(column)]


def _ignore_if_taken(taken: set[str], column: MappedColumn) -> MappedColumn:
    if column.field and column.field.id in taken:
        return MappedColumn(column.position, column.name, None, ignored=True)
    return column


def _match_by_name(position: int, name: str, catalogue: FieldCatalogue, taken: set[str]) -> MappedColumn:
    field = catalogue.by_name.get(header_key(name))
    return _ignore_if_taken(
        taken, MappedColumn(position, name, field, suggestion=None if field else _suggest_field(name, catalogue))
    )


def _suggest_field(name: str, catalogue: FieldCatalogue) -> str | None:
    near = nearest_name(header_key(name), catalogue.by_name, at_least=_MIN_SIMILARITY)
    return catalogue.by_name[near].id if near else None


def _check_one_column_per_field(columns: Sequence[MappedColumn], catalogue: FieldCatalogue) -> None:
    sources: dict[str, list[str]] = {}
    for column in columns:
        if column.field:
            sources.setdefault(column.field.id, []).append(column.name)
    identity = catalogue.identity.id
    for field, names in sources.items():
        if len(names) > 1:
            problem = SeveralEmailColumns if field == identity else DuplicateMapping
            raise problem(field, tuple(names))
    if identity not in sources:
        # A file without a header shows its first contact here, unless some name is known to be one.
        named = any(column.field or column.ignored for column in columns)
        raise NoEmailColumn(identity, tuple(column.name if named else column.key for column in columns))
