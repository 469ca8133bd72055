"""Counts the values of option columns that are no option, for people who decide what they mean."""

import re
from collections import Counter
from collections.abc import Container, Sequence

import pyarrow.compute as pc

from schemas.field_types import FieldType
from schemas.fields import Field
from schemas.presets.writer import UnmatchedValues
from schemas.validation.rules import Rule
from transforms.cells.messages import signs_between_options
from transforms.chunks.split import ChunkResult
from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.work_folder import read_table

MAX_DISTINCT = 1_000  # a column with more different values is no column of options
MAX_LISTED = 50


def count_unmatched(results: Sequence[ChunkResult], mapping: ColumnMapping) -> dict[int, UnmatchedValues]:
    """By column position, the most frequent values that are no option, and how many rejected cells have each.

    A cell of a checkbox column is cut at `|`, and at the separator of the column or at signs that seem to be one. Upper
    and lower case count as one value. A column with too many different values is left out.
    """
    columns = {field.id: (column, field) for column in mapping.columns if (field := column.field) and field.options}
    found: dict[str, Counter[str]] = {id: Counter() for id in columns}
    signs: dict[str, Counter[str]] = {id: Counter() for id in columns}
    known = {id: _known_names(field) for id, (_, field) in columns.items()}
    for path in (result.rejections_path for result in results if columns):
        if path is None:
            continue
        table = read_table(path)
        unknown = table.filter(pc.equal(table["code"], str(Rule.OPTION_UNKNOWN)))
        for id, counter in found.items():
            cells = unknown["value"].filter(pc.equal(unknown["field"], id)).value_counts()
            for cell, number in zip(*(cells.field(part).to_pylist() for part in ("values", "counts")), strict=True):
                if len(counter) <= MAX_DISTINCT:
                    between, parts = _cut(cell or "", *columns[id], known[id])
                    counter.update(dict.fromkeys(parts, number))
                    signs[id].update(dict.fromkeys(between, number))
    return {
        columns[id][0].position: UnmatchedValues(
            dict(sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_LISTED]),
            next((sign for sign, _ in signs[id].most_common(1)), None),
        )
        for id, values in found.items()
        if 0 < len(values) <= MAX_DISTINCT
    }


def _cut(cell: str, column: MappedColumn, field: Field, known: Container[str]) -> tuple[list[str], set[str]]:
    """The signs that seem to separate values, if the column has no separator yet, and the values that are no option."""
    separator = column.rule.trimmed_separator if column.rule else None
    is_checkbox = field.type is FieldType.CHECKBOX
    between = signs_between_options(cell, field) if is_checkbox and not separator else []
    signs = ["|", *between, *([separator] if separator else [])]
    parts = re.split("|".join(map(re.escape, signs)), cell) if is_checkbox else [cell]
    return between, {key for part in parts if (key := part.strip().casefold()) and key not in known}


def _known_names(field: Field) -> frozenset[str]:
    return frozenset(name.casefold() for option in field.options for name in (option.id, option.label.strip()))
