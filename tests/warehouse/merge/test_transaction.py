"""An import is loaded completely or not at all, once, and one after another."""

import threading
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import func, select

from schemas.cells.suppressed_emails import SuppressedEmails
from schemas.errors.base import Interrupted
from schemas.errors.request import UnknownSegment
from schemas.errors.warehouse import WarehouseError
from tests.warehouse.conftest import NOON, Importer
from warehouse.contacts.segments import create_segment, list_segments
from warehouse.contacts.suppressions import load_suppressions
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import fail_import, get_import
from warehouse.merge.execution import MergeCounts
from warehouse.merge.transaction import SuppressionCheck
from warehouse.removal.suppress import suppress_addresses
from warehouse.tables import WarehouseTables

ANN, BOB = "ann@example.org", "bob@example.org"
COLUMN = {"column_name": "Phone", "field": None, "outcome": "unknown-field", "empty_cells": None}


def stored(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    with warehouse.read_transaction() as connection:
        return [
            dict(row._mapping) for row in connection.execute(select(getattr(WarehouseTables(warehouse.schema), table)))
        ]


def test_an_import_stores_counts_members_columns_and_rejections(
    importer: Importer, rejections: Callable[..., pd.DataFrame]
) -> None:
    create_segment(importer.warehouse, "vip")
    loaded = importer([{"email": ANN}], segment="vip", columns=[COLUMN], rejections=[rejections()])

    assert (loaded.counts, loaded.segment_added) == (MergeCounts(inserted=1), 1)
    row = get_import(importer.warehouse, 1)
    assert (row["status"], row["inserted"], row["updated"], row["segment_added"]) == ("completed", 1, 0, 1)
    assert (row["report"], row["finished_at"]) == (loaded.report, NOON)
    assert stored(importer.warehouse, "import_columns") == [{"import_id": 1, **COLUMN}]
    [rejection] = stored(importer.warehouse, "rejections")
    assert rejection == {
        "import_id": 1,
        "record_number": 3,
        "line_number": 4,
        "column_name": "Phone",
        "field": "phone",
        "code": "phone-invalid",
        "message": "is no phone",
        "value": "12",
    }


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param("a\0b", r"a\x00b", id="NUL"),
        pytest.param("a\udc80", r"a\udc80", id="half a surrogate pair"),
        pytest.param("'); drop table contacts; --%s%(x)s:y", "'); drop table contacts; --%s%(x)s:y", id="SQL"),
        pytest.param('a,"b"\r\n\\N\t\x1f', 'a,"b"\r\n\\N\t\x1f', id="characters that COPY interprets"),
        pytest.param(None, None, id="null"),
        pytest.param("", "", id="empty"),
    ],
)
def test_any_rejected_text_can_be_stored(
    importer: Importer, rejections: Callable[..., pd.DataFrame], value: str | None, kept: str | None
) -> None:
    frame = rejections(value=value, column_name=f"Header {value}", line_number=None)
    importer([], rejections=[frame], columns=[{**COLUMN, "column_name": f"Header {value}"}])
    [rejection] = stored(importer.warehouse, "rejections")
    assert (rejection["value"], rejection["column_name"], rejection["line_number"]) == (kept, f"Header {kept}", None)


@pytest.mark.parametrize(
    ("policy", "added"),
    [("insert-only", 2), ("overwrite", 2), ("fill-empty", 2), ("update-only", 1)],
)
def test_contacts_of_the_file_become_members_once(importer: Importer, policy: str, added: int) -> None:
    create_segment(importer.warehouse, "vip")
    importer([{"email": ANN}])
    rows = [{"email": ANN}, {"email": BOB}]
    assert importer(rows, policy, segment="vip").segment_added == added
    assert importer(rows, policy, segment="vip").segment_added == 0
    assert [segment["members"] for segment in list_segments(importer.warehouse)] == [added]


def _fail(*_: Any) -> Any:
    raise RuntimeError("the report cannot be written")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({"segment": "gone"}, UnknownSegment, id="segment gone"),
        pytest.param({"report": _fail}, RuntimeError, id="no report"),
        pytest.param({"columns": [{**COLUMN, "outcome": None}]}, WarehouseError, id="statement refused"),
    ],
)
def test_a_failed_load_writes_nothing_and_can_be_repeated(
    importer: Importer, rejections: Callable[..., pd.DataFrame], change: dict[str, Any], error: type[Exception]
) -> None:
    create_segment(importer.warehouse, "vip")
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        staging.ensure_staged()
        with pytest.raises(error):
            importer.load(staging, 1, **{"segment": "vip", "rejections": [rejections()], **change})
        for table in ("contacts", "segment_members", "rejections", "import_columns"):
            assert stored(importer.warehouse, table) == []
        assert get_import(importer.warehouse, 1)["status"] == "running"

        staging.ensure_staged()
        assert importer.load(staging, 1).counts == MergeCounts(inserted=1)


def test_an_import_whose_commit_was_not_answered_is_merged_once(importer: Importer) -> None:
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        staging.ensure_staged()
        first = importer.load(staging, 1)
        assert importer.load(staging, 1) == first
    fail_import(importer.warehouse, 1, error_code="x", error_message="late", report={}, finished_at=NOON)
    assert get_import(importer.warehouse, 1)["status"] == "completed"


def test_a_failed_import_is_not_loaded(importer: Importer) -> None:
    with importer.staging(importer.start()) as staging:
        staging.ensure_staged()
        fail_import(importer.warehouse, 1, error_code="x", error_message="y", report={}, finished_at=NOON)
        with pytest.raises(Interrupted, match="ended without a report"):
            importer.load(staging, 0)


def test_concurrent_merges_of_the_same_contacts_wait_for_each_other(importer: Importer) -> None:
    """Of concurrent imports of new contacts, the first inserts them and the others find them."""
    rows = [{"email": f"{number}@example.org", "name": "x"} for number in range(200)]
    create_segment(importer.warehouse, "vip")
    stagings = [importer.staging(importer.start()) for _ in range(4)]
    counts: list[MergeCounts] = []
    path = importer.write(rows)
    barrier = threading.Barrier(len(stagings))

    def run(staging: Any) -> None:
        with staging:
            staging.add(path)
            staging.ensure_staged()
            barrier.wait()
            counts.append(importer.load(staging, len(rows), segment="vip").counts)

    threads = [threading.Thread(target=run, args=[staging]) for staging in stagings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(each.inserted for each in counts) == [0, 0, 0, 200]
    assert sorted(each.unchanged for each in counts) == [0, 200, 200, 200]
    with importer.warehouse.read_transaction() as connection:
        members = WarehouseTables(importer.warehouse.schema).segment_members
        assert connection.scalar(select(func.count()).select_from(members)) == 200


def test_rows_of_addresses_that_were_suppressed_since_the_check_are_not_merged(importer: Importer) -> None:
    """Also when the merge is repeated after a failure, which restores the staged rows."""
    known = suppress_addresses(importer.warehouse, [emails("zoe@example.org")], reason="known")
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}, {"email": BOB}]))
        staging.ensure_staged()
        before = load_suppressions(importer.warehouse)
        assert before is not None
        assert len(before.hashes) == known["suppressed"] == 1
        suppress_addresses(importer.warehouse, [emails(BOB, "zoe@example.org")], reason="since")

        def reject(newer: SuppressedEmails) -> tuple[int, list[int]]:
            assert newer.contain([ANN, BOB, "zoe@example.org"]).tolist() == [False, True, False]
            return 1, [2]

        check = SuppressionCheck(before.last, reject)
        with pytest.raises(UnknownSegment):
            importer.load(staging, 2, suppressions=check, segment="none")
        with pytest.raises(ZeroDivisionError):
            importer.load(staging, 2, suppressions=check, report=lambda merged: {"rows": 1 // 0})
        loaded = importer.load(staging, 2, suppressions=check)
    assert loaded.counts == MergeCounts(inserted=1)
    assert [contact["email"] for contact in importer.contacts()] == [ANN]


def emails(*addresses: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"email": list(addresses)})
