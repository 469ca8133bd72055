"""The table of merge policies in docs/rules.md, cell by cell, and as a property of random rows."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.choices import Blanks, MergePolicy
from schemas.errors.warehouse import MergeOutOfBalance
from tests.warehouse.conftest import NOON, Importer, merge_rules
from warehouse.merge.dry_run import preview_merge
from warehouse.merge.execution import MergeCounts
from warehouse.merge.policies import MergeRules
from warehouse.tables import WarehouseTables

ANN = "ann@example.org"
POLICIES = ["insert-only", "overwrite", "fill-empty", "update-only"]
WAYS = [(policy, "keep") for policy in POLICIES] + [("overwrite", "clear"), ("update-only", "clear")]

# By policy and blanks: stored value, cell, result.
KEPT = [(None, "new", None), ("old", "new", "old"), ("old", None, "old"), ("", "new", ""), ("", None, "")]
WRITTEN = [(None, "new", "new"), ("old", "new", "new"), ("old", None, "old"), ("", "new", "new"), ("", None, "")]
CLEARED = [(None, "new", "new"), ("old", "new", "new"), ("old", None, None), ("", "new", "new"), ("", None, "")]
FILLED = [(None, "new", "new"), ("old", "new", "old"), ("old", None, "old"), ("", "new", "new"), ("", None, "")]
TABLE: dict[tuple[str, str], list[Any]] = {
    ("insert-only", "keep"): KEPT,
    ("overwrite", "keep"): WRITTEN,
    ("overwrite", "clear"): CLEARED,
    ("fill-empty", "keep"): FILLED,
    ("update-only", "keep"): WRITTEN,
    ("update-only", "clear"): CLEARED,
}
CELLS = [
    pytest.param(policy, blanks, *cell, id=f"{policy}, {blanks}: {cell[0]!r} meets {cell[1]!r}")
    for (policy, blanks), cells in TABLE.items()
    for cell in cells
]


@pytest.mark.parametrize(("policy", "blanks", "stored", "cell", "result"), CELLS)
def test_what_a_stored_field_becomes(
    importer: Importer, policy: str, blanks: str, stored: str | None, cell: str | None, result: str | None
) -> None:
    importer([{"email": ANN, "name": stored}])
    counts = importer([{"email": ANN, "name": cell}], policy, blanks=blanks).counts

    contact = importer.contacts()[0]
    assert contact["name"] == result
    changed = result != stored
    is_skipped = policy == "insert-only"
    assert counts == MergeCounts(updated=changed, unchanged=not changed and not is_skipped, skipped=is_skipped)
    assert contact["updated_by_import"] == (2 if changed else None)


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        pytest.param("order", "a", "b", id="text"),
        pytest.param("birthdate", date(1, 1, 1), date(9999, 12, 31), id="date"),
        pytest.param("points", 1, 2**63 - 1, id="bigint"),
        pytest.param("spent", 0.1, -123456789012.345, id="numeric"),
        pytest.param("vip", False, True, id="boolean"),
    ],
)
def test_values_of_every_type_are_compared_written_and_cleared(
    importer: Importer, field: str, old: Any, new: Any
) -> None:
    importer([{"email": ANN, field: old}])
    assert importer([{"email": ANN, field: old}]).counts == MergeCounts(unchanged=1)
    assert importer([{"email": ANN, field: new}]).counts == MergeCounts(updated=1)
    assert importer.contacts()[0][field] == new
    assert importer([{"email": ANN}], blanks="clear").counts == MergeCounts(updated=1)
    assert importer.contacts()[0][field] is None


@pytest.mark.parametrize(
    ("policy", "counts"),
    [
        pytest.param("insert-only", MergeCounts(inserted=1), id="insert-only"),
        pytest.param("overwrite", MergeCounts(inserted=1), id="overwrite"),
        pytest.param("fill-empty", MergeCounts(inserted=1), id="fill-empty"),
        pytest.param("update-only", MergeCounts(skipped=1), id="update-only"),
    ],
)
def test_a_new_contact_is_inserted_unless_the_policy_only_updates(
    importer: Importer, policy: str, counts: MergeCounts
) -> None:
    assert importer([{"email": ANN, "name": "Ann"}], policy).counts == counts
    assert [contact["email"] for contact in importer.contacts()] == [ANN] * counts.inserted


def test_contacts_are_numbered_in_order_and_have_their_import(importer: Importer) -> None:
    rows = [{"email": f"{letter}@example.org", "record_number": 9 - place} for place, letter in enumerate("zyx")]
    importer(rows)
    importer([{"email": "y@example.org", "name": "Y"}])

    x, y, z = importer.contacts()
    assert [x["email"], y["email"], z["email"]] == ["x@example.org", "y@example.org", "z@example.org"]
    assert (x["created_by_import"], x["updated_by_import"], x["created_at"], x["updated_at"]) == (1, None, NOON, NOON)
    assert (y["created_by_import"], y["updated_by_import"]) == (1, 2)


def test_fields_that_are_not_imported_do_not_change(importer: Importer) -> None:
    importer([{"email": ANN, "name": "Ann", "order": "first"}])
    importer([{"email": ANN, "name": "Anna"}], fields=["name"], blanks="clear")
    assert importer.contacts()[0]["order"] == "first"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_file_of_emails_alone_changes_no_contact(importer: Importer, policy: str) -> None:
    importer([{"email": ANN}])
    kept = MergeCounts(skipped=1) if policy == "insert-only" else MergeCounts(unchanged=1)
    assert importer([{"email": ANN}], policy, fields=[]).counts == kept


@pytest.mark.parametrize("accepted", [0, 2])
def test_a_merge_whose_counts_do_not_balance_writes_nothing(importer: Importer, accepted: int) -> None:
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        staging.ensure_staged()
        with pytest.raises(MergeOutOfBalance):
            importer.load(staging, accepted)
    assert importer.contacts() == []


@pytest.mark.parametrize("policy", [MergePolicy.INSERT_ONLY, MergePolicy.FILL_EMPTY])
def test_only_policies_that_overwrite_can_clear(policy: MergePolicy) -> None:
    with pytest.raises(ValueError, match="never clears"):
        MergeRules(policy, Blanks.CLEAR)


VALUES = {
    "name": st.sampled_from([None, "", "a", "b", "A", " ", "ñ"]),
    "birthdate": st.sampled_from([None, date(1, 1, 1), date(2024, 2, 29)]),
    "points": st.sampled_from([None, 1, 2, 2**63 - 1]),
    "spent": st.sampled_from([None, 0.0, -0.0, 0.1, 10.0, 1e-10, 123456789012345.0]),
    "vip": st.sampled_from([None, True, False]),
}
EMAILS = st.sampled_from([f"{letter}@example.org" for letter in "abcde"])
ROWS = st.fixed_dictionaries({"email": EMAILS, **VALUES})
CONTACTS = st.lists(ROWS, unique_by=lambda row: row["email"], max_size=5)
# A blank cell is staged as null, so an empty text can only have been stored by another program.
FILES = st.lists(ROWS.filter(lambda row: row["name"] != ""), unique_by=lambda row: row["email"], max_size=5)


def merged_by_hand(
    contacts: dict[str, dict[str, Any]], rows: list[dict[str, Any]], policy: str, blanks: str
) -> tuple[dict[str, dict[str, Any]], MergeCounts]:
    """The rules as a loop over rows, to compare with."""
    after = {email: dict(contact) for email, contact in contacts.items()}
    counts = {"inserted": 0, "updated": 0, "unchanged": 0, "skipped": 0}
    for row in rows:
        old = after.get(row["email"])
        if old is None and policy != "update-only":
            outcome, after[row["email"]] = "inserted", dict(row)
        elif old is None or policy == "insert-only":
            outcome = "skipped"
        else:
            new = {f: cell_by_hand(old[f], row[f], policy, blanks) for f in VALUES}
            outcome = "unchanged" if all(same(new[f], old[f]) for f in VALUES) else "updated"
            after[row["email"]] = old | new
        counts[outcome] += 1
    return after, MergeCounts(**counts)


def cell_by_hand(old: Any, cell: Any, policy: str, blanks: str) -> Any:
    if cell is None:
        return None if blanks == "clear" else old
    return old if policy == "fill-empty" and old not in (None, "") else cell


def previewed(importer: Importer, rows: list[dict[str, Any]], policy: str, blanks: str) -> MergeCounts:
    imported = [field for field in importer.catalogue.fields if field.identity or field.id in VALUES]
    with importer.staging(1, imported) as staging:
        staging.add(importer.write(rows, imported))
        staging.ensure_staged()
        return preview_merge(staging, rules=merge_rules(policy, blanks), accepted=len(rows), rows=0).counts


def same(one: Any, other: Any) -> bool:
    return (None if one == "" else one) == (None if other == "" else other)


@pytest.mark.parametrize(("policy", "blanks"), WAYS)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(before=CONTACTS, rows=FILES)
def test_a_merge_follows_the_rules_and_repeating_it_changes_nothing(
    importer: Importer, policy: str, blanks: str, before: list[Any], rows: list[Any]
) -> None:
    tables = WarehouseTables(importer.warehouse.schema)
    with importer.warehouse.write_transaction() as connection:
        connection.execute(tables.contacts.delete())
    importer(before)

    expected, counts = merged_by_hand({row["email"]: row for row in before}, rows, policy, blanks)
    assert previewed(importer, rows, policy, blanks) == counts
    assert importer(rows, policy, fields=VALUES, blanks=blanks).counts == counts
    once = importer.contacts()
    assert len(once) == len(expected)
    for contact in once:
        assert all(same(contact[field], expected[contact["email"]][field]) for field in VALUES)

    again = importer(rows, policy, fields=VALUES, blanks=blanks).counts
    assert (again.inserted, again.updated) == (0, 0)
    assert importer.contacts() == once
