"""Markup in headers, values and names of files and segments is text in every artifact, in both Prefect UIs."""

import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.ui.pages import WAIT
from tests.ui.prefect_site import CHECKOUT, PrefectSite, wait_for

pytestmark = pytest.mark.ui

IMAGE = "![p](http://127.0.0.1:9/p.png)"
TAG = "<img src=http://127.0.0.1:9/x.png onerror=window.broken=1>"
SCRIPT = "<script>window.broken=1</script>"
LINK = "[l](javascript:window.broken=1)"
UIS = (pytest.param("", id="v1"), pytest.param("/v2", id="v2"))


@pytest.fixture(scope="module")
def artifacts(site: PrefectSite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The artifacts of an import and of a guided import, by key."""
    folder = tmp_path_factory.mktemp("hostile")
    header = f"a|b{SCRIPT}{LINK}"
    source = folder / f"`x` {IMAGE.replace('/', '_')} <b>.csv"
    source.write_text(f"Email,Name,{header},{IMAGE}\nann@example.com,{TAG}{LINK},1,2\n{TAG}{IMAGE},x,1,2\n")
    segment = f"{LINK}{TAG}"
    subprocess.run(
        [sys.executable, "-P", "-m", "flows.cli.main", "segments", "create", segment],
        cwd=CHECKOUT,
        env=site.environment,
        check=True,
        capture_output=True,
    )
    request = {"source": str(source), "segment": segment}
    ended = site.start("import", request)
    guided = site.start("guided-import", request)
    wait_for(lambda: site.ended(ended), "the end of the run")
    wait_for(lambda: site.waiting(guided), "the question about the columns")
    found = site.post("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [ended, guided]}}})
    return {each["key"]: each["id"] for each in found if each["key"]}


@pytest.mark.parametrize("ui", UIS)
@pytest.mark.parametrize("key", ["import-summary", "rejected-rows", "import-list", "import-columns"])
def test_markup_of_a_file_is_text(key: str, ui: str, site: PrefectSite, page: Page, artifacts: dict[str, str]) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(f"{site.address}{ui}/artifacts/artifact/{artifacts[key]}")
    expect(page.get_by_text(":9").first).to_be_visible(timeout=WAIT)
    if not ui and key == "import-summary":
        expect(page.get_by_text(f"a|b{SCRIPT}{LINK}").first).to_be_visible(timeout=WAIT)
    if not ui and key == "rejected-rows":
        expect(page.locator("td", has_text=f"{TAG}{IMAGE}").last).to_be_visible(timeout=WAIT)
    assert [url for url in requested if ":9/" in url] == []
    assert page.evaluate("window.broken") is None
    assert page.locator("a[href^='javascript:'], a[href*=':9/'], img[src*=':9/']").count() == 0
