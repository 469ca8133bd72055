"""A real Prefect server and process worker, and a real browser, for the tests of what people see.

CONTACTS_TEST_CHROMIUM names the browser when it is not on the path; CONTACTS_TEST_SCREENSHOTS names a folder for the
screenshots, `docs/images` to renew those of the documentation.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.ui.house import PrefectHouse

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
def house(chromium: str) -> Iterator[PrefectHouse]:
    """Server, worker and deployments; not started for nothing where there is no browser."""
    with (
        tempfile.TemporaryDirectory(prefix="contacts-", ignore_cleanup_errors=True) as folder,
        PrefectHouse.open(Path(folder)) as house,
    ):
        yield house


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("CONTACTS_TEST_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(chromium: str, house: PrefectHouse) -> Iterator[Page]:
    """A page, signed in, that fails the test when anything on it requests something from another host."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
        page.set_default_timeout(30_000)
        page.add_init_script(
            f"if (location.origin === '{house.address}') localStorage['prefect-password'] = btoa('{house.password}')"
        )
        strangers: list[str] = []
        page.on("request", lambda asked: strangers.append(asked.url) if "//127.0.0.1" not in asked.url else None)
        yield page
        browser.close()
    assert [url for url in strangers if not url.startswith(("data:", "blob:"))] == []
