"""Where the steps over chunks run: threads of this process, or Prefect's task runners.

Both give the results in the order of the items, and take at most a few items ahead of the one that is
waited for, so that a file of any size keeps a bounded number of chunks in memory.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

Plan = TypeVar("Plan")
Item = TypeVar("Item")
Result = TypeVar("Result")


class ChunkRunner(Protocol):
    """Runs a step over items, in order."""

    def __call__(self, step: Callable[[Plan, Item], Result], plan: Plan, items: Iterable[Item]) -> Iterator[Result]: ...


class Future(Protocol):
    def result(self) -> Any: ...


def results_in_order(submit: Callable[[Any], Future], items: Iterable[Item], ahead: int) -> Iterator[Any]:
    """Submit items, at most `ahead` of them before the first one's result is taken.

    When it ends early, what was submitted is done all the same: a later step may write to the same files.
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
            with suppress(Exception):  # which is another one than what ended it
                future.result()


@contextmanager
def thread_runner(workers: int) -> Iterator[ChunkRunner]:
    """Plain threads: no server, no records of the steps."""
    with ThreadPoolExecutor(workers) as pool:

        def run(step: Callable[[Plan, Item], Result], plan: Plan, items: Iterable[Item]) -> Iterator[Result]:
            return results_in_order(lambda item: pool.submit(step, plan, item), items, ahead=2 * workers)

        yield run
