"""Files of a web server: fetched completely or not at all, and only from allowed servers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.errors.base import ContactImportError
from schemas.errors.limits import SourceTooLarge
from schemas.errors.request import SourceAddressInvalid, SourceNotAllowed
from schemas.errors.source import SourceChanging, SourceNotFound, SourceUnavailable, SourceUnreadable
from tests.remote.conftest import FILE, content, reach
from tests.remote.web import Page, Site, basic
from tests.workbooks import book
from transforms.landing.land import Landed
from transforms.sources.credentials import Login
from transforms.sources.fetch import resolve_address

Fetch = Callable[..., Landed]


def test_a_file_is_fetched_whole_and_named_by_its_address_without_the_query(site: Site, fetch: Fetch) -> None:
    site.pages["/c.csv"] = Page(FILE, '"v1"')
    landed = fetch(f"{site.url}/c.csv?token=hush", reach(site.origin))
    assert (content(landed), landed.source, landed.etag) == (FILE, f"{site.url}/c.csv", '"v1"')


def test_a_sheet_of_a_remote_workbook_is_named_after_its_address(site: Site, fetch: Fetch) -> None:
    site.pages["/book.xlsx"] = Page(book({"Notes": [["x"]], "Sheet 2": [["email"], ["ana@example.com"]]}))
    landed = fetch(f"{site.url}/book.xlsx!Sheet 2", reach(site.origin))
    assert (content(landed), landed.is_sheet) == (b"email\r\nana@example.com\r\n", True)
    assert landed.source == f"{site.url}/book.xlsx!Sheet 2"


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(Page(FILE, head=False), id="no HEAD"),
        pytest.param(Page(FILE, length=False), id="no length told"),
        pytest.param(Page(FILE, troubles=["cut"]), id="cut off once"),
        pytest.param(Page(FILE, troubles=["503", "cut"]), id="busy, then cut off"),
        pytest.param(Page(FILE, troubles=["stall"]), id="silent for too long, once"),
    ],
)
def test_transient_errors_are_retried_from_the_start(site: Site, fetch: Fetch, page: Page) -> None:
    site.pages["/c.csv"] = page
    assert content(fetch(f"{site.url}/c.csv", reach(site.origin, timeout=0.5))) == FILE


@pytest.mark.parametrize(
    ("page", "error", "gets"),
    [
        pytest.param(Page(FILE, troubles=["cut"] * 9), SourceUnavailable, 3, id="cut off each time"),
        pytest.param(Page(FILE, troubles=["500"] * 9), SourceUnavailable, 3, id="broken each time"),
        pytest.param(Page(FILE, troubles=["403"] * 9), SourceUnreadable, 1, id="forbidden"),
        pytest.param(Page(FILE, login="Basic x"), SourceUnreadable, 0, id="another login is asked for"),
        pytest.param(Page(FILE, redirect="/c.csv"), SourceUnreadable, 0, id="redirected without end"),
    ],
)
def test_permanent_errors_are_raised_at_once_and_others_after_some_tries(
    site: Site, fetch: Fetch, page: Page, error: type[ContactImportError], gets: int
) -> None:
    site.pages["/c.csv"] = page
    with pytest.raises(error) as caught:
        fetch(f"{site.url}/c.csv?token=hush", reach(site.origin))
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert [line for line in site.log if line.startswith("GET")] == ["GET /c.csv"] * gets


def test_a_missing_file_and_an_unreachable_server_are_different_errors(site: Site) -> None:
    with pytest.raises(SourceNotFound):
        resolve_address(f"{site.url}/none.csv", reach(site.origin))
    with pytest.raises(SourceUnavailable, match="could not be fetched"):
        resolve_address("http://127.0.0.1:9/c.csv", reach("http://127.0.0.1:9"))


def test_a_server_that_is_not_allowed_is_not_contacted(site: Site, other_site: Site) -> None:
    other_site.pages["/c.csv"] = Page(FILE)
    with pytest.raises(SourceNotAllowed, match="CONTACTS_ALLOWED_SOURCES"):
        resolve_address(f"{other_site.url}/c.csv", reach(site.origin))
    assert other_site.log == []


@pytest.mark.parametrize("leads", ["{other}/c.csv", "http://localhost:{port}/c.csv", "file:///etc/passwd"])
def test_a_redirect_to_another_server_is_refused(site: Site, other_site: Site, leads: str) -> None:
    other_site.pages["/c.csv"] = Page(FILE)
    port = site.url.rpartition(":")[2]
    site.pages["/c.csv"] = Page(FILE, redirect=leads.format(other=other_site.url, port=port))
    with pytest.raises(SourceUnreadable if leads.startswith("file") else SourceNotAllowed):
        resolve_address(f"{site.url}/c.csv", reach(site.origin))
    assert other_site.log == []


def test_a_redirect_to_an_allowed_server_is_followed_without_the_login(
    site: Site, other_site: Site, fetch: Fetch
) -> None:
    other_site.pages["/real.csv"] = Page(FILE)
    site.pages["/c.csv"] = Page(FILE, redirect=f"{other_site.url}/real.csv")
    login = {site.origin: Login.model_validate({"token": "hush"})}
    assert content(fetch(f"{site.url}/c.csv", reach(site.origin, other_site.origin, logins=login))) == FILE
    assert set(site.logins) == {"Bearer hush"}
    assert set(other_site.logins) == {None}


def test_a_login_is_sent_to_its_own_server_only(site: Site, fetch: Fetch) -> None:
    site.pages["/c.csv"] = Page(FILE, login=basic("ana", "pass ñ"))
    login = {site.origin: Login.model_validate({"user": "ana", "password": "pass ñ"})}
    assert content(fetch(f"{site.url}/c.csv", reach(site.origin, logins=login))) == FILE


def test_a_larger_file_than_allowed_is_refused_whatever_its_length_says(site: Site, fetch: Fetch) -> None:
    for page in (Page(FILE), Page(FILE, length=False)):
        site.pages["/c.csv"] = page
        with pytest.raises(SourceTooLarge):
            fetch(f"{site.url}/c.csv", reach(site.origin, limit=len(FILE) - 1))
    assert content(fetch(f"{site.url}/c.csv", reach(site.origin, limit=len(FILE)))) == FILE


def test_a_file_that_exceeds_the_time_limit_is_an_error(site: Site, fetch: Fetch) -> None:
    site.pages["/c.csv"] = Page(FILE, troubles=["stall"])
    with pytest.raises(SourceUnreadable, match="longer than 1 seconds"):
        fetch(f"{site.url}/c.csv", reach(site.origin, time_limit=1.0))


def _grown(page: Page) -> None:
    page.content += b"new@example.com,New\n"
    page.etag = f'"{len(page.content)}"'


def test_a_file_that_changed_while_it_was_fetched_is_fetched_again(site: Site, fetch: Fetch) -> None:
    def once(page: Page) -> None:
        page.served = lambda page: None
        _grown(page)

    site.pages["/c.csv"] = Page(FILE, '"v1"', served=once)
    landed = fetch(f"{site.url}/c.csv", reach(site.origin))
    assert content(landed) == site.pages["/c.csv"].content != FILE
    assert landed.etag == site.pages["/c.csv"].etag


def test_a_file_that_changes_each_time_is_an_error(site: Site, fetch: Fetch) -> None:
    site.pages["/c.csv"] = Page(FILE, '"v1"', served=_grown)
    with pytest.raises(SourceChanging, match="3 times in a row"):
        fetch(f"{site.url}/c.csv", reach(site.origin))


def test_a_changing_etag_is_accepted_if_the_bytes_are_the_same(site: Site, fetch: Fetch) -> None:
    def relabel(page: Page) -> None:
        page.etag = f'"{site.sent}"'

    site.pages["/c.csv"] = Page(FILE, '"v1"', served=relabel)
    assert content(fetch(f"{site.url}/c.csv", reach(site.origin))) == FILE


def test_a_pattern_on_a_web_server_is_refused(site: Site) -> None:
    with pytest.raises(SourceAddressInvalid, match="cannot list files"):
        resolve_address(f"{site.url}/c-*.csv", reach(site.origin))


def test_an_archive_is_expanded_as_from_a_disk(site: Site, fetch: Fetch, tmp_path: Path) -> None:
    import zipfile

    packed = tmp_path / "c.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"email\n")
        archive.writestr("b.csv", FILE)
    site.pages["/c.zip"] = Page(packed.read_bytes())
    landed = fetch(f"{site.url}/c.zip!b.csv", reach(site.origin))
    assert (content(landed), landed.source) == (FILE, f"{site.url}/c.zip!b.csv")
