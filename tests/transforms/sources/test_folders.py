"""Folders of people: what is listed, and that writing and moving never leave half a file."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.errors.base import ContactImportError
from schemas.errors.request import SourceAddressInvalid
from schemas.errors.source import InboxNotFound, InboxNotWritable
from transforms.sources.addresses import AllowedSources
from transforms.sources.credentials import FetchOptions
from transforms.sources.folders import Folder, parse_folder


def folder_at(path: Path) -> Folder:
    return Folder.open(parse_folder(str(path)), AllowedSources(), FetchOptions())


def test_the_same_folder_has_one_name_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to("in")
    monkeypatch.chdir(tmp_path)
    written = ["in", "in/", "./in", "link", str(tmp_path / "in")]
    assert {parse_folder(each).path for each in written} == {str(tmp_path / "in")}


@pytest.mark.parametrize(
    ("written", "name", "file"),
    [
        ("sftp://host/in", "sftp://host/in", "sftp://host/in/a.csv"),
        ("sftp://me@host:22/in/", "sftp://host/in", "sftp://host/in/a.csv"),
        ("sftp://host/~/in", "sftp://host/~/in", "sftp://host/~/in/a.csv"),
        ("sftp://host/~", "sftp://host/~/", "sftp://host/~/a.csv"),
        ("s3://bucket", "s3://bucket/", "s3://bucket/a.csv"),
        ("s3://bucket/in/", "s3://bucket/in", "s3://bucket/in/a.csv"),
    ],
)
def test_a_folder_and_its_files_have_addresses(written: str, name: str, file: str) -> None:
    address = parse_folder(written)
    folder = Folder.open(address, AllowedSources(frozenset({address.origin})), FetchOptions())
    assert (folder.name, folder.file_name("a.csv")) == (name, file)


@pytest.mark.parametrize("written", ["https://host/in", "sftp://host/*", "s3://b/{date}", "in/{date}", "ftp://host/in"])
def test_a_place_that_is_no_folder_is_refused_without_an_invented_file(written: str) -> None:
    with pytest.raises(SourceAddressInvalid) as caught:
        parse_folder(written)
    assert repr(written) in str(caught.value)


def test_files_are_listed_without_folders_and_links(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "outside.csv").write_text("x")
    (tmp_path / "in" / "link.csv").symlink_to(tmp_path / "outside.csv")
    (tmp_path / "in" / "a.csv").write_text("email")
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    assert list(folder_at(tmp_path / "in").files()) == ["a.csv"]


@pytest.mark.parametrize("make", [lambda _: None, lambda path: path.write_text("x")], ids=["missing", "a file"])
def test_a_place_that_is_no_folder_is_an_error(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "in")
    with pytest.raises(InboxNotFound, match="create it"):
        folder_at(tmp_path / "in").files()


def test_a_file_is_moved_only_if_it_is_still_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("one")
    folder = folder_at(tmp_path)
    stamp = folder.files()["a.csv"]
    path.write_text("another")
    folder.move("a.csv", stamp, "done/a-1.csv")
    assert path.read_text() == "another"
    folder.move("a.csv", folder.files()["a.csv"], "done/a-2.csv")
    folder.move("a.csv", stamp, "done/a-3.csv")  # it is gone, which is no error
    assert [str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.csv")] == ["done/a-2.csv"]


def test_a_file_that_is_half_written_has_no_name_that_anybody_sees(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            if self.tell():
                raise ContactImportError
            self.seek(1)
            assert [each.name for each in (tmp_path / "rejected").glob("[!.]*")] == []
            return b"half"

    with pytest.raises(ContactImportError):
        folder_at(tmp_path).write("rejected/a-1.csv", Broken())
    assert list((tmp_path / "rejected").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "rejected").write_text("")
    with pytest.raises(InboxNotWritable, match="Give the worker the right to write there"):
        folder_at(tmp_path).write("rejected/a-1.csv", io.BytesIO(b""))


@pytest.mark.parametrize("there", ["folder", "nothing"])
def test_a_folder_that_is_a_link_is_not_written_to(tmp_path: Path, there: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "in" / "done").symlink_to(tmp_path / there)
    (tmp_path / "in" / "a.csv").write_text("email")
    folder = folder_at(tmp_path / "in")
    with pytest.raises(InboxNotWritable):
        folder.write("done/a-1.csv", io.BytesIO(b""))
    with pytest.raises(InboxNotWritable):
        folder.move("a.csv", folder.files()["a.csv"], "done/a-1.csv")
    assert list((tmp_path / "folder").iterdir()) == []
    assert not (tmp_path / "nothing").exists()
    assert (tmp_path / "in" / "a.csv").exists()


def test_the_error_about_a_folder_says_that_it_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "rejected").symlink_to(tmp_path)
    with pytest.raises(InboxNotWritable, match="is a link"):
        folder_at(tmp_path).write("rejected/a-1.csv", io.BytesIO(b""))


def test_a_link_at_the_target_is_replaced(tmp_path: Path) -> None:
    inbox, outside = tmp_path / "in", tmp_path / "outside"
    (inbox / "done").mkdir(parents=True)
    outside.mkdir()
    (inbox / "done" / "a-1.csv").symlink_to(outside)
    (inbox / "a.csv").write_text("email")
    folder = folder_at(inbox)
    folder.move("a.csv", folder.files()["a.csv"], "done/a-1.csv")
    assert list(outside.iterdir()) == []
    assert (inbox / "done" / "a-1.csv").read_text() == "email"


def test_a_file_is_copied_to_another_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.rename

    def rename_on_one_disk(source: str, target: str, *, src_dir_fd: int | None = None, dst_dir_fd: int) -> None:
        if src_dir_fd is None:
            raise OSError(errno.EXDEV, "another disk")
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", rename_on_one_disk)
    (tmp_path / "a.csv").write_text("email")
    (tmp_path / "a.csv").chmod(0o600)
    folder = folder_at(tmp_path)
    folder.move("a.csv", folder.files()["a.csv"], "done/a-1.csv")
    assert [str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.*")] == ["done/a-1.csv"]
    copy = tmp_path / "done" / "a-1.csv"
    assert (copy.read_text(), copy.stat().st_mode & 0o777) == ("email", 0o600)
