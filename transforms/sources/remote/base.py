"""The interface of remote servers; the library of a protocol is imported when a source needs it."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO, Protocol, cast

from schemas.errors.base import ContactImportError
from schemas.errors.request import ExtraMissing
from transforms.sources.addresses import Address, AllowedSources
from transforms.sources.credentials import FetchOptions

_REMOTE_KINDS = {
    "http": ("transforms.sources.remote.http", "http"),
    "https": ("transforms.sources.remote.http", "http"),
    "s3": ("transforms.sources.remote.s3", "s3"),
    "sftp": ("transforms.sources.remote.sftp", "sftp"),
}

FOLDER_IS_A_LINK = "its folder is a link, which is not followed"  # why a file is not written


@dataclass(frozen=True)
class FileStamp:
    """A file's metadata, to notice a change; None where the server does not say.

    `modified_at` is `modified` in seconds since 1970.
    """

    size: int | None = None
    modified: str | None = None
    etag: str | None = None
    inode: int | None = None
    modified_at: float | None = None

    @property
    def version(self) -> str:
        """Tells a file from another one of the same name. An ETag, where there is one, is as exact in every answer."""
        return f"{self.size} {self.etag or self.modified}"


class RemoteFile(Protocol):
    """An open remote file."""

    def read(self, size: int) -> bytes: ...

    def close(self) -> None: ...


class RemoteServer(Protocol):
    """One server, logged in."""

    def stat(self, path: str) -> FileStamp: ...

    def open(self, path: str) -> RemoteFile: ...

    def matches(self, pattern: str) -> dict[str, FileStamp]: ...

    def close(self) -> None: ...


class FolderServer(Protocol):
    """A server, or this machine, whose files can be listed, written and moved."""

    def list_files(self, folder: str) -> dict[str, FileStamp]:
        """The files in a folder by their names; no links, which may lead to a file that its author may not read."""

    def stat(self, path: str) -> FileStamp: ...

    def write(self, path: str, content: BinaryIO) -> None:
        """Create a file, and its folder; nobody sees half of it."""

    def move(self, path: str, target: str) -> None:
        """Move a file, and create the folder of the target."""


class RemoteKind(Protocol):
    """A protocol's module: how to connect, and our error for one of its library, None for any other exception."""

    def connect(self, address: Address, allowed: AllowedSources, options: FetchOptions) -> RemoteServer: ...

    def translate_error(self, error: Exception, source: str) -> ContactImportError | None: ...


def kind_of(address: Address) -> RemoteKind:
    """The protocol's module for an address; ExtraMissing if its library is not installed."""
    module, extra = _REMOTE_KINDS[address.scheme]
    try:
        return cast(RemoteKind, import_module(module))
    except ImportError as error:
        raise ExtraMissing(address.redacted(), extra) from error


def reason_of(error: BaseException) -> str:
    """The message of an operating system's error, else the error's type: a library's text may quote an address."""
    text: Any = getattr(error, "strerror", None)
    return text if isinstance(text, str) and text and "://" not in text else type(error).__name__
