"""The pages of the Prefect UI as a person uses them."""

import math
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect

from flows.config.request import ImportRequest
from tests.ui.prefect_site import Found, PrefectSite, wait_for

WAIT = 30_000
UNANSWERED_SECONDS = 25  # after which a button is pressed again
MENU = 256  # pixels
FORM = ImportRequest.model_json_schema()


def open_form(site: PrefectSite, page: Page, deployment: str = "import", first: str = "Source file") -> None:
    """Open the form of a deployment, and wait for its first field."""
    (found,) = site.post("deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
    page.goto(f"{site.address}/deployments/deployment/{found['id']}/run")
    expect(box_titled(page, first)).to_be_visible(timeout=WAIT)


def submit_form(site: PrefectSite, page: Page, deployment: str) -> dict[str, Any]:
    """Submit the open form, and wait for the end of the run."""
    before = {run["id"] for run in site.runs(deployment)}
    button = page.get_by_role("button", name="Submit")
    (run_id,) = press(button, lambda: {run["id"] for run in site.runs(deployment)} - before, "the run")
    return wait_for(lambda: site.ended(run_id), "the end of the run")


def box(page: Page, name: str) -> Locator:
    """The field of the form with the title of the parameter."""
    return box_titled(page, FORM["properties"][name]["title"])


def box_titled(page: Page, title_: str) -> Locator:
    """The field of the form with this title."""
    wanted = re.compile(rf"^\s*{re.escape(title_)}\s*(?:\(Optional\)\s*)?$")
    title = page.locator(".schema-form-property__label").filter(has_text=wanted)
    return page.locator(".schema-form-property", has=title).last


def the_form_explains(page: Page, name: str, schema: dict[str, Any]) -> None:
    part = box(page, name)
    shown = " ".join(part.inner_text().split())
    assert schema["title"] in shown, name
    assert " ".join(schema["description"].split()) in shown, name
    assert ("(Optional)" in shown) == (name not in FORM["required"]), name
    assert 'type "None"' not in shown, name
    choices = schema.get("anyOf", [{}])[0].get("enum", ())
    if "$ref" in schema:
        choices = FORM["$defs"][schema["$ref"].rsplit("/", 1)[1]]["enum"]
        assert part.locator(".p-select-button__value").inner_text() == schema["default"], name
    if choices:
        drop_down(page, part)
        for choice in choices:
            expect(page.get_by_role("option", name=choice, exact=True)).to_be_visible(timeout=WAIT)
        page.keyboard.press("Escape")


def the_form_refuses_to_go_without_a_file(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()
    expect(box(page, "source").get_by_text("'source' is a required property")).to_be_visible(timeout=WAIT)


def drop_down(page: Page, part: Locator) -> None:
    """By keyboard: a fast click would close the list that it opened."""
    part.locator("button.p-select-button__control").focus()
    page.keyboard.press("ArrowDown")


def choose(page: Page, name: str, choice: str) -> None:
    drop_down(page, box(page, name))
    page.get_by_role("option", name=choice, exact=True).click()
    expect(box(page, name).locator(".p-select-button__value")).to_have_text(choice, timeout=WAIT)


def open_artifact(site: PrefectSite, page: Page, run_id: str, key: str) -> None:
    """Through the page of the run, as a person would."""
    page.goto(f"{site.address}/runs/flow-run/{run_id}")
    page.get_by_text("Artifacts", exact=True).last.click(timeout=WAIT)
    page.locator("a[href*='/artifacts/artifact/']", has_text=key).first.click(timeout=WAIT)
    expect(page.locator("table").first).to_be_visible(timeout=WAIT)


def screenshot(page: Page, path: Path, width: int, height: int) -> None:
    """Save the page without its menu."""
    page.set_viewport_size({"width": MENU + width, "height": height})
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.wait_for_timeout(500)  # for the new layout
    page.screenshot(
        path=path,
        animations="disabled",
        style="*:not(input) { background-image: none !important }",
        clip={"x": MENU, "y": 0, "width": width, "height": height},
    )
    assert path.stat().st_size < 200_000, path.name


def press(button: Locator, found: Callable[[], Found | None], what: str) -> Found:
    """Press the button until `found` returns something, and return that.

    A busy server on SQLite answers 503 after twenty seconds. The page then shows a message that covers the button for
    more than a minute, so it is pressed by keyboard.
    """
    pressed = -math.inf

    def pressed_until_found() -> Found | None:
        nonlocal pressed
        if answer := found():
            return answer
        if time.monotonic() - pressed > UNANSWERED_SECONDS and button.is_visible():
            with suppress(TimeoutError):  # the press worked, and the button has gone
                button.press("Enter", timeout=UNANSWERED_SECONDS * 1_000)
            pressed = time.monotonic()
        return None

    return wait_for(pressed_until_found, what)
