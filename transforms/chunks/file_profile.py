"""The profile of the whole file, from those of its chunks."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.fields import Field
from transforms.cells.translate import titles
from transforms.chunks.ambiguous import DecimalSigns
from transforms.chunks.gaps import MAX_EMPTY_NUMBERS, outcome_of
from transforms.chunks.read import MAX_FOOTER_RECORDS, ChunkProfile
from transforms.mapping.columns import ColumnMapping, ColumnOutcome, MappedColumn
from transforms.parsing.blocks import Block

PRESET = "preset"  # who asked for a translation, if nobody added it


@dataclass(frozen=True)
class ColumnProfile:
    """A column of the file, its outcome, and its empty cells in well-formed records."""

    column: MappedColumn
    outcome: ColumnOutcome
    empty_cells: int
    first_empty: tuple[int, ...]

    def as_report(self) -> dict[str, object]:
        return {
            "position": self.column.position,
            "column": self.column.name,
            "field": self.column.field.id if self.column.field else None,
            "outcome": str(self.outcome),
            "empty_cells": self.empty_cells,
            "first_empty": list(self.first_empty),
            "suggestion": self.column.suggestion,
            "readings": [added.as_report() for added in self.column.added],
        }


@dataclass(frozen=True)
class ChunkPosition:
    """A chunk's position in the file: the numbers of its first record and of its first line."""

    block: Block
    first_record: int
    first_line: int
    records: int


@dataclass(frozen=True)
class TranslationCount:
    """One translation, who asked for it, and how many cells it changed. A constant has no column."""

    column: str | None
    field: str
    translation: str
    cells: int
    by: str = PRESET


@dataclass(frozen=True)
class FileProfile:
    """The whole file as read: its chunks in order, its columns, and its counts."""

    chunks: tuple[ChunkPosition, ...]
    columns: tuple[ColumnProfile, ...]
    records: int
    blank_records: int
    guarded_cells: int
    cut_off: bool
    translations: tuple[TranslationCount, ...] = ()
    constants: tuple[Field, ...] = ()
    marks: frozenset[str] = frozenset()
    footer_lines: int = 0
    decimal_signs: Mapping[int, DecimalSigns] = dataclasses.field(default_factory=dict)
    mojibake: Mapping[int, tuple[int, int]] = dataclasses.field(default_factory=dict)

    @property
    def comma_fields(self) -> frozenset[str]:
        """The fields of the columns in which a number such as `1.234` is ambiguous."""
        return frozenset(
            each.column.field.id
            for each in self.columns
            if each.column.field
            and each.outcome is ColumnOutcome.IMPORTED
            and self.decimal_signs.get(each.column.position, DecimalSigns()).make_ambiguous
        )

    @property
    def with_both_signs(self) -> list[MappedColumn]:
        """The columns whose numbers have both decimal signs."""
        signs = self.decimal_signs
        columns = (each.column for each in self.columns)
        return [each for each in columns if signs.get(each.position, DecimalSigns()).contradict]

    @property
    def imported(self) -> tuple[Field, ...]:
        """The imported fields: those of columns, in the file's order, then those of constants."""
        columns = (each.column.field for each in self.columns if each.outcome is ColumnOutcome.IMPORTED)
        return (*filter(None, columns), *self.constants)


def _chunk_positions(profiles: Iterable[ChunkProfile], first_line: int) -> Iterator[ChunkPosition]:
    """The chunks' positions, summed over the chunks before each."""
    record, line = 1, first_line
    for profile in profiles:
        yield ChunkPosition(profile.block, record, line, profile.records)
        record, line = record + profile.records, line + profile.lines


def profile_file(profiles: Sequence[ChunkProfile], mapping: ColumnMapping, first_line: int) -> FileProfile:
    """Number the chunks' records and lines, and drop every field that has a gap in any chunk."""
    chunks = list(_chunk_positions(profiles, first_line))
    records = sum(profile.records for profile in profiles)
    incomplete = frozenset[str]().union(*(profile.incomplete for profile in profiles))
    return FileProfile(
        chunks=tuple(chunks),
        columns=tuple(_column_profile(column, profiles, chunks, incomplete) for column in mapping.columns),
        records=records,
        blank_records=sum(profile.blank_records for profile in profiles),
        guarded_cells=sum(profile.guarded_cells for profile in profiles),
        cut_off=any(profile.cut_off for profile in profiles),
        translations=tuple(_translations(profiles, mapping, records)),
        constants=tuple(constant.field for constant in mapping.constants),
        marks=frozenset[str]().union(*(profile.marks for profile in profiles)),
        footer_lines=_footer_lines(profiles),
        decimal_signs=_decimal_signs(profiles),
        mojibake=_mojibake(profiles, chunks),
    )


def _mojibake(profiles: Sequence[ChunkProfile], chunks: Sequence[ChunkPosition]) -> dict[int, tuple[int, int]]:
    """By column position, how many cells were decoded twice, and the first such record."""
    total: dict[int, tuple[int, int]] = {}
    for profile, chunk in zip(profiles, chunks, strict=True):
        for position, (count, row) in profile.mojibake.items():
            before, first = total.get(position, (0, chunk.first_record + row))
            total[position] = (before + count, first)
    return total


def _decimal_signs(profiles: Sequence[ChunkProfile]) -> dict[int, DecimalSigns]:
    total: dict[int, DecimalSigns] = {}
    for profile in profiles:
        for position, signs in profile.decimal_signs.items():
            total[position] = total.get(position, DecimalSigns()).plus(signs)
    return total


def _footer_lines(profiles: Sequence[ChunkProfile]) -> int:
    """How many lines at the end of the file look like text below the records; 0 if all records do."""
    records = lines = found = 0
    for profile in reversed(profiles):
        count, line = profile.footer
        if count:
            found = lines + profile.lines - line
        lines, records = lines + profile.lines, records + count
        if count < profile.records:
            return found if records <= MAX_FOOTER_RECORDS else 0
    return 0


def _translations(profiles: Sequence[ChunkProfile], mapping: ColumnMapping, records: int) -> Iterator[TranslationCount]:
    for column, field, rule in mapping.translated:
        by = {title: str(each.by) for each in column.added for title in titles(each.rule)}  # the last one decides
        for index, title in enumerate(titles(rule)):
            cells = sum(profile.translated[column.position][index] for profile in profiles)
            yield TranslationCount(column.name, field.id, title, cells, by.get(title, PRESET))
    for constant in mapping.constants:
        yield TranslationCount(None, constant.field.id, constant.title, records)


def _column_profile(
    column: MappedColumn,
    profiles: Sequence[ChunkProfile],
    chunks: Sequence[ChunkPosition],
    incomplete: frozenset[str],
) -> ColumnProfile:
    first: list[int] = []
    count = 0
    for profile, chunk in zip(profiles, chunks, strict=True):
        found, rows = profile.empty[column.position]
        count += found
        if len(first) < MAX_EMPTY_NUMBERS:
            first += [chunk.first_record + row for row in rows]
    return ColumnProfile(column, outcome_of(column, incomplete), count, tuple(first[:MAX_EMPTY_NUMBERS]))
