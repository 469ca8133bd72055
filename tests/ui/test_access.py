"""Who may call the server of `make ui`: the person with the password, from its own pages."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from playwright.sync_api import Page, expect

from tests.ui.pages import WAIT
from tests.ui.prefect_site import PrefectSite

pytestmark = pytest.mark.ui

READ_DEPLOYMENTS = """async ([url, password]) => {
    const headers = {"Content-Type": "application/json"}
    if (password) headers["Authorization"] = "Basic " + btoa(password)
    try {
        const answer = await fetch(url + "/api/deployments/filter", {method: "POST", headers, body: "{}"})
        return answer.status
    } catch (error) { return error.name }
}"""


class EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<p>elsewhere</p>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other_origin() -> Iterator[str]:
    """A web site on another port, which is another origin to the browser."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_ui_asks_for_the_password_and_then_shows_the_deployments(site: PrefectSite, page: Page) -> None:
    page.goto(f"{site.address}/deployments")
    expect(page.get_by_text("nightly-sync").first).to_be_visible(timeout=WAIT)
    anonymous = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
    anonymous.goto(f"{site.address}/deployments")
    anonymous.locator("input").first.fill(site.password, timeout=WAIT)
    anonymous.keyboard.press("Enter")
    expect(anonymous.get_by_text("nightly-sync").first).to_be_visible(timeout=WAIT)


def test_no_page_of_another_origin_may_call_the_server_even_with_the_password(
    site: PrefectSite, page: Page, other_origin: str
) -> None:
    page.goto(f"{site.address}/deployments")
    assert page.evaluate(READ_DEPLOYMENTS, [site.address, site.password]) == 200
    assert page.evaluate(READ_DEPLOYMENTS, [site.address, ""]) == 401
    page.goto(other_origin)
    assert page.evaluate(READ_DEPLOYMENTS, [site.address, site.password]) == "TypeError"
    assert page.evaluate(READ_DEPLOYMENTS, [site.address, ""]) == "TypeError"


def test_the_server_listens_on_this_machine_only_and_its_password_is_for_its_owner(site: PrefectSite) -> None:
    assert (site.folder / "prefect" / "auth-string").stat().st_mode & 0o777 == 0o600
    assert site.password in site.log("server")
    request = Request(f"{site.address}/api/deployments/filter", b"{}", {"Content-Type": "application/json"})
    with pytest.raises(HTTPError, match="401") as refused:
        build_opener(ProxyHandler({})).open(request)
    refused.value.close()
    port = int(site.address.rpartition(":")[2])
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {local for _, local, _, state, *_ in sockets if state == "0A" and local.endswith(f":{port:04X}")}
    assert listening == {f"0100007F:{port:04X}"}
