"""Counts the values of option columns that are no option, for people who decide what they mean."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import pyarrow.compute as pc

from schemas.field_types import FieldType
from schemas.fields import Field
from schemas.validation.rules import Rule
from transforms.chunks.split import ChunkResult
from transforms.mapping.columns import ColumnMapping
from transforms.work_folder import read_table

MAX_DISTINCT = 1_000  # a column with more different values is no column of options
MAX_LISTED = 50

_SEPARATORS = re.compile(r"[|,;/]")


def count_unmatched(results: Sequence[ChunkResult], mapping: ColumnMapping) -> dict[int, dict[str, int]]:
    """By column position, the most frequent values that are no option, and how many rejected cells have each.

    A cell of a checkbox column is cut at `|`, `,`, `;` and `/`. Upper and lower case count as one value. A column with
    too many different values is left out.
    """
    columns = {field.id: (column, field) for column in mapping.columns if (field := column.field) and field.options}
    found: dict[str, Counter[str]] = {id: Counter() for id in columns}
    for path in (result.rejections_path for result in results if columns):
        if path is None:
            continue
        table = read_table(path)
        unknown = table.filter(pc.equal(table["code"], str(Rule.OPTION_UNKNOWN)))
        for id, counter in found.items():
            cells = unknown["value"].filter(pc.equal(unknown["field"], id)).value_counts()
            for cell, number in zip(*(cells.field(part).to_pylist() for part in ("values", "counts")), strict=True):
                if len(counter) <= MAX_DISTINCT:
                    counter.update(dict.fromkeys(_parts(cell or "", columns[id][1]), number))
    return {
        columns[id][0].position: dict(sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_LISTED])
        for id, values in found.items()
        if 0 < len(values) <= MAX_DISTINCT
    }


def _parts(cell: str, field: Field) -> set[str]:
    known = _known_names(field)
    parts = _SEPARATORS.split(cell) if field.type is FieldType.CHECKBOX else [cell]
    return {key for part in parts if (key := part.strip().casefold()) and key not in known}


@lru_cache
def _known_names(field: Field) -> frozenset[str]:
    return frozenset(name.casefold() for option in field.options for name in (option.id, option.label.strip()))
