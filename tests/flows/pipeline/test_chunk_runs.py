"""Chunks are checked as they are read, and a gap in a later chunk counts for the whole column."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.config.request import ReadingOptions
from flows.pipeline.chunk_runs import FileCheck, check_whole_file
from flows.pipeline.progress import NoProgress
from flows.pipeline.steps import detect_layout, land_file, map_source_columns
from flows.pipeline.task_order import ChunkRunner, thread_runner
from schemas.catalogue import FieldCatalogue
from tests.flows.conftest import Contacts
from tests.transforms.judge_cells import field_of
from transforms.chunks.split import ChunkResult, ChunkTask
from transforms.sources.fetch import SourceAccess, resolve_address
from transforms.work_folder import ImportFolder

RECORDS = 40
SMALL = 20  # bytes, which is one or two records


def catalogue() -> FieldCatalogue:
    email = {"id": "email", "type": "email", "identity": True}
    return FieldCatalogue.model_validate({"fields": [email, field_of("integer").model_dump()]})


def file_with(gaps: set[int], bad: frozenset[int] = frozenset()) -> str:
    cells = ["" if number in gaps else "x" if number in bad else "5" for number in range(1, RECORDS + 1)]
    return "email,value\n" + "".join(f"c{number}@b.com,{cell}\n" for number, cell in enumerate(cells, 1))


class Steps:
    """Runs the step in the threads that an import shares, taking a moment each time, and counts what it did."""

    def __init__(self, run: ChunkRunner) -> None:
        self.run, self.count, self.seconds = run, Counter[str](), list[float]()

    def __call__(self, step: Any, inputs: Any, items: Any) -> Iterator[Any]:
        def counted(inputs: Any, chunk_task: ChunkTask) -> Any:
            time.sleep(0.005)
            self.count["checked" if chunk_task.fields else "only read"] += 1
            profile, result = step(inputs, chunk_task)
            self.seconds.append(profile.work)
            return profile, result

        return self.run(counted, inputs, items)


@pytest.fixture(params=[1, 4])
def steps(request: pytest.FixtureRequest) -> Iterator[Steps]:
    with thread_runner(request.param) as run:
        yield Steps(run)


def examination(folder: Path, text: str, steps: Steps) -> FileCheck:
    (folder / "contacts.csv").write_text(text)
    options, place = ReadingOptions(source=str(folder / "contacts.csv")), ImportFolder.local(folder)
    landed = land_file(options, place, resolve_address(options.source, SourceAccess()))
    source = map_source_columns(options, catalogue(), landed, detect_layout(options, catalogue(), landed))
    return FileCheck(source, "+34", place, SMALL, steps, NoProgress())


@pytest.mark.parametrize(
    ("gaps", "checked_again"),
    [
        pytest.param(set[int](), False, id="none"),
        pytest.param({1}, False, id="in the first chunk, before anything is checked"),
        pytest.param({20}, True, id="in the middle"),
        pytest.param({RECORDS}, True, id="in the last record"),
        pytest.param({10, 20, 30, RECORDS}, True, id="in many chunks, which costs no more"),
    ],
)
def test_a_file_is_checked_once_and_with_a_late_gap_once_more(
    tmp_path: Path, gaps: set[int], checked_again: bool, steps: Steps
) -> None:
    profile, verdicts = check_whole_file(examination(tmp_path, file_with(gaps, bad=frozenset({5, 35})), steps))
    chunks = len(profile.chunks)
    assert chunks > 15
    assert (steps.count["checked"] > chunks) is checked_again
    assert steps.count.total() == (2 if checked_again else 1) * chunks
    assert [field.id for field in profile.imported] == ["email"] + ["value"] * (not gaps)
    paths = [verdict.accepted_path for verdict in verdicts]
    assert len(paths) == chunks
    assert paths == sorted(set(paths))
    assert sum(verdict.rejected for verdict in verdicts) == (0 if gaps else 2)


def test_after_a_late_gap_the_rest_of_the_file_is_only_read(tmp_path: Path, steps: Steps) -> None:
    profile, _ = check_whole_file(examination(tmp_path, file_with({4}), steps))
    chunks = len(profile.chunks)
    assert steps.count["only read"] > chunks // 3
    assert steps.count["checked"] == 2 * chunks - steps.count["only read"]


def test_no_step_of_the_first_pass_runs_during_the_second(tmp_path: Path, steps: Steps) -> None:
    """Both write the same files, so the one that is not to be used has to be done before."""
    check = examination(tmp_path, file_with({RECORDS}), steps)
    check.start()
    results: list[ChunkResult] = []
    assert not check.first_pass(results.append)
    before = steps.count["checked"]
    results.clear()
    check.second_pass(results.append)
    assert len(results) == steps.count["checked"] - before


def test_the_work_of_a_file_that_is_checked_again_with_suggestions_counts_twice(tmp_path: Path, steps: Steps) -> None:
    again = examination(tmp_path, file_with(set()), steps).with_certain_suggestions()
    profile, _ = check_whole_file(again)
    assert steps.count["checked"] == 2 * len(profile.chunks)
    assert again.seconds["reading, all workers"] == pytest.approx(sum(steps.seconds))


def test_a_late_gap_leaves_its_column_out_of_every_contact(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are staged with the column by then."""
    monkeypatch.setenv("CONTACTS_CHUNK_BYTES", "1KiB")
    rows = [f"c{number}@example.com,Ann,{'' if number == 300 else number}\n" for number in range(1, 301)]
    source = contacts.file("email,name,points\n" + "".join(rows))
    report = contacts("import", source, "--json").json
    assert report["contacts"]["inserted"] == 300
    assert [column["outcome"] for column in report["columns"]] == ["imported", "imported", "incomplete"]
    found = contacts.database.contacts()
    assert len(found) == 300
    assert all(set(contact) == {"name"} for contact in found.values())
