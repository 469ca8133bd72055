"""Files over SFTP, from servers with a known host key."""

import posixpath
import shutil
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, cast

import asyncssh
from fsspec.asyn import sync
from sshfs import SSHFileSystem

from schemas.errors.base import ContactImportError
from schemas.errors.source import InboxNotWritable, SourceNotFound, SourceUnavailable, SourceUnreadable
from transforms.sources.addresses import Address, AllowedSources
from transforms.sources.credentials import FetchOptions, secret
from transforms.sources.remote.base import FOLDER_IS_A_LINK, FileStamp, RemoteFile, RemoteServer, reason_of

_WRITE_BYTES = 1 << 18
_DENIED = (asyncssh.PermissionDenied, asyncssh.SFTPPermissionDenied, PermissionError)
_MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, FileNotFoundError)


def connect(address: Address, allowed: AllowedSources, options: FetchOptions) -> RemoteServer:
    """Log in to the server of an address."""
    return SftpServer(address, options)


def translate_error(error: Exception, source: str) -> ContactImportError | None:
    """The error as one of ours."""
    if isinstance(error, _MISSING):
        return SourceNotFound(source)
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return SourceUnreadable(source, "the server's host key is not the one in CONTACTS_KNOWN_HOSTS; check it")
    if isinstance(error, _DENIED):
        return SourceUnreadable(source, "the server refuses the login, or the login has no permission to read")
    if isinstance(error, IsADirectoryError | asyncssh.SFTPFileIsADirectory):
        return SourceUnreadable(source, "it is a folder")
    if isinstance(error, asyncssh.KeyImportError | asyncssh.KeyEncryptionError):
        return SourceUnreadable(source, "the private key of its login cannot be read, or its passphrase is wrong")
    if isinstance(error, asyncssh.Error | OSError):
        return SourceUnavailable(source, reason_of(error))
    return None


class SftpServer:
    """One server. Uses the key of the login, else the user's ssh keys, and a password if there is one."""

    def __init__(self, address: Address, options: FetchOptions) -> None:
        self._name, self._timeout = address.redacted(), options.timeout
        login = options.login(address.origin)
        connection: dict[str, Any] = {
            "port": address.port,
            "username": address.user or login.user,
            "password": secret(login.password),
            "passphrase": secret(login.passphrase),
            "known_hosts": _known_hosts(options.known_hosts),
            "config": None,  # not ~/.ssh/config: an address means the same for every user
            "connect_timeout": options.timeout,
            "login_timeout": options.timeout,
            "keepalive_interval": options.timeout / 3,
        }
        if key := _key(login.key_file, secret(login.private_key), secret(login.passphrase)):
            connection["client_keys"] = [key]
        wanted = {name: value for name, value in connection.items() if value is not None or name == "config"}
        self._files = SSHFileSystem(address.host, skip_instance_cache=True, timeout=None, **wanted)

    def stat(self, path: str) -> FileStamp:
        """The file as it is now."""
        found = self._files.info(path, timeout=self._timeout)
        if found["type"] == "directory":
            raise IsADirectoryError
        return _stamp(found)

    def open(self, path: str) -> RemoteFile:
        """The file as a stream whose reads have a time-out."""
        return _TimeoutStream(self._files.open(path, "rb"), self._timeout)

    def matches(self, pattern: str) -> dict[str, FileStamp]:
        """The files whose paths match; links are followed, and ignored if they lead to no file."""
        found: dict[str, Any] = self._files.glob(pattern, detail=True)
        stamps = {name: _stamp(each) for name, each in found.items() if each["type"] == "file"}
        for name in (name for name, each in found.items() if each["type"] == "link"):
            with suppress(FileNotFoundError, IsADirectoryError):
                stamps[name] = self.stat(name)
        return stamps

    def list_files(self, folder: str) -> dict[str, FileStamp]:
        """The files in a folder, without links."""
        found: list[dict[str, Any]] = self._files.ls(folder or ".", detail=True, timeout=self._timeout)
        return {posixpath.basename(each["name"]): _stamp(each) for each in found if each["type"] == "file"}

    def write(self, path: str, content: BinaryIO) -> None:
        """Write to a hidden file, and rename it."""
        self._make_folder_of(path)
        hidden = posixpath.join(posixpath.dirname(path), f".{token_hex(8)}.part")
        try:
            with self._files.open(hidden, "wb") as target:
                shutil.copyfileobj(content, target, _WRITE_BYTES)
            self._rename(hidden, path, replace=True)
        except BaseException:
            with suppress(Exception):
                self._files.rm_file(hidden)
            raise

    def move(self, path: str, target: str) -> None:
        """Rename the file."""
        self._make_folder_of(target)
        self._rename(path, target)

    def _make_folder_of(self, path: str) -> None:
        """Create the folder in the inbox; others may have put a link there."""
        folder = posixpath.dirname(path)

        async def is_link() -> bool:
            async with self._files._pool.get() as channel:
                return bool(await channel.islink(folder))

        if not folder:
            return
        if sync(self._files.loop, is_link, timeout=self._timeout):
            raise InboxNotWritable(self._name, FOLDER_IS_A_LINK)
        self._files.makedirs(folder, exist_ok=True)

    def _rename(self, path: str, target: str, *, replace: bool = False) -> None:
        """Rename a file; `mv` of sshfs would delete it where the server has no such rename."""

        async def rename() -> None:
            async with self._files._pool.get() as channel:
                if replace:
                    with suppress(asyncssh.SFTPNoSuchFile):
                        await channel.remove(target)
                try:
                    await channel.rename(path, target)
                except asyncssh.SFTPNoSuchFile as error:
                    raise FileNotFoundError(path) from error

        sync(self._files.loop, rename, timeout=self._timeout)

    def close(self) -> None:
        """Log out."""
        self._files._finalize(self._files.loop, self._files._pool, self._files._stack)


class _TimeoutStream:
    """A stream whose reads end after a time-out, with data or with an error."""

    def __init__(self, stream: Any, timeout: float) -> None:
        self._stream, self._timeout = stream, timeout

    def read(self, size: int) -> bytes:
        return cast(bytes, self._stream.read(size, timeout=self._timeout))

    def close(self) -> None:
        self._stream.close()


def _key(file: str | None, text: str | None, passphrase: str | None) -> Any:
    if text:
        return asyncssh.import_private_key(text, passphrase)
    try:
        return asyncssh.read_private_key(file, passphrase) if file else None
    except OSError as error:
        raise asyncssh.KeyImportError(reason_of(error)) from error


def _known_hosts(path: Path | None) -> str | tuple[()]:
    """The known-hosts file; `()` means the user's own, because sshfs without the option checks no host key."""
    if path and not path.is_file():
        raise asyncssh.HostKeyNotVerifiable("no known hosts")
    return str(path) if path else ()


def _stamp(found: dict[str, Any]) -> FileStamp:
    moment = found["mtime"]
    return FileStamp(found["size"], str(moment), modified_at=moment.timestamp() if moment else None)
