"""What people do in the Prefect UI: fill the form, run the import, read its artifacts. Takes about a minute."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from flows.picture import WIDTH
from flows.request import ImportRequest
from tests.ui.house import CHECKOUT, PrefectHouse, wait_for

pytestmark = [pytest.mark.ui, pytest.mark.xdist_group("ui")]  # the group keeps it to one server

WAIT = 30_000
MENU = 256  # pixels
THREE_IMPORTS = """\
import contextlib, io, json, pathlib, sys
from flows.cli import main

folder = pathlib.Path(sys.argv[1])
told = io.StringIO()
with contextlib.redirect_stdout(told):
    main(["import", str(folder / "contacts-monday.csv"), "--json"])
report = json.loads(told.getvalue())
rejected = pathlib.Path(report["rejected_file"]).read_text("utf-8-sig")
(folder / "mended.csv").write_text(rejected.replace("bad one", "cid@example.com"))
print(told.getvalue(), end="", flush=True)
main(["import", str(folder / "mended.csv"), "--retry-of", str(report["import_id"]), "--json"])
main(["import", str(folder / "contacts-tuesday.csv"), "--json"])
"""
FORM = ImportRequest.model_json_schema()


def test_an_import_from_the_form_to_the_rejected_rows(house: PrefectHouse, page: Page, screenshots: Path) -> None:
    open_form(house, page)
    for name, schema in FORM["properties"].items():
        the_form_explains(page, name, schema)
    the_form_refuses_to_go_without_a_file(page)
    open_form(house, page)
    box(page, "source").locator("textarea").fill("data/contacts.csv")
    choose(page, "merge", "overwrite")
    box(page, "source").scroll_into_view_if_needed()
    shot(page, screenshots / "import-form.png", 900, 1800)

    before = {run["id"] for run in house.runs("import")}
    page.get_by_role("button", name="Submit").click()
    (run_id,) = wait_for(lambda: {run["id"] for run in house.runs("import")} - before, "the run")
    run = wait_for(lambda: house.ended(run_id), "the end of the run")
    assert run["state_type"] == "COMPLETED", house.log("worker")
    assert run["parameters"]["request"]["merge"] == "overwrite"
    assert run["state"]["message"].startswith("1,000 rows read, 944 accepted (944 inserted")

    open_artifact(house, page, run_id, "import-summary")
    text = page.locator("main, .artifact, body").first.inner_text()
    assert text.index("Why 56 rows did not come in") < text.index("phone-invalid") < text.index("row-bad-quoting")
    assert "Last purchase: 61 empty cells, in records 14, 16" in text
    assert "Loyalty card: the catalogue has no field of this name" in text
    picture = page.get_by_alt_text("Of 1,000 rows: 944 inserted, 56 rejected")
    assert picture.evaluate("each => each.complete && each.naturalWidth") == WIDTH
    shot(page, screenshots / "run-summary.png", 1020, 1000)

    open_artifact(house, page, run_id, "rejected-rows")
    expect(page.get_by_text("62 reasons in 56 rejected rows.")).to_be_visible(timeout=WAIT)
    headings = page.locator("th").all_inner_texts()
    assert headings == ["record", "line", "column", "reason", "message", "value"]
    assert page.locator("tbody td:nth-child(4)").first.inner_text() == "date-invalid"
    page.get_by_placeholder("Search").fill("decimal-invalid")
    expect(page.get_by_text("'18,00' has a decimal comma; write 18.00")).to_be_visible(timeout=WAIT)
    page.get_by_placeholder("Search").fill("phone-has-spaces")
    expect(page.locator("tbody tr")).to_have_count(6, timeout=WAIT)
    page.get_by_placeholder("Search").fill("")
    shot(page, screenshots / "rejected-rows.png", 1020, 700)


def test_the_import_list_leads_to_the_runs(house: PrefectHouse, page: Page, screenshots: Path, tmp_path: Path) -> None:
    """Three imports in one morning: a file, its rejected rows mended in part, and a file that is not there."""
    source, mended = tmp_path / "contacts-monday.csv", tmp_path / "mended.csv"
    source.write_text("email,points\nann@example.com,1\nbad one,2\nbad two,3\nbob@example.com,4\n")
    told = subprocess.check_output(
        (sys.executable, "-P", "-c", THREE_IMPORTS, tmp_path), cwd=CHECKOUT, env=house.environment, timeout=90
    )
    numbers = [json.loads(line)["import_id"] for line in told.splitlines()]

    first, _, last = (run_of(house, name) for name in ("contacts-monday.csv", mended.name, "contacts-tuesday.csv"))
    open_artifact(house, page, last, "import-list")
    rows = [[cell.strip() for cell in row.inner_text().split("\t")] for row in page.locator("tbody tr").all()[:3]]
    assert [row[:9] for row in rows] == [
        [str(numbers[2]), "failed, source-not-found", "contacts-tuesday.csv", *[""] * 6],
        [str(numbers[1]), f"completed, retry of {numbers[0]}", "mended.csv", "2", "1", "1", "", "1", "0"],
        [str(numbers[0]), "completed", "contacts-monday.csv", "4", "2", "2", "1", "2", "0"],
    ]
    shot(page, screenshots / "import-list.png", 1300, 400)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=str(numbers[0]), exact=True).click()
    assert opened.value.url.endswith(f"/runs/flow-run/{first}")
    expect(opened.value.get_by_text("import contacts-monday.csv").first).to_be_visible(timeout=WAIT)


def test_text_of_a_file_is_never_markup(house: PrefectHouse, page: Page, tmp_path: Path) -> None:
    header = "a|b<script>window.broken=1</script>"
    value = "x<img src=http://127.0.0.1:9/x.png onerror=window.broken=1>![p](http://127.0.0.1:9/p.png)"
    source = tmp_path / "hostile `x`.csv"
    source.write_text(f"Email,{header},{value}\n{value},1,2\n", encoding="utf-8")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    run_id = start(house, "import", {"source": str(source)})
    run = wait_for(lambda: house.ended(run_id), "the end of the run")
    assert run["state_type"] == "COMPLETED", house.log("worker")
    open_artifact(house, page, run_id, "import-summary")
    for text in (header, value):
        expect(page.get_by_text(text).first).to_be_visible(timeout=WAIT)
    open_artifact(house, page, run_id, "rejected-rows")
    expect(page.locator("td", has_text=value).last).to_be_visible(timeout=WAIT)
    assert [url for url in asked if ":9/" in url] == []
    assert page.evaluate("window.broken") is None


def test_deploying_again_makes_nothing_twice(house: PrefectHouse) -> None:
    house.deploy()
    deployments = house.ask("deployments/filter", {})
    assert sorted(each["name"] for each in deployments) == [
        "backfill",
        "check",
        "guided-import",
        "import",
        "nightly-sync",
    ]
    (nightly,) = (each for each in deployments if each["name"] == "nightly-sync")
    schedules = [(each["schedule"]["cron"], each["schedule"]["timezone"]) for each in nightly["schedules"]]
    assert schedules == [("30 3 * * *", "Europe/Madrid")]
    assert nightly["global_concurrency_limit"]["limit"] == 1
    assert nightly["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    assert all(each["description"] and each["tags"] for each in deployments)
    assert str(Path.cwd()) not in json.dumps(deployments)


def test_the_nights_are_planned(house: PrefectHouse) -> None:
    nights = wait_for(lambda: [run for run in house.runs("nightly-sync") if run["auto_scheduled"]], "planned nights")
    times = [datetime.fromisoformat(run["expected_start_time"]).astimezone(ZoneInfo("Europe/Madrid")) for run in nights]
    assert {f"{time:%H:%M}" for time in times} == {"03:30"}


def open_form(house: PrefectHouse, page: Page) -> None:
    (deployment,) = house.ask("deployments/filter", {"deployments": {"name": {"any_": ["import"]}}})
    page.goto(f"{house.address}/deployments/deployment/{deployment['id']}/run")
    expect(box(page, "source").locator("textarea")).to_be_visible(timeout=WAIT)


def start(house: PrefectHouse, deployment: str, request: dict[str, Any]) -> str:
    (found,) = house.ask("deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
    run = house.ask(f"deployments/{found['id']}/create_flow_run", {"parameters": {"request": request}})
    return str(run["id"])


def run_of(house: PrefectHouse, file: str) -> str:
    """The run that imported a file."""
    [run] = house.ask("flow_runs/filter", {"flow_runs": {"name": {"any_": [f"import {file}"]}}})
    return str(run["id"])


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
