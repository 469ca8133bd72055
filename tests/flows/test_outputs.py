"""What a command writes or does not: a full disk, a file that is not due, a warehouse nobody asked for."""

from pathlib import Path

import pytest

from tests.flows.conftest import Contacts

pytestmark = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("imports",), id="import list"),
        pytest.param(("imports", "prune", "--older-than", "9d"), id="prune"),
        pytest.param(("rejected", "1"), id="rejected rows"),
        pytest.param(("segments", "list"), id="segments"),
        pytest.param(("export", "--output", "all.csv"), id="export"),
    ],
)
def test_a_look_makes_no_warehouse(
    arguments: tuple[str, ...], command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(command.folder)
    ran = command(*arguments)
    assert (ran.status, ran.out) == (1, "")
    assert "there is no such file" in ran.err
    assert not [path.name for path in command.folder.rglob("*") if path.suffix in (".db", ".csv")]
    assert not list(command.folder.rglob("*.db"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NO /dev/full on this system")
def test_a_full_disk_under_an_export_is_told_as_that(command: Contacts) -> None:
    assert command("segments", "create", "any").status == 0
    ran = command("export", "--output", "/dev/full")
    assert (ran.status, ran.err) == (1, "contacts: '/dev/full' cannot be written: No space left on device\n")


def test_a_check_that_comes_to_nothing_leaves_no_file(command: Contacts) -> None:
    out = command.folder / "out.csv"
    assert command("check", command.folder / "missing.csv", "--accepted", out).status == 1
    assert not out.exists()
    out.write_text("kept")
    assert command("check", command.folder / "missing.csv", "--accepted", out).status == 1
    assert out.read_text() == "kept"
