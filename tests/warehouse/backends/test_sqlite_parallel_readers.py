"""On SQLite, parallel readers find the same changes as one query."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.choices import MergePolicy
from tests.warehouse.conftest import Importer
from warehouse.backends import sqlite
from warehouse.merge.execution import MergeCounts
from warehouse.merge.transaction import SuppressionCheck
from warehouse.removal.suppress import suppress_addresses
from warehouse.tables import WarehouseTables

ROWS = [{"email": f"c{number:03}@example.org", "name": "Ann", "points": number} for number in range(1, 101)]

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def ranges(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Small limits, so that a hundred rows are many; gives the number of ranges of each parallel read."""
    shared: list[int] = []
    looked = sqlite._read_ranges

    def counted(connection: Any, ranges: list[range], *what: Any) -> Iterator[Any]:
        shared.append(len(ranges))
        return looked(connection, ranges, *what)

    monkeypatch.setattr(sqlite, "ROWS_PER_RANGE", 15)
    monkeypatch.setattr(sqlite, "SAMPLE_ROWS", 10)
    monkeypatch.setattr(sqlite, "READERS", 3)
    monkeypatch.setattr(sqlite, "_read_ranges", counted)
    return shared


@one_warehouse
@pytest.mark.parametrize(
    ("changed", "parallel"),
    [
        pytest.param(set[int](), True, id="nothing"),
        pytest.param({1, 15, 16, 60, 100}, True, id="a few, also at the ends of ranges"),
        pytest.param(set(range(11, 101)), True, id="most, but none of the sampled ones"),
        pytest.param(set(range(1, 101)), False, id="all"),
    ],
)
def test_parallel_readers_find_the_same_changes_as_one_query(
    importer: Importer, ranges: list[int], changed: set[int], parallel: bool
) -> None:
    importer(ROWS)
    rows = [row | {"name": "Eve"} if row["points"] in changed else row for row in ROWS]
    new = [{"email": f"new{number}@example.org", "name": "Bob"} for number in range(2)]
    counts = importer([*rows, *new]).counts
    assert counts == MergeCounts(inserted=2, updated=len(changed), unchanged=100 - len(changed))
    assert ranges == ([7] if parallel else [])
    found = {contact["points"] for contact in importer.contacts() if contact["name"] == "Eve"}
    assert found == changed


@one_warehouse
def test_record_numbers_may_have_gaps(importer: Importer, ranges: list[int]) -> None:
    importer(ROWS)
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(ROWS))
        staging.exclude([*range(20, 70), 100])
        staging.ensure_staged()
        assert importer.load(staging, 49).counts == MergeCounts(unchanged=49)
    assert ranges == [7]


@one_warehouse
@pytest.mark.parametrize(
    "suppressed",
    [
        pytest.param({"email": "new@example.org"}, id="a new contact"),
        pytest.param({**ROWS[40], "name": "Eve"}, id="known"),
    ],
)
def test_an_address_suppressed_during_a_large_import_is_not_merged(
    importer: Importer, ranges: list[int], suppressed: dict[str, Any]
) -> None:
    """Its staged row is removed by the merge's own transaction, which other connections do not see."""
    importer(ROWS)
    before = importer.contacts()
    rows = [*ROWS[:40], suppressed, *ROWS[41:]]
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(rows))
        staging.ensure_staged()
        since = pa.RecordBatch.from_pydict({"email": [suppressed["email"]]})
        suppress_addresses(importer.warehouse, [since], reason="since")
        check = SuppressionCheck(0, lambda newer: (99, [41]))
        loaded = importer.load(staging, 100, suppressions=check)
    assert loaded.counts == MergeCounts(unchanged=99)
    assert importer.contacts() == before
    assert ranges == []


@one_warehouse
def test_a_small_import_starts_no_parallel_readers(importer: Importer, ranges: list[int]) -> None:
    importer(ROWS[:10])
    assert importer(ROWS[:10]).counts == MergeCounts(unchanged=10)
    assert ranges == []


REMOVED = [row for row in ROWS if row["points"] not in (37, 38)]
OTHERS = [{"email": f"other{number}@example.org"} for number in range(5)]


@one_warehouse
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS, id="the same rows"),
        pytest.param(ROWS[5:], id="without the first rows"),
        pytest.param(REMOVED, id="without rows in the middle"),
        pytest.param(ROWS[::-1], id="in reverse order"),
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
def test_every_policy_finds_contacts_wherever_they_are(
    importer: Importer, policy: MergePolicy, start: int, steps: list[tuple[int, str]], moved: bool
) -> None:
    """The counts are right whatever the order and gaps of the rows."""
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
