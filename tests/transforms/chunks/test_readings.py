"""Suggestions: which readings would make rejected cells valid, and when one is certain."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import FieldCatalogue, load_catalogue
from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.fields import Field
from schemas.presets.model import ColumnRule
from schemas.validation.pandera_schemas import find_failures
from transforms.cells.normalise import normalise
from transforms.chunks.readings import try_readings
from transforms.mapping.columns import MappedColumn
from transforms.mapping.suggestions import Suggestion, readings_of, suggest_for_file

CATALOGUE = load_catalogue()
SPAIN = "+34"
GERMANY = "+49"


def rejected(field: str, cells: list[str], prefix: str) -> list[str]:
    fields = (CATALOGUE[field],)
    contacts = normalise(pd.DataFrame({field: pd.Series(cells, dtype=TEXT_DTYPE)}), fields, prefix)
    rows = {int(row) for failure in find_failures(contacts, fields) for row in failure.rows}
    return [cells[row] for row in sorted(rows)]


def suggested(field: str, *chunks: list[str], prefix: str = SPAIN) -> list[Suggestion]:
    column = MappedColumn(1, field, CATALOGUE[field])
    bad = [cells for chunk in chunks if (cells := rejected(field, chunk, prefix))]
    counts = [{1: try_readings(pa.chunked_array([cells]), CATALOGUE[field], prefix).counts} for cells in bad]
    return suggest_for_file([column], counts)


def certain(field: str, *cells: str) -> list[dict[str, Any]]:
    return [each.translation for each in suggested(field, list(cells)) if each.certain]


@pytest.mark.parametrize(
    ("field", "cells", "translation"),
    [
        pytest.param(
            "birthdate", ("31/12/1990", "1/2/1980"), {"date": "d/m/yyyy"}, id="a-day-above-12-proves-the-order"
        ),
        pytest.param("birthdate", ("1985-05-15 00:00:00",), {"time": "midnight"}, id="midnight"),
        pytest.param("birthdate", ("31182", "46053"), {"date": "serial"}, id="serial-numbers"),
        pytest.param("total_spent", ("1.234,50", "4,25"), {"decimal": ","}, id="decimal-comma"),
        pytest.param("total_spent", ("512,77 €", "4,25 €"), {"currency": "remove", "decimal": ","}, id="euros"),
        pytest.param("total_spent", ("1.234 €", "950 €"), None, id="euros-without-a-number-that-shows-the-sign"),
        pytest.param("points", ("1.234.567", "1.234"), {"decimal": ",", "thousands": "."}, id="several-groups"),
        pytest.param("points", ("1 200", "12.000"), None, id="zeros-that-may-be-a-thousand"),
        pytest.param("name", ('="Ana"',), {"formula": "remove"}, id="the-formula-of-a-text"),
        pytest.param("name", ('="Ana\u200d"',), None, id="a-joiner-of-a-text-may-stay"),
        pytest.param("name", ("Ana\0",), {"invisible": "remove"}, id="a-nul-in-a-text"),
        pytest.param("mobile_phone", ("+34 651 23 45 67.0",), None, id="the-zero-of-a-decimal-is-no-digit"),
        pytest.param("mobile_phone", ("651 23 45 67", "651.234.568"), {"phone": "plain"}, id="spaces-in-phones"),
        pytest.param("mobile_phone", ("491712345678",), None, id="a-missing-plus-is-never-certain"),
        pytest.param("email", ("Ann <ann@example.com>", "mailto:bob@example.com"), {"email": "address"}, id="names"),
        pytest.param("email", ("rosa\u200b@example.com",), {"invisible": "remove"}, id="invisible"),
        pytest.param("email", ("a@example.com; b@example.com",), None, id="the-first-of-several-is-never-certain"),
        pytest.param("vip", ("VERDADERO", "no"), {"values": {"verdadero": "true", "no": "false"}}, id="words"),
        pytest.param("vip", ("T", "x"), None, id="letters-are-never-certain"),
        pytest.param("gender", ("Female", "Male"), {"values": {"Female": "f", "Male": "m"}}, id="labels"),
        pytest.param(
            "interests",
            ("Sports,Music",),
            {"separator": ",", "values": {"sports": "sports", "music": "music"}},
            id="labels-at-commas",
        ),
        pytest.param("newsletter_subscription_status", ("Subscribed",), None, id="a-consent-is-never-certain"),
        pytest.param("birthdate", ("1/2/1990",), None, id="two-orders-fit"),
        pytest.param("birthdate", ("05/05/1985", "01/01/1990"), None, id="two-orders-give-the-same-days"),
        pytest.param("birthdate", ("31/12/90",), None, id="two-digit-years"),
        pytest.param("birthdate", ("2026-01-31T10:15:00Z",), None, id="a-time-other-than-midnight"),
        pytest.param("birthdate", ("0000-07-04",), None, id="a-blank-is-never-certain"),
        pytest.param("total_spent", ("1,234",), None, id="comma-of-decimals-or-thousands"),
        pytest.param("points", ("1,234",), None, id="one-group-proves-nothing"),
        pytest.param("points", ("3.0", "1.200"), None, id="a-point-zero-proves-no-decimal-comma"),
        pytest.param("points", ("1200 €",), {"currency": "remove"}, id="amounts-of-whole-euros"),
        pytest.param("points", ("3,0", "4,00"), {"decimal": ",", "thousands": "."}, id="comma-zero"),
        pytest.param("points", ("1.200,00",), {"decimal": ",", "thousands": "."}, id="both-signs-in-a-whole-number"),
        pytest.param(
            "points",
            ("1.200,00 €",),
            {"currency": "remove", "decimal": ",", "thousands": "."},
            id="both-signs-and-euros",
        ),
        pytest.param(
            "birthdate", ('="31/12/1990"',), {"formula": "remove", "date": "d/m/yyyy"}, id="date-in-a-formula"
        ),
        pytest.param(
            "birthdate", ("'31/12/1990",), {"apostrophe": "remove", "date": "d/m/yyyy"}, id="date-after-an-apostrophe"
        ),
        pytest.param(
            "birthdate",
            ("\u200e31/12/1990", '="30/12/1990"', "29/12/1990"),
            {"formula": "remove", "invisible": "remove", "date": "d/m/yyyy"},
            id="dates-with-marks-of-direction-or-in-formulas",
        ),
        pytest.param("birthdate", ("31182.0",), {"point_zero": "remove", "date": "serial"}, id="serial-as-a-decimal"),
        pytest.param("total_spent", ('="1.234,50"',), {"formula": "remove", "decimal": ","}, id="amount-in-a-formula"),
        pytest.param("total_spent", ("'1.234",), None, id="an-apostrophe-shows-no-decimal-sign"),
        pytest.param("total_spent", ('="1.234"',), None, id="a-formula-shows-no-decimal-sign"),
        pytest.param("vip", ('="no"',), {"formula": "remove", "values": {"no": "false"}}, id="word-in-a-formula"),
        pytest.param(
            "gender", ('="Female"', "m"), {"formula": "remove", "values": {"Female": "f"}}, id="label-in-a-formula"
        ),
        pytest.param("interests", ("sp\u3164orts",), {"invisible": "remove"}, id="a-blank-letter"),
        pytest.param("mobile_phone", ("3.46512E+10",), None, id="digits-are-lost"),
    ],
)
def test_a_reading_is_certain_only_if_it_is_the_one_that_fixes_every_cell(
    field: str, cells: tuple[str, ...], translation: dict[str, Any] | None
) -> None:
    assert certain(field, *cells) == ([] if translation is None else [translation])


@pytest.mark.parametrize(
    ("options", "written", "values"),
    [
        pytest.param({"x": "Y", "y": "Z"}, ["z", "Y"], {"Z": "y", "y": "y"}, id="a-label-that-is-another-id"),
        pytest.param({"a": "Low", "A": "High"}, ["low"], {"Low": "a"}, id="ids-that-differ-in-case"),
    ],
)
def test_labels_are_read_as_ids_unless_they_mean_another_option(
    options: dict[str, str], written: list[str], values: dict[str, str]
) -> None:
    listed = [{"id": id, "label": label} for id, label in options.items()]
    email = {"id": "email", "type": "email", "identity": True}
    catalogue = FieldCatalogue.model_validate({"fields": [email, {"id": "f", "type": "radio", "options": listed}]})
    tried = try_readings(pa.chunked_array([written]), catalogue["f"], SPAIN)
    found = suggest_for_file([MappedColumn(1, "f", catalogue["f"])], [{1: tried.counts}])
    assert values.items() >= found[0].translation["values"].items()
    assert found[0].fixes == len(written)


def test_a_label_of_a_consent_is_certain_only_for_a_refusal() -> None:
    options = [{"id": id, "label": id.replace("_", " ")} for id in ("none", "opt_in", "opt_out")]
    field = {"id": "f", "type": "radio", "options": options, "consent": ["none", "opt_in", "opt_out"]}
    email = {"id": "email", "type": "email", "identity": True}
    catalogue = FieldCatalogue.model_validate({"fields": [email, field]})
    for written, certain_reading in (("Opt out", True), ("Opt in", False)):
        tried = try_readings(pa.chunked_array([[written]]), catalogue["f"], SPAIN)
        (found,) = suggest_for_file([MappedColumn(1, "f", catalogue["f"])], [{1: tried.counts}])
        assert found.certain is certain_reading


@pytest.mark.parametrize("cells", [["1/2/1990", "3/4/1990"], ["1/1/1990", "4/4/1990"]], ids=["two-days", "same-days"])
def test_two_readings_that_fit_are_both_listed_and_neither_is_certain(cells: list[str]) -> None:
    found = {str(each.translation): (each.fixes, each.of) for each in suggested("birthdate", cells)}
    assert found == {"{'date': 'd/m/yyyy'}": (2, 2), "{'date': 'm/d/yyyy'}": (2, 2)}


def test_both_values_of_an_amount_are_listed_where_no_number_shows_the_decimal_sign() -> None:
    found = [each.translation for each in suggested("total_spent", ["1.234 €", "950 €", "2.500 €"])]
    assert found == [{"currency": "remove"}, {"currency": "remove", "decimal": ","}]


@pytest.mark.parametrize(
    ("cell", "meaning"),
    [("1,234,567", "1234567"), ("1.200,00", "1200"), ("1.234", None)],
    ids=["several-groups", "both-signs", "one-group"],
)
def test_a_whole_number_whose_signs_are_clear_has_a_meaning(cell: str, meaning: str | None) -> None:
    assert try_readings(pa.chunked_array([[cell]]), CATALOGUE["points"], SPAIN).meant.get(cell) == meaning


def test_a_phone_that_was_stored_as_a_decimal_has_one_reading() -> None:
    (found,) = suggested("mobile_phone", ["1712345678.0"], prefix=GERMANY)
    assert (found.translation, found.certain) == ({"point_zero": "remove"}, True)


def test_a_reading_is_tried_with_the_translation_that_the_column_has() -> None:
    rule = ColumnRule(field="interests", values={"Deportes": "sports"})
    column = MappedColumn(1, "x", CATALOGUE["interests"], rule=rule)
    tried = try_readings(pa.chunked_array([["Deportes, music"]]), CATALOGUE["interests"], SPAIN, rule)
    (found,) = suggest_for_file([column], [{1: tried.counts}])
    assert (found.translation, found.certain) == ({"separator": ","}, True)


def test_a_placeholder_is_suggested_as_blank_with_its_count() -> None:
    (found,) = suggested("birthdate", ["0000-00-00", "0000-00-00"])
    assert (found.translation, found.fixes, found.blanks) == ({"values": {"0000-00-00": ""}}, 2, 2)


CELLS = {
    "birthdate": [
        "31/12/1990",
        "1/2/1990",
        "15-may-85",
        "31182",
        "0000-00-00",
        "1990-12-31 10:00",
        "1990-12-31 0:00",
        "3/14",
    ],
    "total_spent": ["4,25", "1.234,5", "7 €", "1.5", "x"],
    "mobile_phone": ["651 23 45 67", "tel:651234567", "34651234567.0", "x", "+34651234567"],
    "vip": ["VERDADERO", "x", "no", "1"],
    "interests": ["Sports, Music", "sports;books", "music"],
}


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(CELLS)), st.data())
def test_suggestions_do_not_depend_on_how_the_file_is_cut(field: str, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.sampled_from(CELLS[field]), min_size=1, max_size=12))
    cut = data.draw(st.integers(0, len(cells)))
    assert suggested(field, cells[:cut], cells[cut:]) == suggested(field, cells)


def test_a_label_with_an_invisible_character_is_found() -> None:
    options = [{"id": "love", "label": "\u2764\ufe0f Love"}, {"id": "art", "label": "Art"}]
    field = Field.model_validate({"id": "topic", "type": "radio", "options": options})
    tried = try_readings(pa.chunked_array([["\u2764\ufe0f Love"]]), field, SPAIN)
    (found,) = suggest_for_file([MappedColumn(1, "topic", field)], [{1: tried.counts}])
    assert found.translation["values"] == {"\u2764 Love": "love"}


def test_the_readings_of_hundreds_of_fields_are_built_once() -> None:
    dates = [Field.model_validate({"id": f"day_{number}", "type": "date"}) for number in range(300)]
    radios = [
        Field.model_validate({"id": f"f{number}", "type": "radio", "options": [f"o{number}"]}) for number in range(300)
    ]
    fields = dates + radios
    built = [readings_of(field) for field in fields]
    assert all(readings_of(field) is known for field, known in zip(fields, built, strict=True))
