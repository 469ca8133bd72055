"""Driver errors as errors of this project: transient or not, and without contact values in their text."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from schemas.errors.base import TransientWarehouseError, WarehouseUnusable

RETRY_DELAYS = (0.5, 1.0, 2.0, 4.0)  # seconds; a server restarts in less than their sum

P = ParamSpec("P")
R = TypeVar("R")


class DriverErrors(Protocol):
    """What a backend knows of its driver's errors."""

    @property
    def name(self) -> str:
        """The warehouse, as people may see it."""

    @property
    def driver_errors(self) -> tuple[type[Exception], ...]:
        """The base classes of all errors that its drivers raise."""

    def is_transient(self, error: BaseException) -> bool:
        """Whether the same statement may succeed later."""

    def reason(self, error: BaseException) -> str:
        """A description of the error that quotes no value of a row."""


def retry_transient(step: Callable[P, R]) -> Callable[P, R]:
    """Repeat a short step while the warehouse is away; the step must be idempotent."""

    @wraps(step)
    def retrying(*args: P.args, **kwargs: P.kwargs) -> R:
        for delay in RETRY_DELAYS:
            try:
                return step(*args, **kwargs)
            except TransientWarehouseError:
                time.sleep(delay)
        return step(*args, **kwargs)

    return retrying


@contextmanager
def translate_driver_errors(backend: DriverErrors) -> Iterator[None]:
    """Raise TransientWarehouseError or WarehouseUnusable instead of any driver's error.

    The driver's error is not chained: its text may quote a row (`Key (email)=(…)`).
    """
    errors: tuple[type[Exception], ...] = (SQLAlchemyError, *backend.driver_errors)
    try:
        yield
    except errors as error:
        raise as_warehouse_error(backend, error) from None


def as_warehouse_error(backend: DriverErrors, error: Exception) -> TransientWarehouseError | WarehouseUnusable:
    """The error that says what the caller of a failed statement can do next."""
    if isinstance(error, PoolTimeout):
        return TransientWarehouseError(backend.name, "all its connections are in use")
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    disconnected = isinstance(error, DBAPIError) and error.connection_invalidated
    kind = TransientWarehouseError if disconnected or backend.is_transient(cause) else WarehouseUnusable
    return kind(backend.name, backend.reason(cause))
