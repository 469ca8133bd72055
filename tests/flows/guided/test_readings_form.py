"""The form *How to read them*, from a Spanish export to the contacts in the warehouse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.guided.readings_form import offers_for, readings_from_answer
from schemas.catalogue import load_catalogue
from schemas.field_types import Gaps
from schemas.presets.writer import UnmatchedValues
from tests.flows.conftest import Contacts, Database
from tests.flows.guided.test_guided_import import Guided, guided  # noqa: F401 - a fixture
from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.mapping.suggestions import Suggestion

SPANISH = """\
Correo;Nombre;Fecha de nacimiento;Teléfono móvil;Boletín
ana@example.com;Ana;31/12/1990;651 23 45 67;Activo
luis@example.com;Luis;01/02/1985;651 23 45 68;Activo
eva@example.com;Eva;28/02/1979;651 23 45 69;Baja
"""

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


def test_a_meaning_of_a_value_in_a_cell_of_several_has_the_sign_between_them() -> None:
    mapping = ColumnMapping((MappedColumn(1, "x", load_catalogue()["interests"]),))
    offers = offers_for(mapping, [], {1: UnmatchedValues({"deportes": 2, "libros": 1}, ",")})
    answer = {offers[0].name: "sports", offers[1].name: "(blank)"}
    assert readings_from_answer([offer.as_state() for offer in offers], answer) == {
        "column_1": {"separator": ",", "values": {"deportes": "sports", "libros": ""}}
    }


@pytest.mark.parametrize(
    ("gaps", "note"), [("drop-column", "; then the column is dropped unless “Empty cells” allow"), ("allow", "")]
)
def test_a_choice_that_makes_cells_blank_says_whether_this_drops_the_column(gaps: str, note: str) -> None:
    field = load_catalogue()["gender"].model_copy(update={"gaps": Gaps(gaps)})
    column = MappedColumn(1, "Sex", field)
    reading = Suggestion(column, {"values": {"-": ""}}, 2, 2, 2, certain=False)
    offers = offers_for(ColumnMapping((column,)), [reading], {1: UnmatchedValues({"frau": 1})})
    assert f"'-' to blank (fixes 2, 2 of them blank{note})" in offers[0].choices
    assert f"(blank{note})" in offers[1].choices


def test_the_separator_of_a_chosen_reading_counts() -> None:
    field = load_catalogue()["interests"]
    column = MappedColumn(1, "x", field)
    reading = Suggestion(column, {"separator": ";"}, 2, 2, 0, certain=True)
    offers = offers_for(ColumnMapping((column,)), [reading], {1: UnmatchedValues({"deportes": 2}, ",")})
    answer = {offers[0].name: offers[0].default, offers[1].name: "sports"}
    assert readings_from_answer([offer.as_state() for offer in offers], answer) == {
        "column_1": {"separator": ";", "values": {"deportes": "sports"}}
    }


def test_chosen_readings_and_values_are_shown_in_the_preview_and_merged(
    guided: Callable[..., Guided],  # noqa: F811
    database: Database,
    contacts: Contacts,
) -> None:
    run = guided(SPANISH)
    run.answer()
    boxes = run.form["properties"]
    assert {name: (box["title"], box["default"]) for name, box in boxes.items()} == {
        "reading_3": ("Fecha de nacimiento", "dates as d/m/yyyy (fixes 3)"),
        "reading_4": ("Teléfono móvil", "spaces and signs out of phones (fixes 3)"),
        "value_5_1": ("Boletín: activo (2 cells)", "(reject)"),
        "value_5_2": ("Boletín: baja (1 cell)", "(reject)"),
        "save_as": ("Save as preset", ""),
    }
    assert "3 rows would be rejected" in run.description
    run.answer(value_5_1="subscribed", value_5_2="unsubscribed", save_as="spanish")
    assert "3 rows, 3 accepted (3 inserted" in run.description
    assert "saved as the preset 'spanish'" in run.artifact("import-preview").replace("\\", "")
    run.answer(decision="go on")
    stored = database.contacts()["eva@example.com"]
    assert (str(stored["birthdate"]), stored["mobile_phone"]) == ("1979-02-28", "+34651234569")
    assert stored["newsletter_subscription_status"] == "unsubscribed"
    report = contacts("imports", "1", "--json").json
    assert {each["by"] for each in report["translations"]} == {"form"}
    again = contacts("check", contacts.file(SPANISH), "--preset", "spanish", "--json").json
    assert again["rows"]["accepted"] == 3


@one_warehouse
def test_nothing_is_read_otherwise_where_the_form_is_left_as_it_is(
    guided: Callable[..., Guided],  # noqa: F811
) -> None:
    run = guided(SPANISH)
    run.answer()
    run.answer(reading_3="leave as it is, 3 rejected", reading_4="leave as it is, 3 rejected")
    assert "3 rows, 0 accepted" in run.description


LIMITS = pytest.mark.parametrize("limit", [{"max_rejected": "10%"}, {"strict": True}], ids=["max rejected", "strict"])


@one_warehouse
@LIMITS
def test_limits_on_rejected_rows_are_checked_after_the_form(
    guided: Callable[..., Guided],  # noqa: F811
    database: Database,
    limit: dict[str, Any],
) -> None:
    run = guided(SPANISH, **limit)
    run.answer()
    assert "reading_3" in run.form["properties"]
    run.answer(value_5_1="subscribed", value_5_2="unsubscribed")
    assert "3 rows, 3 accepted (3 inserted" in run.description
    run.answer(decision="go on")
    assert len(database.contacts()) == 3


@one_warehouse
@LIMITS
def test_the_columns_are_asked_again_if_the_form_leaves_too_many_rejected_rows(
    guided: Callable[..., Guided],  # noqa: F811
    limit: dict[str, Any],
) -> None:
    run = guided(SPANISH, **limit)
    run.answer()
    run.answer()
    assert run.description.startswith("**3 of 3 rows were rejected")
    run.answer(column_5="do not import")
    assert set(run.form["properties"]) == {"reading_3", "reading_4", "save_as"}
    run.answer()
    assert "3 rows, 3 accepted" in run.description


@one_warehouse
@LIMITS
def test_limits_are_checked_without_a_form_if_nothing_can_be_chosen(
    guided: Callable[..., Guided],  # noqa: F811
    limit: dict[str, Any],
) -> None:
    run = guided("Email,Name\nann@example.com,Ann\nbob,Bob\n", **limit)
    run.answer()
    assert run.description.startswith("**1 of 2 rows were rejected")
    assert set(run.form["properties"]) == {"column_1", "column_2"}


@one_warehouse
def test_the_form_is_asked_again_after_going_back_to_the_columns(guided: Callable[..., Guided]) -> None:  # noqa: F811
    run = guided(SPANISH)
    run.answer()
    run.answer(value_5_1="none")
    run.answer(decision="back to the columns")
    run.answer(column_5="do not import")
    assert set(run.form["properties"]) == {"reading_3", "reading_4", "save_as"}
    run.answer()
    assert "3 rows, 3 accepted" in run.description


@one_warehouse
def test_no_form_of_readings_where_values_are_masked(
    guided: Callable[..., Guided],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONTACTS_ARTIFACT_VALUES", "masked")
    run = guided(SPANISH)
    run.answer()
    assert set(run.form["properties"]) == {"decision"}


@one_warehouse
def test_a_preset_that_exists_is_kept_and_the_preview_says_so(
    guided: Callable[..., Guided],  # noqa: F811
    contacts: Contacts,
) -> None:
    contacts("presets", "save", "mine", contacts.file("Email\na@b.com\n", "first.csv"))
    run = guided(SPANISH)
    run.answer()
    run.answer(save_as="mine")
    assert "the preset was not saved" in run.artifact("import-preview")
    [own] = Path(contacts.folder).rglob("presets/mine.yaml")
    assert "Correo" not in own.read_text("utf-8")
