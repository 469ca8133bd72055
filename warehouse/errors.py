"""Repeats a short step while the warehouse is away."""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from schemas.errors.warehouse import TransientWarehouseError

RETRY_DELAYS = (0.5, 1.0, 2.0, 4.0)  # seconds; a server restarts in less than their sum

P = ParamSpec("P")
R = TypeVar("R")


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
