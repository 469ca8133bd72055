"""Old import folders are deleted; their imports stay in the list."""

import os
import time
from pathlib import Path

import pytest

from tests.flows.conftest import Contacts

DAY = 86_400


def age(folder: Path, days: float) -> None:
    os.utime(folder, (time.time() - days * DAY,) * 2)


def test_prune_deletes_old_import_folders_and_nothing_else(contacts: Contacts) -> None:
    reports = [contacts.load("email\na@example.com\nbad\n", "--merge", "overwrite") for _ in range(2)]
    old, new = (Path(report["rejected_file"]).parent for report in reports)
    stranger = old.parent / "keep-me-please"
    stranger.mkdir()
    age(old, 91)
    age(stranger, 91)
    ran = contacts("imports", "prune", "--older-than", "90d", "--json")
    assert (ran.status, ran.json) == (0, {"removed": 1, "kept": 1})
    assert (old.exists(), new.exists(), stranger.exists()) == (False, True, True)
    assert [row["status"] for row in contacts.database.imports()] == ["completed", "completed"]
    gone = contacts("rejected", "1", "--output", contacts.folder / "x.csv")
    assert (gone.status, "import the source again" in gone.err) == (1, True)


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("prune",), id="how old"),
        pytest.param(("--older-than", "90d"), id="what"),
        pytest.param(("prune", "--older-than", "90"), id="no unit"),
        pytest.param(("prune", "--older-than", "0d"), id="none"),
    ],
)
def test_prune_and_older_than_are_needed_together(command: Contacts, arguments: tuple[str, ...]) -> None:
    assert command("imports", *arguments).status == 2
