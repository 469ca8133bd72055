"""Addresses of sources: how they are written, redacted, and allowed by the settings."""

import datetime
import fcntl
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import SplitResult, urlsplit

from schemas.errors.request import SourceAddressInvalid, SourceNotAllowed
from transforms.landing.archives import split_member

PORTS = {"https": 443, "http": 80, "sftp": 22, "s3": None}
STANDARD_INPUT = "-"  # as a local path; a file of this name is ./-
LISTING_SCHEMES = ("s3", "sftp")  # schemes of servers that can list files

_REMOTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_DATE = re.compile(r"\{date(?P<shift>[+-][0-9]{1,4})?(?::(?P<format>[^{}]*))?\}")
_FORMAT = re.compile(r"(?:[^%]|%[YymdjGVu%])*")  # digits only: names of months depend on the locale
_WILDCARD = re.compile(r"[*?]|\[[^\]]+\]")


@dataclass(frozen=True)
class Address:
    """The address of one file or one pattern of files; `scheme` is `file` for a local path.

    `path` is the name on its server: a local path, a key, or the whole URL of a web address.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    user: str | None = None
    member: str | None = None

    @property
    def is_local(self) -> bool:
        return self.scheme == "file"

    @property
    def is_standard_input(self) -> bool:
        return self.is_local and self.path == STANDARD_INPUT

    @property
    def is_pattern(self) -> bool:
        return (self.is_local or self.scheme in LISTING_SCHEMES) and bool(_WILDCARD.search(self.path))

    @property
    def origin(self) -> str:
        """Scheme and host, and the port if it is not the scheme's default, as in CONTACTS_ALLOWED_SOURCES."""
        port = "" if self.port in (None, PORTS.get(self.scheme)) else f":{self.port}"
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}{port}"

    def redacted(self) -> str:
        """The address without secrets."""
        path = self.path
        inside = f"!{self.member}" if self.member else ""
        if self.is_local:
            return path + inside
        if self.scheme in ("http", "https"):
            return redacted(path) + inside
        return f"{self.origin}{'' if path.startswith('/') else '/~/' if self.scheme == 'sftp' else '/'}{path}{inside}"


def redacted(source: str) -> str:
    """A source that may be shown and stored: without the query of a web address, without user and password.

    A password may contain `/` or `@`; then everything up to the last `@` is removed.
    """
    if (scheme := _REMOTE.match(source)) is None:
        return source
    rest = source[scheme.end() :]
    place = re.split(r"[/?#]", rest)[0]
    user, at, host = place.rpartition("@")
    if ":" in user or ("@" in rest and not re.fullmatch(r"(?:\[[^\]]*\]|[^:]*)(?::[0-9]*)?", host)):
        rest = rest.rpartition("@")[2]
    elif at:
        rest = rest[len(user) + 1 :]
    return scheme[0] + (rest if scheme[1].lower() in LISTING_SCHEMES else re.split(r"[?#]", rest)[0])


def fill_dates(source: str, day: Callable[[], datetime.date]) -> str:
    """Fill the date templates of a source: `{date}`, `{date:%Y%m%d}`, and `{date-1}` for the day before."""
    return _DATE.sub(lambda template: _format_date(template, source, day()), source)


def has_date(source: str) -> bool:
    """Whether a source has a date template."""
    return bool(_DATE.search(source))


def _format_date(template: re.Match[str], source: str, day: datetime.date) -> str:
    layout = template["format"] or "%Y-%m-%d"
    if not _FORMAT.fullmatch(layout):
        problem = "has a date template with an unknown directive; use %Y %y %m %d %j %G %V %u"
        raise SourceAddressInvalid(redacted(source), problem)
    try:
        return (day + datetime.timedelta(days=int(template["shift"] or 0))).strftime(layout)
    except OverflowError:
        raise SourceAddressInvalid(
            redacted(source), "has a date template of a day that does not exist; correct it"
        ) from None


def parse(source: str) -> Address:
    """Parse an address whose dates are filled in; the message of SourceAddressInvalid has no secret."""
    path, inside = split_member(source)
    if (scheme := _REMOTE.match(path)) is None:
        return Address("file", "", None, path, member=inside)
    if scheme[1].lower() not in PORTS:
        raise SourceAddressInvalid(redacted(source), "has an unknown scheme; use https, http, s3 or sftp")
    if re.search(r"[\x00-\x1f\x7f\\]", path):
        raise SourceAddressInvalid(redacted(source), "has a backslash or control character; rename the file")
    if " " in path and scheme[1].lower() in ("http", "https"):
        raise SourceAddressInvalid(redacted(source), "has a space; write %20 for it")
    if re.search(r"[?#]", inside or "") and scheme[1].lower() in ("http", "https"):
        raise SourceAddressInvalid(redacted(source), "has a query after the name in the archive; write it before the !")
    return _remote(path, inside)


def _remote(text: str, member: str | None) -> Address:
    is_url = text.lower().startswith("http")  # elsewhere a ? is a wild card, and a # part of a name
    plain = text if is_url else text.replace("?", "\x01").replace("#", "\x02")
    try:
        parts = urlsplit(plain)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SourceAddressInvalid(redacted(text), "has no valid host and port; correct them") from None
    if parts.password is not None or (parts.username is not None and parts.scheme != "sftp"):
        raise SourceAddressInvalid(redacted(text), "has a user or a password in it; put them into CONTACTS_CREDENTIALS")
    if not host or parts.path in ("", "/"):
        raise SourceAddressInvalid(redacted(text), "needs a host and a path, such as https://host/file.csv")
    address = Address(parts.scheme, host, port or PORTS[parts.scheme], _path(parts, text), parts.username, member)
    if not address.is_pattern and "*" in parts.path:
        raise SourceAddressInvalid(redacted(text), "has a *, but a web server cannot list files; write a date template")
    return address


def _path(parts: SplitResult, text: str) -> str:
    if parts.scheme in ("http", "https"):
        return text
    path = parts.path.replace("\x01", "?").replace("\x02", "#")
    if parts.scheme == "s3":
        return path.removeprefix("/")
    return path.removeprefix("/~/")  # relative to the login's own folder


def place(text: str) -> str:
    """Parse an entry of CONTACTS_ALLOWED_SOURCES, `scheme://host[:port]`, into the form of `Address.origin`."""
    parts = urlsplit(text.strip())
    if parts.scheme not in PORTS or not parts.hostname or parts.username or parts.path.strip("/") or parts.query:
        raise ValueError("no scheme and host")
    return Address(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], "").origin


@dataclass(frozen=True)
class AllowedSources:
    """What imports may read: local files, only in `folders` if there are any, and servers with these `places`."""

    places: frozenset[str] = frozenset()
    folders: tuple[Path, ...] = ()

    def check(self, address: Address) -> None:
        """SourceNotAllowed for a server that is not on the list; for local files see `open_local`."""
        if not address.is_local and address.origin not in self.places:
            raise SourceNotAllowed(address.redacted(), address.origin, "CONTACTS_ALLOWED_SOURCES")

    def check_local(self, path: Path, name: str) -> None:
        """SourceNotAllowed, with `name` in its message, for a path outside the folders, links followed."""
        real = path.resolve()
        if self.folders and not any(real.is_relative_to(folder) for folder in self.folders):
            raise SourceNotAllowed(name, "its folder", "CONTACTS_SOURCE_FOLDERS")

    def open_local(self, path: str) -> BinaryIO:
        """Open a local file, and check the file that is open: after a check by path, a link may be swapped in."""
        self.check_local(Path(path), path)  # first, because opening a pipe outside the folders would wait
        stream = Path(path).open("rb", buffering=0)  # noqa: SIM115 - the caller closes it
        try:
            if self.folders:
                self.check_local(_path_of(stream.fileno()), path)
        except BaseException:
            stream.close()
            raise
        return stream


def _path_of(descriptor: int) -> Path:
    """The path of an open file, from the kernel."""
    if macos_command := getattr(fcntl, "F_GETPATH", None):
        return Path(os.fsdecode(fcntl.fcntl(descriptor, macos_command, bytes(1024)).rstrip(b"\0")))
    return Path(f"/proc/self/fd/{descriptor}").readlink()
