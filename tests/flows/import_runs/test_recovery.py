"""Imports whose process died are closed and cleaned up; running ones are left alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.import_runs.work_folders import folder_name
from schemas.choices import MergePolicy
from tests.flows.conftest import Contacts
from tests.flows.import_runs.test_prune import age
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import start_import
from warehouse.import_list.liveness import liveness_lock

GOOD = "email,name\nann@example.com,Ann\n"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.backends.postgres.PostgresBackend.liveness_grace_seconds", 0.1)


@contextmanager
def begun(contacts: Contacts) -> Iterator[Path]:
    """An import that lives for as long as the block, and is not closed at its end."""
    contacts("segments", "create", "any")
    with Warehouse.open(contacts.database.url, contacts.database.schema) as warehouse, liveness_lock(warehouse) as key:
        now = datetime.now(UTC)
        import_id = start_import(
            warehouse,
            source="dead.csv",
            merge_policy=MergePolicy.OVERWRITE,
            started_at=now,
            retry_of=5,
            alive_key=key,
        )
        folder = contacts.folder / "home" / "imports" / folder_name(import_id, key)
        folder.mkdir(parents=True)
        for file in ("source.csv", "staging.db", "rejected.csv"):
            (folder / file).write_text("ann@example.com")
        yield folder


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("imports",), id="somebody lists imports"),
        pytest.param(("imports", "1"), id="somebody asks for it"),
        pytest.param(("imports", "prune", "--older-than", "90d"), id="somebody prunes"),
        pytest.param(("import", "contacts.csv"), id="the next import starts"),
    ],
)
def test_the_next_import_closes_one_whose_process_died(
    arguments: tuple[str, ...], contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(contacts.folder)
    contacts.file(GOOD)
    with begun(contacts) as folder:
        pass
    assert contacts(*arguments).status == 0
    dead = contacts.database.imports()[0]
    assert (dead["status"], dead["error_code"], dead["alive_key"]) == ("failed", "interrupted", None)
    assert "ended without a report" in dead["error_message"]
    assert dead["finished_at"] is not None
    assert not folder.exists()
    report = contacts("imports", "1", "--json").json
    assert report["status"] == "failed"
    assert report["error"] == {"code": "interrupted", "message": dead["error_message"]}
    assert (report["import_id"], report["source"], report["merge"]) == (1, "dead.csv", "overwrite")
    assert report["retry_of"]["id"] == 5
    assert "ended without a report" in contacts("imports", "1").err
    assert "alive_key" not in contacts("imports", "--json").json[0]


def test_a_running_import_keeps_its_folder_however_old_it_is(contacts: Contacts) -> None:
    with begun(contacts) as folder:
        age(folder, 100)
        assert contacts("imports", "prune", "--older-than", "1d", "--json").json == {"removed": 0, "kept": 1}
        contacts("imports")
        contacts.load(GOOD)
        assert len(list(folder.iterdir())) == 3
        assert contacts.database.imports()[0]["status"] == "running"


def test_an_import_that_died_after_its_commit_keeps_its_rejected_file(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.import_runs.lifecycle.clean_up_folder", lambda *_, **__: True)
    monkeypatch.setattr("flows.import_runs.lifecycle.clear_liveness_key", lambda *_: None)
    report = contacts.load(GOOD + "bad,Bad\n")
    monkeypatch.undo()
    folder = Path(report["rejected_file"]).parent
    monkeypatch.setenv("CONTACTS_HOME", str(contacts.folder / "home"))
    assert len(list(folder.iterdir())) > 1
    with Warehouse.open(contacts.database.url, contacts.database.schema) as warehouse:
        from flows.config.settings import Settings
        from flows.import_runs.recovery import close_abandoned_imports

        close_abandoned_imports(warehouse, Settings.load())
    assert [path.name for path in folder.iterdir()] == ["rejected.csv"]
    [row] = contacts.database.imports()
    assert (row["status"], row["alive_key"]) == ("completed", None)


def test_files_that_cannot_be_deleted_at_the_end_are_deleted_by_the_next_command(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("the storage is away")

    with monkeypatch.context() as patch:
        patch.setattr("flows.import_runs.work_folders.clear_folder", fails)
        assert contacts.load(GOOD)["status"] == "completed"
    imports = contacts.folder / "home" / "imports"
    assert list(imports.rglob("source*"))
    contacts("imports")
    assert [path.name for path in imports.rglob("*") if path.is_file()] == ["rejected.csv"]


def test_a_folder_of_another_machine_is_not_cleaned_up_here(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begun(contacts) as folder:
        pass
    monkeypatch.setenv("CONTACTS_IMPORTS", str(contacts.folder / "another machine"))
    assert "interrupted" in contacts("imports").out
    assert folder.exists()
    monkeypatch.delenv("CONTACTS_IMPORTS")
    contacts("imports")
    assert not folder.exists()


def test_an_error_in_closing_abandoned_imports_stops_no_import(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schemas.errors.warehouse import WarehouseUnusable

    def refuse(*_: object, **__: object) -> None:
        raise WarehouseUnusable("db", "it may not be written")

    with begun(contacts):
        pass
    monkeypatch.setattr("flows.import_runs.recovery.fail_import", refuse)
    assert "running" in contacts("imports").out
    contacts.load(GOOD)
