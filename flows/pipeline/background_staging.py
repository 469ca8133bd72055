"""Staging beside the checks: what the first chunks accepted is staged while others are read."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from flows.reports.report import ReportBuilder
from transforms.chunks.split import ChunkResult
from warehouse.merge.staging import Staging

MAX_WAITING_CHUNKS = 4  # chunks that may wait to be staged; a slow warehouse slows the checks down, and no memory fills


class BackgroundStaging:
    """A thread that stages chunks in the order in which they are added; the one that adds has chunks to hand out."""

    def __init__(self, staging: Staging, report: ReportBuilder) -> None:
        self._staging, self._report = staging, report
        self._thread = ThreadPoolExecutor(1, "staging")
        self._waiting = deque[Future[None]]()

    def add(self, verdict: ChunkResult) -> None:
        """Stage what a chunk accepted, later; what failed earlier is raised here."""
        self._waiting.append(self._thread.submit(self._stage, verdict))
        self._wait_for_all_but(MAX_WAITING_CHUNKS)

    def finished(self) -> Staging:
        """The staging, with all in it that was added."""
        self._wait_for_all_but(0)
        return self._staging

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._staging.close()

    def _stage(self, verdict: ChunkResult) -> None:
        with self._report.stage("staging, meanwhile"):
            self._staging.add(verdict.accepted_path, verdict.first_record)

    def _wait_for_all_but(self, some: int) -> None:
        while len(self._waiting) > some:
            self._waiting.popleft().result()
