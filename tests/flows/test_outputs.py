"""What a command writes or does not: a full disk, a file that is not due, a warehouse nobody asked for."""

from pathlib import Path

import pytest

from tests.flows.conftest import Contacts

pytestmark = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


def test_a_list_of_imports_makes_no_warehouse(command: Contacts) -> None:
    ran = command("imports", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "warehouse-unusable")
    assert "there is no such file" in ran.err
    assert not list(command.folder.rglob("*.db"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NO /dev/full on this system")
def test_a_full_disk_under_an_export_is_told_as_that(command: Contacts) -> None:
    ran = command("export", "--output", "/dev/full")
    assert (ran.status, ran.err) == (1, "contacts: '/dev/full' cannot be written: No space left on device\n")


def test_a_check_that_comes_to_nothing_leaves_no_file(command: Contacts) -> None:
    out = command.folder / "out.csv"
    assert command("check", command.folder / "missing.csv", "--accepted", out).status == 1
    assert not out.exists()
    out.write_text("kept")
    assert command("check", command.folder / "missing.csv", "--accepted", out).status == 1
    assert out.read_text() == "kept"
