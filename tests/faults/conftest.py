"""Faults happen to the real command, in a process of its own, on both databases."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.config.environment import CONSOLE_LOG_LEVEL, OFFLINE_DEFAULTS
from schemas.catalogue import load_catalogue
from tests.flows.conftest import (  # noqa: F401 - these are fixtures
    Contacts,
    Database,
    PrefectApi,
    Ran,
    command,
    contacts,
    database,
    own_prefect,
    prefect_api,
)
from tests.warehouse.conftest import Importer
from warehouse.contacts.segments import create_segment
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate

SETTINGS = {"CONTACTS_CHUNK_BYTES": "1500", "CONTACTS_WORKERS": "2", "CONTACTS_CATALOGUE": ""}

EARLY_COLUMN = {"column_name": "Phone", "field": None, "outcome": "unknown-field", "empty_cells": 0}
EARLY_REJECTION = pd.DataFrame(
    [
        {
            "record_number": 4,
            "line_number": 5,
            "column_name": "email",
            "field": "email",
            "code": "email-invalid",
            "message": "is no address",
            "value": "bad",
        }
    ],
    dtype=object,
)


@dataclass(frozen=True)
class RunningCommand:
    """A command that runs in a process of its own."""

    pid: int
    output: Path

    @property
    def ended(self) -> bool:
        return self.output.with_suffix(".status").exists()

    def kill(self) -> None:
        if not self.ended:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float = 90) -> Ran:
        """Its output and exit status, which is negative after a signal."""
        wait_until = time.monotonic() + seconds
        while not self.ended:
            if time.monotonic() > wait_until:
                self.kill()
                raise AssertionError(f"no end in {seconds} s: {self.output.with_suffix('.err').read_text()}")
            time.sleep(0.005)
        err = self.output.with_suffix(".err").read_text()
        assert "Traceback" not in err
        return Ran(int(self.output.with_suffix(".status").read_text()), self.output.read_text(), err)


class CommandRunner:
    """Runs `contacts` commands: one process imports all modules, and forks another for each command."""

    def __init__(self, prefect: PrefectApi, folder: Path) -> None:
        self.folder = folder
        self._started = 0
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CONTACTS_"))}
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forking"],
            cwd=Path(__file__).parents[2],
            env={
                **kept,
                "PREFECT_API_URL": prefect.url,
                "PREFECT_API_AUTH_STRING": prefect.auth_string,
                "PREFECT_HOME": str(prefect.home),
                CONSOLE_LOG_LEVEL: "CRITICAL",
                **OFFLINE_DEFAULTS,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *arguments: str | Path, environment: dict[str, str], trap: tuple[str, ...] = ()) -> RunningCommand:
        self._started += 1
        output = self.folder / f"{self._started}.out"
        order = {
            "arguments": [str(each) for each in arguments],
            "environment": environment,
            "trap": list(trap),
            "said": str(output),
        }
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        return RunningCommand(int(self._parent.stdout.readline()), output)

    def close(self) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(30)
        self._parent.stdout.close()


@pytest.fixture(scope="session")
def commands(prefect_api: PrefectApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandRunner]:  # noqa: F811
    """Commands against the session's Prefect server."""
    started = CommandRunner(prefect_api, tmp_path_factory.mktemp("commands"))
    yield started
    started.close()


class ImportScenario:
    """A warehouse with contacts, a file to import into it, and the expected result."""

    FILE_ROWS = 120

    def __init__(self, commands: CommandRunner, database: Database, folder: Path) -> None:  # noqa: F811
        self._commands, self.database, self.folder = commands, database, folder
        self.environment = {
            **SETTINGS,
            "CONTACTS_HOME": str(folder / "home"),
            "CONTACTS_WAREHOUSE_URL": database.url,
            "CONTACTS_WAREHOUSE_SCHEMA": database.schema or "",
        }
        self.file = folder / "contacts.csv"
        self.file.write_text(contacts_csv(range(self.FILE_ROWS)))

    def start(self, *arguments: str | Path, trap: tuple[str, ...] = (), **more: str) -> RunningCommand:
        return self._commands.start(*arguments, environment={**self.environment, **more}, trap=trap)

    def run(self, *arguments: str | Path, trap: tuple[str, ...] = (), **more: str) -> Ran:
        return self.start(*arguments, trap=trap, **more).wait()

    def imports(self, trap: tuple[str, ...] = (), **more: str) -> RunningCommand:
        """Start the import to which the fault happens."""
        return self.start("import", self.file, "--merge", "overwrite", "--segment", "vip", "--json", trap=trap, **more)

    def add_earlier_import(self) -> None:
        """Contacts of an earlier import, which the file partly changes; all are members of the segment."""
        with Warehouse.open(self.database.url, self.database.schema) as warehouse:
            catalogue = load_catalogue()
            migrate(warehouse, catalogue)
            create_segment(warehouse, "vip")
            importer = Importer(warehouse, catalogue, self.folder)
            fields = ("email", "name", "points")
            rows = [
                {"email": "c0@example.com", "name": "Before", "points": 9},
                {"email": "old@example.com", "name": "Old", "points": 8},
                {"email": "c3@example.com", "name": "Kept", "points": 7},
            ]
            importer(rows, fields=fields, segment="vip", columns=[EARLY_COLUMN], rejections=[EARLY_REJECTION])

    def state(self) -> dict[str, Any]:
        """Everything that an import can change, except the import list and numbers that a fault may skip."""
        join = "select s.segment_id, c.email from segment_members s join contacts c using (contact_id) order by 1, 2"
        orphans = "select count(*) from segment_members where contact_id not in (select contact_id from contacts)"
        if not self.database.columns("contacts"):  # on PostgreSQL, before the first import
            join, orphans = "select segment_id, '' from segment_members", "select count(*) from segment_members"
        done = self.database.run("select import_id from imports where status = 'completed' order by 1")
        return {
            "contacts": self.database.contacts(),
            "members": self.database.run(join),
            "rejected": [self._rows("rejections", number) for (number,) in done],
            "columns": [self._rows("import_columns", number) for (number,) in done],
            "strays": [
                self.database.run(
                    f"select count(*) from {table} where import_id not in "
                    "(select import_id from imports where status = 'completed')"
                )
                for table in ("rejections", "import_columns", "segment_members")
            ],
            "orphans": self.database.run(orphans),
        }

    def _rows(self, table: str, number: int) -> list[tuple[Any, ...]]:
        names = [name for name in self.database.columns(table) if name != "import_id"]
        rows = self.database.run(f"select {', '.join(names)} from {table} where import_id = {number}")
        return sorted(rows, key=str)

    def expected(self) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The contacts and members after the import, computed here."""
        early = {"c0@example.com": ("Before", 9), "old@example.com": ("Old", 8), "c3@example.com": ("Kept", 7)}
        late = {f"c{row}@example.com": (f"Name {row}", row + 1) for row in range(self.FILE_ROWS) if row % 10 != 3}
        people = {email: {"name": name, "points": str(points)} for email, (name, points) in (early | late).items()}
        for person in people.values():
            person["points"] = f"{int(person['points'])}"
        return people, sorted(("vip", email) for email in people)

    def left_behind(self) -> list[str]:
        """Files that imports should have removed: all except the rejected files of the reports."""
        reports = [json.loads(row["report"] or "{}") for row in self.database.imports()]
        named = {report.get("rejected_file") for report in reports}
        found = [path for path in (self.folder / "home" / "imports").rglob("*") if path.is_file()]
        kept = [path for path in found if str(path) in named]
        locks = list(self.folder.glob("*-import-*"))
        return [str(path) for path in [*found, *locks] if path not in kept]

    def staged_tables(self) -> int:
        """Files of tables of open or aborted transactions; other sessions see nothing else of them."""
        if self.database.schema is None:
            return 0
        counted = self.database.run("""
            with here as (select 'base/' || oid || '/' as folder from pg_database where datname = current_database()),
            files as (select folder, name from here, pg_ls_dir(folder) as name where name ~ '^[0-9]+')
            select count(*) from files where (pg_stat_file(folder || name, true)).size > 0
            and substring(name from '^[0-9]+')::bigint not in
            (select pg_relation_filenode(oid) from pg_class where pg_relation_filenode(oid) is not null)
        """)
        return int(counted[0][0])


def contacts_csv(rows: range) -> str:
    """One row in ten is rejected, and one of two duplicates."""
    lines = (f"c{row}@example.com,Name {row},{'x' if row % 10 == 3 else row + 1}\n" for row in rows)
    return "email,name,points\n" + "".join(lines) + f"c{rows[5]}@example.com,Name {rows[5]},{rows[5] + 1}\n"


def wait_until(happened: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until another process has done something."""
    deadline = time.monotonic() + seconds
    while not (answer := happened()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return answer


@pytest.fixture
def scenario(commands: CommandRunner, database: Database, tmp_path: Path) -> ImportScenario:  # noqa: F811
    """A warehouse of each kind, with contacts."""
    made = ImportScenario(commands, database, tmp_path)
    made.add_earlier_import()
    return made
