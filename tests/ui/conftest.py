"""A real Prefect server and process worker, and a real browser, for the tests of what people see.

CONTACTS_TEST_CHROMIUM names the browser when it is not on the path; CONTACTS_TEST_SCREENSHOTS names a folder for the
screenshots, `docs/images` to renew those of the documentation.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.ui.prefect_site import PrefectSite

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ui: in a real browser, against a real Prefect server and worker")


@pytest.fixture(scope="session")
def chromium() -> str:
    found = os.environ.get("CONTACTS_TEST_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    return found or pytest.skip("NO CHROMIUM: install it, or name it in CONTACTS_TEST_CHROMIUM")


@pytest.fixture(scope="session")
def site() -> Iterator[PrefectSite]:
    """Server, worker and deployments."""
    with (
        tempfile.TemporaryDirectory(prefix="contacts-", ignore_cleanup_errors=True) as folder,
        PrefectSite.open(Path(folder)) as site,
    ):
        yield site


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("CONTACTS_TEST_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(chromium: str, site: PrefectSite) -> Iterator[Page]:
    """A page, signed in, that fails the test when anything on it requests something from another host."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
        page.set_default_timeout(30_000)
        page.add_init_script(
            f"if (location.origin === '{site.address}') localStorage['prefect-password'] = btoa('{site.password}')"
        )
        foreign: list[str] = []
        page.on("request", lambda request: foreign.append(request.url) if "//127.0.0.1" not in request.url else None)
        yield page
        newer = "/v2/" in page.url
        browser.close()
    # No setting keeps the newer UI from calling Amplitude.
    expected = r"data:|blob:|https://[\w.-]+\.amplitude\.com/" if newer else r"data:|blob:"
    assert [url for url in foreign if not re.match(expected, url)] == []
