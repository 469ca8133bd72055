"""The import list has the result of every import."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from schemas.errors.request import UnknownImport
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.import_list.entries import (
    fail_import,
    get_import,
    list_imports,
    record_landing,
    skip_import,
    start_import,
    suspend_import,
)

NOON = datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=UTC)
IN_MADRID = NOON.astimezone(timezone(timedelta(hours=2)))


@pytest.fixture
def listed(warehouse: Warehouse) -> Warehouse:
    create_tables(warehouse)
    return warehouse


def start(warehouse: Warehouse, source: str = "contacts.csv") -> int:
    return start_import(warehouse, source=source, merge_policy="overwrite", started_at=IN_MADRID, flow_run_id="run")


def test_an_import_is_running_as_soon_as_it_is_started(listed: Warehouse) -> None:
    import_id = start(listed)
    record_landing(listed, import_id, sha256="abc")
    row = get_import(listed, import_id)
    assert (row["status"], row["source"], row["merge_policy"]) == ("running", "contacts.csv", "overwrite")
    assert (row["sha256"], row["flow_run_id"], row["report"]) == ("abc", "run", None)
    assert (row["started_at"], row["started_at"].tzinfo, row["finished_at"]) == (NOON, UTC, None)


def test_a_failed_import_keeps_its_error_its_counts_and_its_report(listed: Warehouse) -> None:
    report = {"rows": {"read": 3, "accepted": 2, "rejected": 1}, "columns": [{"column": "a\0\udc80ñ"}]}
    import_id = start(listed)
    fail_import(listed, import_id, error_code="x", error_message="no\0", report=report, finished_at=NOON)
    row = get_import(listed, import_id)
    assert (row["status"], row["error_code"], row["error_message"]) == ("failed", "x", r"no\x00")
    assert (row["read"], row["accepted"], row["rejected"], row["inserted"]) == (3, 2, 1, None)
    assert row["report"] == report


def test_a_closed_import_does_not_change(listed: Warehouse) -> None:
    import_id = start(listed)
    skip_import(listed, import_id, repeats=1, report={}, finished_at=NOON)
    fail_import(listed, import_id, error_code="x", error_message="late", report={}, finished_at=NOON)
    assert get_import(listed, import_id)["status"] == "skipped"


def test_two_files_of_one_look_at_an_inbox_have_two_entries(listed: Warehouse) -> None:
    def enter(source: str) -> int:
        return start_import(listed, source=source, merge_policy="overwrite", started_at=NOON, alive_key=7)

    first = enter("a.csv")
    assert enter("b.csv") != first
    assert enter("a.csv") == first  # once more, since the answer was lost


def test_an_import_that_was_suspended_since_it_was_seen_is_not_closed(listed: Warehouse) -> None:
    import_id = start(listed)
    seen = get_import(listed, import_id)
    suspend_import(listed, import_id, NOON)
    closing: dict[str, Any] = {"error_code": "x", "error_message": "died", "report": {}, "finished_at": NOON}
    assert not fail_import(listed, import_id, seen=seen, **closing)
    assert fail_import(listed, import_id, seen=get_import(listed, import_id), **closing)


def test_the_list_has_the_newest_first_and_no_reports(listed: Warehouse) -> None:
    ids = [start(listed, source) for source in ("a\0", "b", "c")]
    rows = list_imports(listed, limit=2)
    assert [row["import_id"] for row in rows] == ids[:0:-1]
    assert "report" not in rows[0]


def test_an_unknown_import_is_an_error(listed: Warehouse) -> None:
    with pytest.raises(UnknownImport) as caught:
        get_import(listed, 7)
    assert caught.value.import_id == 7
