"""Reading and checking at the same time: chunks are checked while those after them are still being read.

A column that has gaps is dropped, which is sure only once all of the file is read. A column without a gap so far
is taken for complete; when a later chunk has one after all, the file is read to its end and checked anew.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from flows.examine import SourceFile
from flows.progress import Progress
from flows.running import Run
from schemas.catalogue import Field
from transforms.blocks import cut
from transforms.check import CheckPlan, ChunkVerdict, check_chunk
from transforms.chunks import ChunkProfile, ReadPlan, read_chunk
from transforms.folder import ImportFolder
from transforms.normalise import Reading
from transforms.profile import FileProfile, placed, profile_file

T = TypeVar("T")


class GapFound(Exception):
    """A field of which rows have been checked is incomplete; now all of the file is read."""


class Examination:
    """One file's way from blocks to verdicts. Both steps go to `run`, which takes a few items ahead.

    With `keys_only`, nobody wants the accepted rows: what is kept of them is what duplicates are found by.
    """

    def __init__(
        self,
        source: SourceFile,
        prefix: str,
        folder: ImportFolder,
        block_bytes: int,
        run: Run,
        progress: Progress,
        *,
        keys_only: bool = False,
    ) -> None:
        self._source, self._prefix, self._folder = source, prefix, folder
        self._run, self._progress, self._keys_only = run, progress, keys_only
        self._read: list[ChunkProfile] = []
        self._checking = 0.0
        blocks = cut(source.landed.path, source.landed.source, source.layout, block_bytes)
        plan = ReadPlan(source.landed.path, source.layout, source.mapping, folder.address)
        self._reading = run(read_chunk, plan, blocks)
        self._read_next()

    def profile(self) -> FileProfile:
        """What is known of the file so far; its fields can only become fewer."""
        return profile_file(self._read, self._source.mapping, self._source.layout.first_line)

    def verdicts(self) -> Iterator[ChunkVerdict]:
        """Every chunk split, in order, as soon as each is done; then the profile is the whole file's.

        GapFound when what was given so far is not to be used: ask again, once.
        """
        fields, layout = self.profile().imported, self._source.layout
        kept = tuple(field for field in fields if field.identity) if self._keys_only else fields
        plan = CheckPlan(
            self._folder.address, self._source.mapping, fields, kept, layout.dialect, Reading(self._prefix)
        )
        chunks = placed(self._without_gaps(fields), layout.first_line)
        with self._progress.stage("reading and checking", self._source.landed.size, "bytes") as advance:
            for verdict in self._run(check_chunk, plan, chunks):
                advance(self._read[verdict.index].size)
                self._checking += verdict.work
                yield verdict

    def work(self) -> dict[str, float]:
        """Seconds of processors by step, wherever they were; what was checked in vain counts too."""
        return {"reading, all workers": sum(each.work for each in self._read), "checking, all workers": self._checking}

    def _without_gaps(self, fields: tuple[Field, ...]) -> Iterator[ChunkProfile]:
        complete = {field.id for field in fields}
        number = 0
        while number < len(self._read) or self._read_next():
            if self._read[number].incomplete & complete:
                while self._read_next():
                    pass
                raise GapFound
            yield self._read[number]
            number += 1

    def _read_next(self) -> bool:
        profile = next(self._reading, None)
        if profile is not None:
            self._read.append(profile)
        return profile is not None


def anew_at_a_gap(step: Callable[[], T]) -> T:
    """What a step makes of all verdicts; once more, where a column of theirs had a gap further on."""
    try:
        return step()
    except GapFound:
        return step()


def check_whole(examination: Examination) -> tuple[FileProfile, list[ChunkVerdict]]:
    """Read and check a file whose verdicts nobody needs before the last one."""
    verdicts = anew_at_a_gap(lambda: list(examination.verdicts()))
    return examination.profile(), verdicts
