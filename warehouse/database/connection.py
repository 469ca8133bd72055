"""One warehouse, opened by its address: SQLite for a single machine, PostgreSQL for a team."""

import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text

from schemas.errors.base import TransientWarehouseError, WarehouseUnusable
from warehouse.errors import translate_driver_errors

POSTGRES = ("postgresql", "postgres")
URL_EXAMPLES = "write sqlite:///path/to/file.db or postgresql://user@host/database"
BUSY_SECONDS = 60
# Merges touch the index of emails all over; the default of 2 MB would write its pages many times.
SQLITE_CACHE_KB = 128 * 1024
SQLITE_WAL_BYTES = 64 * 1024 * 1024
# The more pages a transaction has written to the log, the longer it looks there for one it needs again: with the
# default of 4 KB, ten times the rows took seventeen times as long to insert.
SQLITE_PAGE_BYTES = 16 * 1024

# Dates as we read them. A wait for a lock ends, as SQLite's does, unless the server has its own opinion. And the
# server notices within minutes that our machine is gone, within seconds that our process is, in the middle of a
# statement too; else a dead import's locks would keep everybody waiting for hours.
SESSION_SETTINGS = f"""
set datestyle to iso;
set timezone to 'UTC';
set tcp_keepalives_idle to 60;
set tcp_keepalives_interval to 10;
set tcp_keepalives_count to 6;
select set_config(name, '{BUSY_SECONDS}s', false) from pg_settings where name = 'lock_timeout' and setting = '0';
select set_config(name, '2s', false) from pg_settings
where name = 'client_connection_check_interval' and setting = '0' and '{sys.platform}' = 'linux';
"""


@dataclass(frozen=True)
class Warehouse:
    """An address that was reached; `name` is what people and logs may see of it."""

    engine: Engine
    name: str
    schema: str | None = None

    @classmethod
    def open(cls, url: str, schema: str | None = None, *, new: bool = True) -> Self:
        """Reach the warehouse at `url`; on PostgreSQL its tables live in `schema`, which is made when absent.

        WarehouseUnusable where an SQLite file would have to be made, and none may be `new`.
        """
        address = _address(url)
        if not (new or is_postgres(address) or Path(address.database or "").exists()):
            raise WarehouseUnusable(_name(address), "there is no such file; the first import makes it")
        warehouse = cls(_engine(address), _name(address), schema if is_postgres(address) else None)
        try:
            if not is_postgres(address):
                _prepare_file(address, warehouse.name)
            with warehouse.read_transaction() as connection:
                connection.execute(text("select 1" if is_postgres(address) else "select count(*) from sqlite_master"))
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    @property
    def is_postgres(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def read_transaction(self) -> Iterator[Connection]:
        """A connection that sees one state of the warehouse and waits for no writer."""
        with translate_driver_errors(self.name), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, undone at an exception."""
        with translate_driver_errors(self.name), self.writer() as connection, connection.begin():
            yield connection

    def writer(self) -> Connection:
        """A connection whose transactions mean to write: SQLite must know at their start."""
        return self.engine.execution_options(writes=True).connect()

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def lock_tables(connection: Connection, *tables: Table) -> None:
    """Let other writers of these tables wait, and readers go on, until the transaction ends.

    A writing SQLite transaction has locked out all other writers by having begun.
    """
    if connection.dialect.name == "postgresql":
        names = ", ".join(connection.dialect.identifier_preparer.format_table(table) for table in tables)
        connection.exec_driver_sql(f"lock table {names} in share row exclusive mode")


def tune_for_merge(connection: Connection) -> None:
    """Let PostgreSQL sort and join in memory until the transaction ends; its default of 4 MB is for small queries.

    And let it count on memory for what it fetches row by row, which it has just read as a whole: its default is for
    disks whose heads move, and has it read all rows again to change one in a hundred.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "select set_config('work_mem', '64MB', true) "
            "where pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB')"
        )
        connection.exec_driver_sql(
            "select set_config('random_page_cost', '1.1', true) where current_setting('random_page_cost')::float > 1.1"
        )


def is_postgres(address: URL) -> bool:
    return address.get_backend_name() == "postgresql"


def _address(url: str) -> URL:
    """The address, parsed; what cannot be parsed is not repeated, since a password may be anywhere in it."""
    try:
        address = make_url(url.strip())
    except Exception:
        raise WarehouseUnusable("address", f"it cannot be read; {URL_EXAMPLES}") from None
    if any("@" in (part or "") for part in (address.host, address.database if address.host else None)):
        raise WarehouseUnusable("address", "it has an '@' too many; write %40 for one inside a password")
    if address.drivername.split("+")[0] in POSTGRES:
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        raise WarehouseUnusable(f"{address.get_backend_name()}://", f"this kind is not supported; {URL_EXAMPLES}")
    if address.host or not address.database or address.database.startswith((":memory:", "file:")):
        raise WarehouseUnusable("sqlite://", f"it names no file; {URL_EXAMPLES}")
    return URL.create("sqlite", database=address.database)


def _name(address: URL) -> str:
    if not is_postgres(address):
        return f"sqlite:///{address.database}"
    host = address.host or next(iter(address.normalized_query.get("host", ())), "")
    port = f":{address.port}" if address.port else ""
    return f"postgresql://{host}{port}/{address.database or ''}"


def _engine(address: URL) -> Engine:
    with translate_driver_errors(_name(address)):
        return _postgres_engine(address) if is_postgres(address) else _sqlite_engine(address)


def _postgres_engine(address: URL) -> Engine:
    defaults: dict[str, Any] = {
        "connect_timeout": 10,
        "application_name": "contact-import",
        "keepalives_idle": 60,
        "tcp_user_timeout": 120_000,
    }
    arguments = {key: value for key, value in defaults.items() if key not in address.query}
    engine = create_engine(
        address,
        pool_pre_ping=True,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args={**arguments, "client_encoding": "utf8"},
    )

    @event.listens_for(engine, "connect")
    def begin_session(connection: Any, _: Any) -> None:
        connection.execute(SESSION_SETTINGS)
        connection.commit()

    return engine


def _sqlite_engine(address: URL) -> Engine:
    engine = create_engine(address, pool_pre_ping=True, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def take_over_transactions(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin late, and never IMMEDIATE
        connection.execute("pragma foreign_keys = on")
        connection.execute(f"pragma cache_size = -{SQLITE_CACHE_KB}")
        connection.execute(f"pragma journal_size_limit = {SQLITE_WAL_BYTES}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Writers wait for each other here, at the start: one that had read first could only fail.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("begin immediate" if writes else "begin")

    return engine


def _prepare_file(address: URL, name: str) -> None:
    path = Path(address.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_folder = path.is_dir()  # which asks the system, and so finds a name that is too long
    except OSError as error:
        raise WarehouseUnusable(name, f"its folder cannot be made ({error.strerror})") from error
    if is_folder:
        raise WarehouseUnusable(name, "it is a folder; name a file")
    for place in (path, path.parent):
        if place.exists() and not os.access(place, os.W_OK):
            raise WarehouseUnusable(name, f"{'the file' if place == path else 'its folder'} may not be written")
    with translate_driver_errors(name):
        _turn_on_wal(path, name)


def _turn_on_wal(path: Path, name: str) -> None:
    """Let readers go on during a merge; SQLite does not queue for this switch, so we try a few times."""
    for _ in range(50):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
        try:
            connection.execute(f"pragma page_size = {SQLITE_PAGE_BYTES}")  # heard while the file is empty
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.1)
        finally:
            connection.close()
    raise TransientWarehouseError(name, "another program holds the file")
