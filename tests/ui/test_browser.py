"""In the Prefect UI: fill in the form, run an import, read its artifacts. Takes about a minute."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from flows.publishing.charts import CHART_WIDTH
from tests.ui.pages import (
    FORM,
    WAIT,
    box,
    choose,
    open_artifact,
    open_form,
    screenshot,
    submit_form,
    the_form_explains,
    the_form_refuses_to_go_without_a_file,
)
from tests.ui.prefect_site import CHECKOUT, PrefectSite

pytestmark = pytest.mark.ui

THREE_IMPORTS = """\
import contextlib, io, json, pathlib, sys
from flows.cli.main import main

folder = pathlib.Path(sys.argv[1])
output = io.StringIO()
with contextlib.redirect_stdout(output):
    main(["import", str(folder / "contacts-monday.csv"), "--json"])
report = json.loads(output.getvalue())
rejected = pathlib.Path(report["rejected_file"]).read_text("utf-8-sig")
(folder / "corrected.csv").write_text(rejected.replace("bad one", "cid@monday.example.com"))
print(output.getvalue(), end="", flush=True)
main(["import", str(folder / "corrected.csv"), "--retry-of", str(report["import_id"]), "--json"])
main(["import", str(folder / "contacts-tuesday.csv"), "--json"])
"""


def test_an_import_from_the_form_to_the_rejected_rows(site: PrefectSite, page: Page, screenshots: Path) -> None:
    open_form(site, page)
    for name, schema in FORM["properties"].items():
        the_form_explains(page, name, schema)
    the_form_refuses_to_go_without_a_file(page)
    open_form(site, page)
    box(page, "source").locator("textarea").fill("data/contacts.csv")
    choose(page, "merge", "overwrite")
    box(page, "source").scroll_into_view_if_needed()
    screenshot(page, screenshots / "import-form.png", 900, 1800)

    run = submit_form(site, page, "import")
    run_id = run["id"]
    assert run["state_type"] == "COMPLETED", site.log("worker")
    assert run["parameters"]["request"]["merge"] == "overwrite"
    assert run["state"]["message"].startswith(
        "944 of 1,000 in, 56 rejected, 1 column left out (last_purchase); 944 inserted"
    )

    open_artifact(site, page, run_id, "import-summary")
    text = page.locator("main, .artifact, body").first.inner_text()
    assert text.index("Reasons for 56 rejected rows") < text.index("phone-invalid") < text.index("row-bad-quoting")
    assert "Last purchase: 60 empty cells, in records 14, 19" in text
    assert "Loyalty card: the catalogue has no field of this name" in text
    picture = page.get_by_alt_text("Of 1,000 rows: 944 inserted, 56 rejected")
    assert picture.evaluate("each => each.complete && each.naturalWidth") == CHART_WIDTH
    screenshot(page, screenshots / "run-summary.png", 1020, 1000)

    open_artifact(site, page, run_id, "rejected-rows")
    expect(page.get_by_text("62 reasons in 56 rejected rows.")).to_be_visible(timeout=WAIT)
    headings = page.locator("th").all_inner_texts()
    assert headings == ["record", "line", "email", "column", "reason", "message", "value"]
    assert page.locator("tbody td:nth-child(5)").first.inner_text() == "date-invalid"
    page.get_by_placeholder("Search").fill("decimal-invalid")
    expect(page.get_by_text("'18,00' is not written with a decimal point alone; write 18")).to_be_visible(timeout=WAIT)
    page.get_by_placeholder("Search").fill("phone-has-spaces")
    expect(page.locator("tbody tr")).to_have_count(6, timeout=WAIT)
    page.get_by_placeholder("Search").fill("")
    screenshot(page, screenshots / "rejected-rows.png", 1020, 700)


def test_the_import_list_leads_to_the_runs(site: PrefectSite, page: Page, screenshots: Path, tmp_path: Path) -> None:
    """Three imports: a file, its partly corrected rejected rows, and a file that does not exist."""
    source, corrected = tmp_path / "contacts-monday.csv", tmp_path / "corrected.csv"
    source.write_text("email,points\nann@monday.example.com,1\nbad one,2\nbad two,3\nbob@monday.example.com,4\n")
    output = subprocess.check_output(
        (sys.executable, "-P", "-c", THREE_IMPORTS, tmp_path), cwd=CHECKOUT, env=site.environment, timeout=90
    )
    numbers = [json.loads(line)["import_id"] for line in output.splitlines()]

    first, _, last = (run_of(site, name) for name in ("contacts-monday.csv", corrected.name, "contacts-tuesday.csv"))
    open_artifact(site, page, last, "import-list")
    rows = [[cell.strip() for cell in row.inner_text().split("\t")] for row in page.locator("tbody tr").all()[:3]]
    assert [row[:9] for row in rows] == [
        [str(numbers[2]), "failed, source-not-found", "contacts-tuesday.csv", *[""] * 6],
        [str(numbers[1]), f"completed, retry of {numbers[0]}", "corrected.csv", "2", "1", "1", "", "1", "0"],
        [str(numbers[0]), "completed", "contacts-monday.csv", "4", "2", "2", "1", "2", "0"],
    ]
    screenshot(page, screenshots / "import-list.png", 1300, 400)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=str(numbers[0]), exact=True).click()
    assert opened.value.url.endswith(f"/runs/flow-run/{first}")
    expect(opened.value.get_by_text("import contacts-monday.csv").first).to_be_visible(timeout=WAIT)


def run_of(site: PrefectSite, file: str) -> str:
    """The run that imported a file."""
    [run] = site.post("flow_runs/filter", {"flow_runs": {"name": {"any_": [f"import {file}"]}}})
    return str(run["id"])
