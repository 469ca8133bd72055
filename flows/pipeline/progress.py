"""Progress of long imports: a bar on a terminal, an artifact in the UI, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol


class Progress(Protocol):
    """`stage` gets the bytes of a stage and returns a function that is called with each number of bytes done."""

    def stage(self, name: str, total: int) -> AbstractContextManager[Callable[[int], None]]: ...


class NoProgress:
    """Shows nothing."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda amount: None


class TerminalProgress:
    """A bar on a terminal with amount, speed and remaining time."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        columns = (
            TextColumn("{task.description:>9}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(name, total=max(total, 1))
            yield lambda amount: bar.advance(task, amount)


current_progress: ContextVar[Progress] = ContextVar("current_progress", default=NoProgress())  # noqa: B039 - it has no state
"""How this process shows progress. The command sets it: a flow has no parameter for it."""
