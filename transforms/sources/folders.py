"""A folder of this machine or a server that people put files into: list its files, write there, and move them."""

import errno
import os
import posixpath
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, cast

from schemas.errors.request import SourceAddressInvalid
from schemas.errors.source import InboxNotFound, InboxNotWritable, SourceNotFound, SourceUnreadable
from transforms.sources.addresses import LISTING_SCHEMES, Address, AllowedSources, has_date, parse, redacted
from transforms.sources.credentials import FetchOptions
from transforms.sources.fetch import ResolvedSource, SourceAccess, ask_with_retries, connected, local_stamp
from transforms.sources.remote.base import FOLDER_IS_A_LINK, FileStamp, FolderServer, reason_of


def parse_folder(text: str) -> Address:
    """The address of a folder; SourceAddressInvalid if it is no folder whose files can be listed."""
    if has_date(text):
        raise SourceAddressInvalid(redacted(text), "has a date template, but an inbox is one folder; name that")
    if "://" not in text:
        return Address("file", "", None, os.path.realpath(text))
    try:
        file = parse(f"{text.rstrip('/')}/file")
    except SourceAddressInvalid as error:
        raise replace(error, source=redacted(text)) from None
    if file.scheme not in LISTING_SCHEMES:
        raise SourceAddressInvalid(redacted(text), "cannot be an inbox; use a folder, or an address of sftp or s3")
    if file.is_pattern or file.member:
        raise SourceAddressInvalid(redacted(text), "has a wild card or a '!', but an inbox is one folder; name that")
    return replace(file, path=posixpath.dirname(file.path))


@dataclass(frozen=True)
class Folder:
    """One folder, and how it is reached; `address.path` is its path."""

    address: Address
    access: SourceAccess

    @classmethod
    def open(cls, address: Address, allowed: AllowedSources, options: FetchOptions) -> "Folder":
        """Check that the settings allow the folder. Nothing outside it is read through its files."""
        allowed.check(address)
        if address.is_local:
            allowed.check_local(Path(address.path), address.path)
            allowed = replace(allowed, folders=(Path(address.path),))
        return cls(address, SourceAccess(allowed, options))

    @property
    def name(self) -> str:
        """The folder without secrets, the same for every worker."""
        return self.address.redacted()

    def file_name(self, name: str) -> str:
        """A file of the folder without secrets."""
        return self._file(name).redacted()

    def resolve(self, name: str, stamp: FileStamp) -> ResolvedSource:
        """A file as the source of an import."""
        return ResolvedSource(self._file(name), self.access, stamp)

    def files(self) -> dict[str, FileStamp]:
        """The files directly in the folder by their names, without links."""
        path = self.address.path
        try:
            if self.address.is_local:
                return _LocalFolders().list_files(path)
            return ask_with_retries(
                self.address, self.access, lambda server: cast(FolderServer, server).list_files(path)
            )
        except (SourceNotFound, FileNotFoundError, NotADirectoryError) as error:
            raise InboxNotFound(self.name) from error
        except OSError as error:
            raise SourceUnreadable(self.name, reason_of(error)) from error

    def write(self, name: str, content: BinaryIO) -> None:
        """Write a file as a whole; `name` may begin with the name of a folder in this one."""
        with self._writing(name) as server:
            server.write(self._file(name).path, content)

    def move(self, name: str, stamp: FileStamp, target: str) -> None:
        """Move a file inside the folder, unless it is gone or another file has its name now."""
        source = self._file(name)
        with self._writing(name) as server, suppress(FileNotFoundError):
            if server.stat(source.path).version == stamp.version:
                server.move(source.path, self._file(target).path)

    def _file(self, name: str) -> Address:
        return replace(self.address, path=posixpath.join(self.address.path, name))

    @contextmanager
    def _writing(self, name: str) -> Iterator[FolderServer]:
        address = self._file(name)
        try:
            if address.is_local:
                yield _LocalFolders()
            else:
                with connected(address, self.access) as server:
                    yield cast(FolderServer, server)
        except SourceUnreadable as error:
            raise InboxNotWritable(address.redacted(), "the login may not write there") from error
        except OSError as error:
            raise InboxNotWritable(address.redacted(), reason_of(error)) from error


class _LocalFolders:
    """The folders of this machine."""

    def list_files(self, folder: str) -> dict[str, FileStamp]:
        found = {}
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and (stamp := local_stamp(Path(entry.path))):
                    found[entry.name] = stamp
        return found

    def stat(self, path: str) -> FileStamp:
        if (stamp := local_stamp(Path(path))) is None:
            raise FileNotFoundError(path)
        return stamp

    def write(self, path: str, content: BinaryIO) -> None:
        """Write to a new hidden file, and rename it: a link of that name is replaced, not followed."""
        with _opened(Path(path).parent) as folder:
            _write(folder, Path(path).name, content)

    def move(self, path: str, target: str) -> None:
        """Rename the file; copy it where the target is on another disk."""
        with _opened(Path(target).parent) as folder:
            try:
                os.rename(path, Path(target).name, dst_dir_fd=folder)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as content:
                    _write(folder, Path(target).name, content, os.fstat(content.fileno()).st_mode & 0o666)
                Path(path).unlink()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor of a folder, made if it is missing. Whoever may write to the inbox may put a link there instead.

    The folder that is open stays the same one, even if a link takes its place.
    """
    path.mkdir(exist_ok=True)
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        if path.is_symlink():
            raise OSError(errno.ELOOP, FOLDER_IS_A_LINK) from None
        raise
    try:
        yield folder
    finally:
        os.close(folder)


def _write(folder: int, name: str, content: BinaryIO, mode: int = 0o666) -> None:
    hidden = f".{token_hex(8)}.part"
    try:
        with open(hidden, "xb", opener=partial(os.open, mode=mode, dir_fd=folder)) as target:
            shutil.copyfileobj(content, target)
        os.rename(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(hidden, dir_fd=folder)
        raise
