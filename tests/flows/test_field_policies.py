"""Policies of fields and consents, from the command line, presets and the catalogue to the report."""

import pytest

from tests.flows.conftest import Contacts, is_one_line

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
STATUS = "newsletter_subscription_status"
FIRST = f"email,city,country,{STATUS}\nann@example.com,Vic,ES,unsubscribed\n"
SECOND = f"email,city,country,{STATUS}\nann@example.com,Reus,FR,subscribed\n"
PRESET = f"columns: {{email: email, city: {{field: city, merge: keep}}, country: country, {STATUS}: {STATUS}}}\n"


def test_policies_of_fields_come_from_the_command_and_then_from_the_preset(contacts: Contacts) -> None:
    preset = contacts.file(PRESET, "mine.yaml")
    contacts.load(FIRST)
    report = contacts.load(
        SECOND, "--merge", "overwrite", "--preset", str(preset), "--merge-field", "country=fill-empty"
    )
    assert {
        field: [name for name, number in kinds.items() if number] for field, kinds in report["changes"].items()
    } == {
        "city": ["kept_by_policy"],
        "country": ["kept_by_policy"],
        STATUS: ["kept_by_consent"],
    }
    assert contacts.database.contacts()["ann@example.com"] == {"city": "Vic", "country": "ES", STATUS: "unsubscribed"}
    shown = contacts("imports", "2").out
    assert "kept by consent" in shown

    report = contacts.load(SECOND, "--merge", "overwrite", "--preset", str(preset), "--merge-field", "city=overwrite")
    assert contacts.database.contacts()["ann@example.com"] == {"city": "Reus", "country": "FR", STATUS: "unsubscribed"}


@one_warehouse
@pytest.mark.parametrize(
    ("text", "hints"),
    [
        pytest.param("city=fill-emty", ("did you mean fill-empty?", "overwrite, fill-empty, keep"), id="policy"),
        pytest.param("city", ("FIELD=POLICY",), id="no policy"),
        pytest.param("citty=keep", ("no field 'citty'", "did you mean city?"), id="field"),
        pytest.param("email=keep", ("no field 'email'",), id="identity"),
        pytest.param("city=append", ("checkbox", "'city' is a text", "fill-empty"), id="append to a text"),
    ],
)
def test_a_wrong_policy_of_a_field_is_one_line_and_changes_nothing(
    contacts: Contacts, text: str, hints: tuple[str, ...]
) -> None:
    contacts.load(FIRST)
    before = contacts.database.contents()
    ran = contacts("import", contacts.file(SECOND), "--merge", "overwrite", "--merge-field", text)
    assert ran.status in (1, 2)
    assert all(hint in ran.err for hint in hints)
    assert ran.err.startswith("contacts: ")
    assert contacts.database.contents() == before


@one_warehouse
def test_a_wrong_number_of_weaker_consents_is_one_line_with_the_right_one(contacts: Contacts) -> None:
    contacts.load(FIRST)
    before = contacts.database.contents()
    wrong = contacts("import", contacts.file(SECOND), "--merge", "overwrite", "--loosen-consent", "3")
    assert wrong.status == 1
    is_one_line(wrong, "--loosen-consent 1")
    assert contacts.database.contents() == before
    report = contacts.load(SECOND, "--merge", "overwrite", "--loosen-consent", "1")
    assert report["changes"][STATUS]["replaced"] == 1
    assert contacts.database.contacts()["ann@example.com"][STATUS] == "subscribed"


@one_warehouse
def test_a_dropped_duplicate_that_had_unsubscribed_is_reported(contacts: Contacts) -> None:
    rows = "".join(f"{name}@example.com,{status}\n" for name in "abc" for status in ("unsubscribed", "subscribed"))
    report = contacts.load(f"email,{STATUS}\n{rows}")
    [warning] = [each for each in report["warnings"] if "unsubscribed" in each]
    assert warning.startswith(f"3 dropped duplicates had 'unsubscribed' in {STATUS}")
    assert "example.com" not in warning


@one_warehouse
def test_policies_of_fields_that_have_no_effect_are_reported(contacts: Contacts) -> None:
    report = contacts.load(FIRST, "--merge-field", "city=keep")
    assert [each for each in report["warnings"] if "no effect with insert-only" in each]


@one_warehouse
@pytest.mark.parametrize(
    ("options", "warned"),
    [
        pytest.param((), True, id="insert-only"),
        pytest.param(("--merge", "fill-empty"), True, id="fill-empty"),
        pytest.param(("--merge", "fill-empty", "--merge-field", f"{STATUS}=overwrite"), False, id="own policy"),
        pytest.param(("--merge", "overwrite"), False, id="overwrite"),
    ],
)
def test_a_refusal_that_the_policy_does_not_take_over_is_warned_of(
    contacts: Contacts, options: tuple[str, ...], warned: bool
) -> None:
    contacts.load(FIRST.replace("unsubscribed", "subscribed"))
    report = contacts.load(FIRST, *options)
    assert any("even where the file has a refusal" in warning for warning in report["warnings"]) is warned
    stored = contacts.database.contacts()["ann@example.com"][STATUS]
    assert stored == ("subscribed" if warned else "unsubscribed")
