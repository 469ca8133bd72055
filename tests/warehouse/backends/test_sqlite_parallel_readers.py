"""Several connections find what one would, on SQLite, where a query has a single processor."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.choices import MergePolicy
from tests.warehouse.conftest import Importer
from warehouse.backends import sqlite
from warehouse.merge.execution import MergeCounts
from warehouse.tables import WarehouseTables

ROWS = [{"email": f"c{number:03}@example.org", "name": "Ann", "points": number} for number in range(1, 101)]

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """As if a hundred rows were many; what is given has how many looks were shared out, each time."""
    shared: list[int] = []
    looked = sqlite._read_ranges

    def counted(connection: Any, looks: list[range], *what: Any) -> Iterator[Any]:
        shared.append(len(looks))
        return looked(connection, looks, *what)

    monkeypatch.setattr(sqlite, "ROWS_PER_RANGE", 15)
    monkeypatch.setattr(sqlite, "SAMPLE_ROWS", 10)
    monkeypatch.setattr(sqlite, "READERS", 3)
    monkeypatch.setattr(sqlite, "_read_ranges", counted)
    return shared


@one_warehouse
@pytest.mark.parametrize(
    ("changed", "together"),
    [
        pytest.param(set[int](), True, id="nothing"),
        pytest.param({1, 15, 16, 60, 100}, True, id="a few, at the ends of looks too"),
        pytest.param(set(range(11, 101)), True, id="most, but not of the first ones"),
        pytest.param(set(range(1, 101)), False, id="all"),
    ],
)
def test_changes_are_found(importer: Importer, looks: list[int], changed: set[int], together: bool) -> None:
    importer(ROWS)
    rows = [row | {"name": "Eve"} if row["points"] in changed else row for row in ROWS]
    new = [{"email": f"new{number}@example.org", "name": "Bob"} for number in range(2)]
    counts = importer([*rows, *new]).counts
    assert counts == MergeCounts(inserted=2, updated=len(changed), unchanged=100 - len(changed))
    assert looks == ([7] if together else [])
    found = {contact["points"] for contact in importer.contacts() if contact["name"] == "Eve"}
    assert found == changed


@one_warehouse
def test_numbers_may_have_holes(importer: Importer, looks: list[int]) -> None:
    importer(ROWS)
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(ROWS))
        staging.exclude([*range(20, 70), 100])
        staging.ensure_staged()
        assert importer.load(staging, 49).counts == MergeCounts(unchanged=49)
    assert looks == [7]


@one_warehouse
def test_a_few_rows_are_looked_at_by_one(importer: Importer, looks: list[int]) -> None:
    importer(ROWS[:10])
    assert importer(ROWS[:10]).counts == MergeCounts(unchanged=10)
    assert looks == []


REMOVED = [row for row in ROWS if row["points"] not in (37, 38)]
OTHERS = [{"email": f"other{number}@example.org"} for number in range(5)]


@one_warehouse
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS, id="all as they were"),
        pytest.param(ROWS[5:], id="the first ones gone"),
        pytest.param(REMOVED, id="some gone in the middle"),
        pytest.param(ROWS[::-1], id="the other way round"),
        pytest.param([*ROWS, *OTHERS], id="new ones at the end"),
    ],
)
def test_contacts_are_found_in_any_order(importer: Importer, rows: list[dict[str, Any]]) -> None:
    importer(ROWS)
    new = sum("points" not in row for row in rows)
    assert importer(rows).counts == MergeCounts(inserted=new, unchanged=len(rows) - new)


@one_warehouse
@pytest.mark.parametrize("policy", [*MergePolicy])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.integers(0, 40),
    steps=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["gone", "renamed", "blank"])), max_size=4),
    moved=st.booleans(),
)
def test_a_contact_elsewhere_is_found_all_the_same(
    importer: Importer, policy: MergePolicy, start: int, steps: list[tuple[int, str]], moved: bool
) -> None:
    """Whatever lies where a contact is expected, rows come to what they would come to one by one."""
    with importer.warehouse.write_transaction() as connection:
        connection.execute(WarehouseTables(importer.warehouse.schema).contacts.delete())
    importer(ROWS)
    rows: list[dict[str, Any]] = [dict(row) for row in ROWS[start:]]
    for place, step in steps:
        if step == "gone":
            del rows[place]
        else:
            rows[place]["name"] = "Eve" if step == "renamed" else None
    if moved:
        rows.append(rows.pop(0))
    renamed = sum(row["name"] == "Eve" for row in rows) if policy in ("overwrite", "update-only") else 0
    left_out = len(rows) if policy == "insert-only" else 0
    counts = MergeCounts(updated=renamed, unchanged=len(rows) - renamed - left_out, skipped=left_out)
    assert importer(rows, policy).counts == counts
