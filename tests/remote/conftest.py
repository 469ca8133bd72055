"""Real servers on loopback, and the settings for them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.remote.sftp import SshServer, ssh_server
from tests.remote.web import Site, web_site
from transforms.landing.land import Landed, land
from transforms.sources import fetch as sources
from transforms.sources.addresses import AllowedSources, place
from transforms.sources.credentials import FetchOptions, Login
from transforms.sources.fetch import ResolvedSource, SourceAccess, land_unchanged, resolve_address
from transforms.work_folder import ImportFolder

FILE = b"email,name\n" + b"".join(b"user%d@example.com,User %d\n" % (n, n) for n in range(3000))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a pause."""
    monkeypatch.setattr(sources, "FIRST_RETRY_SECONDS", 0.001)


@pytest.fixture
def site() -> Iterator[Site]:
    with web_site() as served:
        yield served


@pytest.fixture
def other_site() -> Iterator[Site]:
    with web_site() as served:
        yield served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh")) as running:
        yield running


def reach(*places: str, logins: dict[str, Login] | None = None, **access: Any) -> SourceAccess:
    """Access to these servers, with a short time-out."""
    allowed = AllowedSources(frozenset(place(each) for each in places))
    return SourceAccess(allowed, FetchOptions(logins=logins or {}, **{"timeout": 5.0, "tries": 3, **access}))


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., Landed]:
    """Resolve and land an address, as an import does."""

    def run(source: str, within: SourceAccess) -> Landed:
        return land_found(resolve_address(source, within), tmp_path)

    return run


def land_found(found: ResolvedSource, folder: Path) -> Landed:
    return land_unchanged(found, lambda blocks: land(found.redacted, ImportFolder.local(folder), blocks=blocks))


def content(landed: Landed) -> bytes:
    return Path(landed.path).read_bytes()
