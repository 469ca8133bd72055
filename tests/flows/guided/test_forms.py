"""The forms of a guided import accept any header."""

from typing import Any

import pytest
from prefect._internal.pydantic.v2_schema import create_v2_schema
from prefect.utilities.schema_tools import validate

from flows.guided.forms import MAX_FORM_COLUMNS, NOT_IMPORTED, columns_form, mapping_from_answer, preview_form
from schemas.catalogue import FieldCatalogue, load_catalogue
from transforms.mapping.columns import map_columns

CATALOGUE = load_catalogue()


def fields_of(*headers: str, catalogue: FieldCatalogue = CATALOGUE) -> dict[str, Any]:
    """Title and default of each field, as the UI receives them."""
    columns = map_columns(headers, catalogue, final=False).columns
    schema = create_v2_schema("Columns", model_base=columns_form(columns, catalogue, "how"))
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


def test_a_form_has_at_most_500_columns() -> None:
    assert len(fields_of(*(f"c{number}" for number in range(300)))) == 300
    assert len(fields_of("email", *(f"c{number}" for number in range(3000)))) == MAX_FORM_COLUMNS


def test_the_choices_are_the_fields_of_the_catalogue_and_do_not_import() -> None:
    columns = map_columns(["Email"], CATALOGUE, final=False).columns
    schema = create_v2_schema("Columns", model_base=columns_form(columns, CATALOGUE, "how"))
    (choices,) = schema["definitions"].values()
    assert choices["enum"] == [*CATALOGUE.ids, NOT_IMPORTED]


def test_the_columns_that_a_rejected_file_adds_are_not_in_the_form() -> None:
    assert list(fields_of("email", "rejection_record", "rejection_codes")) == ["column_1"]


def test_the_answer_becomes_a_mapping_by_position() -> None:
    assert mapping_from_answer({"column_1": "email", "column_2": NOT_IMPORTED}) == {"column_1": "email", "column_2": ""}


def test_the_decision_has_no_default() -> None:
    schema = create_v2_schema("WhatNow", model_base=preview_form("what"))
    assert schema["required"] == ["decision"]
    assert "default" not in schema["properties"]["decision"]
