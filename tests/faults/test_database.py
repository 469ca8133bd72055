"""Faults of the database during an import: it retries transient ones and merges once; others are one line."""

import os
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests.faults.conftest import CommandRunner, ImportScenario, contacts_csv, wait_until
from tests.faults.test_killed import append_outcome
from tests.flows.conftest import Database, Ran
from tests.postgres_server import start_postgres

on_postgres = pytest.mark.parametrize("warehouse_url", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
Fault = Callable[[ImportScenario], None]


def import_with_fault(scenario: ImportScenario, place: tuple[str, str, int], fault: Fault, **environment: str) -> Ran:
    """Stop an import at a step, cause the fault, and let the import continue."""
    gate = scenario.folder / "gate"
    started = scenario.imports(trap=(place[0], place[1], str(place[2]), str(gate)), **environment)
    wait_until(lambda: (scenario.folder / "gate.here").exists() or started.ended)
    assert not started.ended, started.wait()
    fault(scenario)
    gate.touch()
    return started.wait()


def assert_merged_once(scenario: ImportScenario, ran: Ran, fault: str) -> None:
    """The import succeeded, and its rows are in the warehouse once."""
    assert (ran.status, ran.err) == (0, ""), ran
    assert ran.json["contacts"] == {"inserted": 107, "updated": 1, "unchanged": 0, "skipped": 0}
    assert ran.json["segment"]["added"] == 107
    people, members = scenario.expected()
    state = scenario.state()
    assert (state["contacts"], state["members"]) == (people, members)
    assert [len(rows) for rows in state["rejected"]] == [1, 13]
    assert state["strays"] == [[(0,)]] * 3
    assert [row["status"] for row in scenario.database.imports()] == ["completed", "completed"]
    assert scenario.left_behind() == []
    append_outcome(f"{fault}: retried, merged once")


def assert_refused(scenario: ImportScenario, ran: Ran, before: object, code: str, says: str, fault: str) -> None:
    """The error is one line; no contact changed, and no file is left."""
    assert ran.status == 1
    assert ran.json["error"]["code"] == code
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert "example.com" not in ran.err
    assert scenario.state() == before
    assert scenario.left_behind() == []
    append_outcome(f"{fault}: one clear error ({code}), nothing changed")


def cut(scenario: ImportScenario) -> None:
    """Every session of the import ends, as by an administrator or a network failure."""
    with psycopg.connect(scenario.database.url, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'contact-import' and datname = current_database()"
        )


@on_postgres
@pytest.mark.parametrize(
    "place",
    [
        pytest.param(("staging", "before", 2), id="while staging"),
        pytest.param(("staging", "after", 1), id="between chunks", marks=pytest.mark.harness),
        pytest.param(("rejecting", "after", 1), id="after rejecting", marks=pytest.mark.harness),
        pytest.param(("merging", "before", 1), id="before the merge's first statement", marks=pytest.mark.harness),
        pytest.param(("members", "after", 1), id="in the merge"),
        pytest.param(("commit", "before", 1), id="before the commit", marks=pytest.mark.harness),
        pytest.param(("commit", "after", 1), id="after the commit", marks=pytest.mark.harness),
    ],
)
def test_an_import_whose_connection_is_cut_merges_once(place: tuple[str, str, int], scenario: ImportScenario) -> None:
    assert_merged_once(
        scenario, import_with_fault(scenario, place, cut), f"PostgreSQL, sessions ended, {place[1]} {place[0]}"
    )


class Proxy:
    """A port that forwards to the server and can be cut for some seconds."""

    def __init__(self, socket_path: str) -> None:
        self._target, self._open = socket_path, True
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self._open:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                self._pairs.append((client, server))
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut_for(self, seconds: float) -> None:
        self._open = False
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        threading.Timer(seconds, self._reopen).start()

    def _reopen(self) -> None:
        self._open = True

    def close(self) -> None:
        self._open = False
        self._listener.close()
        for pair in self._pairs:
            for end in pair:
                end.close()


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    folder = postgres_url.partition("host=")[2].split("&")[0]
    if not Path(folder, ".s.PGSQL.5432").exists():
        pytest.skip("NO SOCKET to lead to: this test needs the server of the wheel")
    made = Proxy(f"{folder}/.s.PGSQL.5432")
    yield made
    made.close()


@on_postgres
@pytest.mark.parametrize(
    "place",
    [
        pytest.param(("staging", "before", 2), id="while staging", marks=pytest.mark.harness),
        pytest.param(("members", "after", 1), id="in the merge"),
        pytest.param(("commit", "after", 1), id="after the commit", marks=pytest.mark.harness),
    ],
)
def test_an_import_during_a_network_failure_merges_once(
    place: tuple[str, str, int], scenario: ImportScenario, proxy: Proxy
) -> None:
    name = scenario.database.url.partition("?")[0].rpartition("/")[2]
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
    ran = import_with_fault(scenario, place, lambda _: proxy.cut_for(2), CONTACTS_WAREHOUSE_URL=url)
    assert_merged_once(scenario, ran, f"PostgreSQL, network away for 2 s, {place[1]} {place[0]}")


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(("staging", "before", 2), id="while staging", marks=pytest.mark.harness),
        pytest.param(("ensured", "before", 1), id="between staging and merge", marks=pytest.mark.harness),
        pytest.param(("members", "after", 1), id="in the merge", marks=pytest.mark.harness),
    ],
)
def test_an_import_during_a_restart_of_the_server_merges_once(
    place: tuple[str, str, int], commands: CommandRunner, tmp_path: Path
) -> None:
    """A server of its own, stopped as by a crash and started again."""
    with tempfile.TemporaryDirectory(prefix="contacts-restarted-") as folder:
        server = start_postgres(Path(folder) / "data")
        try:
            scenario = ImportScenario(commands, Database(server.get_uri(), "public"), tmp_path)
            scenario.add_earlier_import()

            def restart(_: ImportScenario) -> None:
                as_user = ["setpriv", "--reuid=pgserver", "--clear-groups"] if os.geteuid() == 0 else []
                control = [*as_user, str(server.bin_path / "pg_ctl"), "-D", str(server.pgdata), "-w"]
                options = (server.pgdata / "postmaster.opts").read_text().split(" ", 1)[1].strip()
                subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True)
                log = str(server.pgdata / "log")
                start = [*control, "-l", log, "-o", options.split(' "-D"')[0], "start"]
                threading.Timer(1.5, lambda: subprocess.run(start, check=True, stdout=subprocess.DEVNULL)).start()

            ran = import_with_fault(scenario, place, restart)
            assert_merged_once(scenario, ran, f"PostgreSQL, server crashed and restarted, {place[1]} {place[0]}")
        finally:
            server.cleanup()


@contextmanager
def another_session(scenario: ImportScenario) -> Iterator[psycopg.Connection]:
    with psycopg.connect(scenario.database.url) as other:
        other.execute(f'set search_path to "{scenario.database.schema}"'.encode())
        yield other


def waits_for_a_lock(scenario: ImportScenario) -> bool:
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    return bool(scenario.database.run(waiting)[0][0])


def with_option(url: str, option: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}options=-c%20{option}"


@on_postgres
def test_an_import_retries_after_a_lock_timeout(scenario: ImportScenario) -> None:
    """The server's lock timeout ends the wait a few times; then the lock is free."""
    url = with_option(scenario.database.url, "lock_timeout%3D400ms")
    with another_session(scenario) as other:
        other.execute("lock table contacts in row exclusive mode")
        started = scenario.imports(CONTACTS_WAREHOUSE_URL=url)
        wait_until(lambda: waits_for_a_lock(scenario))
        time.sleep(1.5)
    assert_merged_once(scenario, started.wait(), "PostgreSQL, lock time-outs")


@on_postgres
def test_an_import_retries_after_a_deadlock(scenario: ImportScenario) -> None:
    """Another program takes the same locks in the other order, and the server cancels the import's statement."""
    with another_session(scenario) as other:
        other.execute("set deadlock_timeout to '30s'")
        other.commit()
        other.execute("lock table segment_members in row exclusive mode")
        started = scenario.imports()
        wait_until(lambda: waits_for_a_lock(scenario))
        other.execute("lock table contacts in row exclusive mode")  # granted once the import was cancelled
        time.sleep(0.5)
    assert_merged_once(scenario, started.wait(), "PostgreSQL, deadlock")


@on_postgres
def test_a_read_only_server_is_one_clear_error(scenario: ImportScenario) -> None:
    before = scenario.state()
    url = with_option(scenario.database.url, "default_transaction_read_only%3Don")
    ran = scenario.imports(CONTACTS_WAREHOUSE_URL=url).wait()
    assert_refused(scenario, ran, before, "warehouse-unusable", "read-only", "PostgreSQL, read-only")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A separate file system in memory; needs root."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("NO DISK OF ITS OWN can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@on_postgres
def test_a_full_disk_of_the_server_changes_no_contact(scenario: ImportScenario) -> None:
    """The staged rows do not fit; the contacts do not change."""
    scenario.file.write_text(contacts_csv(range(20_000)))
    before = scenario.state()
    with tempfile.TemporaryDirectory(prefix="contacts-disk-") as folder, small_disk(Path(folder) / "d", "512k") as disk:
        disk.parent.chmod(0o755)
        disk.chmod(0o777)
        home = disk / "space"
        home.mkdir()
        if os.geteuid() == 0:
            subprocess.run(["chown", "pgserver", str(home)], check=True)
        with psycopg.connect(scenario.database.url, autocommit=True) as admin:
            admin.execute(f"create tablespace small_{os.getpid()} location '{home}'".encode())
        try:
            url = with_option(scenario.database.url, f"default_tablespace%3Dsmall_{os.getpid()}")
            ran = scenario.imports(CONTACTS_WAREHOUSE_URL=url, CONTACTS_CHUNK_BYTES="1MiB").wait()
            wait_until(lambda: scenario.staged_tables() == 0)
        finally:
            with psycopg.connect(scenario.database.url, autocommit=True) as admin:
                admin.execute(f"drop tablespace small_{os.getpid()}".encode())
    assert_refused(scenario, ran, before, "warehouse-unusable", "No space left on device", "PostgreSQL, full disk")


@on_sqlite
@pytest.mark.parametrize("place", ["early", "late"])
def test_a_sqlite_file_that_cannot_grow_changes_no_contact(place: str, scenario: ImportScenario) -> None:
    scenario.file.write_text(contacts_csv(range(2_000)))
    before = scenario.state()
    # Late: the import's row fits, its contacts do not.
    ran = scenario.imports(
        trap=("pages", "beyond", "0" if place == "early" else "4"), CONTACTS_CHUNK_BYTES="1MiB"
    ).wait()
    assert_refused(scenario, ran, before, "warehouse-unusable", "full", f"SQLite, full disk ({place})")
    listed = [row["status"] for row in scenario.database.imports()][1:]
    assert listed == ["failed"] or (place == "early" and not listed)  # a page may have room for a row


@on_sqlite
def test_a_sqlite_file_on_a_read_only_disk_is_one_clear_error(scenario: ImportScenario) -> None:
    before = scenario.state()
    path = scenario.database.url.removeprefix("sqlite:///")
    with small_disk(scenario.folder / "disk", "8m") as disk:
        copy = disk / "contacts.db"
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        source.close()
        target.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ran = scenario.imports(CONTACTS_WAREHOUSE_URL=f"sqlite:///{copy}").wait()
    assert_refused(scenario, ran, before, "warehouse-unusable", "may not be written", "SQLite, read-only disk")


@on_sqlite
def test_an_import_waits_for_another_writer_of_the_sqlite_file(scenario: ImportScenario) -> None:
    """The import waits at the start of the merge, not in the middle."""
    other = sqlite3.connect(scenario.database.url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)

    gate = scenario.folder / "gate"
    started = scenario.imports(trap=("ensured", "after", "1", str(gate)))
    wait_until(lambda: (scenario.folder / "gate.here").exists())
    other.execute("begin immediate")
    other.execute("update contacts set points = 10 where email = 'old@example.com'")
    gate.touch()
    time.sleep(1)
    assert not started.ended
    other.execute("rollback")
    other.close()
    assert_merged_once(scenario, started.wait(), "SQLite, locked by another program")
