"""Policies of single fields, consents, and the counts of changed and kept cells, against a model in plain Python."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import FieldCatalogue
from schemas.errors.changes import ConsentLoosening
from tests.warehouse.conftest import Importer
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.merge.execution import MergeCounts
from warehouse.tables import WarehouseTables

ANN = "ann@example.org"
CONSENT = ("none", "subscribed", "unsubscribed")
OPTIONS = ("sports", "music", "Music")
KINDS = ("filled", "replaced", "cleared", "kept_by_policy", "kept_by_consent")
CATALOGUE = FieldCatalogue.model_validate(
    {
        "fields": [
            {"id": "email", "type": "email", "identity": True},
            {"id": "city", "type": "text"},
            {"id": "country", "type": "text", "merge": "keep"},
            {"id": "points", "type": "integer"},
            {"id": "interests", "type": "checkbox", "options": list(OPTIONS), "merge": "append"},
            {"id": "status", "type": "radio", "options": ["subscribed", "none", "unsubscribed"], "consent": CONSENT},
        ]
    }
)
FIELDS = CATALOGUE.ids[1:]


@pytest.fixture
def people(warehouse: Warehouse, tmp_path: Path) -> Importer:
    """Imports with the catalogue of this module."""
    migrate(warehouse, CATALOGUE)
    return Importer(warehouse, CATALOGUE, tmp_path)


def changes(**counts: int) -> dict[str, int]:
    return dict.fromkeys(KINDS, 0) | counts


@pytest.mark.parametrize(
    ("field", "stored", "cell", "result", "count"),
    [
        pytest.param("city", "Vic", "Reus", "Reus", "replaced", id="the import's policy"),
        pytest.param("city", None, "Reus", "Reus", "filled", id="an empty field is filled"),
        pytest.param("city", "", "Reus", "Reus", "filled", id="an empty text is empty"),
        pytest.param("country", "ES", "FR", "ES", "kept_by_policy", id="keep keeps a value"),
        pytest.param("country", None, "FR", None, "kept_by_policy", id="keep keeps an empty field"),
        pytest.param("interests", "music", "sports", "sports|music", "replaced", id="append, in the catalogue's order"),
        pytest.param("interests", "music", "Music", "music|Music", "replaced", id="append tells case apart"),
        pytest.param("interests", None, "sports", "sports", "filled", id="append to nothing"),
        pytest.param("interests", "sports|music", "music", "sports|music", "kept_by_policy", id="append adds nothing"),
        pytest.param("interests", "chess|music", "sports", "sports|music|chess", "replaced", id="append, old option"),
        pytest.param("interests", "music", None, "music", None, id="append of a blank cell"),
        pytest.param("interests", "music|sports", "sports", "music|sports", "kept_by_policy", id="append, other order"),
        pytest.param("status", "none", "subscribed", "subscribed", "replaced", id="a stronger consent"),
        pytest.param("status", None, "none", "none", "filled", id="any consent is stronger than none at all"),
        pytest.param("status", "unsubscribed", "subscribed", "unsubscribed", "kept_by_consent", id="a weaker consent"),
        pytest.param("status", "subscribed", None, "subscribed", None, id="a blank consent"),
        pytest.param("status", "bounced", "subscribed", "bounced", "kept_by_consent", id="a consent of no option"),
        pytest.param("status", "bounced", "unsubscribed", "unsubscribed", "replaced", id="the strongest consent"),
    ],
)
def test_what_a_field_with_its_own_policy_becomes(
    people: Importer, field: str, stored: str | None, cell: str | None, result: str | None, count: str | None
) -> None:
    people([{"email": ANN, field: stored}])
    loaded = people([{"email": ANN, field: cell}])
    assert people.contacts()[0][field] == result
    assert loaded.report["changes"] == {
        each: changes(**({count: 1} if count and each == field else {})) for each in FIELDS
    }
    assert loaded.counts.updated == (result != stored)


def test_append_to_a_field_of_many_options(warehouse: Warehouse, tmp_path: Path) -> None:
    """Stored texts that another program wrote may be no options, and may have any character."""
    options = [f"option-{number}" for number in range(1000)]
    field = {"id": "interests", "type": "checkbox", "options": options, "merge": "append"}
    catalogue = FieldCatalogue.model_validate({"fields": [{"id": "email", "type": "email", "identity": True}, field]})
    migrate(warehouse, catalogue)
    people = Importer(warehouse, catalogue, tmp_path)
    people([{"email": ANN, "interests": r'zoo|a "b" \c|option-999|zoo|option-3'}])
    people([{"email": ANN, "interests": "option-20|option-100"}])
    assert people.contacts()[0]["interests"] == r'option-3|option-20|option-100|option-999|zoo|a "b" \c'


def test_a_blank_cell_does_not_sort_the_stored_options(people: Importer) -> None:
    """Another program, or an older catalogue, may have stored them in another order."""
    people([{"email": ANN, "city": "Vic", "interests": "music|sports"}])
    people([{"email": ANN, "city": "Reus", "interests": None}])
    assert people.contacts()[0]["interests"] == "music|sports"


@pytest.mark.parametrize(
    ("field", "stored", "result", "count"),
    [
        pytest.param("city", "Vic", None, "cleared", id="overwrite"),
        pytest.param("country", "ES", "ES", "kept_by_policy", id="keep"),
        pytest.param("interests", "music", "music", "kept_by_policy", id="append"),
        pytest.param("status", "none", "none", "kept_by_consent", id="consent"),
        pytest.param("city", None, None, None, id="nothing to clear"),
    ],
)
def test_what_a_blank_cell_clears(
    people: Importer, field: str, stored: str | None, result: str | None, count: str | None
) -> None:
    people([{"email": ANN, field: stored}])
    loaded = people([{"email": ANN}], blanks="clear", fields=[field])
    assert people.contacts()[0][field] == result
    assert loaded.report["changes"] == {field: changes(**({count: 1} if count else {}))}


def test_the_request_comes_before_the_catalogue_and_the_catalogue_before_the_import(people: Importer) -> None:
    people([{"email": ANN, "city": "Vic", "country": "ES", "interests": "music"}])
    row = {"email": ANN, "city": "Reus", "country": "FR", "interests": "sports"}
    people([row], "fill-empty", merge_fields={"country": "overwrite"})
    [ann] = people.contacts()
    assert (ann["city"], ann["country"], ann["interests"]) == ("Vic", "FR", "sports|music")


@pytest.mark.parametrize("policy", ["insert-only", "update-only"])
def test_a_policy_of_a_field_applies_only_where_contacts_are_updated(people: Importer, policy: str) -> None:
    people([{"email": ANN, "city": "Vic"}])
    loaded = people([{"email": ANN, "city": "Reus"}], policy, merge_fields={"city": "overwrite"}, fields=["city"])
    updates = policy == "update-only"
    assert people.contacts()[0]["city"] == ("Reus" if updates else "Vic")
    assert loaded.report["changes"] == ({"city": changes(replaced=1)} if updates else {})


def test_nothing_is_compared_where_no_row_has_a_contact(people: Importer) -> None:
    assert people([{"email": ANN, "city": "Vic"}]).report["changes"] == {}
    assert people([{"email": "bob@example.org", "city": "Vic"}]).report["changes"] == {}


def test_consents_get_weaker_only_if_their_number_is_given(people: Importer) -> None:
    stored = [("a", "unsubscribed"), ("b", "subscribed"), ("c", "none"), ("d", "subscribed")]
    file = [("a", "subscribed"), ("b", "none"), ("c", "subscribed"), ("d", None)]
    people([{"email": f"{name}@example.org", "status": status} for name, status in stored])
    rows = [{"email": f"{name}@example.org", "status": status} for name, status in file]
    before = people.contacts()
    for wrong in (0, 1, 3):
        with pytest.raises(ConsentLoosening, match=r"2 stored consents .*--loosen-consent 2$"):
            people(rows, loosen_consent=wrong, fields=["status"], blanks="clear")
        assert people.contacts() == before
    loaded = people(rows, loosen_consent=2, fields=["status"], blanks="clear")
    assert [each["status"] for each in people.contacts()] == ["subscribed", "none", "subscribed", "subscribed"]
    assert loaded.report["changes"] == {"status": changes(replaced=3, kept_by_consent=1)}
    with pytest.raises(ConsentLoosening, match="0 stored consents"):
        people(rows, loosen_consent=2, fields=["status"])


VALUES = {
    "city": st.sampled_from([None, "", "a", "b"]),
    "country": st.sampled_from([None, "ES", "FR"]),
    "points": st.sampled_from([None, 1, 2]),
    "interests": st.sampled_from([None, "sports", "music", "sports|Music", "music|Music"]),
    "status": st.sampled_from([None, *CONSENT]),
}
ROWS = st.fixed_dictionaries({"email": st.sampled_from("abcd").map("{}@example.org".format), **VALUES})
FILES = st.lists(ROWS.filter(lambda row: row["city"] != ""), unique_by=lambda row: row["email"], max_size=4)
CONTACTS = st.lists(ROWS, unique_by=lambda row: row["email"], max_size=4)
POLICIES = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["overwrite", "fill-empty", "keep"]))
WAYS = st.sampled_from(
    [("overwrite", "keep"), ("overwrite", "clear"), ("fill-empty", "keep"), ("update-only", "clear")]
)


def cell_by_hand(field: str, stored: Any, cell: Any, policy: str, blanks: str) -> tuple[Any, str]:
    """The new value of a cell, and the count that it belongs to."""
    stored = None if stored == "" else stored
    if cell == stored or (cell is None and blanks == "keep"):
        return stored, ""
    if policy == "keep" or (policy == "fill-empty" and stored is not None):
        return stored, "kept_by_policy"
    new = cell
    if policy == "append":
        options = {*(stored or "").split("|"), *(cell or "").split("|")}
        new = "|".join(option for option in OPTIONS if option in options)
        if new == stored:
            return stored, "kept_by_policy"
    if field == "status" and stored and (new is None or CONSENT.index(new) < CONSENT.index(stored)):
        return stored, "kept_by_consent"
    return new, "filled" if stored is None else "cleared" if new is None else "replaced"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(before=CONTACTS, rows=FILES, policies=POLICIES, way=WAYS)
def test_the_counts_of_cells_and_the_new_values_are_those_of_the_model(
    people: Importer, before: list[Any], rows: list[Any], policies: Mapping[str, str], way: tuple[str, str]
) -> None:
    policy, blanks = way
    with people.warehouse.write_transaction() as connection:
        connection.execute(WarehouseTables(people.warehouse.schema).contacts.delete())
    people(before)
    stored = {contact["email"]: contact for contact in people.contacts()}
    general = "fill-empty" if policy == "fill-empty" else "overwrite"
    of_field = {"country": "keep", "interests": "append"} | dict(policies)
    counts: dict[str, Counter[str]] = {field: Counter() for field in FIELDS}
    expected = dict(stored)
    updated = 0
    for row in (row for row in rows if row["email"] in stored):
        cells = {
            field: cell_by_hand(field, stored[row["email"]][field], row[field], of_field.get(field, general), blanks)
            for field in FIELDS
        }
        for field, (_, kind) in cells.items():
            counts[field][kind] += 1
        written = {field: new for field, (new, kind) in cells.items() if kind in KINDS[:3]}
        expected[row["email"]] = stored[row["email"]] | written
        updated += bool(written)

    loaded = people(rows, policy, blanks=blanks, merge_fields=policies)
    compared = any(row["email"] in stored for row in rows)
    found = {field: {kind: counts[field][kind] for kind in KINDS} for field in FIELDS} if compared else {}
    assert loaded.report["changes"] == found
    assert loaded.counts.updated == updated
    for contact in people.contacts():
        if contact["email"] in expected:
            for field in FIELDS:
                assert (contact[field] or None) == (expected[contact["email"]][field] or None)

    again = people(rows, policy, blanks=blanks, merge_fields=policies)
    assert again.counts == MergeCounts(
        unchanged=loaded.counts.total - loaded.counts.skipped, skipped=loaded.counts.skipped
    )
