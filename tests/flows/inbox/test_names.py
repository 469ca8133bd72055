"""Which files of an inbox are imported, and their names afterwards."""

import time

import pytest

from flows.inbox.names import is_ignored, may_be_filled, moved_name, reason_name, rejected_name
from transforms.sources.remote.base import FileStamp


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        ("a.csv", False),
        ("part", False),
        ("download", False),
        ("done", False),
        (".a.csv", True),
        ("a.csv.part", True),
        ("a.TMP", True),
        ("a.csv.filepart", True),
        ("a.csv.partial", True),
        ("a.csv.crdownload", True),
        ("a.csv.download", True),
        (".a.csv.swp", True),
        ("a.csv.swp", True),
        ("a.csv~", True),
        (".~lock.a.csv#", True),
        ("~$book.xlsx", True),
        ("Thumbs.db", True),
    ],
)
def test_hidden_and_unfinished_files_are_ignored(name: str, ignored: bool) -> None:
    assert is_ignored(name) is ignored


@pytest.mark.parametrize(
    ("size", "age", "waits"),
    [
        pytest.param(0, 0, True, id="just made"),
        pytest.param(0, 590, True, id="almost ten minutes"),
        pytest.param(0, 610, False, id="more than ten minutes"),
        pytest.param(0, -3600, False, id="by a clock that is an hour ahead"),
        pytest.param(0, None, False, id="no time"),
        pytest.param(1, 0, False, id="not empty"),
    ],
)
def test_an_empty_file_may_be_filled_for_ten_minutes(size: int, age: float | None, waits: bool) -> None:
    stamp = FileStamp(size, modified_at=None if age is None else time.time() - age)
    assert may_be_filled(stamp) is waits


@pytest.mark.parametrize(
    ("name", "moved", "reason"),
    [
        ("a.csv", "failed/a-7.csv", "failed/a-7.txt"),
        ("a.b.xlsx", "failed/a.b-7.xlsx", "failed/a.b-7.txt"),
        ("a.csv.gz", "failed/a-7.csv.gz", "failed/a-7.txt"),
        ("a.gz", "failed/a-7.gz", "failed/a-7.txt"),
        ("a.txt", "failed/a-7.txt", "failed/a-7.txt.txt"),
        ("a", "failed/a-7", "failed/a-7.txt"),
    ],
)
def test_a_file_keeps_its_suffix_and_the_reason_has_another_name(name: str, moved: str, reason: str) -> None:
    assert (moved_name("failed", name, 7), reason_name(name, 7)) == (moved, reason)
    suffix = ".xlsx" if name.endswith(".xlsx") else ".csv"
    assert rejected_name(name, 7) == reason.split(".txt")[0].replace("failed", "rejected") + suffix


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".XLS"])
def test_the_rejected_rows_of_a_workbook_are_a_workbook(suffix: str) -> None:
    assert rejected_name(f"a{suffix}", 7) == "rejected/a-7.xlsx"
    assert rejected_name(f"a{suffix}", 7, ".csv") == "rejected/a-7.csv"


def test_a_long_name_is_shortened_to_what_a_file_system_allows() -> None:
    moved = moved_name("done", "é" * 125 + ".csv", 123).removeprefix("done/")
    assert len(moved.encode()) <= 255
    assert moved.startswith("é" * 100)
    assert moved.endswith("é-123.csv")
