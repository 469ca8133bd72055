"""Counts the values of option columns that are no option, for people who decide what they mean."""

import re
from collections import Counter
from collections.abc import Sequence

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
    fields = {field.id: (column, field) for column in mapping.columns if (field := column.field) and field.options}
    found: dict[str, Counter[str]] = {id: Counter() for id in fields}
    for result in results if fields else ():
        if result.rejections_path:
            table = read_table(result.rejections_path)
            unknown = table.filter(pc.equal(table["code"], str(Rule.OPTION_UNKNOWN)))
            for id, value in zip(unknown["field"].to_pylist(), unknown["value"].to_pylist(), strict=True):
                if id in found and len(found[id]) <= MAX_DISTINCT:
                    found[id].update(_parts(value or "", fields[id][1]))
    return {
        fields[id][0].position: dict(sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_LISTED])
        for id, values in found.items()
        if 0 < len(values) <= MAX_DISTINCT
    }


def _parts(cell: str, field: Field) -> set[str]:
    known = {name.casefold() for option in field.options for name in (option.id, option.label.strip())}
    parts = _SEPARATORS.split(cell) if field.type is FieldType.CHECKBOX else [cell]
    return {key for part in parts if (key := part.strip().casefold()) and key not in known}
