"""Which imports are alive: each holds a lock that ends with its process, so one whose lock is free has died.

No process number, clock or heartbeat is asked, so neither a reused number nor a slow machine deceives anybody. On
PostgreSQL the lock is an advisory one of a session of its own, seen from every machine; on SQLite it is on a file
beside the warehouse, which all who use the warehouse share.
"""

import fcntl
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from warehouse.database.connection import Warehouse
from warehouse.errors import translate_driver_errors

# "CONT", so that nobody else's advisory locks are ours; the import's key is the second number.
ADVISORY_LOCK_CLASS = 0x434F4E54
LOOK_SECONDS = 1.0
# A lock that was cut is taken again within about a second; nobody is called dead at the first look.
GRACE_SECONDS = 3.0


class LivenessLock(Protocol):
    key: int

    def close(self) -> None: ...


@contextmanager
def liveness_lock(warehouse: Warehouse) -> Iterator[int]:
    """Be seen to be alive until the block, or the process, ends; gives the key by which others look."""
    lock: LivenessLock = SessionLock(warehouse) if warehouse.is_postgres else FileLock(warehouse)
    try:
        yield lock.key
    finally:
        lock.close()


def find_dead_keys(warehouse: Warehouse, keys: list[int]) -> set[int]:
    """Those of the keys whose lock is free, on PostgreSQL at two looks some seconds apart."""
    dead = find_unlocked_keys(warehouse, keys)
    if dead and warehouse.is_postgres:
        time.sleep(GRACE_SECONDS)
        dead &= find_unlocked_keys(warehouse, keys)
    return dead


def find_unlocked_keys(warehouse: Warehouse, keys: list[int]) -> set[int]:
    """Those of the keys whose lock is free now."""
    if not warehouse.is_postgres:
        _remove_stale_files(warehouse)
        return {key for key in keys if _is_free(liveness_file(warehouse, key))}
    held = text(
        "select objid::bigint from pg_locks where locktype = 'advisory' and objsubid = 2 and granted "
        "and classid = :namespace and database = (select oid from pg_database where datname = current_database())"
    )
    if not keys:
        return set()
    with warehouse.read_transaction() as connection:
        return set(keys) - set(connection.scalars(held, {"namespace": ADVISORY_LOCK_CLASS}))


class SessionLock:
    """An advisory lock of a session that does nothing else; a thread takes it again when the session is lost."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self.key = secrets.randbits(31)
        self._ended = threading.Event()
        with translate_driver_errors(warehouse.name):
            self._connection = self._take()
        self._watch = threading.Thread(target=self._keep, name="import-alive", daemon=True)
        self._watch.start()

    def close(self) -> None:
        self._ended.set()
        self._watch.join(2 * LOOK_SECONDS)  # a thread that waits for a lost server lets go when it has an answer

    def _take(self) -> Connection | None:
        connection = self._warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            # It sits idle for as long as the import takes, whatever the server thinks of idle sessions.
            connection.exec_driver_sql(
                "select set_config(name, '0', false) from pg_settings where name = 'idle_session_timeout'"
            )
            taken = text("select pg_try_advisory_lock(:namespace, :key)")
            if connection.scalar(taken, {"namespace": ADVISORY_LOCK_CLASS, "key": self.key}):
                return connection
        except BaseException:
            _end(connection)
            raise
        _end(connection)
        return None

    def _keep(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                if self._connection is None:
                    self._connection = self._take()
                else:
                    self._connection.exec_driver_sql("select 1")
            except SQLAlchemyError:
                self._drop()
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _end(connection)


def _end(connection: Connection) -> None:
    """End the session, and its lock with it; back in the pool, it would keep the lock."""
    with suppress(SQLAlchemyError):
        connection.invalidate()
        connection.close()


class FileLock:
    """A lock on an empty file beside the warehouse; the file goes with the import, or with who finds it dead."""

    def __init__(self, warehouse: Warehouse) -> None:
        while True:
            self.key = secrets.randbits(31)
            self._path = liveness_file(warehouse, self.key)
            self._file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o666)
            # Between these two steps somebody may have found the file free, and removed it.
            if _lock(self._file) and self._path.exists() and self._path.stat().st_ino == os.fstat(self._file).st_ino:
                return
            os.close(self._file)

    def close(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        os.close(self._file)


def liveness_file(warehouse: Warehouse, key: int) -> Path:
    """Where an import into an SQLite warehouse is seen to be alive."""
    return Path(f"{warehouse.engine.url.database}-import-{key:08x}")


def _remove_stale_files(warehouse: Warehouse) -> None:
    """Files of processes that died so early or so late that no row of the list speaks of them."""
    like = liveness_file(warehouse, 0)
    for path in like.parent.glob("*-import-????????"):
        if path.name[:-8] == like.name[:-8]:
            _is_free(path)


def _is_free(path: Path) -> bool:
    """Whether nobody holds the file; one that may not be opened is somebody else's to judge."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if free := _lock(file):
            path.unlink(missing_ok=True)
        return free
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
