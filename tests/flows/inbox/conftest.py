"""Inboxes of each kind, and a look at one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.inbox import look
from tests.flows.conftest import Contacts, Ran
from tests.flows.inbox.places import FolderPlace, Place, s3_place, sftp_place

GOOD = "email,name\nann@example.com,Ann\n"
MIXED = "email,name,points\nann@example.com,Ann,1\nbob,Bob,2\ncat@example.com,Cat,x\n"

on_sqlite = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes no time, and an empty file is handled at once."""
    monkeypatch.setattr(look, "SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr("flows.inbox.names.EMPTY_FILE_SECONDS", 0.0)


@pytest.fixture
def inbox(tmp_path: Path, quick: None) -> FolderPlace:
    return FolderPlace(tmp_path / "in")


@pytest.fixture(params=["folder", "sftp", "s3"])
def place(
    request: pytest.FixtureRequest, contacts: Contacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> Iterator[Place]:
    """An inbox of each kind."""
    if request.param == "folder":
        yield FolderPlace(tmp_path / "in")
    elif request.param == "sftp":
        with sftp_place(tmp_path, monkeypatch) as served:
            yield served
    else:
        with s3_place(request.getfixturevalue("s3_server"), monkeypatch) as bucket:
            yield bucket


def look_once(contacts: Contacts, place: Place, *options: str) -> Ran:
    return contacts("inbox", place.name, "--once", "--json", *options)


def handled(contacts: Contacts, place: Place, *options: str) -> list[dict[str, Any]]:
    """The reports of a look at which every file was handled."""
    ran = look_once(contacts, place, *options)
    assert ran.status == 0, ran
    reports: list[dict[str, Any]] = ran.json
    return reports
