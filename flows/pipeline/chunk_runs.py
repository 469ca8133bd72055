"""One file's way to its verdicts: each chunk is read and checked in one step, while others are.

A column that has gaps is dropped, which is sure only once all of the file is read. A column without a gap so far
is taken for complete; when a later chunk has one after all, the file is read to its end and checked anew.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TypeAlias, TypeVar

from flows.pipeline.progress import Progress
from flows.pipeline.steps import SourceFile
from flows.pipeline.task_order import ChunkRunner
from transforms.cells.normalise import NormaliseContext
from transforms.chunks.file_profile import FileProfile, profile_file
from transforms.chunks.read import ChunkProfile
from transforms.chunks.split import CheckPlan, ChunkResult, ChunkTask, check_chunk
from transforms.parsing.blocks import cut_blocks
from transforms.work_folder import ImportFolder

FIRST_BLOCK_DIVISOR = 8  # the other blocks wait until the gaps of the first are known

T = TypeVar("T")
Checked: TypeAlias = tuple[ChunkProfile, ChunkResult | None]


class LateGap(Exception):
    """A field of which rows have been checked is incomplete; now all of the file is read."""


class FileCheck:
    """One file's way from blocks to verdicts. The step goes to `run`, which takes a few items ahead.

    With `keys_only`, nobody wants the accepted rows: what is kept of them is what duplicates are found by.
    """

    def __init__(
        self,
        source: SourceFile,
        prefix: str,
        folder: ImportFolder,
        block_bytes: int,
        run: ChunkRunner,
        progress: Progress,
        *,
        keys_only: bool = False,
    ) -> None:
        self._source, self._run, self._progress = source, run, progress
        self._plan = CheckPlan(source.read_plan, folder.address, NormaliseContext(prefix), keys_only)
        self._work = {"reading, all workers": 0.0, "checking, all workers": 0.0}
        self._read: list[ChunkProfile] = []
        self._whole = False
        self._blocks = cut_blocks(
            source.landed.path,
            source.landed.source,
            source.layout,
            block_bytes,
            max(1, block_bytes // FIRST_BLOCK_DIVISOR),
        )
        fields = self.profile().imported
        self._first = list(self._checked(ChunkTask(block, fields) for block in islice(self._blocks, 1)))
        self._read += [profile for profile, _ in self._first]

    def profile(self) -> FileProfile:
        """What is known of the file so far; its fields can only become fewer."""
        return profile_file(self._read, self._source.mapping, self._source.layout.first_line)

    def verdicts(self) -> Iterator[ChunkResult]:
        """Every chunk split, in order, as soon as each is done; then the profile is the whole file's.

        GapFound when what was given so far is not to be used: ask again, once.
        """
        number, stage = 1, "checking anew" if self._whole else "reading and checking"
        with self._progress.stage(stage, self._source.landed.size, "bytes") as advance:
            for profile, verdict in self._second_pass(advance) if self._whole else self._first_pass(advance):
                assert verdict is not None  # there is always an email
                yield replace(verdict, first_record=number)
                number += profile.records

    def work(self) -> dict[str, float]:
        """Seconds of processors by step, wherever they were; what was done in vain counts too."""
        return self._work

    def _first_pass(self, advance: Callable[[int], None]) -> Iterator[Checked]:
        for profile, verdict in self._first:
            advance(profile.block.length)
            yield profile, verdict
        fields = self.profile().imported
        complete = {field.id for field in fields}
        gap = False
        # Blocks that are not given out yet when a gap is found are read, and no more.
        for profile, verdict in self._checked(ChunkTask(block, () if gap else fields) for block in self._blocks):
            advance(profile.block.length)
            self._read.append(profile)
            gap = gap or not profile.incomplete.isdisjoint(complete)
            if not gap:
                yield profile, verdict
        self._whole = True
        if gap:
            raise LateGap

    def _second_pass(self, advance: Callable[[int], None]) -> Iterator[Checked]:
        fields = self.profile().imported
        for profile, verdict in self._checked(ChunkTask(profile.block, fields) for profile in self._read):
            advance(profile.block.length)
            yield profile, verdict

    def _checked(self, portions: Iterable[ChunkTask]) -> Iterator[Checked]:
        for profile, verdict in self._run(check_chunk, self._plan, portions):
            self._work["reading, all workers"] += profile.work
            self._work["checking, all workers"] += verdict.work if verdict else 0.0
            yield profile, verdict


def anew_at_a_gap(step: Callable[[], T]) -> T:
    """What a step makes of all verdicts; once more, where a column of theirs had a gap further on."""
    try:
        return step()
    except LateGap:
        return step()


def check_whole_file(examination: FileCheck) -> tuple[FileProfile, list[ChunkResult]]:
    """Read and check a file whose verdicts nobody needs before the last one."""
    verdicts = anew_at_a_gap(lambda: list(examination.verdicts()))
    return examination.profile(), verdicts
