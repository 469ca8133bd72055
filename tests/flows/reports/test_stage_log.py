"""The log of stages of a check, which runs in the process of the command."""

from pathlib import Path

import pytest

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.check import check_locally
from flows.reports import stage_log


def test_a_check_logs_counts_and_seconds_of_each_stage_but_no_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.csv").write_text("email,name\nann@example.com,Ann\nsecret,Bob\n")
    (tmp_path / "work").mkdir()
    stage_log.print_stage_log()
    try:
        check_locally(ReadingOptions(source=str(tmp_path / "c.csv")), Settings(home=tmp_path), tmp_path / "work")
    finally:
        stage_log.stage_log.handlers.pop()
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(", ")[0] for line in lines] == [
        "contacts: landing: 42 bytes",
        "contacts: examining: 2 records in 1 chunk",
        "contacts: rejecting: 1 accepted, 1 rejected",
    ]
    assert all(line.endswith(" s") for line in lines)
