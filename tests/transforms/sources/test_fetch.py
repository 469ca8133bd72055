"""Local sources: which file is read, and that it does not change meanwhile."""

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from schemas.errors.limits import SourceTooLarge
from schemas.errors.request import ExtraMissing, SourceNotAllowed
from schemas.errors.source import SourceChanging, SourceNotFound, SourceUnreadable
from transforms.landing.land import Landed, land, read_local_blocks
from transforms.sources import fetch as sources
from transforms.sources.addresses import AllowedSources, parse
from transforms.sources.credentials import FetchOptions
from transforms.sources.fetch import ResolvedSource, SourceAccess, land_unchanged, resolve_address
from transforms.work_folder import ImportFolder

FILE = b"email\nana@example.com\n"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "FIRST_RETRY_SECONDS", 0.001)


def landed(found: ResolvedSource, folder: Path) -> Landed:
    (folder / "import").mkdir(exist_ok=True)
    place = ImportFolder.local(folder / "import")
    return land_unchanged(found, lambda blocks: land(found.redacted, place, blocks=blocks))


def files(folder: Path, **times: int) -> None:
    for name, second in times.items():
        path = folder / f"{name.replace('_', '-')}.csv"
        path.write_bytes(FILE)
        os.utime(path, ns=(second, second))


@pytest.mark.parametrize(
    ("times", "taken"),
    [
        pytest.param({"c_1": 30, "c_2": 20, "c_3": 10}, "c-1.csv", id="the newest, not the last by name"),
        pytest.param({"c_1": 20, "c_3": 20, "c_2": 20}, "c-3.csv", id="the last by name of equally new ones"),
        pytest.param({"c_1": 9, "c_2": 1_000_000_000}, "c-2.csv", id="times of unequal length"),
        pytest.param({"d_1": 99, "c_1": 1}, "c-1.csv", id="others do not count"),
    ],
)
def test_the_newest_match_is_taken(tmp_path: Path, times: dict[str, int], taken: str) -> None:
    files(tmp_path, **times)
    (tmp_path / "c-folder").mkdir()
    found = resolve_address(f"{tmp_path}/c-*", SourceAccess())
    assert found.address.path == str(tmp_path / taken)
    assert found.matches == sum(name.startswith("c") for name in times)


def test_an_existing_file_is_read_even_if_its_name_looks_like_a_pattern(tmp_path: Path) -> None:
    files(tmp_path, **{"c[1]": 1, "c1": 2})
    assert resolve_address(f"{tmp_path}/c[1].csv", SourceAccess()).address.path == f"{tmp_path}/c[1].csv"
    assert resolve_address(f"{tmp_path}/c[0-9].csv", SourceAccess()).address.path == f"{tmp_path}/c1.csv"


def test_a_missing_file_a_pattern_without_match_and_a_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        resolve_address(f"{tmp_path}/c-*.csv", SourceAccess())
    with pytest.raises(SourceNotFound):
        landed(resolve_address(f"{tmp_path}/c.csv", SourceAccess()), tmp_path)
    with pytest.raises(SourceUnreadable, match="a folder"):
        landed(resolve_address(str(tmp_path), SourceAccess()), tmp_path)


def test_a_pattern_that_leads_out_of_the_folders_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    files(tmp_path / "in", c=1)
    files(tmp_path / "out", secret=2)
    (tmp_path / "in" / "link.csv").symlink_to(tmp_path / "out" / "secret.csv")
    access = SourceAccess(AllowedSources(folders=(tmp_path / "in",)))
    assert landed(resolve_address(f"{tmp_path}/in/c*.csv", access), tmp_path).size == len(FILE)
    for pattern in ("in/*.csv", "in/../out/*.csv", "out/secret.csv"):
        with pytest.raises(SourceNotAllowed) as caught:
            resolve_address(f"{tmp_path}/{pattern}", access)
        assert pattern in str(caught.value)


def test_a_link_that_is_swapped_in_after_the_check_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.csv").write_bytes(FILE)
    path = tmp_path / "in" / "c.csv"
    path.write_bytes(FILE)
    access = SourceAccess(AllowedSources(folders=(tmp_path / "in",)))
    found = resolve_address(str(path), access)
    check, is_first = AllowedSources.check_local, iter([True])

    def swap_after_check(allowed: AllowedSources, *arguments: Any) -> None:
        check(allowed, *arguments)
        if next(is_first, False):
            path.unlink()
            path.symlink_to(tmp_path / "secret.csv")

    monkeypatch.setattr(AllowedSources, "check_local", swap_after_check)
    with pytest.raises(SourceNotAllowed):
        landed(found, tmp_path)


def changing(path: Path, contents: list[bytes]) -> Callable[[ResolvedSource], object]:
    """Writes the next content each time that the landed file is looked at once more."""
    current_stamp = sources._current_stamp

    def look(found: ResolvedSource) -> object:
        if contents:
            path.write_bytes(contents.pop(0))
        return current_stamp(found)

    return look


def test_a_file_that_changed_while_it_was_landed_is_landed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(FILE)
    monkeypatch.setattr(sources, "_current_stamp", changing(path, [FILE * 2, FILE * 3]))
    assert Path(landed(resolve_address(str(path), SourceAccess()), tmp_path).path).read_bytes() == FILE * 3


def test_a_file_that_changes_in_every_try_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(FILE)
    monkeypatch.setattr(sources, "_current_stamp", changing(path, [FILE * size for size in range(2, 9)]))
    with pytest.raises(SourceChanging, match="2 times in a row"):
        landed(resolve_address(str(path), SourceAccess(options=FetchOptions(tries=2))), tmp_path)


def test_a_file_that_another_program_still_writes_is_landed_when_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer pauses for longer than landing takes."""
    monkeypatch.setattr(sources, "SETTLING_SECONDS", 1.0)
    path = tmp_path / "c.csv"
    path.write_bytes(FILE)

    def write_slowly() -> None:
        for _ in range(50):
            time.sleep(0.02)
            with path.open("ab") as stream:
                stream.write(FILE)

    writer = threading.Thread(target=write_slowly)
    writer.start()
    found = landed(resolve_address(str(path), SourceAccess(options=FetchOptions(tries=99))), tmp_path)
    writer.join()
    assert found.size == len(FILE) * 51


def test_a_file_that_is_only_touched_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(FILE)
    monkeypatch.setattr(sources, "_current_stamp", changing(path, [FILE] * 9))
    assert landed(resolve_address(str(path), SourceAccess()), tmp_path).size == len(FILE)


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(FILE,))
    writer.start()
    assert landed(resolve_address(str(path), SourceAccess()), tmp_path).size == len(FILE)
    writer.join()


def test_a_pipe_is_read_without_waiting_for_a_full_block(tmp_path: Path) -> None:
    """A read that waits for more data delays signals."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    with ThreadPoolExecutor(1) as beside:
        try:
            os.write(writer, FILE)
            assert beside.submit(next, read_local_blocks(str(path))).result(timeout=10) == FILE
        finally:
            os.close(writer)


def test_a_larger_file_than_allowed_is_refused(tmp_path: Path) -> None:
    files(tmp_path, c=1)
    with pytest.raises(SourceTooLarge):
        landed(resolve_address(f"{tmp_path}/c.csv", SourceAccess(options=FetchOptions(limit=len(FILE) - 1))), tmp_path)


@pytest.mark.parametrize(
    ("source", "library", "extra"),
    [("https://h/c.csv", "aiohttp", "http"), ("s3://b/c.csv", "s3fs", "s3"), ("sftp://h/c.csv", "sshfs", "sftp")],
)
def test_the_error_of_a_missing_extra_has_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, source: str, library: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"transforms.sources.remote.{extra}", raising=False)
    allowed = AllowedSources(frozenset({parse(source).origin}))
    with pytest.raises(ExtraMissing, match=rf"pip install 'contact-import\[{extra}\]'"):
        resolve_address(source, SourceAccess(allowed))
