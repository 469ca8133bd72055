"""The pages of the Prefect UI as a person uses them."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect

from flows.config.request import ImportRequest
from tests.ui.house import Found, PrefectHouse, wait_for

WAIT = 30_000
UNHEARD = 25  # seconds in which nothing came of a press
MENU = 256  # pixels
FORM = ImportRequest.model_json_schema()


def open_form(house: PrefectHouse, page: Page) -> None:
    (deployment,) = house.ask("deployments/filter", {"deployments": {"name": {"any_": ["import"]}}})
    page.goto(f"{house.address}/deployments/deployment/{deployment['id']}/run")
    expect(box(page, "source").locator("textarea")).to_be_visible(timeout=WAIT)


def box(page: Page, name: str) -> Locator:
    """The innermost part of the form that has the parameter's title on it."""
    title = page.locator(".schema-form-property__label").get_by_text(FORM["properties"][name]["title"])
    return page.locator(".schema-form-property", has=title).last


def the_form_explains(page: Page, name: str, schema: dict[str, Any]) -> None:
    part = box(page, name)
    shown = " ".join(part.inner_text().split())
    assert schema["title"] in shown, name
    assert " ".join(schema["description"].split()) in shown, name
    assert ("(Optional)" in shown) == (name not in FORM["required"]), name
    assert 'type "None"' not in shown, name
    if "$ref" in schema:
        choices = FORM["$defs"][schema["$ref"].rsplit("/", 1)[1]]["enum"]
        assert part.locator(".p-select-button__value").inner_text() == schema["default"], name
        drop_down(page, part)
        for choice in choices:
            expect(page.get_by_role("option", name=choice, exact=True)).to_be_visible(timeout=WAIT)
        page.keyboard.press("Escape")


def the_form_refuses_to_go_without_a_file(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()
    expect(box(page, "source").get_by_text("'source' is a required property")).to_be_visible(timeout=WAIT)


def drop_down(page: Page, part: Locator) -> None:
    """With the keyboard: a click as fast as a test's closes again what it has opened."""
    part.locator("button.p-select-button__control").focus()
    page.keyboard.press("ArrowDown")


def choose(page: Page, name: str, choice: str) -> None:
    drop_down(page, box(page, name))
    page.get_by_role("option", name=choice, exact=True).click()
    expect(box(page, name).locator(".p-select-button__value")).to_have_text(choice, timeout=WAIT)


def open_artifact(house: PrefectHouse, page: Page, run_id: str, key: str) -> None:
    """By the run's page, as a person would."""
    page.goto(f"{house.address}/runs/flow-run/{run_id}")
    page.get_by_text("Artifacts", exact=True).last.click(timeout=WAIT)
    page.locator("a[href*='/artifacts/artifact/']", has_text=key).first.click(timeout=WAIT)
    expect(page.locator("table").first).to_be_visible(timeout=WAIT)


def shot(page: Page, path: Path, width: int, height: int) -> None:
    """The content without the menu beside it, of which the menu's width is known."""
    page.set_viewport_size({"width": MENU + width, "height": height})
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.wait_for_timeout(500)  # the content takes its new width
    page.screenshot(
        path=path,
        animations="disabled",
        style="*:not(input) { background-image: none !important }",
        clip={"x": MENU, "y": 0, "width": width, "height": height},
    )
    assert path.stat().st_size < 200_000, path.name


def press(button: Locator, found: Callable[[], Found | None], what: str) -> Found:
    """Press until it is heard, and give what comes of it.

    A busy server on SQLite says 503 after twenty seconds, and the page shows that in a toast which lies over the button
    for more than a minute, where the mouse is. With the keyboard it is pressed all the same.
    """
    pressed = -math.inf

    def heard() -> Found | None:
        nonlocal pressed
        if answer := found():
            return answer
        if time.monotonic() - pressed > UNHEARD and button.is_visible():
            with suppress(TimeoutError):  # it was heard after all, and the button went away
                button.press("Enter", timeout=UNHEARD * 1_000)
            pressed = time.monotonic()
        return None

    return wait_for(heard, what)
