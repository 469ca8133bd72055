"""Objects of an S3 server: moto, over HTTP on loopback."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from schemas.errors.base import ContactImportError
from schemas.errors.limits import SourceTooLarge
from schemas.errors.source import SourceChanging, SourceNotFound, SourceUnavailable, SourceUnreadable
from tests.remote.conftest import FILE, content, land_found, reach
from tests.remote.s3 import open_bucket
from transforms.landing.land import Landed
from transforms.sources import fetch as sources
from transforms.sources.credentials import Login
from transforms.sources.fetch import SourceAccess, resolve_address

Fetch = Callable[..., Landed]
KEYS = {"access_key": "key", "secret_key": "secret", "region": "us-east-1"}


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket `exports`, with a client of its own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with open_bucket(s3_server, "exports") as files:
        yield files


def within(s3_server: str, login: dict[str, Any] | None = None, **access: Any) -> SourceAccess:
    told = {"endpoint": s3_server, **KEYS} if login is None else login
    return reach("s3://exports", logins={"s3://exports": Login.model_validate(told)}, **access)


def test_an_object_is_fetched_with_its_etag(s3_server: str, bucket: Any, fetch: Fetch) -> None:
    bucket.pipe("exports/in/c.csv", FILE)
    landed = fetch("s3://exports/in/c.csv", within(s3_server))
    assert (content(landed), landed.source) == (FILE, "s3://exports/in/c.csv")
    assert landed.etag == bucket.info("exports/in/c.csv")["ETag"]


def test_an_object_of_many_ranges_is_whole(s3_server: str, bucket: Any, fetch: Fetch) -> None:
    large = FILE * 200  # 17 MB, three ranges
    bucket.pipe("exports/c.csv", large)
    assert content(fetch("s3://exports/c.csv", within(s3_server))) == large


def test_the_last_by_name_of_equally_new_matches_is_taken(s3_server: str, bucket: Any, fetch: Fetch) -> None:
    for name in ("c-1.csv", "c-3.csv", "c-2.csv", "d-9.csv", "c-dir/c-9.csv"):
        bucket.pipe(f"exports/in/{name}", name.encode())
    found = resolve_address("s3://exports/in/c-*.csv", within(s3_server))
    assert (found.address.path, found.matches) == (max(_newest(bucket)), 3)


def _newest(bucket: Any) -> list[str]:
    names = [f"in/c-{number}.csv" for number in (1, 2, 3)]
    times = {name: bucket.info(f"exports/{name}")["LastModified"] for name in names}
    return [name for name in names if times[name] == max(times.values())]


@pytest.mark.parametrize(
    ("address", "error"),
    [
        pytest.param("s3://exports/none.csv", SourceNotFound, id="no such object"),
        pytest.param("s3://exports/none-*.csv", SourceNotFound, id="no match"),
        pytest.param("s3://exports/in", SourceUnreadable, id="a folder"),
    ],
)
def test_a_missing_object_or_bucket_is_an_error(
    s3_server: str, bucket: Any, address: str, error: type[ContactImportError]
) -> None:
    bucket.pipe("exports/in/c.csv", FILE)
    with pytest.raises(error):
        resolve_address(address, within(s3_server))


def test_a_missing_login_is_an_error_without_a_retry(
    s3_server: str, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(SourceUnreadable, match="there is no login for it"):
        resolve_address("s3://exports/c.csv", within(s3_server, {"endpoint": s3_server, "region": "us-east-1"}))


def test_an_unreachable_server_is_an_error(bucket: Any) -> None:
    with pytest.raises(SourceUnavailable):
        resolve_address("s3://exports/c.csv", within("http://127.0.0.1:9", tries=2))


def test_a_larger_object_than_allowed_is_refused(s3_server: str, bucket: Any, fetch: Fetch) -> None:
    bucket.pipe("exports/c.csv", FILE)
    with pytest.raises(SourceTooLarge):
        fetch("s3://exports/c.csv", within(s3_server, limit=1024))


def test_an_object_that_changes_between_two_ranges_is_fetched_again(
    s3_server: str, bucket: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = FILE * 150
    bucket.pipe("exports/c.csv", large)
    found = resolve_address("s3://exports/c.csv", within(s3_server))
    limit_source = sources._limit_source

    def changing(times: int) -> Callable[..., Iterator[bytes]]:
        left = iter(range(times))

        def blocks(given: Iterator[bytes], *more: Any) -> Iterator[bytes]:
            for number, block in enumerate(limit_source(given, *more)):
                if number == 1 and next(left, None) is not None:
                    bucket.pipe("exports/c.csv", large[: -next(left, 9)] + b"\n")
                yield block

        return blocks

    monkeypatch.setattr(sources, "_limit_source", changing(1))
    assert content(land_found(found, tmp_path)) == large[:-9] + b"\n"
    monkeypatch.setattr(sources, "_limit_source", changing(99))
    with pytest.raises((SourceChanging, SourceUnavailable)):
        land_found(found, tmp_path)
