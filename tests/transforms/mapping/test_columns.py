"""Columns are mapped to fields by request and by header; invalid mappings are errors."""

from pathlib import Path

import pytest

from schemas.catalogue import FieldCatalogue
from schemas.errors.base import ContactImportError
from schemas.errors.request import (
    ColumnMappedTwice,
    DuplicateMapping,
    MappingInvalid,
    NoEmailColumn,
    SeveralEmailColumns,
    UnknownColumn,
    UnknownField,
)
from transforms.mapping.columns import map_columns, read_mapping


def fields_of(names: list[str], catalogue: FieldCatalogue, explicit: dict[str, str]) -> list[str | None]:
    """A column's field, `-` where it is ignored, None where it is unknown."""
    columns = map_columns(names, catalogue, [explicit.items()]).columns
    return [column.field.id if column.field else "-" if column.ignored else None for column in columns]


@pytest.mark.parametrize(
    ("names", "explicit", "fields"),
    [
        pytest.param(["email", "Full name", "TELEFONO"], {}, ["email", "name", "phone"], id="id-label-alias"),
        pytest.param(["Email", "shoe size"], {}, ["email", None], id="unknown"),
        pytest.param(["Email", "x"], {"x": "name"}, ["email", "name"], id="explicit"),
        pytest.param(["Email", "x"], {" X ": "name"}, ["email", "name"], id="explicit-other-case"),
        pytest.param(["Email", "x"], {"column_2": "name"}, ["email", "name"], id="by-position"),
        pytest.param(["Email", "Nombre"], {"Nombre": ""}, ["email", "-"], id="ignored"),
        pytest.param(["Email", "Nombre"], {"column_2": ""}, ["email", "-"], id="ignored-by-position"),
        pytest.param(["Email", "Nombre"], {"Nombre": "phone"}, ["email", "phone"], id="explicit-beats-automatic"),
        pytest.param(["Email", "Nombre", "x"], {"x": "name"}, ["email", "-", "name"], id="displaced-is-ignored"),
        pytest.param(["Email", "Mail"], {"Mail": "email"}, ["-", "email"], id="identity-displaced"),
        pytest.param(["Email", "Nombre"], {"Email": "name", "Nombre": "email"}, ["name", "email"], id="swapped"),
        pytest.param(["Email", "Email"], {"column_1": ""}, ["-", "email"], id="one-of-two-ignored"),
        pytest.param(["Email", "x", "x"], {"column_3": "name"}, ["email", None, "name"], id="one-of-two-unknown"),
        pytest.param(["Email", "x", "X"], {"X": "name"}, ["email", None, "name"], id="exact-before-nearly"),
        pytest.param(["Email", "column_1"], {"column_1": "email"}, ["email", None], id="position-before-name"),
    ],
)
def test_columns_are_mapped_to_fields(
    names: list[str], explicit: dict[str, str], fields: list[str | None], catalogue: FieldCatalogue
) -> None:
    assert fields_of(names, catalogue, explicit) == fields


@pytest.mark.parametrize(
    ("levels", "fields"),
    [
        pytest.param([{"column_2": "phone"}, {"x": "name"}], ["email", "phone", None], id="position-over-name"),
        pytest.param([{"x": "phone"}, {"column_2": "name"}], ["email", "phone", None], id="name-over-position"),
        pytest.param([{"x": ""}, {"X ": "name"}], ["email", "-", None], id="ignored-over-mapped"),
        pytest.param([{"y": "name"}, {"x": "name"}], ["email", "-", "name"], id="the-field-is-taken"),
        pytest.param([{}, {"x": "name"}, {"x": "phone"}], ["email", "name", None], id="three-levels"),
        pytest.param([{"x": "name", "column_2": "name"}], ["email", "name", None], id="the-same-twice"),
        pytest.param([{"x": "name"}, {"x": "vip", "column_2": "phone"}], ["email", "name", None], id="conflict-below"),
    ],
)
def test_the_stronger_level_decides_a_column_however_it_is_named(
    levels: list[dict[str, str]], fields: list[str | None], catalogue: FieldCatalogue
) -> None:
    columns = map_columns(["email", "x", "y"], catalogue, [level.items() for level in levels]).columns
    assert [column.field.id if column.field else "-" if column.ignored else None for column in columns] == fields


@pytest.mark.parametrize(
    "requests",
    [
        pytest.param([("x", "name"), ("column_2", "phone")], id="by-name-and-position"),
        pytest.param([("x", "name"), ("X", "phone")], id="in-two-spellings"),
        pytest.param([("x", "name"), ("x", "")], id="mapped-and-ignored"),
    ],
)
def test_two_different_requests_of_one_level_for_one_column_are_an_error(
    requests: list[tuple[str, str]], catalogue: FieldCatalogue
) -> None:
    with pytest.raises(ColumnMappedTwice) as caught:
        map_columns(["email", "x"], catalogue, [[], requests])
    assert all(f"{column}: {field}" in str(caught.value) for column, field in requests)


@pytest.mark.parametrize(
    ("names", "explicit", "error", "says"),
    [
        pytest.param(["name"], {}, NoEmailColumn, ["name", "--map COLUMN=email"], id="no-email"),
        pytest.param(["email"], {"email": ""}, NoEmailColumn, ["email"], id="email-ignored"),
        pytest.param(["Email", "email"], {}, SeveralEmailColumns, ["Email, email"], id="two-emails"),
        pytest.param(["a", "b"], {"a": "email", "b": "email"}, SeveralEmailColumns, ["a, b"], id="two-explicit"),
        pytest.param(["Email", "name", "Nombre"], {}, DuplicateMapping, ["'name'", "name, Nombre"], id="twice"),
        pytest.param(["Email", "x", "y"], {"x": "name", "y": "name"}, DuplicateMapping, ["x, y"], id="twice-explicit"),
        pytest.param(["Email", "x", "x"], {"x": "name"}, DuplicateMapping, ["x, x"], id="header-repeated"),
        pytest.param(["Email"], {"nope": "name"}, UnknownColumn, ["'nope'", "Email"], id="unknown-column"),
        pytest.param(["Email"], {"column_2": "name"}, UnknownColumn, ["'column_2'"], id="position-too-far"),
        pytest.param(["Email"], {"column_0": "name"}, UnknownColumn, ["'column_0'"], id="position-zero"),
        pytest.param(["Email"], {"nope": ""}, UnknownColumn, ["'nope'"], id="unknown-column-ignored"),
        pytest.param(["Email", "x"], {"x": "shoe"}, UnknownField, ["'shoe'", "name"], id="unknown-field"),
    ],
)
def test_a_request_that_cannot_be_met_is_an_error(
    names: list[str],
    explicit: dict[str, str],
    error: type[ContactImportError],
    says: list[str],
    catalogue: FieldCatalogue,
) -> None:
    with pytest.raises(error) as raised:
        map_columns(names, catalogue, [explicit.items()])
    assert type(raised.value) is error
    for each in says:
        assert each in str(raised.value)


def test_twenty_thousand_columns_of_one_name_are_an_error_at_once(catalogue: FieldCatalogue) -> None:
    with pytest.raises(SeveralEmailColumns) as raised:
        map_columns(["email"] * 20_000, catalogue)
    assert "20000 columns" in str(raised.value)
    assert str(raised.value).endswith("--map column_21= and 19979 more")


def test_an_error_lists_the_first_of_many_columns_that_may_be_the_email(catalogue: FieldCatalogue) -> None:
    names = ["x", "x", *(f"contact {number}" for number in range(3_000))]
    with pytest.raises(NoEmailColumn) as raised:
        map_columns(names, catalogue, first=(("ann@example.com",),) * len(names))
    said = str(raised.value)
    assert "3002 columns look like it: use --map column_1=email or --map column_2=email or --map 'contact 0=" in said
    assert said.endswith("--map 'contact 17=email' or one of 2982 more")


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        pytest.param("naem", "name", id="typing-error"),
        pytest.param("shoe size", None, id="too-far"),
        pytest.param("Emial", "email", id="letters-swapped"),
        pytest.param("Telefonos", "phone", id="plural-of-an-alias"),
        pytest.param("likess", "likes", id="one-letter-more"),
        pytest.param("", None, id="nameless"),
        pytest.param("x" * 5_000, None, id="endless"),
    ],
)
def test_unknown_column_gets_the_nearest_field(name: str, suggestion: str | None, catalogue: FieldCatalogue) -> None:
    column = map_columns(["email", name], catalogue).columns[1]
    assert (column.field, column.ignored, column.suggestion) == (None, False, suggestion)


def test_no_suggestion_for_a_column_that_has_its_field(catalogue: FieldCatalogue) -> None:
    columns = map_columns(["Email", "Nombre", "x"], catalogue, [[("Nombre", ""), ("x", "name")]]).columns
    assert [column.suggestion for column in columns] == [None, None, None]


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        pytest.param("Name: name\nOld:\n'a=b': email\n", {"Name": "name", "Old": "", "a=b": "email"}, id="yaml"),
        pytest.param("1: name\n", {"1": "name"}, id="number"),
    ],
)
def test_a_mapping_file_is_read_as_pairs_of_texts(text: str, mapping: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_mapping(str(path)) == list(mapping.items())


def test_repeated_keys_of_a_mapping_file_are_two_requests(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text("Name: name\nOld:\nName: phone\n", encoding="utf-8")
    assert read_mapping(str(path)) == [("Name", "name"), ("Old", ""), ("Name", "phone")]


@pytest.mark.parametrize("text", ["- name", "name", "", "a: [b]", "a: {b: c}", "a: ["])
def test_a_mapping_file_of_another_form_is_an_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingInvalid, match="one 'Column: field' a line"):
        read_mapping(str(path))
    with pytest.raises(MappingInvalid):
        read_mapping(str(tmp_path / "no.yaml"))
