"""In the Prefect UI: plan an import, import exactly that, and undo it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.pages import WAIT, box, box_titled, choose, open_artifact, open_form, screenshot, submit_form
from tests.ui.prefect_site import CHECKOUT, PrefectSite, wait_for

pytestmark = pytest.mark.ui

STATUS = "newsletter_subscription_status"
CITIES = ("Girona", "Reus", "Vic", "Olot", "Salt", "Blanes")


def people(day: str, status: str, count: int = 40) -> str:
    rows = (
        f"p{number}@plan.example.com,Person {number},{CITIES[(number + len(day)) % 6]},{status}\n"
        for number in range(count)
    )
    return f"email,name,city,{STATUS}\n" + "".join(rows)


@pytest.fixture
def exports() -> Iterator[Path]:
    """A folder below the one in which the worker runs, so that the pictures show a short path."""
    folder = Path("exports", "test")
    (CHECKOUT / folder).mkdir(parents=True)
    yield folder
    shutil.rmtree(CHECKOUT / folder)


def test_a_plan_is_read_then_merged_exactly_and_undone(
    site: PrefectSite, page: Page, screenshots: Path, exports: Path
) -> None:
    first, second = exports / "monday.csv", exports / "tuesday.csv"
    (CHECKOUT / first).write_text(people("monday", "subscribed", 36))
    (CHECKOUT / second).write_text(people("tuesday", "none", 12) + people("", "unsubscribed").split("\n", 13)[13])
    run_id = site.start("import", {"source": str(first)})
    assert wait_for(lambda: site.ended(run_id), "the end of the run")["state_type"] == "COMPLETED"

    def fill(deployment: str) -> None:
        open_form(site, page, deployment)
        box(page, "source").locator("textarea").fill(str(second))
        choose(page, "merge", "overwrite")

    fill("plan")
    planned = submit_form(site, page, "plan")
    assert planned["state"]["message"].startswith("40 of 40 valid, 0 rejected; would be 4 inserted"), site.log("worker")
    open_artifact(site, page, planned["id"], "import-plan")
    text = page.locator("main, .artifact, body").first.inner_text()
    assert "Most frequent changes of options" in text
    assert "weaker than the stored one in 12 cells" in text
    digest = text[text.index("sha256:") :].split()[0]
    screenshot(page, screenshots / "plan.png", 1020, 1250)

    fill("import")
    box(page, "plan").locator("textarea, input").first.fill(digest)
    merged = submit_form(site, page, "import")
    assert merged["state"]["message"].startswith("40 of 40 in, 0 rejected; 4 inserted"), site.log("worker")
    fill("import")
    box(page, "plan").locator("textarea, input").first.fill(digest)
    again = submit_form(site, page, "import")
    assert again["state"]["message"].startswith("plan-outdated: "), site.log("worker")

    open_artifact(site, page, merged["id"], "import-list")
    rows = page.locator("tbody tr").filter(has_text="completed").filter(has_text="tuesday.csv")
    number = rows.first.locator("td").first.inner_text()
    open_form(site, page, "undo", "Import")
    box_titled(page, "Import").locator("input").fill(number)
    undone = submit_form(site, page, "undo")
    assert undone["state"]["message"].startswith(f"import {number}: "), site.log("worker")
    open_artifact(site, page, undone["id"], "undo-summary")
    expect(page.get_by_text(f"Undo of import {number}").first).to_be_visible(timeout=WAIT)
    screenshot(page, screenshots / "undo.png", 1020, 720)
