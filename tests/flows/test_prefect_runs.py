"""What a run stores in Prefect (artifacts, state, name, log), and what it must not store there."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from flows.reports.models import CheckReport
from schemas.errors.warehouse import TransientWarehouseError, WarehouseUnusable
from tests.flows.conftest import Contacts, PrefectApi, drain_prefect
from tests.flows.pipeline.test_multi_file import audience
from warehouse.merge.staging import Staging

MARK = "zq7marked"
MARKED = f"""\
email,name,mobile_phone,points
{MARK}@example.com,{MARK} good,+34651234567,1
{MARK} no email,{MARK} bad,+34651234568,2
{MARK}@example.com,{MARK} again,6512345{MARK},3
{MARK}-2@example.com,{MARK}-2,+34651234569,{MARK}
{MARK},{MARK}
"""


class Runs:
    """Prefect's records of the import with a number, by way of its client."""

    def __init__(self, contacts: Contacts) -> None:
        self._database = contacts.database

    def run(self, import_id: int) -> Any:
        from prefect.client.orchestration import get_client

        [row] = [row for row in self._database.imports() if row["import_id"] == import_id]
        with get_client(sync_client=True) as client:
            return client.read_flow_run(row["flow_run_id"])

    def artifacts(self, import_id: int) -> dict[str, Any]:
        return {artifact.key: artifact for artifact in self.all_artifacts(import_id)}

    def all_artifacts(self, import_id: int) -> list[Any]:
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

        run = self.run(import_id)
        with get_client(sync_client=True) as client:
            found = client.read_artifacts(
                artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
            )
        return [artifact for artifact in found if artifact.key]

    def log(self, import_id: int) -> list[str]:
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

        drain_prefect()
        run = self.run(import_id)
        with get_client(sync_client=True) as client:
            logs = client.read_logs(log_filter=LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])))
        return [log.message for log in logs]


@pytest.fixture
def runs(contacts: Contacts) -> Runs:
    return Runs(contacts)


one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@one_warehouse
def test_the_ui_shows_summary_rejected_rows_and_import_list(contacts: Contacts, runs: Runs) -> None:
    report = contacts.load(MARKED)
    assert report["rows"] == {"read": 5, "accepted": 1, "rejected": 4}
    run = runs.run(1)
    assert run.name == "import contacts.csv"
    assert run.state.type.value == "COMPLETED"
    for count in ("1 of 5 in", "1 inserted", "4 rejected"):
        assert count in run.state.message
    artifacts = runs.artifacts(1)
    assert set(artifacts) == {"import-summary", "rejected-rows", "import-list"}
    summary = artifacts["import-summary"].data.replace("\\", "")
    assert "contacts.csv" in summary
    assert "phone-invalid" in summary
    assert MARK not in summary
    rows = _rows(artifacts["rejected-rows"])
    assert [(row["record"], row["line"], row["reason"]) for row in rows] == [
        (2, 3, "email-invalid"), (4, 5, "integer-invalid"), (3, 4, "phone-invalid"), (5, 6, "row-too-short")
    ]  # fmt: skip
    assert rows[0]["value"] == f"{MARK} no email"
    assert report["rejected_file"] in artifacts["rejected-rows"].description


def _rows(artifact: Any) -> list[dict[str, Any]]:
    import json

    rows: list[dict[str, Any]] = json.loads(artifact.data) if isinstance(artifact.data, str) else artifact.data
    return rows


@one_warehouse
@pytest.mark.parametrize(("chosen", "seconds"), [pytest.param(None, None, id="none"), pytest.param("60", 60, id="60")])
def test_the_command_runs_without_heartbeats_unless_they_are_set(
    chosen: str | None, seconds: int | None, contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With them, the command ends up to a second later."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import get_current_settings

    from flows.import_runs.run_states import final_state as as_it_was

    if chosen:
        monkeypatch.setenv("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", chosen)
        refresh_global_settings_context()
    seen: list[int | None] = []

    def final_state(report: CheckReport) -> Any:
        seen.append(get_current_settings().flows.heartbeat_frequency)
        return as_it_was(report)

    monkeypatch.setattr("flows.import_contacts.final_state", final_state)
    contacts.load("email\nann@example.com\n")
    assert seen == [seconds]


@one_warehouse
def test_the_state_and_summary_of_a_failed_run_name_the_error(contacts: Contacts, runs: Runs) -> None:
    contacts("import", contacts.file("name\nAnn\n"), "--json")
    run = runs.run(1)
    assert run.state.type.value == "FAILED"
    assert run.state.message.startswith("no-email-column: ")
    assert "no-email-column" in runs.artifacts(1)["import-summary"].data.replace("\\", "")


@one_warehouse
def test_the_state_of_a_command_names_its_options(contacts: Contacts, runs: Runs) -> None:
    contacts("import", contacts.file("email\nann@example.com\n"), "--min-rows", "5", "--json")
    assert runs.run(1).state.message.endswith("lower --min-rows")


@one_warehouse
def test_a_failed_import_has_its_rejected_rows_and_the_summary_links_to_them(contacts: Contacts, runs: Runs) -> None:
    ran = contacts("import", contacts.file(MARKED), "--max-rejected", "0", "--json")
    assert ran.json["error"]["code"] == "too-many-rejected"
    [rejected] = [each for each in runs.all_artifacts(1) if each.key == "rejected-rows"]
    assert [row["record"] for row in _rows(rejected)] == [2, 4, 3, 5]
    assert ran.json["rejected_file"] in rejected.description
    assert f"/artifacts/artifact/{rejected.id}" in runs.artifacts(1)["import-summary"].data


@one_warehouse
def test_the_table_of_rejected_rows_shows_a_thousand_rows_of_all_reasons(
    contacts: Contacts, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of one that comes after all that the warehouse keeps."""
    monkeypatch.setenv("CONTACTS_REJECTIONS_LIMIT", "10")
    bad = "".join(f"bad {number},1\n" for number in range(1005))
    report = contacts.load(f"email,points\n{bad}ann@example.com,x\n")
    assert report["rows"]["rejected"] == 1006
    artifact = runs.artifacts(1)["rejected-rows"]
    rows = _rows(artifact)
    assert len(rows) == 1000
    assert all(isinstance(value, str | int) for row in rows for value in row.values())
    assert [rows[0]["record"], rows[998]["record"], rows[999]["record"]] == [1, 999, 1006]
    assert rows[999]["reason"] == "integer-invalid"
    assert "1,000 of 1,006" in artifact.description


@one_warehouse
def test_the_import_list_links_every_import_to_its_run(contacts: Contacts, runs: Runs) -> None:
    first = contacts.load("email\nann@example.com\nbad\n", name="a|b`c.csv")
    contacts("import", contacts.folder / "nothing.csv")
    contacts("import", first["rejected_file"], "--retry-of", "1")
    ids = [row["flow_run_id"] for row in contacts.database.imports()]
    lines = runs.artifacts(3)["import-list"].data.replace("\\", "").splitlines()
    assert [line.rsplit(" | ", 1)[0] for line in lines[2:5]] == [
        f"| [3](/runs/flow-run/{ids[2]}) | completed, retry of 1 | rejected.csv | 1 | 0 | 1 |  | 0 | 0",
        f"| [2](/runs/flow-run/{ids[1]}) | failed, source-not-found | nothing.csv |  |  |  |  |  | ",
        f"| [1](/runs/flow-run/{ids[0]}) | completed | a|b`c.csv | 2 | 1 | 1 | 1 | 1 | 0",
    ]
    assert len(runs.artifacts(2)["import-list"].data.splitlines()) == len(lines) - 1


@one_warehouse
def test_the_state_of_several_files_says_which_failed(contacts: Contacts, runs: Runs) -> None:
    archive = audience(contacts.folder, unsubscribed={"Email Address": "no email"})
    ran = contacts("import", archive, "--preset", "mailchimp", "--max-rejected", "0", "--json")
    assert ran.json["error"]["code"] == "too-many-rejected"
    assert runs.run(1).state.message.startswith(
        "1 of 3 files failed, the others are imported: unsubscribed_1.csv: too-many-rejected: 1 of 1 rows"
    )


@one_warehouse
def test_a_run_of_several_files_publishes_the_import_list_once(contacts: Contacts, runs: Runs) -> None:
    contacts("import", audience(contacts.folder), "--preset", "mailchimp")
    keys = Counter(artifact.key for artifact in runs.all_artifacts(1))
    assert keys == {"import-summary": 3, "import-list": 1}


@one_warehouse
def test_the_log_of_a_run_has_one_line_per_stage_with_counts(contacts: Contacts, runs: Runs) -> None:
    contacts.load(MARKED)
    lines = [line for line in runs.log(1) if line.endswith(" s")]
    assert [line.rpartition(", ")[0] for line in lines] == [
        f"landing: {len(MARKED):,} bytes",
        "examining: 5 records in 1 chunk",
        "rejecting: 1 accepted, 4 rejected",
        "merging: 1 inserted, 0 updated, 0 unchanged, 0 skipped",
    ]


@one_warehouse
def test_prefect_stores_no_contact_when_values_are_masked(
    contacts: Contacts, runs: Runs, prefect_api: PrefectApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Masked, not even the artifacts do; the log, the parameters, states and task runs never do."""
    monkeypatch.setenv("CONTACTS_ARTIFACT_VALUES", "masked")
    mark = "xk3secret"
    contacts.load(MARKED.replace(MARK, mark))
    monkeypatch.setattr("flows.import_runs.tasks.resolve_rejections", _raise(ValueError(f"{mark}@example.com")))
    assert contacts("import", contacts.file(MARKED.replace(MARK, mark))).status == 1
    assert len(runs.artifacts(1)) == 3
    drain_prefect()
    file = sqlite3.connect(prefect_api.home / "prefect.db", timeout=30)
    tables = [name for (name,) in file.execute("select name from sqlite_master where type = 'table'")]
    assert "flow_run" in tables
    found = [
        (table, row) for table in tables for row in file.execute(f'select * from "{table}"') if mark in str(row).lower()
    ]
    file.close()
    assert found == []


def _raise(error: Exception) -> Callable[..., None]:
    def trouble(*_: object, **__: object) -> None:
        raise error

    return trouble


@one_warehouse
@pytest.mark.parametrize("maker", ["create_markdown_artifact", "create_table_artifact", "summary", "list_imports"])
def test_an_error_in_publishing_fails_no_import(
    maker: str, contacts: Contacts, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"flows.publishing.artifacts.{maker}", _raise(RuntimeError("the UI is away")))
    report = contacts.load(MARKED)
    assert report["contacts"]["inserted"] == 1
    assert runs.run(1).state.type.value == "COMPLETED"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without the seconds between them."""
    monkeypatch.setattr("warehouse.errors.RETRY_DELAYS", (0.0,) * 4)


def test_a_merge_is_retried_after_the_connection_was_lost(
    contacts: Contacts, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection dies inside the transaction, when contacts were written already."""
    import warehouse.merge.transaction

    contacts("segments", "create", "vip")
    complete = warehouse.merge.transaction._complete
    failures: list[int] = []

    def dies_twice(connection: Connection, *more: Any) -> Any:
        if len(failures) < 2:
            failures.append(1)
            _kill(connection, contacts.database.url)
        return complete(connection, *more)

    monkeypatch.setattr(warehouse.merge.transaction, "_complete", dies_twice)
    report = contacts.load("email\nann@example.com\nbob@example.com\nbad\n", "--segment", "vip")
    assert len(failures) == 2
    assert report["contacts"] == {"inserted": 2, "updated": 0, "unchanged": 0, "skipped": 0}
    assert report["segment"]["added"] == 2
    assert len(contacts.database.rows("contacts")) == len(contacts.database.rows("segment_members")) == 2
    assert len(contacts.database.rows("rejections")) == 1
    assert [row["status"] for row in contacts.database.imports()] == ["completed"]


def _kill(connection: Connection, url: str) -> None:
    """End the connection from outside, as a restart of PostgreSQL would; SQLite is busy instead."""
    if connection.dialect.name == "sqlite":
        raise TransientWarehouseError("sqlite", "database is locked")
    pid = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(f"select pg_terminate_backend({pid})".encode())


def test_a_merge_whose_commit_was_not_confirmed_is_not_done_twice(
    contacts: Contacts, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit went through, but nobody heard: the retry finds the import completed."""
    transaction = Staging.write_transaction
    lost: list[int] = []

    @contextmanager
    def unheard(staging: Staging) -> Iterator[Connection]:
        with transaction(staging) as connection:
            yield connection
        if not lost:
            lost.append(1)
            raise TransientWarehouseError("warehouse", "the connection was lost")

    monkeypatch.setattr(Staging, "write_transaction", unheard)
    report = contacts.load("email,points\nann@example.com,1\nbob@example.com,2\n", "--merge", "overwrite")
    assert lost
    assert report["contacts"] == {"inserted": 2, "updated": 0, "unchanged": 0, "skipped": 0}
    assert [row["status"] for row in contacts.database.imports()] == ["completed"]


@one_warehouse
@pytest.mark.parametrize(
    ("error", "tries"),
    [
        pytest.param(WarehouseUnusable("db", "it refuses"), 1, id="refused"),
        pytest.param(ValueError("a fault"), 1, id="a fault of ours"),
        pytest.param(TransientWarehouseError("db", "it is away"), 5, id="away for good"),
    ],
)
def test_only_transient_errors_are_retried(
    error: Exception, tries: int, contacts: Contacts, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Semaphore(0)

    def fail(*_: object, **__: object) -> None:
        tried.release()
        raise error

    monkeypatch.setattr("flows.import_runs.tasks.load_import", fail)
    ran = contacts("import", contacts.file("email\nann@example.com\n"), "--json")
    assert ran.status == 1
    assert ran.json["error"]["code"] == getattr(error, "code", "internal-error")
    assert ran.err.count("\n") == 1
    assert sum(tried.acquire(blocking=False) for _ in range(10)) == tries
    assert contacts.database.rows("contacts") == []
    assert [row["status"] for row in contacts.database.imports()] == ["failed"]
