"""The values that are no option, as people see them when they decide what each means."""

from pathlib import Path

import pyarrow as pa
import pytest

from schemas.catalogue import load_catalogue
from schemas.presets.model import ColumnRule
from schemas.presets.writer import UnmatchedValues
from transforms.chunks.split import ChunkResult
from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.results.unmatched_values import count_unmatched
from transforms.work_folder import write_table

CATALOGUE = load_catalogue()


@pytest.mark.parametrize(
    ("field", "separator", "cells", "unmatched"),
    [
        pytest.param("gender", None, ["Frau", "frau", "z"], UnmatchedValues({"frau": 2, "z": 1}), id="radio"),
        pytest.param("gender", None, ["a, b"], UnmatchedValues({"a, b": 1}), id="a-radio-cell-is-one-value"),
        pytest.param(
            "interests",
            None,
            ["Deportes, Sports", "Libros, Deportes"],
            UnmatchedValues({"deportes": 2, "libros": 1}, ","),
            id="the-sign-of-most-cells",
        ),
        pytest.param("interests", None, ["Deportes|Libros"], UnmatchedValues({"deportes": 1, "libros": 1}), id="bars"),
        pytest.param(
            "interests", ":", ["Deportes:Libros"], UnmatchedValues({"deportes": 1, "libros": 1}), id="own-separator"
        ),
    ],
)
def test_values_are_counted_with_the_sign_between_them(
    field: str, separator: str | None, cells: list[str], unmatched: UnmatchedValues, tmp_path: Path
) -> None:
    rule = ColumnRule(field=field, separator=separator) if separator else None
    path = str(tmp_path / "rejections.arrow")
    write_table(
        pa.table({"code": ["option-unknown"] * len(cells), "field": [field] * len(cells), "value": cells}), path
    )
    mapping = ColumnMapping((MappedColumn(1, "x", CATALOGUE[field], rule=rule),))
    assert count_unmatched([ChunkResult(0, len(cells), "", path, None)], mapping) == {1: unmatched}
