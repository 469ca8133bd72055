"""SIGKILL at each step of a file of an inbox, and several workers: it is imported once, and nothing of it is lost."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import ImportScenario, RunningCommand, wait_until
from tests.faults.test_killed import append_outcome
from tests.flows.conftest import Ran
from tests.flows.inbox.places import FolderPlace, Place, s3_place, sftp_place

OPTIONS = ("--once", "--json", "--merge", "overwrite", "--segment", "vip")
BAD = "name\nAnn\n"

# Step, before or after it, number of the call. The file has rejected rows, so `writing` is their file.
STEPS = [
    ("listed", "before", 1),
    ("landed", "after", 1),
    ("commit", "before", 1),
    ("commit", "after", 1),
    ("tidying", "after", 1),
    ("finishing", "before", 1),
    ("writing", "before", 1),
    ("writing", "after", 1),
    ("moving", "before", 1),
    ("moving", "after", 1),
    ("releasing", "after", 1),
]
FEW = [("listed", "before", 1), ("commit", "after", 1), ("writing", "after", 1), ("moving", "after", 1)]
# Of a file that fails and has no rejected rows: `writing` is the reason.
STEPS_OF_FAILED = [("landed", "after", 1), ("writing", "before", 1), ("writing", "after", 1), ("moving", "after", 1)]


def named(steps: list[tuple[str, str, int]]) -> list[Any]:
    return [pytest.param(step, id=f"{step[1]} {step[0]} {step[2]}") for step in steps]


class InboxScenario:
    """An inbox, and commands that look at it."""

    def __init__(self, imports: ImportScenario, place: Place) -> None:
        self.imports, self.place, self.database = imports, place, imports.database
        self.content = imports.file.read_text()
        own = {name: value for name, value in os.environ.items() if name.startswith("CONTACTS_")}
        self.environment = {name: own[name] for name in own.keys() - imports.environment.keys()}

    def start(self, trap: tuple[str, ...] = ()) -> RunningCommand:
        return self.imports.start("inbox", self.place.name, *OPTIONS, trap=trap, **self.environment)

    def look(self, trap: tuple[str, ...] = ()) -> Ran:
        return self.start(trap).wait()

    def kill_at(self, step: tuple[str, str, int]) -> None:
        killed = self.look((step[0], step[1], str(step[2])))
        assert killed.status == -signal.SIGKILL, (step, killed)

    def completed(self) -> list[int]:
        """The imports of the inbox that were merged."""
        found = self.database.run("select import_id from imports where status = 'completed' and inbox is not null")
        return [number for (number,) in found]

    def assert_imported_once(self) -> None:
        """The expected contacts by one import, and the file and its rejected rows where they belong."""
        people, members = self.imports.expected()
        state = self.imports.state()
        assert (state["contacts"], state["members"]) == (people, members)
        [number] = self.completed()
        files = self.place.files()
        assert sorted(files) == [f"done/contacts-{number}.csv", f"rejected/contacts-{number}.csv"]
        assert files[f"done/contacts-{number}.csv"] == self.content
        assert files[f"rejected/contacts-{number}.csv"].count(f"import {number}, file ") == 13


@pytest.fixture
def inbox(scenario: ImportScenario, tmp_path: Path) -> InboxScenario:
    return InboxScenario(scenario, FolderPlace(tmp_path / "in"))


@pytest.fixture(params=["sftp", "s3"])
def served(
    request: pytest.FixtureRequest, scenario: ImportScenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InboxScenario]:
    """An inbox on a server."""
    if request.param == "sftp":
        with sftp_place(tmp_path, monkeypatch) as folder:
            yield InboxScenario(scenario, folder)
    else:
        with s3_place(request.getfixturevalue("s3_server"), monkeypatch) as bucket:
            yield InboxScenario(scenario, bucket)


def kill_and_go_on(inbox: InboxScenario, step: tuple[str, str, int]) -> None:
    inbox.place.put("contacts.csv", inbox.content)
    inbox.kill_at(step)
    again = inbox.look()
    assert again.status == 0, again
    inbox.assert_imported_once()
    assert inbox.look().json == []
    inbox.place.put("next.csv", BAD)
    assert inbox.look().status == 0
    assert inbox.database.run("select count(*) from imports where inbox_claim is not null") == [(0,)]
    append_outcome("inbox, killed at a named place: imported once, file in its place")


@pytest.mark.parametrize("step", named(FEW))
def test_a_worker_killed_at_a_step_leaves_a_file_that_the_next_look_finishes(
    step: tuple[str, str, int], inbox: InboxScenario
) -> None:
    kill_and_go_on(inbox, step)


@pytest.mark.harness
@pytest.mark.parametrize("step", named([step for step in STEPS if step not in FEW]))
def test_a_worker_killed_at_any_step_leaves_a_file_that_the_next_look_finishes(
    step: tuple[str, str, int], inbox: InboxScenario
) -> None:
    kill_and_go_on(inbox, step)


@pytest.mark.harness
@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("step", named(STEPS))
def test_a_worker_killed_at_any_step_on_a_server_leaves_a_file_that_the_next_look_finishes(
    step: tuple[str, str, int], served: InboxScenario
) -> None:
    kill_and_go_on(served, step)


@pytest.mark.harness
@pytest.mark.parametrize("step", named(STEPS_OF_FAILED))
def test_a_file_that_fails_has_its_reason_whenever_the_worker_is_killed(
    step: tuple[str, str, int], inbox: InboxScenario
) -> None:
    inbox.place.put("bad.csv", BAD)
    inbox.kill_at(step)
    assert inbox.look().status == 0
    [number] = {int(Path(name).stem.removeprefix("bad-")) for name in inbox.place.files()}
    files = inbox.place.files()
    assert sorted(files) == [f"failed/bad-{number}.csv", f"failed/bad-{number}.txt"]
    assert (files[f"failed/bad-{number}.csv"], "no-email-column" in files[f"failed/bad-{number}.txt"]) == (BAD, True)


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_an_object_that_was_copied_and_not_deleted_is_not_imported_again(
    scenario: ImportScenario, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_place(s3_server, monkeypatch) as bucket:
        inbox = InboxScenario(scenario, bucket)
        inbox.place.put("contacts.csv", inbox.content)
        # Two looks at the object while it is landed, two before the copy: the fifth is between copy and deletion.
        inbox.kill_at(("object", "before", 5))
        assert {"contacts.csv", "done/contacts-2.csv"} <= inbox.place.files().keys()
        assert inbox.look().status == 0
        inbox.assert_imported_once()


def test_a_file_that_kills_its_worker_each_time_ends_in_failed(inbox: InboxScenario) -> None:
    inbox.place.put("contacts.csv", inbox.content)
    for _ in range(3):
        inbox.kill_at(("landed", "after", 1))
    assert inbox.look().status == 0
    files = inbox.place.files()
    assert sorted(files) == ["failed/contacts-4.csv", "failed/contacts-4.txt"]
    assert "interrupted" in files["failed/contacts-4.txt"]
    assert inbox.completed() == []


def test_two_workers_at_once_import_every_file_once(inbox: InboxScenario) -> None:
    names = [f"contacts{number}.csv" for number in range(4)]
    for number, name in enumerate(names):
        inbox.place.put(name, f"email,name\np{number}@example.com,P\n")
    ran = [each.wait() for each in (inbox.start(), inbox.start(), inbox.start())]
    assert [each.status for each in ran] == [0, 0, 0], ran
    imported = {report["import_id"] for each in ran for report in each.json}
    assert imported == set(inbox.completed())
    assert len(imported) == len(names)
    assert len(inbox.place.files()) == len(names)
    assert all(name.startswith("done/") for name in inbox.place.files())
    append_outcome("three workers look at one inbox: every file imported once")


def test_a_file_that_another_worker_imports_is_left_to_it(inbox: InboxScenario, tmp_path: Path) -> None:
    inbox.place.put("contacts.csv", inbox.content)
    gate = tmp_path / "gate"
    first = inbox.start(("landed", "after", "1", str(gate)))
    wait_until(Path(f"{gate}.here").exists)
    other = inbox.look()
    assert (other.status, other.json, "contacts.csv" in inbox.place.files()) == (0, [], True)
    gate.touch()
    assert first.wait().status == 0
    inbox.assert_imported_once()


def test_a_file_that_is_replaced_during_its_import_stays_and_is_imported_too(
    inbox: InboxScenario, tmp_path: Path
) -> None:
    inbox.place.put("contacts.csv", inbox.content)
    gate = tmp_path / "gate"
    first = inbox.start(("committed", "after", "1", str(gate)))
    wait_until(Path(f"{gate}.here").exists)
    inbox.place.put("contacts.csv", "email,name\nnew@example.com,New\n")
    gate.touch()
    assert first.wait().status == 0
    assert inbox.place.files()["contacts.csv"].endswith("New\n")
    assert inbox.look().status == 0
    assert inbox.database.contacts()["new@example.com"]["name"] == "New"
    assert len(inbox.completed()) == 2
