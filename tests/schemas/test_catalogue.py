"""A wrong catalogue is refused with the field's name and what to write."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.catalogue import FieldCatalogue, load_catalogue
from schemas.errors.base import CatalogueInvalid, CatalogueNotFound
from schemas.field_types import FieldType, Gaps
from schemas.fields import header_key

EMAIL = {"id": "email", "type": "email", "identity": True}


def written(tmp_path: Path, fields: Any) -> Path:
    path = tmp_path / "fields.yaml"
    path.write_text(fields if isinstance(fields, str) else yaml.safe_dump({"fields": fields}), encoding="utf-8")
    return path


WRONG = [
    pytest.param([EMAIL, {"id": "mail", "type": "email", "identity": True}], ["email, mail", "exactly one"], id="two"),
    pytest.param([{"id": "email", "type": "email"}], ["none", "identity: true"], id="no-identity"),
    pytest.param([{"id": "mail", "type": "email", "identity": True}], ["'mail'", "name it 'email'"], id="other-id"),
    pytest.param([{"id": "email", "type": "text", "identity": True}], ["'email'", "text"], id="identity-no-email"),
    pytest.param([EMAIL, {"id": "vip", "type": "radio"}], ["'vip'", "options:"], id="radio-without-options"),
    pytest.param([EMAIL, {"id": "x", "type": "checkbox", "options": []}], ["'x'", "options:"], id="no-options"),
    pytest.param([EMAIL, {"id": "x", "type": "text", "options": ["a"]}], ["'x'", "radio or checkbox"], id="text-opts"),
    pytest.param([EMAIL, {"id": "x", "type": "radio", "options": ["a", "a"]}], ["'x'", "'a' twice"], id="option-twice"),
    pytest.param([EMAIL, {"id": "x", "type": "radio", "options": ["a|b"]}], ["'x'", "'a|b'", "'|'"], id="option-bar"),
    pytest.param([EMAIL, {"id": "x", "type": "radio", "options": [" a"]}], ["'x'", "' a'"], id="option-space"),
    pytest.param([EMAIL, {"id": "x", "type": "radio", "options": [""]}], ["'x'", "empty"], id="option-empty"),
    pytest.param([EMAIL, {"id": "x", "type": "radio", "options": [{}]}], ["'x'", "options", "missing"], id="option-{}"),
    pytest.param([EMAIL, {"id": "x", "type": "text"}, {"id": "x", "type": "date"}], ["'x'", "twice"], id="id-twice"),
    pytest.param([EMAIL, {"id": "x", "type": "number"}], ["'x'", "'number'", "integer, decimal"], id="unknown-type"),
    pytest.param([EMAIL, {"id": "x", "type": None}], ["'x'", "not a type"], id="type-null"),
    pytest.param([EMAIL, {"id": "x"}], ["'x'", "type", "missing"], id="no-type"),
    pytest.param([EMAIL, {"type": "text"}], ["number 2", "missing"], id="no-id"),
    pytest.param([EMAIL, "name"], ["number 2"], id="not-a-mapping"),
    pytest.param([EMAIL, {"id": "First Name", "type": "text"}], ["'First Name'", "'first_name'"], id="id-with-space"),
    pytest.param([EMAIL, {"id": "Año", "type": "text"}], ["'Año'", "'ano'"], id="id-with-accent"),
    pytest.param([EMAIL, {"id": "2nd", "type": "text"}], ["'2nd'", "'field_2nd'"], id="id-with-digit-first"),
    pytest.param([EMAIL, {"id": "名前", "type": "text"}], ["'名前'", "write for example"], id="id-in-other-letters"),
    pytest.param([EMAIL, {"id": "x; drop table", "type": "text"}], ["'x_drop_table'"], id="id-with-sql"),
    pytest.param([EMAIL, {"id": "x" * 64, "type": "text"}], [f"'{'x' * 63}'"], id="id-too-long"),
    pytest.param([EMAIL, {"id": "", "type": "text"}], ["number 2", "write for example"], id="id-empty"),
    pytest.param([EMAIL, {"id": 5, "type": "text"}], ["5", "string"], id="id-number"),
    pytest.param([EMAIL, {"id": "created_at", "type": "date"}], ["'created_at'", "choose another"], id="reserved"),
    pytest.param([EMAIL, {"id": "rejection_codes", "type": "text"}], ["'rejection_codes'"], id="reserved-rejection"),
    pytest.param([EMAIL, {"id": "x", "type": "text", "aliases": ["E-Mail", "EMAIL"]}], ["'email'", "'x'"], id="alias"),
    pytest.param([EMAIL, {"id": "x", "type": "text", "gaps": "maybe"}], ["'x'", "gaps", "reject-row"], id="gaps"),
    pytest.param([EMAIL, {"id": "x", "type": "text", "labell": "X"}], ["'x'", "labell", "remove it"], id="typo"),
    pytest.param([EMAIL, {"id": "x", "type": "text", "merge": "append"}], ["'x'", "only a checkbox"], id="append"),
    pytest.param([{**EMAIL, "merge": "keep"}], ["'email'", "merge"], id="policy-of-the-identity"),
    pytest.param([EMAIL, {"id": "x", "type": "text", "consent": ["a"]}], ["'x'", "make it a radio"], id="consent-text"),
    pytest.param(
        [EMAIL, {"id": "x", "type": "radio", "options": ["a", "b"], "consent": ["a"]}],
        ["'x'", "every option"],
        id="consent-without-an-option",
    ),
    pytest.param([{**EMAIL, "gaps": "drop-column"}], ["'email'", "gaps"], id="identity-that-may-be-dropped"),
]


@pytest.mark.parametrize(("fields", "says"), WRONG)
def test_a_wrong_catalogue_is_refused_with_the_field_to_correct(fields: Any, says: list[str], tmp_path: Path) -> None:
    path = written(tmp_path, fields)
    with pytest.raises(CatalogueInvalid) as raised:
        load_catalogue(path)
    message = str(raised.value)
    assert str(path) in message
    for each in says:
        assert each in message
    assert "pydantic" not in message
    assert "Value error" not in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("fields: [", "not YAML", id="broken-yaml"),
        *(
            pytest.param(f"fields: [{value}]", "not YAML", id=value[:20])
            for value in ("!!bool maybe", "!!int ''", "!!float ''", "!!timestamp abc", f"1{':0' * 200}.5", "2026-02-30")
        ),
        pytest.param("", "no list of 'fields:'", id="empty"),
        pytest.param("[]", "no list of 'fields:'", id="a-list"),
        pytest.param("fields: email", "no list of 'fields:'", id="fields-no-list"),
        pytest.param("fields: []", "0 fields are the identity", id="no-fields"),
        pytest.param("default_prefix: +34\nfields: []", "write for example '+34', in quotes", id="prefix-unquoted"),
        pytest.param("default_prefix: '+999'\nfields: []", "'+999' is not a country prefix", id="prefix-of-nobody"),
        pytest.param("fileds: []\nfields: []", "fileds", id="unknown-key"),
        pytest.param(
            "fields: [{id: email, type: email, identity: true}, {id: x, type: radio, options: [yes, no]}]",
            "the option ID True is read as bool; put it in quotes",
            id="yaml-boolean-options",
        ),
        pytest.param(
            "fields: [{id: email, type: email, identity: true}, {id: x, type: radio, options: [{id: no}]}]",
            "the option ID False is read as bool; put it in quotes",
            id="yaml-boolean-option-id",
        ),
        pytest.param(
            "fields: [{id: email, type: email, identity: true}, {id: x, type: radio, options: [007]}]",
            "the option ID 7 is read as int; put it in quotes",
            id="yaml-number-option",
        ),
        pytest.param(
            "fields: [{id: email, type: email, identity: true}, {id: x, type: radio, options: [2024-01-01]}]",
            "field 'x', options",
            id="yaml-date-option",
        ),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogueInvalid) as raised:
        load_catalogue(written(tmp_path, text))
    assert says in str(raised.value)


def test_every_problem_is_listed(tmp_path: Path) -> None:
    fields = [EMAIL, {"id": "a b", "type": "text"}, {"id": "c", "type": "numeric"}]
    with pytest.raises(CatalogueInvalid) as raised:
        load_catalogue(written(tmp_path, fields))
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize("make", [lambda path: path / "no.yaml", lambda path: path], ids=["missing", "folder"])
def test_a_catalogue_that_cannot_be_read_is_reported(make: Any, tmp_path: Path) -> None:
    with pytest.raises(CatalogueNotFound, match="give the path of a YAML file"):
        load_catalogue(make(tmp_path))


def test_radius_is_another_name_for_radio(tmp_path: Path) -> None:
    catalogue = load_catalogue(written(tmp_path, [EMAIL, {"id": "x", "type": "Radius", "options": ["a"]}]))
    assert catalogue["x"].type is FieldType.RADIO
    assert catalogue["x"].gaps is Gaps.DROP_COLUMN


@pytest.mark.parametrize(
    ("type", "gaps"),
    [
        ("text", "allow"),
        ("email", "allow"),
        ("phone", "drop-column"),
        ("date", "drop-column"),
        ("integer", "drop-column"),
        ("decimal", "drop-column"),
        ("boolean", "allow"),
        ("radio", "drop-column"),
        ("checkbox", "allow"),
    ],
)
def test_the_type_decides_what_a_gap_does_by_default(type: str, gaps: str) -> None:
    options = ["a"] if type in ("radio", "checkbox") else []
    field = {"id": "x", "type": type, "options": options}
    for given in ({}, {"gaps": None}):
        assert str(FieldCatalogue.model_validate({"fields": [EMAIL, {**field, **given}]})["x"].gaps) == gaps


@pytest.mark.parametrize("name", ["MÓVIL", "movil", "  Móvil ", "Mo\u0301vil", "MOVIL\u00a0"])
def test_names_in_headers_ignore_case_accents_and_outer_space(name: str) -> None:
    assert load_catalogue().by_name[header_key(name)].id == "mobile_phone"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("Ünïcödé", "unicode", True, id="latin"),
        pytest.param("Τηλέφωνο", "ΤΗΛΕΦΩΝΟ", True, id="greek"),
        pytest.param("Съёмка", "съемка", True, id="cyrillic"),
        pytest.param("\u0301name", "name", True, id="a mark without a letter"),
        pytest.param("ไม้", "ไม่", False, id="thai tones"),
        pytest.param("がき", "かき", False, id="japanese"),
        pytest.param("ｶﾞｷ", "ガキ", True, id="japanese half and full width"),
        pytest.param("फल", "फ़ल", False, id="hindi nukta"),
        pytest.param("कम", "क्म", False, id="hindi virama"),
    ],
)
def test_marks_are_ignored_in_latin_greek_and_cyrillic_names_only(one: str, other: str, same: bool) -> None:
    assert (header_key(one) == header_key(other)) is same


def test_gaps_can_be_allowed_in_all_fields() -> None:
    fields = [EMAIL, {"id": "x", "type": "date"}, {"id": "y", "type": "text", "gaps": "reject-row"}]
    catalogue = FieldCatalogue.model_validate({"fields": fields})
    assert {field.gaps for field in catalogue.adapt(allow_gaps=True).fields} == {Gaps.ALLOW}
    assert catalogue["x"].gaps is Gaps.DROP_COLUMN


def test_the_built_in_catalogue_has_a_field_of_every_type() -> None:
    catalogue = load_catalogue()
    assert {field.type for field in catalogue.fields} == set(FieldType)
    assert catalogue.ids[:8] == (
        "email",
        "name",
        "surname",
        "mobile_phone",
        "birthdate",
        "newsletter_subscription_status",
        "sms_subscription_status",
        "points",
    )
    assert catalogue["newsletter_subscription_status"].option_ids == ("subscribed", "unsubscribed", "none")
