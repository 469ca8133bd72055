"""What all parts of `make bench` share: generated files, empty warehouses, and timed programs.

This process stays small and starts everything it measures as a child process, because the peak memory of a child
is never below the memory of its parent.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from flows.config.environment import set_prefect_environment
from tests.postgres_server import start_postgres

T = TypeVar("T")
K = TypeVar("K")
POSTGRES = "PostgreSQL"
SQLITE = "SQLite"
STAGES = ("landing", "examining", "rejecting", "merging")
ALLOCATED_BYTES = 2 << 30  # enough for an import of a million rows with its server and files, not for ten million
ALLOCATE = "import sys; block = bytearray(int(sys.argv[1])); block[::4096] = bytes(len(block[::4096]))"
Part = Callable[["Bench"], Iterator[str]]


@dataclass(frozen=True)
class Measurement:
    """One run of a program that prints a JSON object with the seconds of its work.

    `processor_seconds` are those of the whole process and of the processes that it started and waited for.
    """

    output: dict[str, Any]
    process_seconds: float
    peak_bytes: int
    processor_seconds: float
    stderr: str = ""

    @property
    def seconds(self) -> float:
        return float(self.output.get("seconds", self.process_seconds))

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, process {self.process_seconds:.2f} s, peak {self.peak_bytes / 2**20:.0f} MiB"


@dataclass(frozen=True)
class Bench:
    """One run of the benchmarks.

    `python` starts our own commands. It belongs to an environment without development packages, because Pandera
    loads some of those where it finds them. `peers` is the folder of the peers' environments, if there is one.
    """

    rows: int
    rounds: int
    folder: Path
    image: Path
    sizes: tuple[int, ...]
    peers: Path | None = None
    python: str = sys.executable
    _stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        self._stack.close()

    def peer_python(self, name: str) -> str | None:
        """The Python of a peer's environment, if `make bench` could create that."""
        environment = self.peers / name if self.peers else None
        return str(environment / "bin" / "python") if environment and (environment / ".ready").exists() else None

    def file(self, rows: int, **shares: float) -> Path:
        """A generated file with this number of contacts, the same each time."""
        name = "-".join([f"{rows}", *(f"{share}-{value}" for share, value in shares.items())])
        path = self.folder / f"{name}.csv"
        if not path.exists():
            options = [text for share, value in shares.items() for text in (f"--{share}", str(value))]
            program = [sys.executable, "-m", "benchmarks.generate", str(path), "--rows", str(rows), *options]
            subprocess.run(program, check=True)
        return path

    @cached_property
    def postgres(self) -> str:
        """The address of a PostgreSQL database that may be emptied.

        One load is run first and not counted: on a new server it creates the log files, which later loads reuse.
        """
        url = self._stack.enter_context(postgres_server(self.folder / "postgres"))
        bare_load(url, self.file(self.rows))
        drop_schemas(url)
        return url

    @cached_property
    def prefect(self) -> str:
        """The API of one Prefect server for all imports."""
        return self._stack.enter_context(prefect_server(self.folder))

    @contextmanager
    def warehouse(self, database: str) -> Iterator[str]:
        """An empty warehouse. It is removed afterwards, so no vacuum of it runs during the next measurement."""
        if database == POSTGRES:
            drop_schemas(self.postgres)
            yield self.postgres
            drop_schemas(self.postgres)
        else:
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                yield f"sqlite:///{folder}/contacts.db"

    def contacts(self, *arguments: str | Path, warehouse: str = "", **environment: str | None) -> Measurement:
        """Run the `contacts` command with `--json`; imports use the one Prefect server.

        The seconds of an import are the sum of its stages in the profile, because those include the commit.
        """
        variables = {"CONTACTS_HOME": str(self.folder / "home"), "CONTACTS_WAREHOUSE_URL": warehouse}
        command = [self.python, "-m", "flows.cli.main", *map(str, arguments), "--json"]
        if arguments[0] != "import":
            return measure(command, **{**variables, **environment})
        variables["PREFECT_API_URL"] = self.prefect
        measurement = measure([*command, "--profile"], **{**variables, **environment})
        stages = dict(re.findall(r"^(\w+) +([0-9.]+) ", measurement.stderr, re.MULTILINE))
        seconds = sum(float(stages[name]) for name in STAGES)
        return replace(measurement, output=measurement.output | {"seconds": seconds})

    def check(self, file: Path) -> Measurement:
        warm_up([file])
        return self.contacts("check", file)

    def first_import(self, database: str, file: Path) -> Measurement:
        """Into an empty warehouse."""
        with self.warehouse(database) as warehouse:
            prepare_load(warehouse, file)
            return self.import_into(warehouse, file)

    def import_into(self, warehouse: str, file: Path) -> Measurement:
        return self.contacts("import", file, "--merge", "overwrite", warehouse=warehouse)


def bare_read(file: Path) -> Measurement:
    """Read the file without any check, from the page cache."""
    warm_up([file])
    return bare_load("read", file)


def bare_load(target: str, file: Path) -> Measurement:
    """Load or read the file without any check; `target` as `benchmarks.bare_loads` takes it."""
    return measure([sys.executable, "-m", "benchmarks.bare_loads", target.removeprefix("sqlite:///"), str(file)])


def measure(command: Sequence[str], **environment: str | None) -> Measurement:
    """Run a program that prints one JSON object; stop the benchmark if it fails. A variable that is None is unset."""
    # Without bytecode files, every start of Python would compile all modules again.
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": None, **environment}
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process_seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        errors = stderr.read().decode(errors="replace")
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed: {(errors + stdout.read().decode(errors='replace'))[-3000:]}")
        peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        processor_seconds = usage.ru_utime + usage.ru_stime
        return Measurement(json.loads(stdout.read()), process_seconds, peak_bytes, processor_seconds, errors)


def measure_rounds(contenders: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[T]]:
    """Run each contender once per round, in an order that rotates from round to round."""
    results: dict[K, list[T]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in rotated(list(contenders), number):
            results[name].append(contenders[name]())
            log_progress(f"{name}: {results[name][-1]}")
    return results


def rotated(items: Sequence[T], number: int) -> list[T]:
    """The items in their order, starting with another one for each number."""
    start = number % len(items)
    return [*items[start:], *items[:start]]


@contextmanager
def postgres_server(folder: Path, cleanup_mode: str = "delete") -> Iterator[str]:
    """The server that CONTACTS_BENCH_POSTGRES_URL names, or one from the wheel that the tests use."""
    if url := os.environ.get("CONTACTS_BENCH_POSTGRES_URL"):
        yield url
        return
    server = start_postgres(folder, cleanup_mode)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """A Prefect server with its home in the folder, as the command starts one."""
    os.environ["CONTACTS_HOME"] = str(folder / "home")
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE"):
        os.environ.pop(name, None)
    set_prefect_environment()
    from flows.cli.servers.local_server import LocalServer

    server = LocalServer(Path(os.environ["PREFECT_HOME"]))
    server.wait()
    os.environ["PREFECT_API_AUTH_STRING"] = server.auth_string  # the imports inherit it
    try:
        yield server.api_url
    finally:
        server.stop()


def drop_schemas(url: str) -> None:
    """Remove every table from the database, so that no round sees the rows of another."""
    schemas = "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'"
    with psycopg.connect(url, autocommit=True) as connection:
        for (schema,) in connection.execute(schemas).fetchall():
            connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
        connection.execute("create schema public")


def prepare_load(warehouse: str, file: Path) -> None:
    """Let database and system finish the work that the last contender caused, then warm up.

    Otherwise the server's automatic vacuum would run within a minute, during the next measurement.
    """
    folder = Path(warehouse.removeprefix("sqlite:///")).parent
    if warehouse.startswith("postgres"):
        with psycopg.connect(warehouse, autocommit=True) as connection:
            connection.execute("vacuum (analyze)")
            connection.execute("checkpoint")
            (data_folder,) = connection.execute("show data_directory").fetchone() or ("",)
            folder = Path(data_folder) / "base"
    os.sync()
    warm_up([file, *folder.rglob("*")])


def warm_up(paths: Sequence[Path]) -> None:
    """Allocate memory and free it again, then read the files once, where they are readable.

    A virtual machine has to ask its host for memory that was freed, which takes several times as long as using it.
    Neither the host nor the disk is what the benchmarks compare.
    """
    size = min(ALLOCATED_BYTES, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4)
    subprocess.run([sys.executable, "-c", ALLOCATE, str(size)], check=True)
    buffer = bytearray(1 << 20)
    for path in paths:
        with suppress(OSError), path.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass


def log_progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
