"""Runs a step over many items, in threads or on another runner.

The results come in the order of the items. Only a few items are started ahead of the next result, so that a file of
any size keeps a bounded number of chunks in memory.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

from flows.reports.builder import redact_error

ATTEMPTS = 3  # at a step whose import folder is not reachable for a moment

Inputs = TypeVar("Inputs")
Item = TypeVar("Item")
Result = TypeVar("Result")


class ChunkRunner(Protocol):
    """Runs a step over items, in order."""

    def __call__(
        self, step: Callable[[Inputs, Item], Result], inputs: Inputs, items: Iterable[Item]
    ) -> Iterator[Result]: ...


class Future(Protocol):
    def result(self) -> Any: ...


def run_step(step: Callable[[Inputs, Item], Result], inputs: Inputs, item: Item) -> Result:
    """Run a step, again after an error of the file system.

    Of another foreign error only the type is kept: its text may quote a contact.
    """
    attempts = 0
    while True:
        attempts += 1
        try:
            return step(inputs, item)
        except OSError:
            if attempts == ATTEMPTS:
                raise
        except Exception as error:
            if os.environ.get("CONTACTS_DEBUG"):  # the caller shows the traceback, then redacts
                raise
            raise redact_error(error) from None


def results_in_order(submit: Callable[[Any], Future], items: Iterable[Item], ahead: int) -> Iterator[Any]:
    """Submit items, at most `ahead` of them before the first result is taken.

    If the caller stops early, items that were submitted are still finished: a later step may write the same files.
    """
    waiting: deque[Future] = deque()
    try:
        for item in items:
            waiting.append(submit(item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            with suppress(Exception):  # the error that ended it is the one to report
                future.result()


def run_in_order(step: Callable[[Inputs, Item], Result], inputs: Inputs, items: Iterable[Item]) -> Iterator[Result]:
    """A runner for few items: one after another, in the caller's thread."""
    return (step(inputs, item) for item in items)


@contextmanager
def thread_runner(workers: int) -> Iterator[ChunkRunner]:
    """Run steps in threads of this process."""
    with ThreadPoolExecutor(workers) as pool:

        def run(step: Callable[[Inputs, Item], Result], inputs: Inputs, items: Iterable[Item]) -> Iterator[Result]:
            return results_in_order(lambda item: pool.submit(step, inputs, item), items, ahead=2 * workers)

        yield run
