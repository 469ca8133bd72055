"""Record numbers in a corrected rejected file, and columns as the first import decided."""

from typing import Any

import pyarrow as pa
import pytest

from schemas.catalogue import FieldCatalogue, load_catalogue
from schemas.field_types import Gaps
from transforms.mapping.columns import ColumnOutcome, map_columns
from transforms.mapping.record_numbers import parse_record_numbers, rejection_column
from transforms.results.retry_file import FirstImport, columns_of_first_import, notes_on_lost_fields


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"),
        (" 12\t", "12"),
        ("", None),
        ("0", None),
        ("012", None),
        ("-1", None),
        ("1.0", None),
        ("1,000", None),
        ("two", None),
        ("1" * 18, "1" * 18),
        ("1" * 19, None),
        ("\u0661", None),
        (None, None),
    ],
)
def test_only_numbers_as_a_rejected_file_writes_them_are_record_numbers(text: str | None, number: str | None) -> None:
    assert parse_record_numbers(pa.chunked_array([pa.array([text], pa.string())])).to_pylist() == [number]


def decided(*columns: tuple[str, str | None, str, int]) -> list[dict[str, Any]]:
    return [
        {"column": name, "field": field, "outcome": outcome, "empty_cells": empty}
        for name, field, outcome, empty in columns
    ]


CATALOGUE = load_catalogue()


def test_a_retry_recognises_columns_by_name_in_order() -> None:
    earlier = decided(
        ("Mail", "email", "imported", 0),
        ("Tel", None, "ignored", 3),
        ("Tel", "mobile_phone", "incomplete", 1),
        ("Score", "points", "imported", 2),
        ("City", None, "unknown-field", 0),
    )
    names = ("new", "Score", "Tel", "City", "Tel", "Mail", "Tel")
    kept = columns_of_first_import(names, earlier, CATALOGUE)
    assert {
        place: (column.field and column.field.id, column.ignored, column.was_incomplete)
        for place, column in kept.items()
    } == {
        2: ("points", False, False),
        3: (None, True, False),
        5: ("mobile_phone", False, True),
        6: ("email", False, False),
    }
    assert kept[2].field is not None
    assert kept[2].field.gaps is Gaps.ALLOW
    assert CATALOGUE["points"].gaps is Gaps.DROP_COLUMN
    columns = map_columns(names, CATALOGUE, decided=kept).columns
    assert [column.field.id if column.field else None for column in columns] == [
        None, "points", None, "city", "mobile_phone", "email", None
    ]  # fmt: skip


def test_a_retry_gives_a_field_to_the_column_that_had_it() -> None:
    kept = columns_of_first_import(("email", "Mail"), decided(("Mail", "email", "imported", 0)), CATALOGUE)
    assert [column.ignored for column in map_columns(("email", "Mail"), CATALOGUE, decided=kept).columns] == [
        True,
        False,
    ]
    columns = map_columns(("email", "Mail"), CATALOGUE, [[("email", "email")]], decided=kept).columns
    assert [column.ignored for column in columns] == [False, True]


def test_nothing_is_decided_about_a_column_whose_field_no_longer_exists() -> None:
    small = FieldCatalogue.model_validate({"fields": [{"id": "email", "type": "email", "identity": True}]})
    earlier = decided(("Tel", "mobile_phone", str(ColumnOutcome.IMPORTED), 0), ("x", None, "unknown-field", 0))
    assert columns_of_first_import(("Tel", "x"), earlier, small) == {}
    [note] = notes_on_lost_fields(("x", "Tel"), (), FirstImport(earlier, import_id=7), small)
    assert "in import 7 the column 'Tel' went to 'mobile_phone'" in note
    assert list(notes_on_lost_fields(("x", "Tel"), [[("Tel", "")]], FirstImport(earlier, import_id=7), small)) == []


def test_the_numbers_are_in_the_last_column_of_that_name() -> None:
    mapping = map_columns(("rejection_record", "email", "rejection_record"), CATALOGUE)
    column = rejection_column(mapping)
    assert column is not None
    assert column.position == 3
    assert rejection_column(map_columns(("email",), CATALOGUE)) is None
