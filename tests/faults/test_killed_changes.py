"""SIGKILL in a plan, an undo, a delete and an erase: a plan changes nothing, the others happen as a whole or not."""

import signal
from typing import Any

import pytest

from tests.faults.conftest import ImportScenario
from tests.faults.test_killed import append_outcome, named

# Step, before or after it, number of the call, and whether the undo is committed by then.
PLACES = [
    ("undoing", "before", 1, False),
    ("entered", "after", 1, False),
    ("counted", "after", 1, False),
    ("undone", "before", 1, False),
    ("undone", "after", 1, False),
    ("commit", "before", 1, False),
    ("commit", "after", 1, True),
    ("answering", "after", 1, True),
]
STATEMENTS = [("statement", "after", number, False) for number in range(1, 25)]
FEW = [place for place in PLACES if place[0] in {"undone", "commit"}]
PLANNING = [("copied", "after", 1), ("staging", "after", 1), ("comparing", "before", 1), ("comparing", "after", 1)]


DELETING = [
    ("chosen", "after", 1, False),
    *(("statement", "after", number, False) for number in range(1, 17)),
    ("commit", "before", 1, False),
    ("commit", "after", 1, True),
]
ERASING = [
    ("erased", "after", 1, False),
    ("rewritten", "before", 1, False),
    ("rewritten", "after", 1, False),
    ("commit", "before", 1, False),
    ("commit", "after", 1, True),
]
ERASED = "c3@example.com"  # a contact, and a rejected row of the import


def contents(scenario: ImportScenario) -> dict[str, Any]:
    """Every column of the contacts and members, as an undo restores them."""
    return scenario.database.contents()


def undo_killed_at(place: tuple[str, str, int, bool], scenario: ImportScenario) -> None:
    point, when, number, committed = place
    before = contents(scenario)
    assert scenario.imports().wait().status == 0
    imported = contents(scenario)
    killed = scenario.start("undo", "2", "--json", trap=(point, when, str(number))).wait()
    assert killed.status in (-signal.SIGKILL, 0), killed
    if killed.status == 0:
        assert point == "statement", f"{point} was never reached"
        pytest.skip("this undo has fewer statements")
    assert contents(scenario) == (before if committed else imported)
    again = scenario.run("undo", "2", "--json")
    assert (again.status, again.json.get("error", {}).get("code")) == (
        (1, "already-undone") if committed else (0, None)
    )
    assert contents(scenario) == before
    undone = [row for row in scenario.database.imports() if row["undoes"] == 2]
    assert len(undone) == 1
    assert scenario.run("undo", str(undone[0]["import_id"]), "--json").status == 0
    assert contents(scenario)["contacts"] == imported["contacts"]
    warehouse = "PostgreSQL" if scenario.database.schema else "SQLite"
    append_outcome(f"{warehouse}, undo killed at a named place: {'new' if committed else 'old'} state")


@pytest.mark.parametrize("place", [pytest.param(place, id=named(place)) for place in FEW])
def test_an_undo_killed_at_a_step_leaves_the_old_or_the_new_state(
    place: tuple[str, str, int, bool], scenario: ImportScenario
) -> None:
    undo_killed_at(place, scenario)


@pytest.mark.harness
@pytest.mark.parametrize(
    "place", [pytest.param(place, id=named(place)) for place in [*PLACES, *STATEMENTS] if place not in FEW]
)
def test_an_undo_killed_at_any_step_leaves_the_old_or_the_new_state(
    place: tuple[str, str, int, bool], scenario: ImportScenario
) -> None:
    undo_killed_at(place, scenario)


@pytest.mark.parametrize("place", [pytest.param(place, id=f"{place[1]} {place[0]}") for place in PLANNING])
def test_a_killed_plan_changes_nothing_and_its_copy_of_the_file_is_removed(
    place: tuple[str, str, int], scenario: ImportScenario
) -> None:
    before, listed = scenario.state(), scenario.database.imports()
    temporary = scenario.folder / "tmp"
    temporary.mkdir()
    command = ("plan", scenario.file, "--merge", "overwrite", "--segment", "vip", "--json")
    killed = scenario.start(*command, trap=(place[0], place[1], str(place[2])), TMPDIR=str(temporary)).wait()
    assert killed.status == -signal.SIGKILL, killed
    assert (scenario.state(), scenario.database.imports()) == (before, listed)
    again = scenario.run(*command, TMPDIR=str(temporary))
    assert (again.status, again.json["contacts"]["inserted"]) == (0, 107), again
    assert list(temporary.iterdir()) == []
    assert (scenario.state(), scenario.database.imports()) == (before, listed)
    merged = scenario.run("import", *command[1:], "--plan", again.json["plan"])
    assert merged.status == 0, merged
    append_outcome("plan killed: nothing changed")


def test_two_undos_of_one_import_at_once_undo_it_once(scenario: ImportScenario) -> None:
    before = contents(scenario)
    assert scenario.imports().wait().status == 0
    ran = [each.wait() for each in (scenario.start("undo", "2", "--json"), scenario.start("undo", "2", "--json"))]
    assert sorted(each.json.get("error", {}).get("code", "") for each in ran) == ["", "already-undone"]
    assert contents(scenario) == before
    append_outcome("two undos of one import: undone once")


def test_an_undo_beside_an_import_waits_for_its_merge(scenario: ImportScenario) -> None:
    """Whichever comes first, the contacts of the later import stay."""
    assert scenario.imports().wait().status == 0
    other = scenario.folder / "other.csv"
    other.write_text("email,name\nc1@example.com,Later\nnew@example.com,New\n")
    gate = scenario.folder / "gate"
    importing = scenario.start(
        "import", other, "--merge", "overwrite", "--json", trap=("members", "after", "1", str(gate))
    )
    while not (scenario.folder / "gate.here").exists():
        assert not importing.ended
    undoing = scenario.start("undo", "2", "--json")
    gate.touch()
    assert importing.wait().status == 0
    undone = undoing.wait()
    assert undone.status == 0, undone
    contacts = scenario.database.contacts()
    assert contacts["c1@example.com"]["name"] == "Later"
    assert "new@example.com" in contacts
    assert "c2@example.com" not in contacts
    append_outcome("an undo during an import: it waits, and the later import's contacts stay")


@pytest.mark.harness
@pytest.mark.parametrize("place", [pytest.param(place, id=named(place)) for place in DELETING])
def test_a_delete_killed_at_a_step_leaves_the_old_or_the_new_state(
    place: tuple[str, str, int, bool], scenario: ImportScenario
) -> None:
    point, when, number, committed = place
    assert scenario.imports().wait().status == 0
    before = contents(scenario)
    listed = scenario.folder / "listed.csv"
    listed.write_text("email\n" + "".join(f"c{row}@example.com\n" for row in range(20)))
    killed = scenario.start("delete", listed, "--json", trap=(point, when, str(number))).wait()
    assert killed.status == -signal.SIGKILL, killed
    if not committed:
        assert contents(scenario) == before
    again = scenario.run("delete", listed, "--json")
    assert (again.status, again.json["deleted"]) == (0, 0 if committed else 19), again
    left = {email for email in scenario.database.contacts() if email.startswith("c")}
    assert left == {row["email"] for row in before["contacts"]} - {f"c{row}@example.com" for row in range(20)} - {
        "old@example.com"
    }
    deletes = [row["import_id"] for row in scenario.database.imports() if row["source"].startswith("delete of")]
    assert scenario.run("undo", str(deletes[0]), "--json").status == 0
    assert contents(scenario) == before
    append_outcome(f"delete killed: {'new' if committed else 'old'} state")


@pytest.mark.parametrize("place", [pytest.param(place, id=named(place)) for place in ERASING])
def test_a_killed_erase_is_completed_by_repeating_it(
    place: tuple[str, str, int, bool], scenario: ImportScenario
) -> None:
    point, when, number, committed = place
    assert scenario.imports().wait().status == 0
    assert ERASED in scenario.database.contacts()
    killed = scenario.start("erase", "--email", ERASED, "--json", trap=(point, when, str(number))).wait()
    assert killed.status == -signal.SIGKILL, killed
    assert (ERASED in scenario.database.contacts()) is not committed
    assert scenario.run("erase", "--email", ERASED, "--json").status == 0
    for table in ("contacts", "journal", "rejections", "segment_members", "imports"):
        assert ERASED not in str(scenario.database.rows(table)), table
    files = [path for path in (scenario.folder / "home").rglob("*") if path.is_file()]
    assert [path for path in files if ERASED.encode() in path.read_bytes()] == []
    assert scenario.imports().wait().json["rejections"]["suppressed"] == 1
    append_outcome(f"erase killed: {'done' if committed else 'completed by repeating it'}")
