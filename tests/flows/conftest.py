"""The real `contacts` command against a real Prefect server, one for the whole session, and both warehouses."""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from flows.cli.main import main
from flows.cli.servers.local_server import LocalServer
from flows.config.environment import CONSOLE_LOG_LEVEL, LOCAL_SERVER_DEFAULTS, OFFLINE_DEFAULTS
from schemas.catalogue import load_catalogue
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate

CONTENTS = ("contacts", "segments", "segment_members")
CLOCKS = ("created_at", "updated_at", "created_by_import", "updated_by_import")


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1, "one object on one line, and nothing else"
        return json.loads(self.out)


def is_one_line(ran: Ran, *hints: str) -> None:
    """What went wrong is told in one line, with these in it."""
    assert ran.err.startswith("contacts: ")
    assert ran.err.count("\n") == 1
    for hint in hints:
        assert hint in ran.err


class Database:
    """The warehouse as any SQL client sees it, with none of the project's code in between."""

    def __init__(self, url: str, schema: str | None) -> None:
        self.url, self.schema = url, schema

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        if self.schema is None:
            file = sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)
            try:
                return file.execute(statement).fetchall()
            finally:
                file.close()
        with psycopg.connect(self.url, autocommit=True) as server:
            server.execute(f'set search_path to "{self.schema}"; set timezone to "UTC"'.encode())
            cursor = server.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def columns(self, table: str) -> list[str]:
        if self.schema is None:
            return [str(row[1]) for row in self.run(f"pragma table_info({table})")]
        return [
            str(row[0])
            for row in self.run(
                "select column_name from information_schema.columns "
                f"where table_schema = '{self.schema}' and table_name = '{table}' order by ordinal_position"
            )
        ]

    def rows(self, table: str, without: tuple[str, ...] = (), order: str = "1") -> list[dict[str, Any]]:
        names = [name for name in self.columns(table) if name not in without]
        found = self.run(f"select {', '.join(names)} from {table} order by {order}") if names else []
        return [dict(zip(names, row, strict=True)) for row in found]

    def contacts(self) -> dict[str, dict[str, Any]]:
        """Every contact's fields by email, as text where the two databases would differ; empty ones left out."""
        rows = self.rows("contacts", without=("contact_id", *CLOCKS))
        return {
            row.pop("email"): {name: _plain(value) for name, value in row.items() if value not in (None, "")}
            for row in rows
        }

    def contents(self) -> dict[str, list[dict[str, Any]]]:
        """Contacts, segments and members, to the last column: what a failed import must leave alone."""
        return {table: self.rows(table, order="1, 2") for table in CONTENTS}

    def imports(self) -> list[dict[str, Any]]:
        return self.rows("imports")


def _plain(value: Any) -> str:
    if isinstance(value, bool | int | float | Decimal):
        return f"{Decimal(str(int(value) if isinstance(value, bool) else value)).normalize() + 0:f}"
    return str(value)


class Contacts:
    """The command in this process: `contacts("import", …)`."""

    def __init__(self, capture: pytest.CaptureFixture[str], database: Database, folder: Path) -> None:
        self._capture, self.database, self.folder = capture, database, folder

    def __call__(self, *arguments: str | Path) -> Ran:
        self._capture.readouterr()
        status = main([str(each) for each in arguments])
        said = self._capture.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(status, said.out, said.err)

    def file(self, text: str | bytes, name: str = "contacts.csv") -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def has_a_past(self) -> None:
        """A contact who is a member of the segment `old`, put there without an import."""
        assert self("segments", "create", "old").status == 0
        with Warehouse.open(self.database.url, self.database.schema) as warehouse:
            migrate(warehouse, load_catalogue())
        moment = "'2026-01-01 00:00:00'"
        self.database.run(
            "insert into contacts (contact_id, email, name, points, created_at, updated_at, created_by_import) "
            f"values (1000, 'old@example.com', 'Old', 7, {moment}, {moment}, 1)"
        )
        self.database.run("insert into segment_members values ('old', 1000, 1)")

    def load(self, text: str, *options: str | Path, name: str = "contacts.csv") -> dict[str, Any]:
        """Import a text that is expected to go in, and give the report."""
        ran = self("import", self.file(text, name), "--json", *options)
        assert (ran.status, ran.err) == (0, "")
        report: dict[str, Any] = ran.json
        assert report["rows"]["read"] == report["rows"]["accepted"] + report["rows"]["rejected"]
        assert report["rows"]["accepted"] == sum(report["contacts"].values())
        return report


class PrefectApi(NamedTuple):
    """A running Prefect server."""

    url: str
    home: Path
    auth_string: str


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectApi]:
    """A Prefect server that runs as long as the session."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            environment.delenv(name)
        for name, value in {**OFFLINE_DEFAULTS, **LOCAL_SERVER_DEFAULTS, "PREFECT_HOME": str(home)}.items():
            environment.setenv(name, value)
        server = LocalServer(home)
        server.wait()
        yield PrefectApi(server.api_url, home, server.auth_string)
        drain_prefect()
        server.stop()


def drain_prefect() -> None:
    """Let prefect's own threads say all they have to say while there is a server to say it to."""
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=10)
    EventsWorker.drain_all(timeout=10)


@pytest.fixture
def own_prefect(prefect_api: PrefectApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of this process go to the session's server, whoever imported prefect first."""
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "CONTACTS_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "PREFECT_API_URL": prefect_api.url,
        "PREFECT_API_AUTH_STRING": prefect_api.auth_string,
        "PREFECT_HOME": str(prefect_api.home),
        CONSOLE_LOG_LEVEL: "CRITICAL",
        **OFFLINE_DEFAULTS,
    }.items():
        monkeypatch.setenv(name, value)
    import prefect  # noqa: F401 - so that the command starts no server of its own
    from prefect.context import refresh_global_settings_context
    from prefect.settings.context import get_current_settings

    refresh_global_settings_context()
    assert get_current_settings().api.url == prefect_api.url


@pytest.fixture
def database(warehouse_url: str, warehouse_schema: str | None) -> Database:
    return Database(warehouse_url, warehouse_schema)


@pytest.fixture
def contacts(own_prefect: None, command: Contacts) -> Contacts:
    """The command, with a Prefect server to run flows on."""
    return command


@pytest.fixture
def command(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Contacts:
    """The command, at home in the test's folder, its warehouse an empty one of each kind in turn."""
    monkeypatch.setenv("CONTACTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONTACTS_WAREHOUSE_URL", database.url)
    monkeypatch.setenv("CONTACTS_CATALOGUE", "")
    monkeypatch.setenv("CONTACTS_WORKERS", "2")
    if database.schema:
        monkeypatch.setenv("CONTACTS_WAREHOUSE_SCHEMA", database.schema)
    return Contacts(capsys, database, tmp_path)
