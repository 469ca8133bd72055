"""Stages accepted rows in a thread of its own, while other chunks are read and checked."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from flows.reports.builder import ReportBuilder
from transforms.chunks.split import ChunkResult
from warehouse.merge.staging import Staging

MAX_WAITING_CHUNKS = 4  # with more, `add` waits: a slow warehouse then slows the checks, and memory does not fill up


class BackgroundStaging:
    """A thread that stages chunks in the order in which they are added."""

    def __init__(self, staging: Staging, report: ReportBuilder) -> None:
        self._staging, self._report = staging, report
        self._thread = ThreadPoolExecutor(1, "staging")
        self._waiting = deque[Future[None]]()

    def add(self, result: ChunkResult) -> None:
        """Stage later what a chunk accepted. Raises what failed for an earlier chunk."""
        self._waiting.append(self._thread.submit(self._stage, result))
        self._wait_until_at_most(MAX_WAITING_CHUNKS)

    def finish(self) -> Staging:
        """Wait for all chunks, and return the staging."""
        self._wait_until_at_most(0)
        return self._staging

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._staging.close()

    def _stage(self, result: ChunkResult) -> None:
        with self._report.stage("staging, meanwhile"):
            self._staging.add(result.accepted_path, result.first_record)

    def _wait_until_at_most(self, waiting: int) -> None:
        while len(self._waiting) > waiting:
            self._waiting.popleft().result()
