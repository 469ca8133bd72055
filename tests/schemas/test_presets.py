"""Presets in YAML: a wrong one is refused with its key and what to write, a right one survives a round trip."""

from pathlib import Path

import pytest
import yaml

from schemas.cells.dates import date_pattern
from schemas.errors.request import PresetInvalid, UnknownPreset
from schemas.presets.loader import (
    BUILT_IN_PRESETS,
    list_preset_names,
    load_built_in_presets,
    load_preset,
    read_preset,
    split_preset_name,
)
from schemas.presets.model import Preset
from schemas.presets.writer import ColumnComments, UnmatchedValues, dump_preset

BUILT_INS = list(load_built_in_presets())


def refusal(text: str, tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PresetInvalid) as raised:
        read_preset(path)
    assert "mine.yaml" in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("preset", [pytest.param(preset, id=preset.name) for preset in BUILT_INS])
def test_a_built_in_preset_is_labelled_and_survives_a_round_trip(preset: Preset, tmp_path: Path) -> None:
    assert preset.label
    assert preset.signature
    path = tmp_path / f"{preset.name}.yaml"
    path.write_text(dump_preset(preset), encoding="utf-8")
    assert read_preset(path) == preset


def test_words_that_yaml_converts_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("columns:\n  No: {field: vip, values: {yes: true, 1: false, 2024-01-01: ~}}\n", encoding="utf-8")
    assert read_preset(path).columns["No"].values == {"yes": "true", "1": "false", "2024-01-01": "~"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("columns: [", ["line 1"], id="no-yaml"),
        pytest.param("", ["columns:", "Column: field"], id="empty"),
        pytest.param("- a", ["columns:"], id="a-list"),
        pytest.param("columns: email", ["columns:"], id="columns-are-no-lines"),
        pytest.param("columns: {a: email}\ncolour: red", ["colour", "remove it"], id="unknown-key"),
        pytest.param("columns: {a: {field: email, dates: x}}", ["columns, a, dates", "remove it"], id="unknown-rule"),
        pytest.param("columns: {a: {field: b, date: yymmdd}}", ["columns, a, date", "two ways"], id="short-year"),
        pytest.param("columns: {a: {field: b, date: mdyyyy}}", ["two ways", "mm and dd"], id="date-in-two-ways"),
        pytest.param("columns: {a: {field: b, date: yyyy-dd-mm}}", ["looks like yyyy-mm-dd"], id="date-like-iso"),
        pytest.param("columns: {a: {field: b, decimal: ;}}", ["columns, a, decimal", "one of"], id="decimal-sign"),
        pytest.param("columns: {a: {field: b, decimal: ',', thousands: ','}}", ["two different"], id="one-sign"),
        pytest.param("columns: {a: {field: b, take: first}}", ["separator"], id="take-without-separator"),
        pytest.param("columns: {a: {field: b, separator: ''}}", ["columns, a, separator"], id="separator-of-nothing"),
        pytest.param("columns: {a: {field: b, phone: raw}}", ["columns, a, phone", "'plain'"], id="phone"),
        pytest.param("columns: {a: {values: {x: y}}}", ["columns, a", "field:"], id="translates-for-no-field"),
        pytest.param("columns: {a: {field: b, values: {x: y, y: x}}}", ["corrected file"], id="values-swapped"),
        pytest.param("columns: {a: {field: b, values: {x: y, Y: z}}}", ["corrected file"], id="values-chained"),
        pytest.param("columns: {a: {field: b, values: {x: y, X: z}}}", ["names one value twice"], id="values-by-case"),
        pytest.param("columns: {a: {field: b, values: [x]}}", ["columns, a, values", "shape"], id="values-as-a-list"),
        pytest.param("columns: {a: b, c: b}", ["'a' and 'c' both go to 'b'"], id="two-columns-for-a-field"),
        pytest.param("columns: {A: b, ' a ': c}", ["the same name"], id="a-column-by-two-spellings"),
        pytest.param("columns: {a: b, a: c}", ["'a' occurs twice", "line 1"], id="a-key-twice"),
        pytest.param("columns: {a: b}\nnever_read: [A]", ["never_read: 'A'"], id="read-and-never-read"),
        pytest.param("columns: {a: b}\nnever_read: A", ["never_read", "shape"], id="never-read-is-no-list"),
        pytest.param("columns: {a: b}\nconstants: {b: x}", ["'b' comes from the column 'a'"], id="constant-and-column"),
        pytest.param("columns: {a: b}\nparts: {p: {file: x, constants: {b: x}}}", ["comes from"], id="part-and-column"),
        pytest.param("columns: {a: b}\nparts: {p: {}}", ["parts, p, file"], id="part-without-file"),
        pytest.param("columns: {a: b}\nparts: {'p q': {file: x}}", ["parts", "'p q'"], id="part-with-a-space"),
        pytest.param("columns: {'': b}", ["columns", "column_N"], id="column-of-no-name"),
        pytest.param("columns: {a: b}\nnever_read: [' ']", ["never_read", "column_N"], id="never-read-of-no-name"),
        pytest.param("columns: {? [a] : b}", ["not plain text", "line 1"], id="a-key-that-is-a-list"),
        pytest.param("columns: &a {b: *a}", ["use fewer aliases"], id="a-loop"),
        pytest.param("columns: {a: b}\nname: x", ["name", "remove it"], id="named-inside"),
    ],
)
def test_a_wrong_preset_is_refused_with_the_key_to_correct(text: str, says: list[str], tmp_path: Path) -> None:
    message = refusal(text, tmp_path)
    for each in says:
        assert each in message


def test_every_problem_is_listed(tmp_path: Path) -> None:
    message = refusal("columns: {a: {field: b, date: x, phone: y}}\nfoo: 1", tmp_path)
    assert all(each in message for each in ("columns, a, date", "columns, a, phone", "foo"))


@pytest.mark.parametrize(
    ("format", "matching"),
    [
        pytest.param("m/d/yyyy", "3/04/1990", id="american"),
        pytest.param("dd.mm.yyyy", "04.03.1990", id="german"),
        pytest.param("yyyymmdd", "19900304", id="packed"),
        pytest.param("yyyy/m/d", "1990/3/4", id="year-first"),
    ],
)
def test_a_date_format_matches_its_dates_only(format: str, matching: str) -> None:
    import re

    found = re.fullmatch(date_pattern(format), matching)
    assert found
    assert (found["y"], int(found["m"]), int(found["d"])) == ("1990", 3, 4)
    assert not re.fullmatch(date_pattern(format), "1990-03-04")


@pytest.mark.parametrize(
    ("text", "name", "part"),
    [
        pytest.param("mailchimp", "mailchimp", None, id="whole"),
        pytest.param("mailchimp:cleaned", "mailchimp", "cleaned", id="part"),
        pytest.param("a/b.yaml:cleaned", "a/b.yaml", "cleaned", id="part-of-a-file"),
        pytest.param("a:b/c.yaml", "a:b/c.yaml", None, id="colon-in-a-path"),
        pytest.param("C:", "C:", None, id="nothing-after-the-colon"),
    ],
)
def test_the_part_of_a_preset_is_named_after_a_colon(text: str, name: str, part: str | None) -> None:
    assert split_preset_name(text) == (name, part)


def test_a_users_own_preset_comes_before_a_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "shopify.yaml").write_text("columns: {Mail: email}", encoding="utf-8")
    assert list(load_preset("shopify", tmp_path).columns) == ["Mail"]
    assert load_preset("outlook", tmp_path) == read_preset(BUILT_IN_PRESETS / "outlook.yaml")
    assert list_preset_names(tmp_path).count("shopify") == 1


@pytest.mark.parametrize("name", ["shopfy", "", "..", "a b", "*", "auto"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownPreset, match="shopify"):
        load_preset(name, tmp_path)


def test_a_missing_preset_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PresetInvalid, match=r"no\.yaml.*no such file"):
        load_preset(str(tmp_path / "no.yaml"), None)


def test_a_line_break_of_any_kind_does_not_end_a_comment() -> None:
    breaks = "\n\x85\u2028\u2029"
    preset = Preset.model_validate({"columns": {f"Mail{breaks}x": "email", "Status": "status"}})
    comments = {
        f"odd{breaks}columns: {{}}": ColumnComments(),
        "Status": ColumnComments(
            [({"separator": "\u2028"}, "1 cell")], UnmatchedValues({f"a{breaks}label: b": 2}, breaks), ("none",)
        ),
    }
    for text in (dump_preset(preset, comments), dump_preset(preset)):
        assert Preset.model_validate(yaml.safe_load(text)) == preset
