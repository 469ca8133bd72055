"""Inboxes for tests: a folder, a folder of an SFTP server, and one of a bucket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.remote.s3 import open_bucket
from tests.remote.sftp import ssh_server


class Place(Protocol):
    """An inbox as the people see it who use it."""

    name: str

    def put(self, file: str, content: str) -> None: ...

    def files(self) -> dict[str, str]:
        """The contents of all files by their paths."""


class FolderPlace:
    """A folder, perhaps reached by an address."""

    def __init__(self, folder: Path, name: str = "") -> None:
        self.folder, self.name = folder, name or str(folder)
        folder.mkdir()

    def put(self, file: str, content: str) -> None:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)

    def files(self) -> dict[str, str]:
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_text() for path in found}


class BucketPlace:
    """A prefix of a bucket."""

    name = "s3://people/in"

    def __init__(self, files: Any) -> None:
        self._files = files

    def put(self, file: str, content: str) -> None:
        self._files.pipe(f"people/in/{file}", content.encode())

    def files(self) -> dict[str, str]:
        self._files.invalidate_cache()
        found = self._files.find("people/in")
        return {name.removeprefix("people/in/"): self._files.cat_file(name).decode() for name in found}


@contextmanager
def sftp_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FolderPlace]:
    """A folder of a server that the settings allow."""
    (folder / "ssh").mkdir()
    with ssh_server(folder / "ssh") as server:
        monkeypatch.setenv("CONTACTS_ALLOWED_SOURCES", server.origin)
        monkeypatch.setenv("CONTACTS_KNOWN_HOSTS", str(server.known_hosts))
        login = {server.origin: {"user": server.user, "key_file": str(server.key)}}
        monkeypatch.setenv("CONTACTS_CREDENTIALS", json.dumps(login))
        yield FolderPlace(folder / "in", f"{server.origin}{folder / 'in'}")


@contextmanager
def s3_place(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketPlace]:
    """A prefix of a bucket that the settings allow."""
    monkeypatch.setenv("CONTACTS_ALLOWED_SOURCES", "s3://people")
    login = {"access_key": "key", "secret_key": "secret", "region": "us-east-1", "endpoint": endpoint}
    monkeypatch.setenv("CONTACTS_CREDENTIALS", json.dumps({"s3://people": login}))
    with open_bucket(endpoint, "people") as files:
        yield BucketPlace(files)
