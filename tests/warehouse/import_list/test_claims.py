"""A claim: one import at a time has a version of a file of an inbox."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import inspect, text

from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.import_list.claims import (
    MAX_TRIES,
    ClaimsBefore,
    FileClaimed,
    InboxClaim,
    claims_before_listing,
    list_claims,
    may_be_repeated,
    release_claims,
)
from warehouse.import_list.entries import fail_import, list_imports, start_import

CLAIM = InboxClaim("/in", "/in/a.csv", "12 345", ClaimsBefore())


def start(warehouse: Warehouse, claim: InboxClaim = CLAIM) -> int:
    take = partial(claim.take, warehouse)
    return start_import(
        warehouse, source=claim.source, merge_policy="overwrite", started_at=datetime.now(UTC), claim=take
    )


def fail(warehouse: Warehouse, import_id: int, code: str) -> None:
    assert fail_import(
        warehouse, import_id, error_code=code, error_message="…", report={}, finished_at=datetime.now(UTC)
    )


@pytest.fixture
def listed(warehouse: Warehouse) -> Warehouse:
    create_tables(warehouse)
    return warehouse


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(InboxClaim("/in", "/in/a.csv", "12 346", ClaimsBefore()), id="another version"),
        pytest.param(InboxClaim("/in", "/in/b.csv", "12 345", ClaimsBefore()), id="another name"),
        pytest.param(InboxClaim("/other", "/other/a.csv", "12 345", ClaimsBefore()), id="another inbox"),
    ],
)
def test_a_version_of_a_file_is_claimed_once(listed: Warehouse, other: InboxClaim) -> None:
    first = start(listed)
    with pytest.raises(FileClaimed):
        start(listed)
    start(listed, replace(other, listed=claims_before_listing(listed, other.inbox)))
    assert first in [row["import_id"] for row in list_claims(listed, "/in")]
    assert len(list_imports(listed)) == 2


def test_a_file_whose_name_is_too_long_for_an_index_is_claimed(listed: Warehouse) -> None:
    claim = InboxClaim("/in", f"/in/{'é' * 4000}.csv", "1 2", ClaimsBefore())
    start(listed, claim)
    with pytest.raises(FileClaimed):
        start(listed, claim)


@pytest.mark.parametrize(
    ("code", "repeated"),
    [
        ("interrupted", True),
        ("warehouse-unusable", True),  # such as its full disk
        ("import-folder-unusable", True),
        ("source-empty", False),
    ],
)
def test_only_a_failure_that_is_not_the_files_is_repeated(listed: Warehouse, code: str, repeated: bool) -> None:
    fail(listed, start(listed), code)
    [row] = list_claims(listed, "/in")
    assert may_be_repeated(row) is repeated
    if repeated:
        assert start(listed) == row["import_id"] + 1
        assert [row["inbox_tries"] for row in list_claims(listed, "/in")] == [2]
    else:
        with pytest.raises(FileClaimed):
            start(listed)


def test_a_file_whose_imports_are_interrupted_again_and_again_is_given_up(listed: Warehouse) -> None:
    for _ in range(MAX_TRIES):
        fail(listed, start(listed), "interrupted")
    with pytest.raises(FileClaimed):
        start(listed)
    assert len(list_imports(listed)) == MAX_TRIES


def test_a_released_claim_may_be_taken_again(listed: Warehouse) -> None:
    first = start(listed)
    release_claims(listed, [first])
    assert list_claims(listed, "/in") == []
    new = replace(CLAIM, listed=claims_before_listing(listed, "/in"))
    assert start(listed, new) == first + 1


@pytest.mark.parametrize("already_claimed", [False, True], ids=["claimed after", "claimed before"])
def test_a_file_that_another_worker_moved_since_it_was_listed_is_not_claimed(
    listed: Warehouse, already_claimed: bool
) -> None:
    before = claims_before_listing(listed, "/in")
    first = start(listed)
    if already_claimed:
        before = claims_before_listing(listed, "/in")
    release_claims(listed, [first])
    with pytest.raises(FileClaimed):
        start(listed, replace(CLAIM, listed=before))
    start(listed, replace(CLAIM, source="/in/b.csv", listed=before))


def test_of_several_workers_one_gets_the_file(open_warehouse: Callable[[], Warehouse]) -> None:
    warehouses = [open_warehouse() for _ in range(4)]
    create_tables(warehouses[0])
    barrier, taken, refused = threading.Barrier(len(warehouses)), list[int](), list[FileClaimed]()

    def take(warehouse: Warehouse) -> None:
        barrier.wait()
        try:
            taken.append(start(warehouse))
        except FileClaimed as error:
            refused.append(error)

    threads = [threading.Thread(target=take, args=[warehouse]) for warehouse in warehouses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refused)) == (1, 3)


def test_a_warehouse_of_an_older_release_gets_the_key_of_claims(listed: Warehouse) -> None:
    schema = listed.schema or "main"
    with listed.write_transaction() as connection:
        connection.execute(text(f"drop index {schema}.imports_inbox_claim"))
        connection.execute(text(f"alter table {schema}.imports drop column inbox_claim"))
    create_tables(listed)
    import_id = start(listed)
    with pytest.raises(FileClaimed):
        start(listed)
    with listed.read_transaction() as connection:
        found = connection.execute(
            text(f"select count(*) from {schema}.imports where inbox_claim = '{CLAIM.key}'")
        ).scalar_one()
    assert (import_id, found) == (1, 1)
    with listed.read_transaction() as connection:
        indexes = inspect(connection).get_indexes("imports", listed.schema)
    assert [index["name"] for index in indexes if index["unique"]] == ["imports_inbox_claim"]
