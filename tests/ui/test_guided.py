"""A guided import in the browser: answer the forms under Resume, look at the preview."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.pages import WAIT, drop_down, press, screenshot
from tests.ui.prefect_site import CHECKOUT, PrefectSite, wait_for

pytestmark = pytest.mark.ui

ODD = ["Email", "<img src=x onerror=window.broken=1>", "class", "Name", "Name", "", "x" * 300, "'\"{{ y }}"]


def test_a_guided_import_goes_from_the_columns_through_the_preview_to_the_merge(
    site: PrefectSite, page: Page, screenshots: Path, tmp_path: Path
) -> None:
    source = tmp_path / "contacts.csv"  # contacts that no other test imports
    source.write_bytes((CHECKOUT / "data" / "contacts.csv").read_bytes().replace(b"@", b"@guided."))
    run_id = site.start("guided-import", {"source": str(source), "merge": "overwrite"})
    resume(site, page, run_id)
    assert site.run(run_id)["state"]["message"] == "Press Resume: match 15 columns"
    assert (chosen(page, "First Name"), chosen(page, "Loyalty card")) == ("name", "do not import")
    expect(box(page, "Email")).to_contain_text("@guided.", timeout=WAIT)
    screenshot(page, screenshots / "guided-columns.png", 900, 1000)
    choose(page, "First Name", "surname")
    choose(page, "Last Name", "name")
    submit(site, page, run_id)
    send_readings(site, page, run_id)

    resume(site, page, run_id)
    expect(dialog(page).get_by_text("1,000 rows, 948 accepted (948 inserted")).to_be_visible(timeout=WAIT)
    choose(page, "What now?", "back to the columns")
    submit(site, page, run_id)

    resume(site, page, run_id)
    assert (chosen(page, "First Name"), chosen(page, "Last Name")) == ("surname", "name")
    choose(page, "First Name", "name")
    choose(page, "Last Name", "surname")
    submit(site, page, run_id)
    send_readings(site, page, run_id)

    wait_for(lambda: site.waiting(run_id), "the preview")
    open_newest(site, page, run_id, "import-preview")
    headings = page.locator("th").all_inner_texts()
    assert headings.index("name") < headings.index("surname")
    text = page.locator("main, .artifact, body").first.inner_text()
    assert text.index("The first new contacts as they would be stored") < text.index("Reasons for 52 rejected rows")
    screenshot(page, screenshots / "guided-preview.png", 1100, 1000)
    resume(site, page, run_id)
    choose(page, "What now?", "go on")
    screenshot(page, screenshots / "guided-decision.png", 900, 620)
    submit(site, page, run_id)
    run = wait_for(lambda: site.ended(run_id), "the end of the run")
    assert run["state"]["message"].startswith("948 of 1,000 in, 52 rejected"), site.log("worker")


def test_a_spanish_export_is_imported_from_the_forms_alone(
    site: PrefectSite, page: Page, screenshots: Path, tmp_path: Path
) -> None:
    source = tmp_path / "clientes.csv"
    people = [
        ("ana", "Ana", "31/12/1990", "651 23 45 67", "Activo"),
        ("luis", "Luis", "01/02/1985", "651 23 45 68", "Baja"),
    ]
    rows = [f"{mail}@clientes.example.com;{';'.join(others)}" for mail, *others in people]
    source.write_text("\n".join(["Correo;Nombre;Fecha de nacimiento;Móvil;Boletín", *rows, ""]), encoding="utf-8")
    run_id = site.start("guided-import", {"source": str(source)})
    resume(site, page, run_id)
    submit(site, page, run_id)

    resume(site, page, run_id)
    assert chosen(page, "Fecha de nacimiento") == "dates as d/m/yyyy (fixes 2)"
    choose(page, "Boletín: activo (1 cell)", "subscribed")
    choose(page, "Boletín: baja (1 cell)", "unsubscribed")
    screenshot(page, screenshots / "guided-readings.png", 900, 760)
    submit(site, page, run_id)

    resume(site, page, run_id)
    expect(dialog(page).get_by_text("2 rows, 2 accepted (2 inserted")).to_be_visible(timeout=WAIT)
    choose(page, "What now?", "go on")
    submit(site, page, run_id)
    run = wait_for(lambda: site.ended(run_id), "the end of the run")
    assert run["state"]["message"].startswith("2 of 2 in, 0 rejected"), site.log("worker")


def test_markup_in_headers_is_text_in_the_form(site: PrefectSite, page: Page, tmp_path: Path) -> None:
    headers = [*ODD, *(f"c{number}" for number in range(300 - len(ODD)))]
    quoted = ",".join('"' + header.replace('"', '""') + '"' for header in headers)
    source = tmp_path / "wide.csv"
    values = ["ann@example.com", "<img src=x onerror=window.broken=1>", "[a](https://evil.example)", *["v"] * 297]
    source.write_text(f"{quoted}\n{','.join(values)}\n", encoding="utf-8")
    run_id = site.start("guided-import", {"source": str(source)})
    resume(site, page, run_id)
    expect(dialog(page).locator("button.p-select-button__control")).to_have_count(300, timeout=WAIT)
    for title in (ODD[1], "class", "Name (column 4)", "Name (column 5)", "column_6", "x" * 50 + "…", ODD[7]):
        expect(box(page, title)).to_be_visible(timeout=WAIT)
    expect(box(page, "class")).to_contain_text("[a](https://evil.example)", timeout=WAIT)
    expect(dialog(page).locator("a[href*='evil']")).to_have_count(0)
    assert page.evaluate("window.broken") is None


def send_readings(site: PrefectSite, page: Page, run_id: str) -> None:
    """Send the form *How to read them* with the readings that are preselected, as they are certain."""
    resume(site, page, run_id)
    expect(dialog(page).get_by_text("Save as preset")).to_be_visible(timeout=WAIT)
    submit(site, page, run_id)


def open_newest(site: PrefectSite, page: Page, run_id: str, key: str) -> None:
    """Open the newest artifact with this key; the tab of the run shows them in no order."""
    wanted = {"flow_run_id": {"any_": [run_id]}, "key": {"any_": [key]}}
    newest, *_ = site.post("artifacts/filter", {"artifacts": wanted, "sort": "CREATED_DESC"})
    page.goto(f"{site.address}/artifacts/artifact/{newest['id']}")
    expect(page.locator("table").first).to_be_visible(timeout=WAIT)


def resume(site: PrefectSite, page: Page, run_id: str) -> None:
    """Open the form of a suspended run."""
    wait_for(lambda: site.waiting(run_id), "a question")
    page.goto(f"{site.address}/runs/flow-run/{run_id}")
    page.get_by_role("button", name="Resume").click(timeout=WAIT)
    expect(dialog(page).locator("button.p-select-button__control").first).to_be_visible(timeout=WAIT)


def submit(site: PrefectSite, page: Page, run_id: str) -> None:
    """Send the form, which resumes the run."""
    asked = site.run(run_id)["state_id"]
    button = dialog(page).get_by_role("button", name="Submit")
    press(button, lambda: site.run(run_id)["state_id"] != asked, "the run to go on")


def dialog(page: Page) -> Locator:
    return page.locator("[role=dialog], .p-modal").first


def box(page: Page, title: str) -> Locator:
    """The field of the form with this title."""
    label = page.locator(".schema-form-property__label").get_by_text(title, exact=True)
    return page.locator(".schema-form-property", has=label).last


def chosen(page: Page, title: str) -> str:
    return box(page, title).locator(".p-select-button__value").inner_text()


def choose(page: Page, title: str, choice: str) -> None:
    drop_down(page, box(page, title))
    page.get_by_role("option", name=choice, exact=True).click()
    expect(box(page, title).locator(".p-select-button__value")).to_have_text(choice, timeout=WAIT)
