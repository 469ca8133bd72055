"""A rejected record is outstanding until a retry imports it."""

from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import insert

from schemas.errors.request import ImportNotCompleted
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.import_list.entries import list_imports, start_import
from warehouse.import_list.retries import RetriedRecords, RetryCounts, get_retried_import, save_retried_records
from warehouse.tables import WarehouseTables

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
FIRST, READ, REJECTED = 1, 9, (2, 3, 5, 8)


def import_with_rejections(warehouse: Warehouse, *kept: int) -> None:
    """Import 1 read nine records and rejected four; the warehouse stored some of the rejections."""
    create_tables(warehouse)
    start_import(warehouse, source="contacts.csv", merge_policy="overwrite", started_at=NOON)
    tables = WarehouseTables(warehouse.schema)
    with warehouse.write_transaction() as connection:
        values = {"status": "completed", "read": READ, "rejected": len(REJECTED)}
        connection.execute(tables.imports.update().values(values))
        rows = [{"import_id": FIRST, "record_number": number, "code": "email-invalid"} for number in kept]
        connection.execute(insert(tables.rejections), [*rows, rows[0]])  # a record may break two rules


def retry_records(warehouse: Warehouse, *arrays: list[int], import_id: int = 2) -> RetryCounts:
    with warehouse.write_transaction() as connection:
        retried_records = RetriedRecords(FIRST, (np.array(numbers, np.int64) for numbers in arrays))
        return save_retried_records(connection, WarehouseTables(warehouse.schema), import_id, retried_records)


@pytest.mark.parametrize(
    ("arrays", "records", "outstanding"),
    [
        pytest.param([], 0, 4, id="no rows"),
        pytest.param([[], []], 0, 4, id="no numbers"),
        pytest.param([[2, 5]], 2, 2, id="two"),
        pytest.param([[2], [5, 2], [2]], 2, 2, id="one repeated"),
        pytest.param([[1, 4, 9]], 0, 4, id="records that were accepted"),
        pytest.param([[10, 10**17]], 0, 4, id="records that do not exist"),
        pytest.param([[8, 5, 3, 2]], 4, 0, id="all"),
    ],
)
def test_records_count_once_and_only_rejected_ones(
    warehouse: Warehouse, arrays: list[list[int]], records: int, outstanding: int
) -> None:
    import_with_rejections(warehouse, *REJECTED)
    assert retry_records(warehouse, *arrays) == RetryCounts(records, outstanding)
    assert [row["missing"] for row in list_imports(warehouse)] == [outstanding]


def test_a_record_of_an_earlier_retry_does_not_count_again(warehouse: Warehouse) -> None:
    import_with_rejections(warehouse, *REJECTED)
    assert retry_records(warehouse, [2, 3]) == RetryCounts(2, 2)
    assert retry_records(warehouse, [3, 5], import_id=3) == RetryCounts(1, 1)


def test_records_after_the_last_stored_rejection_count_as_rejected(warehouse: Warehouse) -> None:
    """7 may have been rejected; 4 is before the last stored rejection; 10 was never read."""
    import_with_rejections(warehouse, 2, 3, 5)
    assert retry_records(warehouse, [4, 7, 8, 10]) == RetryCounts(2, 2)


@pytest.mark.parametrize("status", ["running", "failed", "skipped"])
def test_only_a_completed_import_is_retried(warehouse: Warehouse, status: str) -> None:
    import_with_rejections(warehouse, *REJECTED)
    with warehouse.write_transaction() as connection:
        connection.execute(WarehouseTables(warehouse.schema).imports.update().values(status=status))
    with pytest.raises(ImportNotCompleted) as caught:
        get_retried_import(warehouse, FIRST)
    assert (caught.value.import_id, caught.value.status) == (FIRST, status)
