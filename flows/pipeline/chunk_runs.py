"""Checks one file: each chunk is read and checked in one step, several chunks at a time.

A column with gaps is dropped, but whether it has gaps is known only when the whole file is read. So the first pass
takes a column without a gap so far as complete. A second pass checks all chunks again if a later chunk has a gap after
all, or if the whole file shows that numbers such as `1.234` are ambiguous.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TypeAlias

from flows.pipeline.progress import Progress
from flows.pipeline.steps import SourceFile
from flows.pipeline.task_order import ChunkRunner
from flows.reports.builder import ReportBuilder
from flows.reports.phrases import counted
from schemas.cells.suppressed_emails import SuppressedEmails
from transforms.chunks.file_profile import FileProfile, profile_file
from transforms.chunks.read import ChunkProfile
from transforms.chunks.split import CheckInputs, ChunkResult, ChunkTask, check_chunk
from transforms.chunks.suppressed import is_in_rejected, suppressed_accepted
from transforms.mapping.added_rules import add_certain
from transforms.mapping.suggestions import suggest_for_file
from transforms.parsing.blocks import Block, cut_blocks
from transforms.work_folder import ImportFolder

FIRST_BLOCK_DIVISOR = 8  # the other blocks wait until the gaps of the first are known
READING, CHECKING = "reading, all workers", "checking, all workers"

Checked: TypeAlias = tuple[ChunkProfile, ChunkResult | None]
Consumer: TypeAlias = Callable[[ChunkResult], None]


@dataclass(eq=False)
class FileCheck:
    """One file, from its blocks to the results of its chunks.

    With `keys_only`, only the keys of accepted rows are written, by which duplicates are found. Rows with a
    `suppressed` address are rejected. `seconds`: how long all workers together took for each step, including passes and
    checks whose results were not used.
    """

    source: SourceFile
    prefix: str
    folder: ImportFolder
    block_bytes: int
    run: ChunkRunner
    progress: Progress
    keys_only: bool = False
    suppressed: SuppressedEmails | None = None
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys((READING, CHECKING), 0.0))
    _profiles: list[ChunkProfile] = field(init=False, default_factory=list)
    _blocks: Iterator[Block] = field(init=False)
    _first: list[Checked] = field(init=False)

    def start(self) -> None:
        """Check the first chunk, so that most gaps are known."""
        landed, first_bytes = self.source.landed, max(1, self.block_bytes // FIRST_BLOCK_DIVISOR)
        self._blocks = cut_blocks(landed.path, landed.source, self.source.layout, self.block_bytes, first_bytes)
        fields = self.profile().imported
        self._first = list(self._read(ChunkTask(block, fields) for block in islice(self._blocks, 1)))

    def profile(self) -> FileProfile:
        """What is known of the file so far. Its imported fields can only become fewer."""
        return profile_file(self._profiles, self.source.mapping, self.source.layout.first_line)

    def first_pass(self, consume: Consumer) -> bool:
        """Read the rest of the file and hand on each chunk's result, in order. False after a late gap or ambiguity.

        Then the results handed on so far are not to be used, and `second_pass` gives the right ones.
        """
        fields = self.profile().imported
        complete = {field.id for field in fields}
        late_gap = False
        # After a late gap, blocks that have not been given to a worker are only read.
        rest = self._read(ChunkTask(block, () if late_gap else fields) for block in self._blocks)
        with self.progress.stage("reading and checking", self.source.landed.size) as advance:
            for profile, result in _numbered(chain(self._first, rest)):
                advance(profile.block.length)
                late_gap = late_gap or not profile.incomplete.isdisjoint(complete)
                if result and not late_gap:
                    consume(result)
        return not (late_gap or self.profile().comma_fields)

    def second_pass(self, consume: Consumer) -> None:
        """Check all chunks again, now that the whole file is known, and hand on the results, in order."""
        known = self.profile()
        tasks = (ChunkTask(profile.block, known.imported, known.comma_fields) for profile in self._profiles)
        with self.progress.stage("checking anew", self.source.landed.size) as advance:
            for profile, result in _numbered(self._check(tasks)):
                advance(profile.block.length)
                if result:
                    consume(result)

    def with_certain_suggestions(self) -> "FileCheck":
        """Check the whole file, and return a check to start whose mapping has the certain suggestions."""
        profile, results = check_whole_file(self)
        mapping, readings = self.source.mapping, (each.readings for each in results)
        suggestions = suggest_for_file(mapping.columns, readings, profile.with_both_signs)
        return replace(self, source=replace(self.source, mapping=add_certain(mapping, suggestions)))

    def reject_suppressed(self, results: list[ChunkResult], newer: SuppressedEmails) -> Iterator[int]:
        """Check the chunks that have one of these addresses again, and replace their results in the list.

        Gives the numbers of their records that were accepted before.
        """
        known, mapping = self.profile(), self.source.mapping
        self.suppressed = newer.joined(self.suppressed)
        for index, (profile, result) in enumerate(zip(self._profiles, list(results), strict=True)):
            accepted = suppressed_accepted(result.accepted_path, newer)
            if len(accepted) or is_in_rejected(result.rejected_path, mapping, newer):
                task = ChunkTask(profile.block, known.imported, known.comma_fields)
                _, checked = check_chunk(self._inputs, task)
                if checked:
                    results[index] = replace(checked, first_record=result.first_record)
            yield from (accepted + result.first_record).tolist()

    @property
    def _inputs(self) -> CheckInputs:
        return CheckInputs(self.source.read_inputs, self.folder.address, self.prefix, self.keys_only, self.suppressed)

    def _read(self, tasks: Iterable[ChunkTask]) -> Iterator[Checked]:
        for profile, result in self._check(tasks):
            self._profiles.append(profile)
            yield profile, result

    def _check(self, tasks: Iterable[ChunkTask]) -> Iterator[Checked]:
        for profile, result in self.run(check_chunk, self._inputs, tasks):
            self.seconds[READING] += profile.work
            self.seconds[CHECKING] += result.work if result else 0.0
            yield profile, result


def _numbered(checked: Iterable[Checked]) -> Iterator[Checked]:
    """The results with the numbers of their first records."""
    number = 1
    for profile, result in checked:
        yield profile, replace(result, first_record=number) if result else None
        number += profile.records


def check_whole_file(check: FileCheck) -> tuple[FileProfile, list[ChunkResult]]:
    """Check the file from its first chunk to its last, in the passes that it needs, and collect the results."""
    check.start()
    results: list[ChunkResult] = []
    run_passes(check, results)
    return check.profile(), results


def run_passes(check: FileCheck, results: list[ChunkResult]) -> None:
    """Run the passes that the file needs, and put the results of its chunks into the list."""
    if not check.first_pass(results.append):
        results.clear()
        check.second_pass(results.append)


@contextmanager
def examination(check: FileCheck, report: ReportBuilder) -> Iterator[tuple[FileCheck, list[ChunkResult]]]:
    """Gives the block a check that has started, and an empty list. The block runs the passes and fills the list.

    Then the report gets what they found. With the option `fix`, the whole file is checked once before, to find the
    certain suggestions; the check of the block applies them.
    """
    results: list[ChunkResult] = []
    with report.stage("examining"):
        if report.options.fix:
            check = check.with_certain_suggestions()
        report.mapping = check.source.mapping
        check.start()
        yield check, results
        profile = check.profile()
        report.add_results(check.source.mapping, profile, results)
    report.stages |= check.seconds
    records, chunks = counted(profile.records, "record"), counted(len(profile.chunks), "chunk")
    report.log_stage("examining", f"{records} in {chunks}")
