"""An import is loaded whole or not at all, once, and in turn with others."""

import threading
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select

from schemas.errors.base import Interrupted, WarehouseError
from schemas.errors.request import UnknownSegment
from tests.warehouse.conftest import NOON, Importer
from warehouse.contacts.segments import create_segment, list_segments
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import fail_import, get_import
from warehouse.merge.execution import MergeCounts
from warehouse.tables import WarehouseTables

ANN, BOB = "ann@example.org", "bob@example.org"
COLUMN = {"column_name": "Phone", "field": None, "outcome": "unknown-field", "empty_cells": None}


def stored(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    with warehouse.read_transaction() as connection:
        return [
            dict(row._mapping) for row in connection.execute(select(getattr(WarehouseTables(warehouse.schema), table)))
        ]


def test_everything_of_an_import_is_stored(importer: Importer, rejections: Callable[..., pd.DataFrame]) -> None:
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
        pytest.param('a,"b"\r\n\\N\t\x1f', 'a,"b"\r\n\\N\t\x1f', id="marks of COPY"),
        pytest.param(None, None, id="nothing"),
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
def test_whoever_is_in_the_warehouse_after_the_merge_becomes_a_member_once(
    importer: Importer, policy: str, added: int
) -> None:
    create_segment(importer.warehouse, "vip")
    importer([{"email": ANN}])
    rows = [{"email": ANN}, {"email": BOB}]
    assert importer(rows, policy, segment="vip").segment_added == added
    assert importer(rows, policy, segment="vip").segment_added == 0
    assert [segment["members"] for segment in list_segments(importer.warehouse)] == [added]


def _fail(*_: Any) -> Any:
    raise RuntimeError("the report cannot be written")


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        pytest.param({"segment": "gone"}, UnknownSegment, id="segment gone"),
        pytest.param({"report": _fail}, RuntimeError, id="no report"),
        pytest.param({"columns": [{**COLUMN, "outcome": None}]}, WarehouseError, id="statement refused"),
    ],
)
def test_a_load_that_fails_leaves_no_trace_and_may_be_tried_again(
    importer: Importer, rejections: Callable[..., pd.DataFrame], trouble: dict[str, Any], error: type[Exception]
) -> None:
    create_segment(importer.warehouse, "vip")
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        staging.ensure_staged()
        with pytest.raises(error):
            importer.load(staging, 1, **{"segment": "vip", "rejections": [rejections()], **trouble})
        for table in ("contacts", "segment_members", "rejections", "import_columns"):
            assert stored(importer.warehouse, table) == []
        assert get_import(importer.warehouse, 1)["status"] == "running"

        staging.ensure_staged()
        assert importer.load(staging, 1).counts == MergeCounts(inserted=1)


def test_an_import_whose_commit_went_unanswered_is_not_merged_twice(importer: Importer) -> None:
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": ANN}]))
        staging.ensure_staged()
        first = importer.load(staging, 1)
        assert importer.load(staging, 1) == first
    fail_import(importer.warehouse, 1, error_code="x", error_message="late", report={}, finished_at=NOON)
    assert get_import(importer.warehouse, 1)["status"] == "completed"


def test_an_import_that_failed_is_not_loaded(importer: Importer) -> None:
    with importer.staging(importer.start()) as staging:
        staging.ensure_staged()
        fail_import(importer.warehouse, 1, error_code="x", error_message="y", report={}, finished_at=NOON)
        with pytest.raises(Interrupted, match="ended without a word"):
            importer.load(staging, 0)


def test_merges_take_turns(importer: Importer) -> None:
    """Imports of the same new contacts at once: the first inserts them, the others find them."""
    rows = [{"email": f"{number}@example.org", "name": "x"} for number in range(200)]
    create_segment(importer.warehouse, "vip")
    stagings = [importer.staging(importer.start()) for _ in range(4)]
    counts: list[MergeCounts] = []
    path = importer.write(rows)
    together = threading.Barrier(len(stagings))

    def run(staging: Any) -> None:
        with staging:
            staging.add(path)
            staging.ensure_staged()
            together.wait()
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
