"""Maps the columns of a file to fields of the catalogue."""

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import yaml

from schemas.catalogue import FieldCatalogue
from schemas.errors.request import (
    ColumnMappedTwice,
    DuplicateMapping,
    MappingInvalid,
    NoEmailColumn,
    SeveralEmailColumns,
    UnknownColumn,
    UnknownField,
)
from schemas.field_types import Gaps
from schemas.fields import Field, header_key
from schemas.presets.model import ColumnRule
from schemas.yaml_files import explain_yaml_error, read_yaml_text
from transforms.mapping.header_names import (
    cells_of,
    consent_field,
    is_full_of_emails,
    match_names,
    suggest_field,
)
from transforms.parsing.first_cells import FirstCells
from transforms.parsing.layout import find_rejection_columns

_BY_POSITION = re.compile(r"column_([1-9][0-9]{0,5})", re.ASCII)

Requests: TypeAlias = Iterable[tuple[str, str]]  # a column, by name or column_N, and its field; no field ignores it


class ColumnOutcome(StrEnum):
    """What became of a column."""

    IMPORTED = "imported"
    INCOMPLETE = "incomplete"
    UNKNOWN_FIELD = "unknown-field"
    IGNORED = "ignored"


class AddedBy(StrEnum):
    """Who added a translation to those of the preset."""

    VALUE = "value"  # --value
    FORM = "form"  # the form of a guided import
    FIX = "fix"  # --fix


@dataclass(frozen=True)
class AddedRule:
    """A translation of a column beyond its preset's."""

    by: AddedBy
    rule: ColumnRule

    def as_report(self) -> dict[str, object]:
        return {"by": str(self.by), "translation": self.rule.translation}


@dataclass(frozen=True)
class MappedColumn:
    """A column of the file, its position counted from 1, and the field it goes to, if any.

    `was_incomplete`: the import that this file retries found gaps in the field. `rule` is the translation of the
    cells, if any: the preset's with what was `added`. A column that is `never_read` is blank in every file that we
    write. `consent_field` is the consent field of a column that does not go to it.
    """

    position: int
    name: str
    field: Field | None
    ignored: bool = False
    suggestion: str | None = None
    was_incomplete: bool = False
    rule: ColumnRule | None = None
    added: tuple[AddedRule, ...] = ()
    never_read: bool = False
    consent_field: str | None = None

    @property
    def is_dropped_with_gaps(self) -> bool:
        """Whether a blank cell drops the whole column."""
        return self.field is not None and self.field.gaps is Gaps.DROP_COLUMN

    @property
    def translated_key(self) -> str:
        """The name of its translated cells, in chunks that have any."""
        return f"translated_{self.position}"

    @property
    def key(self) -> str:
        """Its name in frames of raw cells; unlike header texts, it is unique."""
        return f"column_{self.position}"


@dataclass(frozen=True)
class Header:
    """The names of all columns. Each is folded once, however many columns a mapping or a preset names."""

    names: Sequence[str]

    def positions_of(self, column: str) -> Sequence[int]:
        """The columns that a name means: by position, else by the exact text, else by the folded text."""
        if by_position := _BY_POSITION.fullmatch(column):
            number = int(by_position[1])
            return [number] if number <= len(self.names) else []
        return self._by_text.get(column.strip()) or self._by_key.get(header_key(column), [])

    def requested(self, levels: Sequence[Requests]) -> set[int]:
        """The columns that requests name."""
        return {position for level in levels for column, _ in level for position in self.positions_of(column)}

    @cached_property
    def _by_text(self) -> dict[str, list[int]]:
        return _positions(self.names)

    @cached_property
    def _by_key(self) -> dict[str, list[int]]:
        return _positions(map(header_key, self.names))


def _positions(texts: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for position, text in enumerate(texts, 1):
        found.setdefault(text, []).append(position)
    return found


@dataclass(frozen=True)
class Constant:
    """A value that the file implies for a field of all its contacts."""

    field: Field
    value: str

    @property
    def title(self) -> str:
        """Its name in the report."""
        return f"{self.value!r} in every row"


@dataclass(frozen=True)
class ColumnMapping:
    """Every column of the file, in order; the preset's name and constants, and notes on what it could not apply."""

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
    def of_source(self) -> tuple[MappedColumn, ...]:
        """The columns without those that a rejected file adds."""
        added = set(find_rejection_columns([column.name for column in self.columns]).values())
        return tuple(column for column in self.columns if column.position not in added)

    @property
    def mapped(self) -> tuple[MappedColumn, ...]:
        return tuple(column for column in self.columns if column.field)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of columns, without those of constants."""
        return tuple(column.field for column in self.columns if column.field)

    def column_of(self, field_id: str) -> tuple[MappedColumn, Field]:
        """The column that goes to a field, and the field."""
        return next((each, each.field) for each in self.columns if each.field and each.field.id == field_id)


def read_mapping(path: str) -> list[tuple[str, str]]:
    """A mapping file: YAML with one `Column: field` per line; without a field, the column is ignored.

    All keys are kept, repeated ones too, and as text: a column may be called No, On or 2024-01-01.
    """
    try:
        root = yaml.compose(read_yaml_text(Path(path)), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise MappingInvalid(path, "cannot be read") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise MappingInvalid(path, explain_yaml_error(error).removeprefix("it ")) from error
    if not isinstance(root, yaml.MappingNode) or not all(
        isinstance(node, yaml.ScalarNode) for pair in root.value for node in pair
    ):
        raise MappingInvalid(path, "does not map columns to fields")
    return [(column.value, field.value) for column, field in root.value]


def map_columns(
    names: Sequence[str],
    catalogue: FieldCatalogue,
    requested: Sequence[Requests] = (),
    never: Sequence[str] = (),
    decided: Mapping[int, MappedColumn] | None = None,
    implied: Collection[str] = (),
    first: FirstCells = (),
    *,
    final: bool = True,
) -> ColumnMapping:
    """Map columns to fields: as `requested`, the strongest level first, then as `decided`, by position, by an earlier
    import or a preset, then by id, label or alias.

    Columns in `never` are ignored. No column is matched by its name to a field that is `implied`. A field that a
    stronger level gives to one column leaves the column of a weaker level ignored. The `first` cells of the columns
    tell which field an unknown column may be.
    Raises the `RequestError` of the broken rule. Two columns for one field, and not exactly one column for the
    identity, are errors only in a `final` mapping, which no person will review.
    """
    matched = _requested_columns(names, catalogue, requested)
    taken = field_ids(matched)
    for position, column in (decided or {}).items():
        matched.setdefault(position, ignore_if_taken(taken, column))
    taken = field_ids(matched).union(implied)
    for position, name in enumerate(names, 1):
        if name in never:
            matched[position] = MappedColumn(position, name, None, ignored=True)
    rest = {position: name for position, name in enumerate(names, 1) if position not in matched}
    matched |= _match_by_names(rest, catalogue, taken, first)
    columns = [matched[position] for position in range(1, len(names) + 1)]
    if catalogue.identity.id not in taken.union(field_ids(matched)):
        columns = [_suggest_identity(column, catalogue, first) for column in columns]
    if final:
        _check_one_column_per_field(columns, catalogue)
    return ColumnMapping(tuple(columns))


def _requested_columns(
    names: Sequence[str], catalogue: FieldCatalogue, levels: Sequence[Requests]
) -> dict[int, MappedColumn]:
    """The columns that the requests name, by position; each level is resolved to columns before a weaker one."""
    found: dict[int, MappedColumn] = {}
    header = Header(names)
    for requests in levels:
        level: dict[int, tuple[str, str]] = {}
        for column, target in requests:
            if target and target not in catalogue.by_id:
                raise UnknownField(target, catalogue.ids)
            positions = header.positions_of(column)
            if not positions:
                raise UnknownColumn(column, tuple(names))
            for position in set(positions) - found.keys():
                first, first_target = level.setdefault(position, (column, target))
                if first_target != target:
                    requests_of_column = (f"{first}: {first_target}", f"{column}: {target}")
                    raise ColumnMappedTwice(names[position - 1], requests_of_column)
        taken = field_ids(found)
        for position, (_, target) in level.items():
            field = catalogue[target] if target else None
            column_of_level = MappedColumn(position, names[position - 1], field, ignored=field is None)
            found[position] = ignore_if_taken(taken, column_of_level)
    return found


def field_ids(columns: Mapping[int, MappedColumn]) -> set[str]:
    """The fields that these columns, by position, are mapped to."""
    return {column.field.id for column in columns.values() if column.field}


def ignore_if_taken(taken: set[str], column: MappedColumn) -> MappedColumn:
    """The column; ignored if something stronger has taken its field."""
    if column.field and column.field.id in taken:
        consent_id = column.field.id if column.field.is_consent else None
        return MappedColumn(column.position, column.name, None, ignored=True, consent_field=consent_id)
    return column


def _match_by_names(
    names: Mapping[int, str], catalogue: FieldCatalogue, taken: set[str], first: FirstCells
) -> dict[int, MappedColumn]:
    """The columns that nothing else decides, by position."""
    matched, suggested = match_names(names, catalogue, taken)
    columns = {}
    for position, name in names.items():
        if match := matched.get(position):
            columns[position] = ignore_if_taken(taken, MappedColumn(position, name, match.field))
        else:
            near = suggested.get(position) or suggest_field(name, cells_of(position, first), catalogue)
            consent = consent_field(name, catalogue)
            suggestion, consent_id = (field.id if field else None for field in (near, consent))
            columns[position] = MappedColumn(position, name, None, suggestion=suggestion, consent_field=consent_id)
    return columns


def _suggest_identity(column: MappedColumn, catalogue: FieldCatalogue, first: FirstCells) -> MappedColumn:
    if column.field or column.ignored or not is_full_of_emails(cells_of(column.position, first)):
        return column
    return replace(column, suggestion=catalogue.identity.id)


def _check_one_column_per_field(columns: Sequence[MappedColumn], catalogue: FieldCatalogue) -> None:
    sources: dict[str, list[MappedColumn]] = {}
    for column in columns:
        if column.field:
            sources.setdefault(column.field.id, []).append(column)
    identity = catalogue.identity.id
    for field, found in sources.items():
        if len(found) > 1:
            problem = SeveralEmailColumns if field == identity else DuplicateMapping
            superfluous = [column for each in sources.values() for column in each[1:]]
            ignoring = _map_options(superfluous, "", columns)
            raise problem(field, tuple(column.name for column in found), ignoring)
    if identity not in sources:
        # A file without a header shows its first contact here, unless some name is known to be one.
        likely = [column for column in columns if column.suggestion == identity]
        has_contact = any("@" in column.name for column in columns)
        named = any(column.field or column.ignored for column in columns) or (bool(likely) and not has_contact)
        texts = [column.name if named else column.key for column in columns]
        raise NoEmailColumn(identity, tuple(texts), _map_options(likely, identity, columns, named=named))


def _map_options(
    some: Iterable[MappedColumn], field: str, columns: Sequence[MappedColumn], *, named: bool = True
) -> tuple[str, ...]:
    """The options that map some of the columns to a field; if `named`, by those names that no other column has."""
    times = Counter(header_key(column.name) for column in columns)
    return tuple(map_option(each, field, unique=named and times[header_key(each.name)] == 1) for each in some)


def map_option(column: MappedColumn, field: str, *, unique: bool) -> str:
    """The option that maps a column to a field, by its name if that is unique."""
    return f"--map {shlex.quote(f'{column.name if unique else column.key}={field}')}"
