"""Places on other machines, all in one form; each kind's library is loaded when a source lies there, not before."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

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


@dataclass(frozen=True)
class FileStamp:
    """What a place says of a file without handing it over; two that differ are two files."""

    size: int | None = None
    modified: str | None = None
    etag: str | None = None
    inode: int | None = None


class RemoteFile(Protocol):
    """A file that is being fetched."""

    def read(self, size: int) -> bytes: ...

    def close(self) -> None: ...


class RemotePlace(Protocol):
    """One place, logged in to."""

    def stat(self, path: str) -> FileStamp: ...

    def open(self, path: str) -> RemoteFile: ...

    def matches(self, pattern: str) -> dict[str, FileStamp]: ...

    def close(self) -> None: ...


class RemoteKind(Protocol):
    """A kind of place: how to connect, and what the errors of its library mean; None for one that is no such error."""

    def connect(self, address: Address, allowed: AllowedSources, access: FetchOptions) -> RemotePlace: ...

    def translate_error(self, error: Exception, source: str) -> ContactImportError | None: ...


def kind_of(address: Address) -> RemoteKind:
    """The kind of place that an address is in; ExtraMissing where its library is not installed."""
    module, extra = _REMOTE_KINDS[address.scheme]
    try:
        return cast(RemoteKind, import_module(module))
    except ImportError as error:
        raise ExtraMissing(address.redacted(), extra) from error


def reason_of(error: BaseException) -> str:
    """What an operating system's error says, or else the error's type: a library's text may quote an address."""
    text: Any = getattr(error, "strerror", None)
    return text if isinstance(text, str) and text and "://" not in text else type(error).__name__
