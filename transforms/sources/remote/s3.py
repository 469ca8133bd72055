"""Objects of S3 and compatible servers."""

import errno
import shutil
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, NoCredentialsError, PartialCredentialsError
from fsspec.exceptions import FSTimeoutError
from s3fs import S3FileSystem

from schemas.errors.base import ContactImportError
from schemas.errors.source import SourceNotFound, SourceUnavailable, SourceUnreadable
from transforms.sources.addresses import Address, AllowedSources
from transforms.sources.credentials import FetchOptions, Login, secret
from transforms.sources.remote.base import FileStamp, RemoteFile, RemoteServer, reason_of

_RANGE = 8 << 20
_PERMANENT_ERRNOS = (
    errno.EINVAL,
    errno.EPERM,
    errno.ENOSYS,
)  # requests that S3 refuses permanently


def connect(address: Address, allowed: AllowedSources, options: FetchOptions) -> RemoteServer:
    """A client for one bucket; without a login, botocore uses the one of the AWS tools."""
    return Bucket(address, options)


def translate_error(error: Exception, source: str) -> ContactImportError | None:
    """The error as one of ours."""
    if isinstance(error, FileNotFoundError):
        return SourceNotFound(source)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return SourceUnreadable(source, "there is no login for it; add one to CONTACTS_CREDENTIALS")
    if isinstance(error, PermissionError):
        return SourceUnreadable(source, "the login is wrong or has no permission to read it")
    if isinstance(error, OSError) and error.errno in _PERMANENT_ERRNOS:
        return SourceUnreadable(source, "S3 refuses the request; check region, endpoint and bucket")
    if isinstance(error, IsADirectoryError):
        return SourceUnreadable(source, "it is a folder")
    if isinstance(error, BotoCoreError | FSTimeoutError | OSError):
        return SourceUnavailable(source, reason_of(error))
    return None


class Bucket:
    """One bucket. An object is read in ranges, which must all be of the same version."""

    def __init__(self, address: Address, options: FetchOptions) -> None:
        self._bucket = address.host
        login = options.login(address.origin)
        self._files = S3FileSystem(
            **_login(login),
            client_kwargs={"region_name": login.region} if login.region else {},
            config_kwargs={
                "connect_timeout": options.timeout,
                "read_timeout": options.timeout,
                "retries": {"total_max_attempts": 1},  # `fetch` tries again, from the start
            },
            default_block_size=_RANGE,
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        self._files.retries = 1

    def _name(self, path: str) -> str:
        return f"{self._bucket}/{path}"

    def stat(self, path: str) -> FileStamp:
        """The object as it is now."""
        found = self._files.info(self._name(path), refresh=True)
        if found["type"] != "file":
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        return _stamp(found)

    def open(self, path: str) -> RemoteFile:
        """The object, read in ranges; reading fails if it changes meanwhile."""
        return cast(RemoteFile, self._files.open(self._name(path), "rb", cache_type="readahead"))

    def matches(self, pattern: str) -> dict[str, FileStamp]:
        """The objects whose keys match."""
        found: dict[str, Any] = self._files.glob(self._name(pattern), detail=True)
        start = len(self._bucket) + 1
        return {name[start:]: _stamp(each) for name, each in found.items() if each["type"] == "file"}

    def list_files(self, folder: str) -> dict[str, FileStamp]:
        """The objects below a prefix, none of them deeper. An empty folder of an existing bucket does not exist."""
        try:
            found = self._files.ls(self._name(folder), detail=True, refresh=True)
        except FileNotFoundError:
            if not self._files.exists(self._bucket):
                raise
            return {}
        start = len(self._name(folder)) + 1 if folder else len(self._bucket) + 1
        return {each["name"][start:]: _stamp(each) for each in found if each["type"] == "file"}

    def write(self, path: str, content: BinaryIO) -> None:
        """Create an object; it exists once all of it is sent."""
        with self._files.open(self._name(path), "wb") as target:
            shutil.copyfileobj(content, target, _RANGE)

    def move(self, path: str, target: str) -> None:
        """Copy, then delete, unless the object was replaced meanwhile."""
        before = self.stat(path)
        self._files.cp_file(self._name(path), self._name(target))
        if self.stat(path) == before:
            self._files.rm_file(self._name(path))

    def close(self) -> None:
        """Nothing to do: the client closes its connections when it is garbage-collected."""


def _login(login: Login) -> dict[str, str]:
    named = {
        "key": login.access_key,
        "secret": secret(login.secret_key),
        "token": secret(login.session_token),
        "endpoint_url": login.endpoint,
    }
    return {name: value for name, value in named.items() if value}


def _stamp(found: dict[str, Any]) -> FileStamp:
    moment = found.get("LastModified") or None
    modified_at = moment.timestamp() if moment else None
    return FileStamp(found["size"], str(moment or ""), found.get("ETag") or None, modified_at=modified_at)
