"""Concurrent imports, writers and readers: no update is lost, and no reader sees half an import."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.faults.conftest import ImportScenario, contacts_csv, wait_until
from tests.faults.test_killed import append_outcome

READER_WAITS = 1.0  # seconds; as docs/operations.md says


def test_two_imports_of_one_file_at_once_insert_its_contacts_once(scenario: ImportScenario) -> None:
    ran = [each.wait() for each in (scenario.imports(), scenario.imports())]
    assert [each.status for each in ran] == [0, 0], ran
    counts = sorted((each.json["contacts"]["inserted"], each.json["contacts"]["unchanged"]) for each in ran)
    assert counts == [(0, 108), (107, 0)]
    people, members = scenario.expected()
    assert (scenario.state()["contacts"], scenario.state()["members"]) == (people, members)
    append_outcome("two imports of one file: both completed, merged once")


@pytest.mark.harness
def test_two_imports_of_overlapping_files_insert_every_contact_once(scenario: ImportScenario) -> None:
    other = scenario.folder / "other.csv"
    other.write_text(contacts_csv(range(60, 180)))
    ran = [
        each.wait() for each in (scenario.imports(), scenario.start("import", other, "--merge", "overwrite", "--json"))
    ]
    assert [each.status for each in ran] == [0, 0], ran
    assert sum(each.json["contacts"]["inserted"] for each in ran) == 107 + 54
    emails = {f"c{row}@example.com" for row in range(180) if row % 10 != 3} | {"old@example.com", "c3@example.com"}
    assert set(scenario.state()["contacts"]) == emails
    append_outcome("two imports of overlapping files: every contact once")


def test_writes_of_another_program_to_the_same_contacts_are_kept(scenario: ImportScenario) -> None:
    """It updates a field that is not in the file, and inserts contacts of the file."""
    stop, errors = threading.Event(), []
    written = {"updates": 0, "inserts": 0}

    def write() -> None:
        moment = "'2026-01-01 00:00:00'"
        row = 0
        while not stop.is_set():
            row += 1
            try:
                scenario.database.run("update contacts set city = 'Vigo' where email = 'c0@example.com'")
                written["updates"] += 1
                scenario.database.run(
                    "insert into contacts (email, name, created_at, updated_at, created_by_import) "
                    f"values ('c{row}@example.com', 'Theirs', {moment}, {moment}, 0) on conflict (email) do nothing"
                )
                written["inserts"] += 1
            except (psycopg.Error, sqlite3.Error) as error:
                errors.append(error)
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    ran = scenario.imports().wait()
    stop.set()
    writer.join()
    assert (ran.status, errors) == (0, []), ran
    assert written["inserts"] > 5
    contacts = scenario.state()["contacts"]
    people, _ = scenario.expected()
    assert contacts["c0@example.com"] == {**people["c0@example.com"], "city": "Vigo"}
    wrong = {email for email, person in people.items() if email != "c0@example.com" and contacts[email] != person}
    assert wrong == set()
    append_outcome("another program writes the same contacts: both kept, no unique violation")


def test_readers_see_the_old_or_the_new_state_without_waiting(scenario: ImportScenario) -> None:
    people, _ = scenario.expected()
    before, after = 3, len(people)
    seen: list[int] = []
    gate = scenario.folder / "gate"
    started = scenario.imports(trap=("members", "after", "1", str(gate)))

    def read() -> None:
        seen.append(_count(scenario))

    while not (scenario.folder / "gate.here").exists():
        assert not started.ended
        read()
    for _ in range(20):  # the merge holds its locks: a reader that waited for them would never be done
        read()
    in_the_merge = set(seen[-20:])
    gate.touch()
    while not started.ended:
        read()
    assert started.wait().status == 0
    read()
    assert in_the_merge == {before}, "contacts are written by now, and nobody sees them"
    assert set(seen) == {before, after}
    assert seen == sorted(seen)
    append_outcome("readers during an import: the old state, then the new one")


def _count(scenario: ImportScenario) -> int:
    """How many contacts a reader sees; the last writer of SQLite locks readers out for a moment to remove the WAL."""
    if scenario.database.schema is None:
        path = Path(scenario.database.url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path, timeout=10)) as file:
            return int(file.execute("select count(*) from contacts").fetchone()[0])
    with psycopg.connect(scenario.database.url) as server:
        server.execute(f'set search_path to "{scenario.database.schema}"'.encode())
        row: Any = server.execute("select count(*) from contacts").fetchone()
        return int(row[0])


@pytest.mark.parametrize("warehouse_url", ["postgres"], indirect=True)
def test_a_new_field_waits_for_a_reader_and_lets_others_read(scenario: ImportScenario) -> None:
    """Adding a column needs an exclusive lock; while it waits for a long reader, others can read."""
    catalogue = scenario.folder / "catalogue.yaml"
    catalogue.write_text(
        "fields:\n"
        "  - {id: email, type: email, identity: true}\n"
        "  - {id: name, type: text}\n"
        "  - {id: points, type: integer}\n"
        "  - {id: shoe_size, type: text}\n"
    )
    with psycopg.connect(scenario.database.url) as long:
        long.execute(f'set search_path to "{scenario.database.schema}"'.encode())
        long.execute("select count(*) from contacts")
        started = scenario.imports(CONTACTS_CATALOGUE=str(catalogue))
        waiting = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        wait_until(lambda: scenario.database.run(waiting)[0][0])
        began = time.monotonic()
        _count(scenario)
        waited = time.monotonic() - began
    assert waited < READER_WAITS + 0.5
    assert started.wait().status == 0
    assert "shoe_size" in scenario.database.columns("contacts")
