"""Driver errors, told apart by whether trying again can help, and stripped of contact values."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import adbc_driver_manager
import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from schemas.errors.base import TransientWarehouseError, WarehouseUnusable

# Connection failure; serialization failure and deadlock; lock not available; too many connections;
# the server shuts down, crashed, or is starting up; the session sat idle for too long.
TRANSIENT_SQLSTATES = ("08", "40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03", "57P05", "25P03")
# The text of these errors is about tables, rights and the server; that of all others may quote a value.
SAFE_MESSAGE_SQLSTATES = ("08", "0A", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58")
# A server that answers, but not yet; libpq hands on no SQLSTATE for a connection that was never made.
SERVER_STARTING_MESSAGES = (
    "starting up",
    "shutting down",
    "recovery",
    "too many clients",
    "connection slots",
    "too many connections",
)
# The address itself is at fault, so it would be again.
WRONG_ADDRESS_MESSAGES = (
    "not known",
    "no address",
    "invalid",
    "SSL",
    "certificate",
    "password",
    "pg_hba.conf",
    "missing",
)
SQLITE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)

RETRY_DELAYS = (0.5, 1.0, 2.0, 4.0)  # seconds before each further try; a server restarts in less than their sum

DRIVER_ERRORS = (SQLAlchemyError, psycopg.Error, sqlite3.Error, adbc_driver_manager.Error)

P = ParamSpec("P")
R = TypeVar("R")


def retry_transient(step: Callable[P, R]) -> Callable[P, R]:
    """Take a short step again, a little later each time, while the warehouse is away; taking it twice must be once."""

    @wraps(step)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for pause in RETRY_DELAYS:
            try:
                return step(*args, **kwargs)
            except TransientWarehouseError:
                time.sleep(pause)
        return step(*args, **kwargs)

    return again


@contextmanager
def translate_driver_errors(warehouse: str) -> Iterator[None]:
    """Raise TransientWarehouseError or WarehouseUnusable in place of any driver's error.

    The original is cut off, not chained: its text holds the row in the way (`Key (email)=(…)`).
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        raise as_warehouse_error(warehouse, error) from None


def as_warehouse_error(warehouse: str, error: Exception) -> TransientWarehouseError | WarehouseUnusable:
    """The error of ours that says what the caller of a failed statement can do next."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    passing = lost or isinstance(error, PoolTimeout) or _is_transient(origin)
    return (TransientWarehouseError if passing else WarehouseUnusable)(warehouse, _reason(origin))


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in SQLITE_BUSY
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate:
        return error.sqlstate.startswith(TRANSIENT_SQLSTATES)
    return isinstance(error, psycopg.OperationalError) and _is_transient_connect_error(str(error))


def _is_transient_connect_error(message: str) -> bool:
    if "FATAL" in message:
        return any(sign in message for sign in SERVER_STARTING_MESSAGES)
    return not any(sign in message for sign in WRONG_ADDRESS_MESSAGES)


def _reason(error: BaseException) -> str:
    if isinstance(error, psycopg.Error):
        return _postgres_reason(error)
    if isinstance(error, sqlite3.Error):
        return str(error)
    if isinstance(error, adbc_driver_manager.Error):
        return f"staging failed with {error.status_code.name}"
    if isinstance(error, PoolTimeout):
        return "all its connections are in use"
    return type(error).__name__


def _postgres_reason(error: psycopg.Error) -> str:
    """The server's own words where they cannot quote a contact, and the names of things where they can."""
    if not error.sqlstate:
        return " ".join(str(error).split())
    if error.sqlstate.startswith(SAFE_MESSAGE_SQLSTATES):
        return error.diag.message_primary or type(error).__name__
    named = {"table": error.diag.table_name, "column": error.diag.column_name, "by": error.diag.constraint_name}
    places = "".join(f", {what} {name}" for what, name in named.items() if name)
    return f"{type(error).__name__} ({error.sqlstate}{places})"
