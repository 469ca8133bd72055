"""The import list is right at every moment, and an import leaves only the files that are needed."""

import json
import os
import stat
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Contacts, Database

UNLISTED = {"report", "alive_key", "options", "inbox", "inbox_claim", "inbox_tries"}

GOOD = "email,name\nann@example.com,Ann\nbob@example.com,Bob\n"


def waited_for(found: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer


def running(database: Database) -> list[dict[str, Any]]:
    return [row for row in database.imports() if row["status"] == "running"]


def test_an_import_is_in_the_list_while_it_runs(contacts: Contacts) -> None:
    """A source that is a pipe holds the import up while it is being read."""
    contacts("imports")
    pipe = contacts.folder / "pipe.csv"
    os.mkfifo(pipe)
    seen: dict[str, Any] = {}

    def watch() -> None:
        try:
            seen.update(waited_for(lambda: running(contacts.database))[0])
            seen["contacts"] = contacts.database.rows("contacts")
        finally:
            pipe.write_text(GOOD)

    watching = threading.Thread(target=watch)
    watching.start()
    ran = contacts("import", pipe, "--json")
    watching.join()
    assert ran.json["contacts"]["inserted"] == 2
    assert (seen["import_id"], seen["source"], seen["status"]) == (1, str(pipe), "running")
    assert seen["merge_policy"] == "insert-only"
    assert (seen["sha256"], seen["finished_at"], seen["report"], seen["read"]) == (None, None, None, None)
    assert seen["contacts"] == []


def test_a_completed_import_has_its_counts_in_the_list(contacts: Contacts) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    contacts("segments", "create", "vip")
    report = contacts.load(
        "email,points,Loyalty,Citty\nann@example.com,,1,\nbob@example.com,3,2,x\nbad,4,3,y\n", "--segment", "vip"
    )
    [row] = contacts.database.imports()
    assert json.loads(row["report"]) == report
    assert {name: row[name] for name in ("read", "accepted", "rejected")} == report["rows"]
    assert {name: row[name] for name in ("inserted", "updated", "unchanged", "skipped")} == report["contacts"]
    assert (row["sha256"], row["status"]) == (report["sha256"], "completed")
    assert (row["error_code"], row["error_message"]) == (None, None)
    assert len(row["flow_run_id"]) == 36
    times = [_utc(row[name]) for name in ("started_at", "finished_at")]
    assert began <= times[0] <= times[1] <= datetime.now(UTC)
    columns = contacts.database.rows("import_columns", order="column_name")
    assert columns == [
        {"import_id": 1, "column_name": "Citty", "field": None, "outcome": "unknown-field", "empty_cells": 1},
        {"import_id": 1, "column_name": "Loyalty", "field": None, "outcome": "unknown-field", "empty_cells": 0},
        {"import_id": 1, "column_name": "email", "field": "email", "outcome": "imported", "empty_cells": 0},
        {"import_id": 1, "column_name": "points", "field": "points", "outcome": "incomplete", "empty_cells": 1},
    ]
    [rejection] = contacts.database.rows("rejections")
    assert {name: rejection[name] for name in ("record_number", "line_number", "column_name", "field", "code")} == {
        "record_number": 3, "line_number": 4, "column_name": "email", "field": "email", "code": "email-invalid"
    }  # fmt: skip
    assert rejection["value"] == "bad"
    assert all(_utc(row[name]) >= began for row in contacts.database.rows("contacts") for name in ("created_at",))
    listed = contacts("imports", "--json").json
    assert [each["import_id"] for each in listed] == [1]
    table = set(contacts.database.columns("imports"))
    assert set(listed[0]) == table - UNLISTED | {"missing"}
    assert all("+00:00" in listed[0][name] for name in ("started_at", "finished_at"))


def _utc(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def test_the_warehouse_keeps_rejections_up_to_the_limit(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTS_REJECTIONS_LIMIT", "3")
    report = contacts.load("email,points\n" + "bad,0\n" * 4)
    assert report["rejections"] == {"email-invalid": 4, "integer-invalid": 4}
    assert [row["record_number"] for row in contacts.database.rows("rejections", order="record_number")] == [1, 1, 2]
    assert report["warnings"] == ["the warehouse keeps the first 3 of 8 rejections; the rejected file has all"]
    assert Path(report["rejected_file"]).read_text("utf-8-sig").count("email-invalid, integer-invalid") == 4
    assert "first 3 of 8" in contacts("imports", "1").out
    assert "keeps 3 of 8 reasons" in contacts("imports").out


def test_only_the_rejected_file_stays_in_the_folder_of_an_import(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = contacts.load(GOOD + "bad,Bad\n")
    folder = Path(report["rejected_file"]).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["rejected.csv"]
    monkeypatch.setenv("CONTACTS_KEEP_LANDED", "true")
    report = contacts.load(GOOD)
    kept = {path.name: path for path in Path(report["rejected_file"]).parent.iterdir()}
    assert sorted(kept) == ["rejected.csv", "source.csv"]
    assert kept["source.csv"].read_text() == GOOD
    assert stat.S_IMODE(kept["source.csv"].stat().st_mode) == 0o600


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_files_that_cannot_be_deleted_fail_no_import(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def stuck(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith("chunk-"):
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", stuck)
        report = contacts.load(GOOD)
    assert contacts("imports", "1", "--json").json == report


def test_an_error_after_the_commit_fails_no_import(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse.merge.staging import Staging

    close = Staging.close

    def trouble(staging: Staging) -> None:
        close(staging)
        raise RuntimeError("the connection could not be closed")

    monkeypatch.setattr(Staging, "close", trouble)
    report = contacts.load(GOOD)
    assert report["contacts"]["inserted"] == 2
    assert [row["status"] for row in contacts.database.imports()] == ["completed"]
    assert contacts("imports", "1", "--json").json == report


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_a_prefect_server_that_stops_after_the_commit_fails_no_import(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server dies after the commit, so that the run's last state cannot be set."""
    from httpx import ConnectError
    from prefect.flow_engine import FlowRunEngine

    def nobody(*_: object, **__: object) -> None:
        raise ConnectError("All connection attempts failed")

    monkeypatch.setattr(FlowRunEngine, "handle_success", nobody)
    report = contacts.load(GOOD)
    assert report["status"] == "completed"
    assert report["warnings"] == [
        "Prefect stopped before it recorded how the import ended; 'contacts imports' has this report"
    ]
    assert [row["status"] for row in contacts.database.imports()] == ["completed"]


def test_an_internal_error_shows_no_contact_value(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(*_: object, **__: object) -> None:
        raise ValueError("ann@example.com")

    contacts.has_a_past()
    before = contacts.database.contents()
    monkeypatch.setattr("flows.import_runs.tasks.resolve_rejections", trouble)
    ran = contacts("import", contacts.file(GOOD), "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "internal-error")
    assert "ValueError" in ran.err
    assert "ann@" not in ran.out + ran.err
    assert contacts.database.contents() == before
    assert [row["status"] for row in contacts.database.imports()] == ["failed"]


def test_a_merge_that_fails_changes_nothing(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing, also when the trouble comes after contacts and members were written."""
    contacts.has_a_past()
    before = contacts.database.contents()

    def trouble(*_: object, **__: object) -> None:
        raise ValueError("ann@example.com")

    monkeypatch.setattr("warehouse.merge.transaction._complete", trouble)
    ran = contacts("import", contacts.file(GOOD + "bad,x\n"), "--json", "--segment", "old")
    assert (ran.status, ran.json["error"]["code"]) == (1, "internal-error")
    assert contacts.database.contents() == before
    assert contacts.database.rows("rejections") == contacts.database.rows("import_columns") == []
    [row] = contacts.database.imports()
    assert (row["status"], row["error_code"]) == ("failed", "internal-error")
    assert (row["read"], row["accepted"], row["rejected"], row["inserted"]) == (3, 2, 1, None)


def test_two_imports_at_the_same_time_both_complete(contacts: Contacts) -> None:
    """Both complete, with the contents of one after the other."""
    from flows.config.request import ImportRequest
    from flows.import_contacts import import_contacts

    contacts("export", "--output", contacts.folder / "none.csv")
    start = threading.Barrier(2)
    reports: dict[str, Any] = {}

    def run(name: str) -> None:
        rows = "".join(f"c{number}@example.com,{name},{number}\n" for number in range(1, 400))
        path = contacts.file(f"email,name,points\n{rows}{name}@example.com,Own,1\n", f"{name}.csv")
        start.wait()
        state: Any = import_contacts(ImportRequest(source=str(path), merge="overwrite"), return_state=True)
        reports[name] = state.result(raise_on_failure=False)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report["status"] for report in reports.values()] == ["completed", "completed"]
    first, second = sorted(reports.values(), key=lambda report: report["contacts"]["updated"])
    assert list(first["contacts"].values()) == [400, 0, 0, 0]
    assert list(second["contacts"].values()) == [1, 399, 0, 0]
    stored = contacts.database.contacts()
    assert len(stored) == 401
    winner = Path(second["source"]).stem
    assert {contact["name"] for contact in stored.values()} == {winner, "Own"}
