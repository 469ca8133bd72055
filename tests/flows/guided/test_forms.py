"""The forms of a guided import accept any header."""

from typing import Any

import pytest
from prefect._internal.pydantic.v2_schema import create_v2_schema
from prefect.utilities.schema_tools import validate

from flows.guided.forms import (
    NOT_IMPORTED,
    columns_form,
    mapping_from_answer,
    preview_form,
    suggested_fields,
)
from flows.publishing.markdown import MAX_SHOWN_COLUMNS
from schemas.catalogue import load_catalogue
from transforms.mapping.columns import map_columns

CATALOGUE = load_catalogue()


def form_of(*headers: str, cells: tuple[tuple[str, ...], ...] = (), **values: str) -> dict[str, Any]:
    """The schema of the form, as the UI receives it. `cells` are the first ones of each column."""
    columns = map_columns(headers, CATALOGUE, first=cells, final=False).columns
    suggested = suggested_fields(columns, CATALOGUE, cells)
    return create_v2_schema("Columns", model_base=columns_form(columns, CATALOGUE, suggested, values, "how", "*note*"))


def fields_of(*headers: str, cells: tuple[tuple[str, ...], ...] = ()) -> dict[str, Any]:
    """Title and default of each field."""
    schema = form_of(*headers, cells=cells)
    assert schema["required"] == list(schema["properties"])
    validate({name: box["default"] for name, box in schema["properties"].items()}, schema, raise_on_error=True)
    return {name: (box["title"], box["default"]) for name, box in schema["properties"].items()}


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        pytest.param(["Email", "Notes"], [("Email", "email"), ("Notes", NOT_IMPORTED)], id="known and unknown"),
        pytest.param(["Emial", "Surnme"], [("Emial", "email"), ("Surnme", "surname")], id="nearly known"),
        pytest.param(["Email", "Emial"], [("Email", "email"), ("Emial", NOT_IMPORTED)], id="nearly known, but taken"),
        pytest.param(
            ["Email", "Email"],
            [("Email (column 1)", "email"), ("Email (column 2)", NOT_IMPORTED)],
            id="repeated",
        ),
        pytest.param(["class", "def"], [("class", NOT_IMPORTED), ("def", NOT_IMPORTED)], id="words of Python"),
        pytest.param(["model_config"], [("model_config", NOT_IMPORTED)], id="a name of pydantic"),
        pytest.param(["a\nb", ""], [("a b", NOT_IMPORTED), ("", NOT_IMPORTED)], id="two lines, and nothing"),
        pytest.param(["x" * 300], [("x" * 50 + "…", NOT_IMPORTED)], id="long"),
        pytest.param(["<script>'\"`"], [("<script>'\"`", NOT_IMPORTED)], id="markup"),
        pytest.param(["{{ x }}"], [("{{ x }}", NOT_IMPORTED)], id="a template"),
        pytest.param(["do not import"], [("do not import", NOT_IMPORTED)], id="the words of the form"),
    ],
)  # fmt: skip
def test_each_column_has_a_drop_down_with_the_suggested_field(
    headers: list[str], fields: list[tuple[str, str]]
) -> None:
    assert list(fields_of(*headers).values()) == fields
    assert list(fields_of(*headers)) == [f"column_{number}" for number in range(1, len(headers) + 1)]


@pytest.mark.parametrize(
    ("header", "cells", "field"),
    [
        ("Kontakt", ["ann@example.com", "bob@example.com"], "email"),
        ("Número", ["+34 651 23 45 67", "+49 151 23456789"], "mobile_phone"),
        ("Número", ["+34 651 23 45 67", "651 23 45 67"], NOT_IMPORTED),
        ("Likes", ["sports | music", "Music"], "interests"),
        ("Likes", ["sports", "stamps"], NOT_IMPORTED),
        ("State", ["subscribed", "unsubscribed"], NOT_IMPORTED),
        ("Seen", ["2026-11-01"], NOT_IMPORTED),
        ("Empty", [], NOT_IMPORTED),
    ],
)
def test_cells_tell_a_field_where_only_one_is_possible_and_never_a_consent(
    header: str, cells: list[str], field: str
) -> None:
    assert list(fields_of(header, cells=(tuple(cells),)).values()) == [(header, field)]


def test_cells_give_no_field_that_another_column_has() -> None:
    fields = fields_of("Number", "Mobile", cells=(("+34651234567",), ("+34651234568",)))
    assert [field for _, field in fields.values()] == [NOT_IMPORTED, "mobile_phone"]


def test_the_first_values_are_below_each_column_and_the_note_is_on_top() -> None:
    boxes = form_of("Email", "Notes", column_1="ann@example.com", column_2="*a* [b](c)")["properties"]
    assert boxes["column_1"]["description"] == "\\*note\\* ann\\@example\\.com"
    assert boxes["column_2"]["description"] == "\\*a\\* \\[b\\]\\(c\\)"


def test_a_form_has_at_most_500_columns() -> None:
    assert len(fields_of(*(f"c{number}" for number in range(300)))) == 300
    assert len(fields_of("email", *(f"c{number}" for number in range(3000)))) == MAX_SHOWN_COLUMNS


def test_only_the_cells_of_the_columns_in_the_form_tell_a_field() -> None:
    shown, phone = MAX_SHOWN_COLUMNS, "+34651234567"
    columns = map_columns(["email", *(f"c{number}" for number in range(shown))], CATALOGUE).columns
    for column in (shown - 1, shown):  # the last one in the form, and the one after it
        cells = tuple((phone,) if position == column else () for position in range(len(columns)))
        suggested = suggested_fields(columns, CATALOGUE, cells)
        assert (suggested[columns[column].key] == "mobile_phone") is (column < shown)


def test_the_choices_are_the_fields_of_the_catalogue_and_do_not_import() -> None:
    (choices,) = form_of("Email")["definitions"].values()
    assert choices["enum"] == [*CATALOGUE.ids, NOT_IMPORTED]


def test_the_columns_that_a_rejected_file_adds_are_not_in_the_form() -> None:
    assert list(fields_of("email", "rejection_record", "rejection_codes")) == ["column_1"]


def test_the_answer_becomes_a_mapping_by_position() -> None:
    assert mapping_from_answer({"column_1": "email", "column_2": NOT_IMPORTED}) == {"column_1": "email", "column_2": ""}


def test_the_decision_has_no_default() -> None:
    schema = create_v2_schema("WhatNow", model_base=preview_form("what"))
    assert schema["required"] == ["decision"]
    assert "default" not in schema["properties"]["decision"]
