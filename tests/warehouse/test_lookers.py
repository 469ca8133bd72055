"""Several connections find what one would, on SQLite, where a query has a single processor."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.warehouse.conftest import Importer
from warehouse import lookers
from warehouse.merge import MergeCounts

ROWS = [{"email": f"c{number:03}@example.org", "name": "Ann", "points": number} for number in range(1, 101)]

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """As if a hundred rows were many; what is given has how many looks were shared out, each time."""
    shared: list[int] = []
    looked = lookers._looked

    def counted(connection: Any, looks: list[Any]) -> Iterator[Any]:
        shared.append(len(looks))
        return looked(connection, looks)

    monkeypatch.setattr(lookers, "ROWS_A_LOOK", 15)
    monkeypatch.setattr(lookers, "FIRST_ROWS", 10)
    monkeypatch.setattr(lookers, "LOOKERS", 3)
    monkeypatch.setattr(lookers, "_looked", counted)
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
        staging.ensure()
        assert importer.load(staging, 49).counts == MergeCounts(unchanged=49)
    assert looks == [7]


@one_warehouse
def test_a_few_rows_are_looked_at_by_one(importer: Importer, looks: list[int]) -> None:
    importer(ROWS[:10])
    assert importer(ROWS[:10]).counts == MergeCounts(unchanged=10)
    assert looks == []
