"""A preset with other files and catalogues: what is applied, and what is skipped with a note."""

from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import FieldCatalogue
from schemas.errors.base import ContactImportError
from schemas.errors.request import ColumnMappedTwice, ColumnNeverRead, DuplicateMapping, PresetNotFound, UnknownPreset
from schemas.presets.model import ColumnRule, Preset
from tests.transforms.pipeline import Checked, check
from transforms.mapping.columns import ColumnMapping
from transforms.mapping.preset_fit import choose_part, detect_preset, find_preset, fit_rule, map_with_preset

HEADER = ["Mail", "Who", "Tel", "Day", "State", "Hobbies", "Sum", "Hash"]
PRESET = {
    "signature": ["Mail", "Who"],
    "columns": {
        "Mail": "email",
        "Who": "name",
        "Tel": {"field": "phone", "phone": "plain"},
        "Day": {"field": "born", "date": "m/d/yyyy"},
        "State": {"field": "status", "values": {"yes": "subscribed", "no": "none"}},
        "Hobbies": {"field": "likes", "separator": ","},
        "Sum": {"field": "spent", "decimal": ","},
    },
    "constants": {"vip": "true"},
    "never_read": ["Hash"],
}


def mapped(
    catalogue: FieldCatalogue,
    preset: dict[str, Any],
    names: list[str] = HEADER,
    explicit: dict[str, str] | None = None,
) -> ColumnMapping:
    found = choose_part(Preset.model_validate({"name": "mine", **preset}), None, "file.csv")
    return map_with_preset(names, catalogue, [(explicit or {}).items()], (), {}, found)


def fields(mapping: ColumnMapping) -> dict[str, str | None]:
    """A column's field, `-` where it is ignored, None where it is unknown."""
    return {each.name: each.field.id if each.field else "-" if each.ignored else None for each in mapping.columns}


def test_a_preset_that_the_catalogue_supports_is_applied_completely(catalogue: FieldCatalogue) -> None:
    mapping = mapped(catalogue, PRESET)
    assert list(fields(mapping).values()) == ["email", "name", "phone", "born", "status", "likes", "spent", "-"]
    assert [(constant.field.id, constant.value) for constant in mapping.constants] == [("vip", "true")]
    assert [column.name for column in mapping.never_read] == ["Hash"]
    assert [column.name for column, _, _ in mapping.translated] == ["Tel", "Day", "State", "Hobbies", "Sum"]
    assert (mapping.preset, mapping.notes) == ("mine", ())


@pytest.mark.parametrize(
    ("preset", "note", "changed"),
    [
        pytest.param({"columns": {"Mail": "email", "Who": "nom"}}, "no field 'nom' (column 'Who')", {}, id="field"),
        pytest.param(
            {"columns": {"Mail": "email", "State": {"field": "status", "values": {"yes": "on", "no": "none"}}}},
            "'on' is not a value of 'status' (column 'State')",
            {"State": {"no": "none"}},
            id="option",
        ),
        pytest.param(
            {"columns": {"Mail": "email", "Who": {"field": "name", "date": "m/d/yyyy", "values": {"a": "b"}}}},
            "'date' does not go with 'name'",
            {"Who": {"a": "b"}},
            id="date-for-a-text",
        ),
        pytest.param(
            {"columns": {"Mail": "email", "Day": {"field": "born", "decimal": ","}}},
            "'decimal' does not go with 'born'",
            {},
            id="number-for-a-date",
        ),
        pytest.param(
            {"columns": {"Mail": "email", "State": {"field": "status", "separator": ","}}},
            "'separator' does not go with 'status'",
            {},
            id="several-for-a-radio",
        ),
        pytest.param(
            {"columns": {"Mail": "email", "Hobbies": {"field": "likes", "separator": "o"}}},
            "'separator' does not go with 'likes'",
            {},
            id="separator-in-an-option",
        ),
        pytest.param(
            {"columns": {"Mail": "email"}, "constants": {"stat": "none"}},
            "no field 'stat' to hold 'none'",
            {},
            id="constant-for-no-field",
        ),
        pytest.param(
            {"columns": {"Mail": "email"}, "constants": {"status": "on"}},
            "'on' is not a value of 'status'",
            {},
            id="constant-of-no-option",
        ),
        pytest.param(
            {"columns": {"Mail": "email"}, "signature": ["Mail", "Bank"]}, "has no column Bank", {}, id="other-file"
        ),
        pytest.param(
            {"columns": {"Mail": "email"}, "parts": {"a": {"file": "x*"}}}, "with --preset: mine:a", {}, id="no-part"
        ),
    ],
)
def test_what_the_catalogue_lacks_is_skipped_with_a_note(
    preset: dict[str, Any], note: str, changed: dict[str, Any], catalogue: FieldCatalogue
) -> None:
    mapping = mapped(catalogue, preset)
    assert len(mapping.notes) == 1
    assert note in mapping.notes[0]
    assert {column.name: rule.values for column, _, rule in mapping.translated} == changed
    assert mapping.constants == ()


@pytest.mark.parametrize(
    ("explicit", "expected"),
    [
        pytest.param({"Who": ""}, {"Who": "-"}, id="ignored"),
        pytest.param({"Hobbies": "name"}, {"Hobbies": "name", "Who": "-"}, id="takes-a-field-from-the-preset"),
        pytest.param({"Who": "other_email"}, {"Who": "other_email"}, id="another-field"),
        pytest.param({"Hash": ""}, {"Hash": "-"}, id="never-read-all-the-same"),
    ],
)
def test_the_users_mapping_comes_before_the_preset(
    explicit: dict[str, str], expected: dict[str, str], catalogue: FieldCatalogue
) -> None:
    mapping = mapped(catalogue, PRESET, explicit=explicit)
    assert fields(mapping) == fields(mapped(catalogue, PRESET)) | expected
    assert [column.name for column in mapping.never_read] == ["Hash"]


def test_a_mapped_column_replaces_a_constant_and_a_column_matched_by_name_does_not(
    catalogue: FieldCatalogue,
) -> None:
    names = ["Mail", "vip", "x"]
    assert fields(mapped(catalogue, PRESET, names)) == {"Mail": "email", "vip": "-", "x": None}
    mapping = mapped(catalogue, PRESET, names, {"x": "vip"})
    assert (fields(mapping), mapping.constants) == ({"Mail": "email", "vip": "-", "x": "vip"}, ())


def test_translations_go_with_a_column_to_the_field_that_the_user_names(catalogue: FieldCatalogue) -> None:
    """So that a preset serves a catalogue whose fields have other names."""
    preset = {"columns": {"Mail": "email", "State": {"field": "consent", "values": {"yes": "subscribed"}}}}
    mapping = mapped(catalogue, preset, explicit={"State": "status"})
    assert fields(mapping)["State"] == "status"
    assert [rule.values for _, _, rule in mapping.translated] == [{"yes": "subscribed"}]


def test_columns_that_the_preset_does_not_name_are_matched_by_name(catalogue: FieldCatalogue) -> None:
    found = fields(mapped(catalogue, PRESET, ["Mail", "points", "Nombre", "Who"]))
    assert found == {"Mail": "email", "points": "points", "Nombre": "-", "Who": "name"}


@pytest.mark.parametrize(
    ("names", "explicit", "error"),
    [
        pytest.param(["Mail", "Hash"], {"Hash": "name"}, ColumnNeverRead, id="never-read"),
        pytest.param(["Mail", "Hash"], {"column_2": "name"}, ColumnNeverRead, id="never-read-by-position"),
        pytest.param(["Mail", "Who", "Who"], {}, DuplicateMapping, id="a-header-twice"),
    ],
)
def test_a_request_that_cannot_be_met_is_an_error(
    names: list[str], explicit: dict[str, str], error: type[ContactImportError], catalogue: FieldCatalogue
) -> None:
    with pytest.raises(error):
        mapped(catalogue, PRESET, names, explicit)


def test_two_rules_of_a_preset_for_one_column_are_an_error_unless_the_user_maps_it(catalogue: FieldCatalogue) -> None:
    preset = {"columns": {"Mail": "email", "Who": "name", "column_2": "phone"}}
    with pytest.raises(ColumnMappedTwice):
        mapped(catalogue, preset, ["Mail", "Who"])
    assert fields(mapped(catalogue, preset, ["Mail", "Who"], {"Who": "name"})) == {"Mail": "email", "Who": "name"}


def preset(name: str, *signature: str) -> Preset:
    return Preset(name=name, signature=signature, columns={})


def test_a_preset_may_name_thousands_of_columns_in_another_letter_case(catalogue: FieldCatalogue) -> None:
    names = ["Mail", *(f"Column {number}" for number in range(5_000))]
    preset = {"columns": {"Mail": "email"} | {name.upper(): "" for name in names[1:]}, "never_read": ["COLUMN X"]}
    assert list(fields(mapped(catalogue, preset, names)).values()) == ["email", *["-"] * 5_000]


def test_thousands_of_values_are_judged_and_noted_once_each(catalogue: FieldCatalogue) -> None:
    numbers = range(40_000)
    values = {f"w{number}": f"x{number // 4}" if number % 2 else "none" for number in numbers}
    rule, notes = fit_rule(ColumnRule(field="status", values=values | {"": ""}), "State", catalogue["status"], "+34")
    assert rule.values == {f"w{number}": "none" for number in numbers if number % 2 == 0} | {"": ""}
    assert notes == [f"'x{number}' is not a value of 'status' (column 'State')" for number in range(10_000)]


def test_auto_prefers_the_users_own_presets() -> None:
    shelf = [preset("a", "Mail", "x"), preset("b", "mail ", "y"), preset("none")]
    assert detect_preset(["MAIL", "y", "z"], shelf).name == "b"
    assert detect_preset(["Mail", "x", "y"], [preset("own", "y")], shelf).name == "own"


@pytest.mark.parametrize(
    ("names", "says"),
    [
        pytest.param(["Mail"], "fits 0 presets", id="none"),
        pytest.param(["Mail", "x", "y"], "2 presets: a, b", id="several"),
    ],
)
def test_auto_is_an_error_when_no_or_several_presets_fit(names: list[str], says: str) -> None:
    with pytest.raises(PresetNotFound, match=says):
        detect_preset(names, [preset("a", "Mail", "x"), preset("b", "Mail", "y")])


def test_the_error_of_an_unknown_part_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownPreset, match="mailchimp:cleaned"):
        find_preset("mailchimp:bounced", tmp_path, [], "x.csv")


def test_a_preset_maps_columns_of_a_file_without_header_by_position(tmp_path: Path, catalogue: FieldCatalogue) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "columns:\n  column_1: email\n  column_2: {field: born, date: d/m/yyyy}\nnever_read: [column_3]\n",
        encoding="utf-8",
    )
    found: Checked = check("a@b.com,2/1/1990,x\nb@c.com,31/2/1990,x\n", catalogue, header=False, preset=str(path))
    assert found.accepted == [{"email": "a@b.com", "born": "1990-01-02"}]
    assert found.codes == [(2, "date-invalid")]
    assert b"x" not in found.rejected_file.split(b"\n")[1].split(b"date-invalid")[0]


def test_cells_that_are_valid_already_are_not_translated(tmp_path: Path, catalogue: FieldCatalogue) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("columns: {email: email, spent: {field: spent, decimal: ','}}", encoding="utf-8")
    found = check("email;spent\na@b.com;12.50\nb@b.com;1.234,5\n", catalogue, preset=str(path))
    assert found.column("spent") == ["12.5", "1234.5"]
