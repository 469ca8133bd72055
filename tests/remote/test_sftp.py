"""Files over SFTP, from a real OpenSSH server."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors.base import ContactImportError
from schemas.errors.limits import SourceTooLarge
from schemas.errors.source import SourceChanging, SourceNotFound, SourceUnavailable, SourceUnreadable
from tests.remote.conftest import FILE, content, land_found, reach
from tests.remote.sftp import SshServer, ssh_server
from transforms.landing.land import Landed
from transforms.sources import fetch as sources
from transforms.sources.credentials import Login
from transforms.sources.fetch import ResolvedSource, SourceAccess, resolve_address
from transforms.sources.remote.base import FileStamp

Fetch = Callable[..., Landed]


def within(server: SshServer, **given: Any) -> SourceAccess:
    """Access with the server's key and user, unless others are given."""
    login = {"user": server.user, "key_file": str(server.key), **given.pop("login", {})}
    options = {"known_hosts": server.known_hosts, **given}
    return reach(server.origin, logins={server.origin: Login.model_validate(login)}, **options)


def test_a_file_is_fetched(server: SshServer, fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(FILE)
    landed = fetch(f"{server.origin}{tmp_path}/c.csv", within(server))
    assert (content(landed), landed.source) == (FILE, f"{server.origin}{tmp_path}/c.csv")


def test_a_private_key_may_be_text_and_the_user_in_the_address(server: SshServer, fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(FILE)
    login = {"user": "nobody", "key_file": None, "private_key": server.key.read_text()}
    address = f"sftp://{server.user}@127.0.0.1:{server.port}{tmp_path}/c.csv"
    landed = fetch(address, within(server, login=login))
    assert content(landed) == FILE
    assert server.user + "@" not in landed.source


def test_the_newest_match_is_taken_with_a_warning(server: SshServer, fetch: Fetch, tmp_path: Path) -> None:
    for number, name in enumerate(["c-2.csv", "c-3.csv", "c-1.csv", "d-9.csv"]):
        (tmp_path / name).write_bytes(b"email\nx%d@example.com\n" % number)
        os.utime(tmp_path / name, (1_700_000_000 + min(number, 1), 1_700_000_000 + min(number, 1)))
    landed = fetch(f"{server.origin}{tmp_path}/c-[0-9].csv", within(server))
    assert landed.source == f"{server.origin}{tmp_path}/c-3.csv"
    assert landed.warnings[0] == f"3 files match; the newest was taken, {landed.source!r}"


def test_a_link_to_no_file_does_not_match_and_a_name_may_have_spaces(
    server: SshServer, fetch: Fetch, tmp_path: Path
) -> None:
    (tmp_path / "my list.csv").write_bytes(FILE)
    (tmp_path / "my gone.csv").symlink_to(tmp_path / "nothing")
    (tmp_path / "my folder.csv").symlink_to(tmp_path)
    (tmp_path / "my link.csv").symlink_to(tmp_path / "my list.csv")
    assert content(fetch(f"{server.origin}{tmp_path}/my list.csv", within(server))) == FILE
    landed = fetch(f"{server.origin}{tmp_path}/my *.csv", within(server))
    assert content(landed) == FILE
    assert landed.warnings[0].startswith("2 files match")


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        pytest.param({"known_hosts": "other"}, SourceUnreadable, "host key", id="another host key"),
        pytest.param({"known_hosts": "none"}, SourceUnreadable, "host key", id="no file of host keys"),
        pytest.param({"login": {"key_file": "another"}}, SourceUnreadable, "login", id="another key"),
        pytest.param({"login": {"key_file": "none"}}, SourceUnreadable, "private key", id="no key file"),
        pytest.param({"login": {"key_file": "known"}}, SourceUnreadable, "private key", id="a file that is no key"),
    ],
)
def test_a_server_with_an_unknown_host_key_is_refused(
    server: SshServer, change: dict[str, Any], error: type[ContactImportError], says: str
) -> None:
    folder = server.key.parent
    given = {"known_hosts": folder / change["known_hosts"]} if "known_hosts" in change else {}
    if "login" in change:
        given["login"] = {"key_file": str(folder / change["login"]["key_file"])}
    with pytest.raises(error, match=says):
        resolve_address(f"{server.origin}/etc/hostname", within(server, **given))


def test_without_a_setting_the_users_own_known_hosts_are_used(
    server: SshServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SourceUnreadable, match="host key"):
        resolve_address(f"{server.origin}/etc/hostname", within(server, known_hosts=None))


def test_a_missing_file_or_a_folder_is_an_error(server: SshServer, tmp_path: Path) -> None:
    for name, error in (("none.csv", SourceNotFound), ("*.csv", SourceNotFound), ("", SourceUnreadable)):
        with pytest.raises(error):
            resolve_address(f"{server.origin}{tmp_path}/{name}", within(server))


def test_a_larger_file_than_allowed_is_refused(server: SshServer, fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(FILE)
    with pytest.raises(SourceTooLarge):
        fetch(f"{server.origin}{tmp_path}/c.csv", within(server, limit=1024))


def test_a_file_that_is_still_written_is_fetched_again_and_then_an_error(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(FILE)
    found = resolve_address(f"{server.origin}{path}", within(server))
    changes = iter([b"a@example.com,A\n"])

    current_stamp = sources._current_stamp

    def grown(found: ResolvedSource) -> FileStamp | None:
        with path.open("ab") as stream:
            stream.write(next(changes, b""))
        return current_stamp(found)

    monkeypatch.setattr(sources, "_current_stamp", grown)
    assert content(land_found(found, tmp_path)) == path.read_bytes() != FILE
    changes = iter([b"b@example.com,B\n"] * 9)
    with pytest.raises(SourceChanging):
        land_found(found, tmp_path)


def test_a_server_that_dies_or_hangs_is_tried_again_and_then_an_error(tmp_path: Path) -> None:
    (tmp_path / "ssh").mkdir()
    with ssh_server(tmp_path / "ssh") as server:
        there = within(server, timeout=1.0, tries=2)
        server.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(SourceUnavailable):
                resolve_address(f"{server.origin}/etc/hostname", there)
        finally:
            server.process.send_signal(signal.SIGCONT)
    with pytest.raises(SourceUnavailable, match="Connect"):
        resolve_address(f"{server.origin}/etc/hostname", there)


def sessions(process: int) -> list[int]:
    """The server's processes for sessions."""
    below = [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return [*below, *(each for child in below for each in sessions(child))]


def test_a_server_that_stops_sending_is_tried_again_after_the_time_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ssh").mkdir()
    large = FILE * 100
    (tmp_path / "c.csv").write_bytes(large)
    limit_source = sources._limit_source
    silenced: list[int] = []

    def silencing(blocks: Iterator[bytes], *more: Any) -> Iterator[bytes]:
        for block in limit_source(blocks, *more):
            yield block
            if not silenced:
                silenced.extend(sessions(server.process.pid))
                for each in silenced:
                    os.kill(each, signal.SIGSTOP)

    monkeypatch.setattr(sources, "_limit_source", silencing)
    with ssh_server(tmp_path / "ssh") as server:
        found = resolve_address(f"{server.origin}{tmp_path}/c.csv", within(server, timeout=1.0))
        began = time.monotonic()
        try:
            assert content(land_found(found, tmp_path)) == large
        finally:
            for each in silenced:
                os.kill(each, signal.SIGKILL)
    assert silenced
    assert time.monotonic() - began < 15
