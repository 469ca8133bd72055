"""An import is alive exactly as long as its process."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.warehouse.conftest import Importer, on_postgres
from tests.warehouse.merge.test_staging import cut_connections
from warehouse.backends import postgres
from warehouse.backends.postgres import PostgresBackend
from warehouse.backends.sqlite import SqliteBackend
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.import_list.entries import fail_import, get_import, resume_import, start_import, suspend_import
from warehouse.import_list.liveness import (
    clear_liveness_key,
    find_abandoned_imports,
    find_dead_keys,
    list_live_imports,
    liveness_lock,
)

NOW = datetime.now(UTC)
HOLDER = """
import sys, time
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import start_import
from warehouse.import_list.liveness import liveness_lock
from datetime import UTC, datetime
with Warehouse.open(sys.argv[1], sys.argv[2] or None) as warehouse, liveness_lock(warehouse) as key:
    start_import(warehouse, source="x", merge_policy="overwrite", started_at=datetime.now(UTC), alive_key=key)
    print(key, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PostgresBackend, "liveness_grace_seconds", 0.3)
    monkeypatch.setattr(postgres, "LIVENESS_CHECK_SECONDS", 0.05)


@pytest.fixture
def listed(warehouse: Warehouse) -> Warehouse:
    create_tables(warehouse)
    return warehouse


def start(warehouse: Warehouse, key: int | None, began: datetime = NOW) -> int:
    return start_import(warehouse, source="x", merge_policy="overwrite", started_at=began, alive_key=key)


@contextmanager
def import_in_another_process(warehouse: Warehouse) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process with an import of its own in the list."""
    url = warehouse.engine.url.render_as_string(hide_password=False)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, warehouse.schema or ""], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        with holder.stdout:
            yield holder, int(holder.stdout.readline())
    finally:
        holder.kill()
        holder.wait()


def test_an_import_is_alive_until_its_block_ends(listed: Warehouse) -> None:
    with liveness_lock(listed) as key:
        import_id = start(listed, key)
        assert find_dead_keys(listed, [key]) == set()
        assert find_abandoned_imports(listed) == []
        assert list_live_imports(listed) == [(import_id, key)]
    assert [row["import_id"] for row in find_abandoned_imports(listed)] == [import_id]
    fail_import(listed, import_id, error_code="x", error_message="y", report={}, finished_at=NOW)
    assert [row["status"] for row in find_abandoned_imports(listed)] == ["failed"], "its files are still to be removed"
    clear_liveness_key(listed, import_id)
    assert (find_abandoned_imports(listed), list_live_imports(listed)) == ([], [])


def test_only_the_import_of_a_killed_process_is_dead(listed: Warehouse) -> None:
    with import_in_another_process(listed) as (holder, key), liveness_lock(listed) as ours:
        assert find_dead_keys(listed, [key, ours]) == set()
        holder.kill()
        holder.wait()
        until = time.monotonic() + 30  # a busy server may need a moment to notice
        while (dead := find_dead_keys(listed, [key, ours])) != {key}:
            assert not dead and time.monotonic() < until
        assert [row["alive_key"] for row in find_abandoned_imports(listed)] == [key]


def test_an_import_of_a_stopped_process_is_alive(listed: Warehouse) -> None:
    with import_in_another_process(listed) as (holder, key):
        holder.send_signal(19)
        assert find_dead_keys(listed, [key]) == set()


def test_the_key_of_a_running_import_is_not_cleared(listed: Warehouse) -> None:
    with liveness_lock(listed) as key:
        import_id = start(listed, key)
        clear_liveness_key(listed, import_id)
        assert list_live_imports(listed) == [(import_id, key)]


def test_an_import_whose_start_is_repeated_is_listed_once(listed: Warehouse) -> None:
    with liveness_lock(listed) as key, liveness_lock(listed) as other:
        assert start(listed, key) == start(listed, key) != start(listed, other)


@pytest.mark.parametrize(("age", "dead"), [(timedelta(hours=2), False), (timedelta(days=2), True)])
def test_a_running_import_of_an_older_release_is_dead_after_a_day(
    age: timedelta, dead: bool, listed: Warehouse
) -> None:
    start(listed, None, NOW - age)
    assert bool(find_abandoned_imports(listed)) is dead


def test_an_import_that_waits_for_a_person_is_not_dead(listed: Warehouse) -> None:
    with liveness_lock(listed) as key:
        import_id = start_import(
            listed, source="x", merge_policy="overwrite", started_at=NOW, flow_run_id="run", alive_key=key
        )
        suspend_import(listed, import_id, NOW + timedelta(days=1))
    assert find_abandoned_imports(listed) == []
    with liveness_lock(listed) as key:
        assert resume_import(listed, import_id, "run", key)
        assert find_abandoned_imports(listed) == []
    assert [row["import_id"] for row in find_abandoned_imports(listed)] == [import_id]


def test_of_several_imports_only_the_ended_one_is_dead(listed: Warehouse) -> None:
    with ExitStack() as living:
        keys = [living.enter_context(liveness_lock(listed)) for _ in range(3)]
        with liveness_lock(listed) as key:
            keys.append(key)
        assert find_dead_keys(listed, keys) == {key}


@on_postgres
def test_a_lock_lost_with_its_session_is_taken_again(listed: Warehouse, postgres_url: str) -> None:
    with liveness_lock(listed) as key:
        start(listed, key)
        for _ in range(3):
            cut_connections(postgres_url)
            assert find_dead_keys(listed, [key]) == set()
            time.sleep(0.2)


def test_an_import_that_was_closed_as_dead_merges_nothing(importer: Importer) -> None:
    key = 1
    import_id = start(importer.warehouse, key)
    with importer.staging(import_id) as staging:
        staging.add(importer.write([{"email": "ann@example.org"}]))
        staging.ensure_staged()
        [dead] = find_abandoned_imports(importer.warehouse)
        fail_import(importer.warehouse, dead["import_id"], error_code="interrupted", error_message="", report={},
                    finished_at=NOW)  # fmt: skip
        with pytest.raises(Exception, match="ended without a report"):
            importer.load(staging, 1)
    assert importer.contacts() == []
    assert get_import(importer.warehouse, import_id)["status"] == "failed"


def test_closing_an_import_waits_for_its_commit(importer: Importer) -> None:
    """It is completed or failed, but never failed with its contacts in the warehouse."""
    import_id = start(importer.warehouse, 1)
    in_the_merge = threading.Event()

    def report(*_: object) -> dict[str, object]:
        in_the_merge.set()
        time.sleep(0.3)
        return {}

    def close() -> None:
        in_the_merge.wait()
        fail_import(importer.warehouse, import_id, error_code="x", error_message="", report={}, finished_at=NOW)

    closing = threading.Thread(target=close)
    closing.start()
    with importer.staging(import_id) as staging:
        staging.add(importer.write([{"email": "ann@example.org"}]))
        staging.ensure_staged()
        importer.load(staging, 1, report=report)
    closing.join()
    assert get_import(importer.warehouse, import_id)["status"] == "completed"
    assert len(importer.contacts()) == 1


@on_postgres
def test_advisory_locks_of_other_programs_are_ignored(listed: Warehouse, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as other:
        other.execute("select pg_advisory_lock(77), pg_advisory_lock(1, 77), pg_advisory_lock_shared(77)")
        assert find_dead_keys(listed, [77]) == {77}


def test_lock_files_of_ended_processes_are_removed(tmp_path: Path) -> None:
    with Warehouse.open(f"sqlite:///{tmp_path / 'contacts.db'}") as warehouse:
        create_tables(warehouse)
        (tmp_path / "contacts.db-import-0000000a").touch()
        (tmp_path / "others.db-import-0000000a").touch()
        with liveness_lock(warehouse) as key:
            find_abandoned_imports(warehouse)
            there = {path.name for path in tmp_path.glob("*-import-*")}
            assert there == {f"contacts.db-import-{key:08x}", "others.db-import-0000000a"}
        assert not list(tmp_path.glob("contacts.db-import-*"))


def test_a_lock_file_that_cannot_be_opened_counts_as_locked(tmp_path: Path) -> None:
    with Warehouse.open(f"sqlite:///{tmp_path / 'contacts.db'}") as warehouse:
        assert isinstance(warehouse.backend, SqliteBackend)
        warehouse.backend.liveness_file(5).symlink_to(tmp_path / "loop")
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        assert find_dead_keys(warehouse, [5]) == set()
