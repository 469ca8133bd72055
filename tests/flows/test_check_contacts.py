"""The flow around a check, on a real Prefect server."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.config.request import ReadingOptions
from tests.flows.cli.test_local_server import outside
from tests.flows.pipeline.test_multi_file import IN_ORDER, audience


@pytest.mark.usefixtures("own_prefect")
def test_an_archive_of_several_files_is_checked_as_it_is_imported(tmp_path: Path) -> None:
    from flows.check_contacts import check_contacts

    path = audience(tmp_path, cleaned={"Email Address": "no email"})
    state = check_contacts(ReadingOptions(source=str(path), preset="mailchimp"), return_state=True)
    assert state.message == "2 of 3 valid, 1 rejected"
    report: Any = state.result()
    assert (report["status"], report["rejections"]) == ("completed", {"email-invalid": 1})
    assert [each["source"] for each in report["imports"]] == [f"{path}!{name}" for name in IN_ORDER]


@pytest.mark.usefixtures("own_prefect")
@pytest.mark.parametrize("asked", [pytest.param("1", id="asked-for"), pytest.param("", id="not-asked-for")])
def test_a_traceback_is_shown_only_with_contacts_debug(
    asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from flows.check_contacts import check_contacts

    monkeypatch.setenv("CONTACTS_DEBUG", asked)
    monkeypatch.setattr(logging.getLogger("prefect"), "propagate", True)
    state = check_contacts(ReadingOptions(source=str(tmp_path / "none.csv")), return_state=True)
    assert str(state.message).startswith("source-not-found: ")
    told = [record.exc_info for record in caplog.records if record.exc_info]
    assert [kind.__name__ for kind, _, _ in told if kind] == (["SourceNotFound"] if asked else [])


@pytest.mark.usefixtures("own_prefect")
def test_a_check_of_all_or_nothing_fails_if_a_row_is_rejected(tmp_path: Path) -> None:
    from flows.check_contacts import check_contacts

    path = tmp_path / "c.csv"
    path.write_text("email\na@b.com\nno\n")
    request = ReadingOptions(source=str(path), strict=True)
    state = check_contacts(request, return_state=True)
    assert state.is_failed()
    assert str(state.message).startswith("not-all-accepted: ")


def test_accepted_rows_may_go_into_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("email\na@b.com\n")
    command = [sys.executable, "-P", "-m", "flows.cli.main", "check", str(path), "-q", "--accepted", "/dev/stdout"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=outside(tmp_path))
    assert ran.stdout.splitlines()[1].startswith('"a@b.com"')
