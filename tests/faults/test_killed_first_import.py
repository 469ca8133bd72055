"""A first import that is killed leaves a warehouse without contacts; two at once import every contact once."""

import signal
from pathlib import Path

import pytest

from schemas.catalogue import load_catalogue
from tests.faults.conftest import CommandRunner, ImportScenario, contacts_csv
from tests.faults.test_killed import append_outcome, until_quiet
from tests.flows.conftest import Database
from warehouse.contacts.segments import create_segment
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate

PLACES = [
    ("staging", "after", 1, False),
    ("staging", "before", 3, False),
    ("excluding", "after", 1, False),
    ("adopting", "before", 1, False),
    ("adopting", "after", 1, False),
    ("members", "after", 1, False),
    ("completing", "after", 1, False),
    ("commit", "before", 1, False),
    ("commit", "after", 1, True),
]
STATEMENTS = [("statement", "after", number, False) for number in range(1, 56)]  # the last ones are after the commit
FEW = PLACES[:1] + PLACES[6:7] + PLACES[-1:]
Place = tuple[str, str, int, bool]


@pytest.fixture
def first(commands: CommandRunner, database: Database, tmp_path: Path) -> ImportScenario:
    """A warehouse with a segment and no contacts; on PostgreSQL, also without their table."""
    made = ImportScenario(commands, database, tmp_path)
    with Warehouse.open(database.url, database.schema) as warehouse:
        migrate(warehouse, load_catalogue(), contacts=False)
        create_segment(warehouse, "vip")
    return made


@pytest.mark.parametrize("place", FEW, ids=str)
def test_a_killed_first_import_leaves_all_contacts_or_none(place: Place, first: ImportScenario) -> None:
    kill_at(place, first)


@pytest.mark.harness
@pytest.mark.parametrize("place", [each for each in PLACES + STATEMENTS if each not in FEW], ids=str)
def test_a_first_import_killed_anywhere_leaves_all_contacts_or_none(place: Place, first: ImportScenario) -> None:
    kill_at(place, first)


def test_two_first_imports_at_once_insert_every_contact_once(first: ImportScenario) -> None:
    other = first.folder / "other.csv"
    other.write_text(contacts_csv(range(60, 180)))
    started = (first.imports(), first.start("import", other, "--merge", "overwrite", "--json"))
    ran = [each.wait() for each in started]
    assert [each.status for each in ran] == [0, 0], ran
    assert sum(each.json["contacts"]["inserted"] for each in ran) == 108 + 54
    assert set(first.state()["contacts"]) == emails(range(180))
    assert {email for _, email in first.state()["members"]} == emails(range(120))
    append_outcome("two first imports: every contact once")


def emails(rows: range) -> set[str]:
    return {f"c{row}@example.com" for row in rows if row % 10 != 3}


def kill_at(place: Place, first: ImportScenario) -> None:
    point, when, number, committed = place
    if point == "adopting" and first.database.schema is None:
        pytest.skip("SQLite merges a first import like any other")
    killed = first.imports(trap=(point, when, str(number))).wait()
    if killed.status == 0:
        assert point == "statement", f"{point} was never reached"
        pytest.skip("this warehouse's merge has fewer statements")
    assert killed.status == -signal.SIGKILL, killed
    state = until_quiet(first)
    if point == "statement":
        committed = bool(state["contacts"])
    expected = emails(range(120)) if committed else set()
    assert set(state["contacts"]) == {email for _, email in state["members"]} == expected
    assert state["strays"] == [[(0,)]] * 3
    if first.database.schema:
        assert bool(first.database.columns("contacts")) == committed

    again = first.imports().wait()
    assert again.status == 0, again
    assert again.json["contacts"]["unchanged" if committed else "inserted"] == 108
    assert set(first.state()["contacts"]) == emails(range(120))
    assert first.left_behind() == []
    assert first.staged_tables() == 0
    append_outcome(f"first import, killed: {'all contacts' if committed else 'none'}")
