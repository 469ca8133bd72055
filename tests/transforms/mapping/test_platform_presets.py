"""The built-in presets with the header rows of their platforms."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import load_catalogue
from schemas.presets.loader import load_built_in_presets
from tests.transforms.pipeline import Checked, check, rows_of
from tests.transforms.platform_exports import EXPORTS, Export

BUILT_IN = load_catalogue()
CASES = [pytest.param(name, export, id=name) for name, export in EXPORTS.items()]


def checked(export: Export, *rows: dict[str, str], preset: str = "auto", **options: Any) -> Checked:
    return check(export.text(*rows), BUILT_IN, name=export.file, preset=preset, **options)


def test_every_built_in_preset_is_tested_with_a_header_row() -> None:
    assert {preset.name for preset in load_built_in_presets()} == set(EXPORTS)


@pytest.mark.parametrize(("name", "export"), CASES)
def test_auto_detects_the_preset_of_each_platform(name: str, export: Export) -> None:
    found = checked(export)
    assert (found.preset or "").split(":")[0] == name
    assert found.notes == ()
    assert found.rejections == []
    assert found.accepted == [export.stored]


@pytest.mark.parametrize(("name", "export"), CASES)
def test_a_preset_by_name_reads_as_by_auto(name: str, export: Export) -> None:
    assert checked(export, preset=name) == checked(export)


@pytest.mark.parametrize(("name", "export"), CASES)
def test_a_preset_names_columns_of_the_platforms_header(name: str, export: Export) -> None:
    preset = next(each for each in load_built_in_presets() if each.name == name)
    lacking = {*preset.columns, *preset.never_read, *preset.signature} - set(export.names)
    may_lack = {"Address 1 - City", "Address 1 - Country", "Phone Number"}  # groups and merge fields vary
    assert lacking <= may_lack


def test_hubspots_mobile_number_is_read_instead_where_it_is_mapped() -> None:
    export = EXPORTS["hubspot"]
    both = replace(export, header=f"{export.header},Mobile Phone Number")
    phones = {"Phone Number": "+34 651 23 45 67", "Mobile Phone Number": "+34651999999"}
    assert checked(both, phones).accepted == [export.stored]
    mapped = checked(both, phones, mapping={"Mobile Phone Number": "mobile_phone"})
    assert [row["mobile_phone"] for row in mapped.accepted] == ["'+34651999999"]


@pytest.mark.parametrize("name", ["magento2", "prestashop-sample"])
def test_never_read_columns_are_in_no_output(name: str) -> None:
    export = EXPORTS[name]
    email = "email" if name == "magento2" else "Email *"
    whole = export.text({}, {email: "no email"})
    row = whole.splitlines()[1]
    damaged = [row + export.delimiter, row.rpartition(export.delimiter)[0], row.removesuffix('"')]
    found = check(whole + "\n".join(damaged), BUILT_IN, preset=name)
    assert found.codes == [
        (2, "email-invalid"),
        (3, "row-too-long"),
        (4, "row-too-short"),
        (5, "row-bad-quoting"),
    ]
    assert b"secret" not in found.rejected_file + found.accepted_file
    assert "secret" not in repr(found)


@settings(max_examples=25)
@given(data=st.data(), name=st.sampled_from([name for name in EXPORTS if name != "mailchimp"]))
def test_a_corrected_rejected_file_gives_the_same_contacts_with_the_same_preset(data: st.DataObject, name: str) -> None:
    """Rows are spoiled in one cell; the rejected file has their other cells as the source wrote them."""
    export = EXPORTS[name]
    preset = next(each for each in load_built_in_presets() if each.name == name)
    email = next(column for column, rule in preset.columns.items() if rule.field == "email")
    spoilt = st.sampled_from([{}, {email: "no email"}])
    rows = [{email: f"a{number}@example.com", **data.draw(spoilt)} for number in range(data.draw(st.integers(1, 6)))]
    found = checked(export, *rows, preset=name)
    assert len(found.accepted) + found.rejected_rows == len(rows)
    mended = found.rejected_file.decode("utf-8-sig")
    for number in range(mended.count("no email")):
        mended = mended.replace('"no email"', f'"mended{number}@example.com"', 1)
    again = check(mended, BUILT_IN, preset=name, block_bytes=60)
    assert again.rejections == []
    assert [{**row, "email": ""} for row in again.accepted] == [{**export.stored, "email": ""}] * found.rejected_rows


@pytest.mark.parametrize(
    ("name", "column", "bad", "mended"),
    [
        pytest.param("shopify", "Accepts Email Marketing", "maybe", ["yes", "Yes", "subscribed"], id="value"),
        pytest.param("shopify", "Phone", "+34 651 xx", ["+34 651 234 567", "651234567", "'+34651234567"], id="phone"),
        pytest.param("outlook", "Birthday", "31/12/1990", ["2/1/1990", "02/01/1990", "1990-02-01"], id="date"),
        pytest.param("outlook", "Gender", "Mrs.", ["Female", "f"], id="option"),
        pytest.param("google", "E-mail 1 - Value", "x ::: y", ["ana@example.com ::: y", "ana@example.com"], id="first"),
    ],
)
def test_a_corrected_cell_may_have_the_format_of_the_platform_or_of_the_rules(
    name: str, column: str, bad: str, mended: list[str]
) -> None:
    export = EXPORTS[name]
    found = checked(export, {column: bad}, preset=name)
    assert found.rejected_rows == 1
    assert rows_of(found.rejected_file, export.delimiter)[0][column].lstrip("'") == bad
    cell = rows_of(found.rejected_file)[0][column].encode()
    for text in mended:
        again = check(found.rejected_file.replace(cell, text.encode(), 1), BUILT_IN, preset=name)
        assert again.accepted == [export.stored], text


@pytest.mark.parametrize(
    ("file", "preset", "named", "stored"),
    [
        pytest.param("subscribed_members.csv", "mailchimp", "mailchimp:subscribed", "subscribed", id="subscribed"),
        pytest.param("unsubscribed_x.csv", "auto", "mailchimp:unsubscribed", "unsubscribed", id="unsubscribed"),
        pytest.param("Cleaned_x.csv", "auto", "mailchimp:cleaned", "none", id="cleaned"),
        pytest.param("rejected.csv", "mailchimp:cleaned", "mailchimp:cleaned", "none", id="part-by-name"),
        pytest.param("subscribed_x.csv", "mailchimp:cleaned", "mailchimp:cleaned", "none", id="name-before-file"),
        pytest.param("audience.csv", "mailchimp", "mailchimp", None, id="no-part"),
    ],
)
def test_the_name_of_a_mailchimp_file_decides_the_subscription(
    file: str, preset: str, named: str, stored: str | None
) -> None:
    found = check(EXPORTS["mailchimp"].text(), BUILT_IN, name=file, preset=preset)
    assert found.preset == named
    assert found.accepted[0].get("newsletter_subscription_status") == stored
    constant = {(None, f"{stored!r} in every row"): 1} if stored else {}
    assert constant.items() <= found.translations.items()
    assert any("which part" in note for note in found.notes) == (stored is None)


def test_a_corrected_mailchimp_file_keeps_the_part_named_in_the_report() -> None:
    found = check(EXPORTS["mailchimp"].text({"Email Address": "x"}), BUILT_IN, name="unsubscribed_x.csv", preset="auto")
    mended = found.rejected_file.replace(b'"x"', b'"x@example.com"')
    again = check(mended, BUILT_IN, name="rejected.csv", preset=found.preset)
    assert again.accepted[0]["newsletter_subscription_status"] == "unsubscribed"


def test_gaps_are_those_of_the_translated_cells(tmp_path: Path) -> None:
    """What a preset reads as blank is a gap like any other, and drops a column that must be complete."""
    preset = tmp_path / "own.yaml"
    preset.write_text("columns: {Mail: email, Sex: {field: gender, values: {Male: m, Unspecified: ''}}}")
    found = check("Mail,Sex\na@example.com,Male\nb@example.com,Unspecified\n", BUILT_IN, preset=str(preset))
    column = {each["column"]: each for each in found.columns}
    assert (column["Sex"]["outcome"], column["Sex"]["first_empty"]) == ("incomplete", [2])
    assert found.translations[("Sex", "'Unspecified' to blank")] == 1


@pytest.mark.parametrize(("name", "export"), CASES)
def test_a_contact_without_phone_birthday_and_gender_drops_no_column(name: str, export: Export) -> None:
    preset = next(each for each in load_built_in_presets() if each.name == name)
    by_field = {rule.field: column for column, rule in preset.columns.items()}
    empty = {by_field[field]: "" for field in ("mobile_phone", "birthdate", "gender") if field in by_field}
    found = checked(export, {}, {by_field["email"]: "b@example.com", **empty}, preset=name)
    assert "incomplete" not in {found.outcomes.get(column) for column in preset.columns}


def test_placeholders_of_a_platform_are_blank_cells() -> None:
    row = {"E-mail Address": "b@example.com", "Gender": "Unspecified", "Birthday": "0/0/00"}
    found = checked(EXPORTS["outlook"], {}, row)
    assert [found.column(field)[1] for field in ("gender", "birthdate")] == ["", ""]


@pytest.mark.parametrize("block_bytes", [1, 200, 1 << 20])
def test_counts_are_of_cells_whatever_the_blocks(block_bytes: int) -> None:
    export = EXPORTS["shopify"]
    rows = [{"Email": f"a{n}@example.com", "Accepts Email Marketing": "yes" if n % 3 else "no"} for n in range(9)]
    found = checked(export, *rows, block_bytes=block_bytes)
    assert found.translations == {
        ("Accepts Email Marketing", "'yes' to 'subscribed'"): 6,
        ("Accepts Email Marketing", "'no' to 'unsubscribed'"): 3,
        ("Accepts SMS Marketing", "'yes' to 'subscribed'"): 0,
        ("Accepts SMS Marketing", "'no' to 'unsubscribed'"): 9,
        ("Phone", "a leading ' taken off"): 0,
        ("Phone", "spaces and signs out of phones"): 0,
    }


def test_a_rejected_row_has_the_cells_of_the_source_and_says_what_the_preset_reads() -> None:
    export = EXPORTS["outlook"]
    found = checked(export, {"Birthday": "31/12/1990", "Mobile Phone": "(651) 23", "Gender": "Male"})
    row = rows_of(found.rejected_file)[0]
    assert (row["Birthday"], row["Mobile Phone"], row["Gender"]) == ("31/12/1990", "(651) 23", "Male")
    assert {each[2]: each[6] for each in found.rejections} == {"Birthday": "31/12/1990", "Mobile Phone": "(651) 23"}
    assert "dates as m/d/yyyy" in row["rejection_reasons"]
