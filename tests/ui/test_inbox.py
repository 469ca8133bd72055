"""In the Prefect UI: look at an inbox, read why a row was rejected, and put the corrected file back."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.pages import WAIT, box_titled, open_artifact, open_form, screenshot, submit_form
from tests.ui.prefect_site import CHECKOUT, PrefectSite

pytestmark = pytest.mark.ui

PEOPLE = "email,name,birthdate\nann@inbox.example.com,Ann,1990-12-31\nbob@inbox.example.com,Bob,31/12/1990\n"


@pytest.fixture
def inbox() -> Iterator[Path]:
    """A folder below the one in which the worker runs, so that the pictures show a short path."""
    folder = CHECKOUT / "shared-inbox"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def files_of(inbox: Path) -> list[str]:
    """The files of the folders, without the numbers of their imports."""
    return sorted(re.sub(r"-[0-9]+(?=\.)", "", path.relative_to(inbox).as_posix()) for path in inbox.rglob("*.*"))


def test_a_file_goes_through_the_inbox_and_its_corrected_rows_come_back(
    site: PrefectSite, page: Page, screenshots: Path, inbox: Path
) -> None:
    def look() -> tuple[str, str]:
        """Run the deployment; gives the number of the run and the message of its state."""
        open_form(site, page, "inbox", "Inbox")
        box_titled(page, "Inbox").locator("textarea").fill(inbox.name)
        run = submit_form(site, page, "inbox")
        return run["id"], run["state"]["message"]

    (inbox / "people.csv").write_text(PEOPLE)
    first, message = look()
    assert message == "1 file, 0 failed; 1 row rejected", site.log("worker")
    assert files_of(inbox) == ["done/people.csv", "rejected/people.csv"]

    open_artifact(site, page, first, "import-summary")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="The rejected rows").click(timeout=WAIT)
    for text in ("bob@inbox.example.com", "31/12/1990", "rejected/people-"):
        expect(opened.value.get_by_text(text).first).to_be_visible(timeout=WAIT)
    screenshot(opened.value, screenshots / "inbox.png", 1020, 420)

    (rejected,) = (inbox / "rejected").iterdir()
    corrected = rejected.read_text("utf-8-sig").replace("31/12/1990", "1990-12-31")
    (inbox / "corrected.csv").write_text(corrected, "utf-8")
    (inbox / "notes.txt").write_text("no columns here\n")
    second, message = look()
    assert message == "2 files, 1 failed; 0 rows rejected", site.log("worker")
    moved = ["done/corrected.csv", "done/people.csv", "failed/notes.txt", "failed/notes.txt.txt", "rejected/people.csv"]
    assert files_of(inbox) == moved
    open_artifact(site, page, second, "import-list")
    expect(page.get_by_text("retry of").first).to_be_visible(timeout=WAIT)
