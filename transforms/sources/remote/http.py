"""Files of web servers; every request, including redirected ones, must go to an allowed server."""

from base64 import b64encode
from typing import Any, cast

import aiohttp
from fsspec.asyn import sync
from fsspec.implementations.http import HTTPFileSystem

from schemas.errors.base import ContactImportError
from schemas.errors.source import SourceNotFound, SourceUnavailable, SourceUnreadable
from transforms.sources.addresses import Address, AllowedSources, parse
from transforms.sources.credentials import FetchOptions, Login, secret
from transforms.sources.remote.base import FileStamp, RemoteFile, RemoteServer, reason_of

_UNCOMPRESSED = {"Accept-Encoding": "identity"}  # so that size and ETag are the file's own
_HEAD_REFUSED_STATUSES = (403, 405, 501)  # of servers that only answer GET, such as signed addresses
_RETRYABLE_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_DENIED = (401, 403, 407)
_MISSING_STATUSES = (404, 410)


def connect(address: Address, allowed: AllowedSources, options: FetchOptions) -> RemoteServer:
    """A session with one server, and with those it redirects to."""
    return WebServer(address, allowed, options)


def translate_error(error: Exception, source: str) -> ContactImportError | None:
    """The error as one of ours; its own text quotes the address."""
    if isinstance(error, aiohttp.ClientResponseError):
        return _error_for_status(error.status, source)
    if isinstance(error, FileNotFoundError):
        return SourceNotFound(source)
    if isinstance(error, aiohttp.ClientSSLError):
        return SourceUnreadable(source, "the server's certificate is not trusted, or its TLS is invalid")
    if isinstance(error, aiohttp.InvalidURL | aiohttp.RedirectClientError | aiohttp.TooManyRedirects):
        return SourceUnreadable(source, "the server redirects to an invalid address, or endlessly")
    if isinstance(error, aiohttp.ClientError | OSError):
        return SourceUnavailable(source, reason_of(error))
    return None


class WebServer:
    """Files of a web server, one request at a time."""

    def __init__(self, address: Address, allowed: AllowedSources, options: FetchOptions) -> None:
        async def guard(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            asked = parse(str(request.url))
            allowed.check(asked)
            if asked.origin == address.origin:
                request.headers.update(_authorization(options.login(asked.origin)))
            return await send(request)

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=options.timeout, sock_read=options.timeout)
        client_options = {"timeout": timeout, "middlewares": (guard,)}
        self._files = HTTPFileSystem(client_kwargs=client_options, encoded=True, skip_instance_cache=True)

    def stat(self, path: str) -> FileStamp:
        """From the headers of a HEAD request, or of a GET if the server refuses HEAD."""
        return cast(FileStamp, sync(self._files.loop, self._stat, path))

    async def _stat(self, path: str) -> FileStamp:
        session = await self._files.set_session()
        for method in ("HEAD", "GET"):
            async with session.request(method, self._files.encode_url(path), headers=_UNCOMPRESSED) as answer:
                if method == "HEAD" and answer.status in _HEAD_REFUSED_STATUSES:
                    continue
                answer.raise_for_status()
                return _stamp(answer)
        raise AssertionError  # the second answer either stands or raises

    def open(self, path: str) -> RemoteFile:
        """The file as one stream; with a size given, fsspec neither asks for it nor reads in ranges."""
        return cast(RemoteFile, self._files.open(path, "rb", block_size=0, size=1, headers=_UNCOMPRESSED))

    def matches(self, pattern: str) -> dict[str, FileStamp]:
        """Nothing: a web server cannot list files."""
        return {}

    def close(self) -> None:
        """Close the connections."""
        if session := self._files._session:
            sync(self._files.loop, session.close)


def _stamp(answer: aiohttp.ClientResponse) -> FileStamp:
    encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
    length = None if encoded else answer.headers.get("Content-Length")
    return FileStamp(int(length) if length else None, answer.headers.get("Last-Modified"), answer.headers.get("ETag"))


def _authorization(login: Login) -> dict[str, Any]:
    if login.token:
        return {"Authorization": f"Bearer {secret(login.token)}"}
    if login.user is not None:
        pair = f"{login.user}:{secret(login.password) or ''}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}


def _error_for_status(status: int, source: str) -> ContactImportError:
    if status in _MISSING_STATUSES:
        return SourceNotFound(source)
    if status in _DENIED:
        return SourceUnreadable(source, f"the server refuses the login (HTTP {status}); check CONTACTS_CREDENTIALS")
    if status in _RETRYABLE_STATUSES:
        return SourceUnavailable(source, f"the server answers HTTP {status}")
    return SourceUnreadable(source, f"the server answers HTTP {status}")
