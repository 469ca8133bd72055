"""An archive of several files: one import for each file, and one report of all."""

import datetime
import json
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from flows.config.request import ReadingOptions, local_today
from flows.config.settings import Settings
from flows.pipeline.check import check_locally
from flows.pipeline.multi_file import requests_per_file
from flows.reports.combined import combine_outcomes, failure_line
from flows.reports.models import CheckReport, ErrorReport, ImportReport
from flows.reports.outcomes import RunOutcome
from tests.flows.conftest import Contacts
from tests.remote.web import web_site
from tests.transforms.platform_exports import EXPORTS

NAMES = ("cleaned_1.csv", "unsubscribed_1.csv", "subscribed_1.csv")
IN_ORDER = ("subscribed_1.csv", "unsubscribed_1.csv", "cleaned_1.csv")

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


def audience(folder: Path, names: tuple[str, ...] = NAMES, **rows: dict[str, str]) -> Path:
    """Mailchimp's ZIP: a contact in each file, named after it; `rows` say otherwise for the file of that name."""
    path = folder / "audience.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            kind = name.partition("_")[0]
            row = {"Email Address": f"{kind}@example.com", **rows.get(kind, {})}
            archive.writestr(name, EXPORTS["mailchimp"].text(row))
    return path


def sources(path: Path, preset: str | None, folder: Path) -> list[str]:
    found = requests_per_file(ReadingOptions(source=str(path), preset=preset), Settings(home=folder), local_today)
    return [each.source.removeprefix(f"{path}!") for each, _ in found]


def test_one_command_imports_all_files_of_a_mailchimp_archive(contacts: Contacts) -> None:
    path = audience(contacts.folder, cleaned={"Email Address": "no email"})
    ran = contacts("import", path, "--preset", "mailchimp", "--json")
    report = ran.json
    assert (ran.status, report["status"], report["preset"]) == (0, "completed", "mailchimp")
    assert report["rows"] == {"read": 3, "accepted": 2, "rejected": 1}
    assert report["contacts"] == {"inserted": 2, "updated": 0, "unchanged": 0, "skipped": 0}
    assert report["rejections"] == {"email-invalid": 1}
    assert report["seconds"] == pytest.approx(sum(each["seconds"] for each in report["imports"]), abs=0.01)
    assert [each["source"] for each in report["imports"]] == [f"{path}!{name}" for name in IN_ORDER]
    assert [each["import_id"] for each in report["imports"]] == [1, 2, 3]
    assert len({each["rejected_file"] for each in report["imports"]}) == 3
    stored = {email: it["newsletter_subscription_status"] for email, it in contacts.database.contacts().items()}
    assert stored == {"subscribed@example.com": "subscribed", "unsubscribed@example.com": "unsubscribed"}
    listed = contacts("imports", "--json").json
    assert [(row["import_id"], row["status"], row["rejected"]) for row in listed] == [
        (3, "completed", 1),
        (2, "completed", 0),
        (1, "completed", 0),
    ]


@one_warehouse
def test_a_file_of_an_archive_that_fails_does_not_stop_the_others(contacts: Contacts) -> None:
    path = audience(contacts.folder, unsubscribed={"Email Address": "no email"})
    ran = contacts("import", path, "--preset", "auto", "--max-rejected", "0", "--json")
    report = ran.json
    assert (ran.status, report["status"], report["error"]["code"]) == (1, "failed", "too-many-rejected")
    assert [each["status"] for each in report["imports"]] == ["completed", "failed", "completed"]
    assert set(contacts.database.contacts()) == {"subscribed@example.com", "cleaned@example.com"}
    text = contacts("import", path, "--preset", "mailchimp", "--merge", "overwrite").out
    assert "All 3 files: completed" in text
    assert "rows:     3 read, 2 accepted, 1 rejected" in text


def test_a_remote_archive_is_looked_up_once(tmp_path: Path) -> None:
    with web_site() as site:
        options = ReadingOptions(source=f"{site.url}/audience.zip", preset="mailchimp")
        settings = Settings(home=tmp_path, allowed_sources=(site.origin,))
        assert requests_per_file(options, settings, local_today) == [(options, None)]
        assert site.log == []


@one_warehouse
@pytest.mark.parametrize("preset", ["shopify", "auto"])
def test_a_pipe_is_read_only_once(preset: str, contacts: Contacts) -> None:
    """Whether it is an archive may not be asked of it beforehand: what was read then would be lost."""
    pipe = contacts.folder / "pipe"
    os.mkfifo(pipe)
    text = EXPORTS["shopify"].text({"Email": "ann@example.com"})
    writer = threading.Thread(target=pipe.write_text, args=(text,), daemon=True)
    writer.start()
    report = contacts("check", pipe, "--preset", preset, "--json").json
    writer.join(5)
    assert (report["status"], report["rows"]) == ("completed", {"read": 1, "accepted": 1, "rejected": 0})


@one_warehouse
def test_renamed_files_of_an_archive_are_not_skipped_after_another_archive(
    contacts: Contacts,
) -> None:
    arguments = ("--preset", "mailchimp", "--merge", "overwrite", "--if-same-file", "skip", "--json")

    def load(name: str) -> tuple[str, str | None]:
        path = contacts.folder / "audience.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for kind in ("subscribed", "cleaned"):
                text = EXPORTS["mailchimp"].text({"Email Address": f"{kind}@example.com", "First Name": name})
                archive.writestr(zipfile.ZipInfo(f"{kind}_export_of_{name}.csv"), text)
        status = contacts("import", path, *arguments).json["status"]
        return status, contacts.database.contacts()["subscribed@example.com"]["name"]

    nights = [load(name) for name in ("Ann", "Ann", "Bea", "Ann", "Ann")]
    assert nights == [
        ("completed", "Ann"),
        ("skipped", "Ann"),
        ("completed", "Bea"),
        ("completed", "Ann"),
        ("skipped", "Ann"),
    ]


@one_warehouse
def test_the_same_archive_again_is_skipped_file_by_file(contacts: Contacts) -> None:
    arguments = ("--preset", "mailchimp", "--if-same-file", "skip", "--json")
    path = audience(contacts.folder)
    first = contacts("import", path, *arguments).json
    assert [each["status"] for each in first["imports"]] == ["completed"] * 3
    again = contacts("import", path, *arguments)
    assert (again.status, again.json["status"]) == (0, "skipped")
    assert [each["repeats"] for each in again.json["imports"]] == [1, 2, 3]


@one_warehouse
def test_each_file_that_fails_is_named_with_its_error(contacts: Contacts) -> None:
    archive = audience(contacts.folder)
    ran = contacts("import", archive, "--preset", "mailchimp", "--min-rows", "5", "--quiet")
    lines = ran.err.splitlines()
    assert (ran.status, len(lines)) == (1, 3)
    assert [name in line for name, line in zip(IN_ORDER, lines, strict=True)] == [True] * 3


@one_warehouse
def test_an_import_stopped_between_two_files_reports_the_first(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    import flows.import_contacts as flow

    real, calls = flow.import_one, []

    def stopped_at_the_second(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(flow, "import_one", stopped_at_the_second)
    report = contacts("import", audience(contacts.folder), "--preset", "mailchimp", "--json").json
    assert [each["status"] for each in report["imports"]] == ["completed", "failed"]
    assert (report["status"], report["error"]["code"]) == ("failed", "interrupted")
    assert report["contacts"]["inserted"] == 1


def test_a_check_of_an_archive_reports_the_same_rows_as_an_import(tmp_path: Path) -> None:
    path = audience(tmp_path)
    outcomes: list[RunOutcome[CheckReport]] = []
    for each, _ in requests_per_file(
        ReadingOptions(source=str(path), preset="mailchimp"), Settings(home=tmp_path), local_today
    ):
        work = tmp_path / f"work-{len(outcomes)}"
        work.mkdir()
        outcomes.append(check_locally(each, Settings(home=tmp_path), work))
    report = combine_outcomes(str(path), outcomes).report.model_dump()
    assert report["rows"] == {"read": 3, "accepted": 3, "rejected": 0}
    assert {key for key in report if key in ("contacts", "segment", "import_id")} == set()
    parts = ["subscribed", "unsubscribed", "cleaned"]
    assert [each["preset"] for each in report["imports"]] == [f"mailchimp:{part}" for part in parts]
    assert json.loads(json.dumps(report)) == report


@pytest.mark.parametrize(
    ("model", "failing", "line"),
    [
        pytest.param(ImportReport, "b", "1 of 3 files failed, the others are imported: b.csv: code: why", id="one"),
        pytest.param(
            ImportReport,
            "abc",
            "3 of 3 files failed: a.csv: code: why; b.csv: code: why; c.csv: code: why",
            id="all",
        ),
        pytest.param(CheckReport, "b", "1 of 3 files failed: b.csv: code: why", id="a check"),
    ],
)  # fmt: skip
def test_the_failure_of_several_files_names_those_that_failed(
    model: type[CheckReport], failing: str, line: str
) -> None:
    error = ErrorReport(code="code", message="why")
    files = [
        model(status="completed", source=f"all.zip!{name}.csv", error=error if name in failing else None)
        for name in "abc"
    ]
    assert failure_line(error, files) == line
    assert failure_line(error) == "code: why"


def test_the_rejections_that_are_kept_are_summed() -> None:
    outcomes = [RunOutcome(ImportReport(status="completed", source="a!b", rejections_kept=n), {}) for n in (2, 3)]
    assert combine_outcomes("a", outcomes).report.rejections_kept == 5


@pytest.mark.parametrize(
    ("names", "preset", "files"),
    [
        pytest.param(NAMES, "mailchimp", list(IN_ORDER), id="by-name"),
        pytest.param(NAMES, "auto", list(IN_ORDER), id="by-auto"),
        pytest.param(NAMES[:1], "mailchimp", ["cleaned_1.csv"], id="one-of-them"),
        pytest.param((*NAMES, "subscribed_0.csv"), "auto", ["subscribed_0.csv", *IN_ORDER], id="two-of-a-part"),
        pytest.param((*NAMES, "a.csv"), "mailchimp", [*IN_ORDER, "a.csv"], id="unknown-ones-last"),
        pytest.param((*NAMES, "a.csv"), "auto", None, id="auto-knows-all-or-none"),
        pytest.param(NAMES, None, None, id="no-preset"),
        pytest.param(NAMES, "shopify", None, id="no-parts"),
        pytest.param(NAMES, "mailchimp:cleaned", None, id="one-part-by-name"),
        pytest.param(NAMES, "nope", None, id="no-such-preset"),
        pytest.param(("a/b.csv", "c.csv"), "mailchimp", None, id="refused-archive"),
    ],
)
def test_the_files_of_an_archive_are_imported_in_the_order_of_the_parts(
    names: tuple[str, ...], preset: str | None, files: list[str] | None, tmp_path: Path
) -> None:
    path = audience(tmp_path, names)
    assert sources(path, preset, tmp_path) == (files or [str(path)])


def test_a_pattern_means_its_newest_archive(tmp_path: Path) -> None:
    path = audience(tmp_path)
    found = requests_per_file(
        ReadingOptions(source=f"{tmp_path}/aud*.zip", preset="auto"), Settings(home=tmp_path), local_today
    )
    assert [each.source for each, _ in found] == [f"{path}!{name}" for name in IN_ORDER]
    parts = [origin.series.removeprefix(f"{tmp_path}/aud*.zip!") for _, origin in found if origin]
    assert parts == ["subscribed", "unsubscribed", "cleaned"]


def test_files_of_one_part_are_numbered_and_others_keep_their_names(tmp_path: Path) -> None:
    audience(tmp_path, ("subscribed_b.csv", "subscribed_a.csv", "other.csv", "cleaned_1.csv"))
    asked = ReadingOptions(source=f"{tmp_path}/audience.zip", preset="mailchimp")
    names = {
        each.source.rpartition("!")[2]: origin
        for each, origin in requests_per_file(asked, Settings(home=tmp_path), local_today)
    }
    assert {name: origin.series.rpartition("!")[2] for name, origin in names.items() if origin} == {
        "subscribed_a.csv": "subscribed",
        "subscribed_b.csv": "subscribed 2",
        "cleaned_1.csv": "cleaned",
        "other.csv": "other.csv",
    }


class Nights:
    """An archive each night, whose own name, and those of its files, have the night in them."""

    def __init__(self, contacts: Contacts) -> None:
        self.contacts = contacts

    def write(self, night: str, rows: int = 4, name: str = "Ann") -> Path:
        path = self.contacts.folder / f"audience-{night}.zip"
        header, row = EXPORTS["mailchimp"].text({"Email Address": "ann0@example.com", "First Name": name}).splitlines()
        lines = [header, *(row.replace("ann0@", f"ann{number}@") for number in range(rows))]
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo(f"subscribed_{name}.csv"), "\n".join(lines) + "\n")
            archive.writestr(zipfile.ZipInfo(f"cleaned_{name}.csv"), f"{header}\n")
        return path

    def load(self, source: str, *more: str) -> dict[str, Any]:
        asked = ("--preset", "mailchimp", "--merge", "overwrite", *more, "--json")
        report: dict[str, Any] = self.contacts("import", self.contacts.folder / source, *asked).json
        return report["imports"][0] if "imports" in report else report


def test_min_rows_compares_with_the_same_part_of_the_last_archive(contacts: Contacts) -> None:
    nights = Nights(contacts)
    nights.write("2026-11-20", 4)
    nights.write("2026-11-21", 1, "Bea")
    assert nights.load("audience-{date}.zip", "--date", "2026-11-20", "--min-rows", "50%")["status"] == "completed"
    failed = nights.load("audience-{date}.zip", "--date", "2026-11-21", "--min-rows", "50%")
    assert failed["error"]["code"] == "too-few-rows"
    assert "4 of the last import" in failed["error"]["message"]


@one_warehouse
def test_an_archive_of_an_older_day_does_not_overwrite_a_newer_one(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Nights(contacts)
    for day in ("2026-11-20", "2026-11-21"):
        nights.write(day)

    def on(day: str) -> dict[str, Any]:
        for module in ("import_contacts", "import_runs.lifecycle"):
            monkeypatch.setattr(f"flows.{module}.scheduled_day", lambda: datetime.date.fromisoformat(day))
        return nights.load("audience-{date}.zip")

    assert on("2026-11-21")["status"] == "completed"
    assert on("2026-11-20")["error"]["code"] == "source-out-of-order"


@one_warehouse
def test_an_archive_with_a_new_name_is_skipped_until_its_content_changes(contacts: Contacts) -> None:
    nights = Nights(contacts)
    told = []
    for number, name in enumerate(("Ann", "Ann", "Bea", "Ann", "Ann")):
        path = nights.write(f"{number}", name=name)
        os.utime(path, (number, number))
        report = nights.load("audience-*.zip", "--if-same-file", "skip")
        told.append((report["status"], contacts.database.contacts()["ann0@example.com"]["name"]))
    assert told == [
        ("completed", "Ann"),
        ("skipped", "Ann"),
        ("completed", "Bea"),
        ("completed", "Ann"),
        ("skipped", "Ann"),
    ]


def test_a_file_that_is_no_archive_is_one_import(tmp_path: Path) -> None:
    plain = tmp_path / "subscribed.csv"
    assert sources(plain, "mailchimp", tmp_path) == [str(plain)]
    plain.write_text("Email Address\n")
    assert sources(plain, "mailchimp", tmp_path) == [str(plain)]
