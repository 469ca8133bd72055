"""SQLite: a file for a single machine, with WAL, ADBC for staging and parallel readers for large merges."""

import fcntl
import os
import secrets
import shlex
import sqlite3
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast
from urllib.parse import unquote

import adbc_driver_manager
import adbc_driver_sqlite.dbapi
import pyarrow as pa
from sqlalchemy import (
    URL,
    ClauseElement,
    Column,
    Connection,
    Engine,
    MetaData,
    Row,
    Select,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.compiler import SQLCompiler

from schemas.errors.warehouse import TransientWarehouseError, WarehouseUnusable
from schemas.fields import Field
from warehouse.backends.base import Backend, SortedOptions, StagingTables, build_staging_tables
from warehouse.tables import KeyInteger

BUSY_SECONDS = 60
# A merge touches pages all over the index of emails; with the default of 2 MB it would write each many times.
CACHE_KB = 128 * 1024
WAL_LIMIT_BYTES = 64 * 1024 * 1024
# Finding a page in the WAL takes longer the more pages a transaction has written: with the default of 4 KB,
# inserting ten times the rows took seventeen times as long.
PAGE_BYTES = 16 * 1024
BUSY_ERRORS = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)

# The staging file can be rebuilt from the staged Arrow files at any time, so it needs no protection from a crash.
STAGING_PRAGMAS = (
    "pragma journal_mode = off",
    "pragma synchronous = off",
    "pragma locking_mode = exclusive",
    f"pragma page_size = {PAGE_BYTES}",
)

READERS = min(4, os.cpu_count() or 1)
ROWS_PER_RANGE = 50_000  # at most this many changes per reader are held in memory
SAMPLE_ROWS = 2_000
MAX_CHANGED_SHARE = 0.2  # of the sampled rows; above it, inserting in the database is faster than through Python
READER_CACHE_KB = 48 * 1024


@compiles(KeyInteger, "sqlite")
def _key_integer(*_: Any, **__: Any) -> str:
    return "INTEGER"  # only a column declared exactly INTEGER PRIMARY KEY is numbered by SQLite


@compiles(SortedOptions, "sqlite")
def _sorted_options(element: SortedOptions, compiler: SQLCompiler, **options: Any) -> str:
    text, catalogue = (compiler.process(clause, **options) for clause in element.clauses)
    place = f"nullif(instr({catalogue}, '|' || value || '|'), 0)"
    return (
        "(select group_concat(value, '|') from ("
        f"select value from json_each('[' || replace(json_quote({text}), '|', '\",\"') || ']') where value <> '' "
        f"group by value order by {place} is null, {place}, min(key)))"
    )


class SqliteBackend(Backend):
    """A database file. Writers wait for each other at the start of their transactions; readers do not wait."""

    url_schemes = ("sqlite",)
    driver_errors = (sqlite3.Error, adbc_driver_manager.Error)

    def __init__(self, url: URL, schema: str | None) -> None:
        if url.host or not url.database or url.database.startswith((":memory:", "file:")):
            raise WarehouseUnusable("sqlite://", "it names no file; write sqlite:///path/to/file.db")
        if url.query:
            raise WarehouseUnusable("sqlite://", "it has a '?'; remove the options, or write %3F for a '?' in the path")
        # Links are resolved, so that the files beside the database are the same for everyone who uses it.
        self.path = Path(os.path.realpath(_path_in(url.database)))
        super().__init__(url, None)

    @classmethod
    def display_name(cls, url: URL) -> str:
        return f"sqlite:///{url.database}"

    @classmethod
    def database_file(cls, url: URL) -> Path | None:
        return Path(_path_in(url.database)) if url.database else None

    def create_engine(self, url: URL) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"timeout": BUSY_SECONDS},
        )

        @event.listens_for(engine, "connect")
        def set_up(connection: sqlite3.Connection, _: Any) -> None:
            connection.isolation_level = None  # the driver would begin late, and never IMMEDIATE
            connection.execute("pragma foreign_keys = on")
            connection.execute(f"pragma cache_size = -{CACHE_KB}")
            connection.execute(f"pragma journal_size_limit = {WAL_LIMIT_BYTES}")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # A transaction that reads before it writes fails when another wrote meanwhile, so writers lock first.
            writes = connection.get_execution_options().get("writes", False)
            connection.exec_driver_sql("begin immediate" if writes else "begin")

        return engine

    def prepare(self, *, create: bool) -> None:
        try:
            if not (create or self.path.exists()):
                raise WarehouseUnusable(self.name, "there is no such file; an import creates it")
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_folder = self.path.is_dir()  # also fails where the name is too long
        except OSError as error:
            reason = f"its folder cannot be made or read ({error.strerror}); correct this, or name another file"
            raise WarehouseUnusable(self.name, reason) from error
        if is_folder:
            raise WarehouseUnusable(self.name, "it is a folder; name a file")
        for path, what in ((self.path, "the file"), (self.path.parent, "its folder")):
            if path.exists() and not os.access(path, os.W_OK):
                raise WarehouseUnusable(self.name, f"{what} may not be written; change its permissions")
        # SQLite gives the WAL and the files beside it the mode of the database.
        with suppress(OSError):  # connecting then says what is wrong
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with self.translate_errors():
            self._turn_on_wal()

    def warnings(self) -> list[str]:
        if self.path.stat().st_mode & 0o007:
            return [f"every user of this machine can read {self.path}; run chmod o= {shlex.quote(str(self.path))}*"]
        return []

    def _turn_on_wal(self) -> None:
        """Let readers continue during a merge; SQLite does not wait for a lock here, so this retries."""
        for _ in range(50):
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as connection:
                try:
                    connection.execute(f"pragma page_size = {PAGE_BYTES}")  # has an effect on an empty file only
                    connection.execute("pragma journal_mode = wal")
                    return
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                        raise
            time.sleep(0.1)
        raise TransientWarehouseError(self.name, "another program holds the file; try again when it has ended")

    def connect_for_writing(self) -> Connection:
        return self.engine.execution_options(writes=True).connect()

    def is_transient(self, error: BaseException) -> bool:
        return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in BUSY_ERRORS

    def reason(self, error: BaseException) -> str:
        if isinstance(error, sqlite3.Error):
            return str(error)
        if isinstance(error, adbc_driver_manager.Error):
            return f"staging failed with {error.status_code.name}"
        return type(error).__name__

    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        """Does nothing: a write transaction locks the file when it begins."""

    def lock_migrations(self, connection: Connection) -> None:
        """Does nothing: a write transaction locks the file when it begins."""

    def wait_briefly(self, connection: Connection) -> None:
        """Does nothing: a change of a table waits for no query."""

    def tune_for_merge(self, connection: Connection) -> None:
        """Does nothing: every connection has a large cache."""

    def liveness_file(self, key: int) -> Path:
        """The file that a running import keeps locked."""
        return self.path.with_name(f"{self.path.name}-import-{key:08x}")

    def take_liveness_lock(self) -> "FileLock":
        return FileLock(self)

    def find_unlocked_keys(self, keys: Collection[int]) -> set[int]:
        self._remove_stale_liveness_files()
        return {key for key in keys if _is_unlocked(self.liveness_file(key))}

    def _remove_stale_liveness_files(self) -> None:
        """Remove the files of processes that died before or after their import was in the list."""
        example = self.liveness_file(0)
        for path in example.parent.glob("*-import-????????"):
            if path.name[:-8] == example.name[:-8]:
                _is_unlocked(path)

    def materialize(self, connection: Connection, table: Table, query: Select[Any]) -> None:
        """SQLite runs a query on one processor, so large ranges are read by parallel connections."""
        connection.execute(CreateTable(table))
        find_changes_parallel(connection, table, query)

    def work_table(self, name: str, *columns: Column[Any]) -> Table:
        return Table(name, MetaData(schema="temp"), *columns)

    def staging_tables(self, fields: Sequence[Field], *, becomes_contacts: bool = False) -> StagingTables:
        """The record number is the row's own number in SQLite, so joining by it needs no index."""
        tables = build_staging_tables(fields, MetaData(schema="staging"), MetaData(schema="temp"), keyed=True)
        # Sorting by email takes as long as inserting, and the next import finds rows faster in file order.
        return StagingTables(*tables, insert_order=tables[0].c.record_number)

    def open_staging(self, tables: StagingTables, folder: Path) -> "SqliteStagingStore":
        return SqliteStagingStore(self, tables, folder / "staging.db")


def _path_in(database: str) -> str:
    """The path that a URL names, whose `%` escapes SQLAlchemy leaves as they are."""
    return unquote(database, errors="surrogateescape")


def _driver(connection: Connection) -> sqlite3.Connection:
    """The driver's connection, for pragmas that SQLite refuses inside a transaction."""
    return cast(sqlite3.Connection, connection.connection.driver_connection)


# Liveness


class FileLock:
    """A lock on an empty file beside the database; it is removed with the import, or by who finds it unlocked."""

    def __init__(self, backend: SqliteBackend) -> None:
        while True:
            self.key = secrets.randbits(31)
            self._path = backend.liveness_file(self.key)
            self._file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            # Those who share the database also have to open this file.
            os.fchmod(self._file, backend.path.stat().st_mode & 0o666)
            # Between opening and locking, another process may have found the file unlocked and removed it.
            if _lock(self._file) and self._path.exists() and self._path.stat().st_ino == os.fstat(self._file).st_ino:
                return
            os.close(self._file)

    def close(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        os.close(self._file)


def _is_unlocked(path: Path) -> bool:
    """Whether no process holds the file, which is then removed; a file that cannot be opened counts as held."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if unlocked := _lock(file):
            path.unlink(missing_ok=True)
        return unlocked
    except OSError:
        return False
    finally:
        os.close(file)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# Parallel readers


def find_changes_parallel(connection: Connection, table: Table, query: Select[Any]) -> None:
    """Insert the result of `query` into `table`, read by several connections where few rows are expected.

    The first column of the query numbers the rows it examines. The caller's transaction keeps writers out and has
    written nothing to the tables of the query, so the other connections see the same state.
    """
    number = query.selected_columns[0]
    # Separately, each is a look at the end of an index; in one query they would scan the table.
    first, last = (connection.scalar(select(end(number))) for end in (func.min, func.max))
    if (
        first is not None
        and last - first >= ROWS_PER_RANGE
        and _changed_share(connection, query.where(number < first + SAMPLE_ROWS)) <= MAX_CHANGED_SHARE
    ):
        ranges = [
            range(start, min(start + ROWS_PER_RANGE, last + 1)) for start in range(first, last + 1, ROWS_PER_RANGE)
        ]
        for rows in _read_ranges(connection, ranges, query):
            if rows:
                connection.execute(insert(table), [row._asdict() for row in rows])
    else:
        connection.execute(insert(table).from_select([column.name for column in table.columns], query))


def _changed_share(connection: Connection, sample: Select[Any]) -> float:
    return (connection.scalar(select(func.count()).select_from(sample.subquery())) or 0) / SAMPLE_ROWS


def _read_ranges(connection: Connection, ranges: list[range], query: Select[Any]) -> Iterator[list[Row[Any]]]:
    """The rows of each range in order; at most one range more than there are readers is in memory."""
    number = query.selected_columns[0]
    with ExitStack() as stack, ThreadPoolExecutor(READERS, "reader") as threads:
        idle = SimpleQueue[Connection]()
        for _ in ranges[:READERS]:
            idle.put(stack.enter_context(_open_reader(connection)))

        def read(numbers: range) -> list[Row[Any]]:
            reader = idle.get()
            try:
                return list(reader.execute(query.where(number.between(numbers[0], numbers[-1]))))
            finally:
                idle.put(reader)

        pending = deque[Future[list[Row[Any]]]]()
        for numbers in ranges:
            pending.append(threads.submit(read, numbers))
            if len(pending) > READERS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@contextmanager
def _open_reader(connection: Connection) -> Iterator[Connection]:
    """A read-only connection to the same files; it is discarded afterwards."""
    with connection.engine.execution_options(writes=False).connect() as reader:
        driver = _driver(reader)
        try:
            driver.execute("pragma query_only = on")
            driver.execute(f"pragma cache_size = -{READER_CACHE_KB}")
            for _, name, path in _driver(connection).execute("pragma database_list"):
                if path and name not in ("main", "temp"):
                    driver.execute(f'attach database ? as "{name}"', (path,))
            yield reader
        finally:
            reader.invalidate()


# Staging


class SqliteStagingStore:
    """A database file of its own, attached as `staging` for the merge; ADBC writes Arrow without Python objects."""

    def __init__(self, backend: SqliteBackend, tables: StagingTables, path: Path) -> None:
        self._backend, self._path = backend, path
        self._writer: adbc_driver_sqlite.dbapi.Connection | None = None
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # SQLite would let the umask decide
        self._staged, self._excluded = (
            table.to_metadata(MetaData(), schema="main") for table in (tables.staged, tables.excluded)
        )
        for table in (self._staged, self._excluded):
            self._execute(CreateTable(table))

    def add(self, batches: Iterator[pa.RecordBatch]) -> None:
        for batch in batches:
            # A date is text in SQLite; converting it in the driver takes a quarter of the time of staging.
            text = [field.with_type(pa.string()) if pa.types.is_date(field.type) else field for field in batch.schema]
            self._ingest(self._staged, batch.cast(pa.schema(text)))

    def exclude(self, numbers: pa.RecordBatch) -> None:
        self._ingest(self._excluded, numbers)
        excluded = select(self._excluded.c.record_number)
        self._execute(delete(self._staged).where(self._staged.c.record_number.in_(excluded)))
        self._execute(delete(self._excluded))

    def is_alive(self) -> bool:
        return self._path.exists()

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        with (
            self._second_connection(),
            self._attached(self._backend.connect_for_writing()) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def rolled_back_transaction(self) -> Iterator[Connection]:
        with self._attached(self._backend.engine.connect()) as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    @contextmanager
    def _attached(self, opened: Connection) -> Iterator[Connection]:
        """Attach the file before the transaction: SQLite cannot attach inside one."""
        self._release()
        with opened as connection:
            _driver(connection).execute("attach database ? as staging", (str(self._path),))
            _driver(connection).execute("pragma wal_autocheckpoint = 0")  # `close` does it
            try:
                yield connection
            finally:
                connection.invalidate()  # the pool must not reuse a connection with the file attached

    @contextmanager
    def _second_connection(self) -> Iterator[None]:
        """Keep another connection open, so that the merge's is not the last: see `close`."""
        with self._backend.engine.connect() as other:
            other.exec_driver_sql("select count(*) from sqlite_master")  # SQLite opens the file at the first query
            other.rollback()
            yield

    def close(self) -> None:
        """Delete the file, and copy the WAL into the database while readers continue.

        Otherwise the commit would copy it before it returns, or the last connection would as it closes, which locks
        readers out.
        """
        self._release()
        self._path.unlink(missing_ok=True)
        with suppress(SQLAlchemyError, sqlite3.Error), self._backend.engine.connect() as connection:
            _driver(connection).execute("pragma wal_checkpoint(passive)")

    def _open_writer(self) -> adbc_driver_sqlite.dbapi.Connection:
        if self._writer is None:
            self._writer = adbc_driver_sqlite.dbapi.connect(str(self._path), autocommit=True)
            for pragma in STAGING_PRAGMAS:
                with self._writer.cursor() as cursor:
                    cursor.execute(pragma)
        return self._writer

    def _ingest(self, table: Table, batch: pa.RecordBatch) -> None:
        with self._open_writer().cursor() as cursor:
            cursor.adbc_ingest(table.name, batch, mode="append")

    def _execute(self, statement: ClauseElement) -> None:
        with self._open_writer().cursor() as cursor:
            cursor.execute(str(statement.compile(dialect=sqlite.dialect())))

    def _release(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
