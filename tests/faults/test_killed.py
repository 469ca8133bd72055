"""SIGKILL at many steps of an import: the state is the old or the new one, and the next import closes the dead one.

The suite tries a few places; `make faults` tries them all, and counts what came of them.
"""

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import ImportScenario, wait_until

# Step, before or after it, number of the call, and whether the import is committed by then.
PLACES = [
    ("listed", "before", 1, False),
    ("landed", "before", 1, False),
    ("landed", "after", 1, False),
    ("reading", "before", 1, False),
    ("reading", "before", 2, False),
    ("read", "after", 1, False),
    ("checking", "before", 1, False),
    ("checking", "after", 2, False),
    ("staging", "before", 1, False),
    ("staging", "after", 1, False),
    ("staging", "before", 3, False),
    ("rejecting", "before", 1, False),
    ("rejecting", "after", 1, False),
    ("excluding", "before", 1, False),
    ("excluding", "after", 1, False),
    ("ensured", "after", 1, False),
    ("merging", "before", 1, False),
    ("merging", "after", 1, False),
    ("found", "after", 1, False),
    ("written", "after", 1, False),
    ("written", "after", 2, False),
    ("written", "after", 3, False),
    ("members", "after", 1, False),
    ("columns", "after", 1, False),
    ("rejections", "after", 1, False),
    ("completing", "after", 1, False),
    ("commit", "before", 1, False),
    ("commit", "after", 1, True),
    ("committed", "after", 1, True),
    ("tidying", "before", 1, True),
    ("tidying", "after", 1, True),
    ("telling", "before", 1, True),
    ("showing", "after", 1, True),
]
STATEMENTS = [("statement", "before", number, False) for number in range(1, 17)]
FEW = [place for place in PLACES if place[:3] in {
    ("reading", "before", 2), ("staging", "after", 1), ("members", "after", 1), ("commit", "after", 1),
}]  # fmt: skip


def named(place: tuple[str, str, int, bool]) -> str:
    return f"{place[1]} {place[0]} {place[2]}"


@pytest.mark.parametrize("place", [pytest.param(place, id=named(place)) for place in FEW])
def test_an_import_killed_at_a_step_leaves_the_old_or_the_new_state(
    place: tuple[str, str, int, bool], scenario: ImportScenario
) -> None:
    kill_at(place, scenario)


@pytest.mark.harness
@pytest.mark.parametrize(
    "place", [pytest.param(place, id=named(place)) for place in [*PLACES, *STATEMENTS] if place not in FEW]
)
def test_an_import_killed_at_any_step_leaves_the_old_or_the_new_state(
    place: tuple[str, str, int, bool], scenario: ImportScenario
) -> None:
    kill_at(place, scenario)


@pytest.mark.harness
@pytest.mark.parametrize("seed", range(10))
def test_an_import_killed_at_any_time_leaves_the_old_or_the_new_state(seed: int, scenario: ImportScenario) -> None:
    before = scenario.state()
    started = scenario.imports()
    time.sleep(random.Random(seed).uniform(0.05, 2.5))
    started.kill()
    ended_well = started.wait().status == 0
    assert_recovered(scenario, before, None, ended_well, "at any time")


def kill_at(place: tuple[str, str, int, bool], scenario: ImportScenario) -> None:
    point, when, number, committed = place
    before = scenario.state()
    killed = scenario.imports(trap=(point, when, str(number))).wait()
    assert killed.status in (-signal.SIGKILL, 0), killed
    if killed.status == 0:
        assert point == "statement", f"{point} was never reached"
        pytest.skip("this warehouse's merge has fewer statements")
    assert_recovered(scenario, before, committed, False, "at a named place")


def assert_recovered(
    scenario: ImportScenario, before: dict[str, Any], committed: bool | None, ended_well: bool, how: str
) -> None:
    """The old or the new state, row by row; repeating the command gives the expected result."""
    people, members = scenario.expected()
    database = scenario.database
    after = until_quiet(scenario)
    if committed is None:
        committed = after["contacts"] == people
    if committed:
        assert (after["contacts"], after["members"]) == (people, members)
        assert len(after["rejected"]) == 2
        assert len(after["rejected"][1]) == 13
        assert after["columns"][1]
    else:
        assert after == before
    assert after["strays"] == [[(0,)]] * 3
    assert after["orphans"] == [(0,)]

    again = scenario.imports().wait()
    assert again.status == 0, again
    counts = again.json["contacts"]
    assert counts == (
        {"inserted": 0, "updated": 0, "unchanged": 108, "skipped": 0}
        if committed
        else {"inserted": 107, "updated": 1, "unchanged": 0, "skipped": 0}
    )
    done = scenario.state()
    assert (done["contacts"], done["members"]) == (people, members)
    assert done["strays"] == [[(0,)]] * 3
    listed = json.loads(scenario.run("imports", "--json").out)[::-1]
    assert [row["status"] for row in listed[:1] + listed[-1:]] == ["completed", "completed"]
    dead = listed[1:-1]
    assert len(dead) <= 1, "killed before it was listed, at most"
    for row in dead:
        expected = ("completed", None) if committed else ("failed", "interrupted")
        assert (row["status"], row["error_code"]) == expected
        assert row["finished_at"] is not None
    untidied = [row["import_id"] for row in database.imports() if row["alive_key"] is not None]
    assert not untidied or not list((scenario.folder / "home" / "imports").glob(f"{untidied[0]:06}-*")), "none was made"
    assert scenario.left_behind() == []
    assert scenario.staged_tables() == 0
    warehouse = "PostgreSQL" if database.schema else "SQLite"
    state = "ended before it was killed" if ended_well else "new state" if committed else "old state"
    append_outcome(f"{warehouse}, killed {how}: {state}")


def append_outcome(outcome: str) -> None:
    """Append a line, for the figures in docs/architecture.md, to the file that CONTACTS_FAULTS_REPORT names."""
    if path := os.environ.get("CONTACTS_FAULTS_REPORT"):
        with Path(path).open("a") as report:
            report.write(outcome + "\n")


def until_quiet(scenario: ImportScenario) -> dict[str, Any]:
    """The state after the server has noticed that its client is gone."""

    def gone() -> bool:
        return scenario.staged_tables() == 0

    wait_until(gone)
    return scenario.state()
