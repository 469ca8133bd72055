"""`contacts plan`, `contacts import --plan` and the flow behind the deployment `plan`."""

import csv
import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from flows.cli.commands.plan import SERVICES
from flows.config.request import ImportRequest
from flows.config.settings import Settings, sqlite_url
from flows.pipeline.temporary_folders import temporary_folder
from flows.planning.digest import CONFIGURATION
from flows.planning.plan import plan_import
from flows.reports.builder import ImportReportBuilder
from schemas.catalogue import BUILT_IN_CATALOGUE, load_catalogue
from tests.flows.conftest import Contacts, is_one_line
from tests.warehouse.conftest import on_postgres
from warehouse.backends.postgres import LOCK_SECONDS
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.merge.change_list import Change
from warehouse.merge.dry_run import ChangeStream

one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
STATUS = "newsletter_subscription_status"
STORED = (
    f"email,name,city,points,{STATUS},interests\n"
    "ann@example.com,Ann,Vic,1,none,sports\nbob@example.com,Bob,,2,unsubscribed,\n"
)
FILE = (
    f"email,name,city,points,{STATUS},interests\n"
    "ann@example.com,Anna,Vic,1,subscribed,music\nbob@example.com,Bob,Reus,2,subscribed,\n"
    "zoe@example.com,Zoe,Salt,3,none,\nbad,No,Olot,4,none,\n"
)


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))


def plan(contacts: Contacts, path: Path, *options: str | Path) -> dict[str, Any]:
    ran = contacts("plan", path, "--json", *options)
    assert (ran.status, ran.err) == (0, "")
    report: dict[str, Any] = ran.json
    assert (report["status"], report["import_id"]) == ("planned", None)
    return report


@pytest.mark.parametrize(
    "options",
    [(), ("--merge", "overwrite"), ("--merge", "fill-empty"), ("--merge", "overwrite", "--blanks", "clear")],
    ids=" ".join,
)
def test_a_plan_says_what_the_import_then_does(contacts: Contacts, options: tuple[str, ...]) -> None:
    contacts.load(STORED)
    contacts("segments", "create", "vip")
    path = contacts.file(FILE, "night.csv")
    before = contacts.database.contents(), contacts.database.imports()
    planned = plan(contacts, path, *options, "--segment", "vip")
    assert (contacts.database.contents(), contacts.database.imports()) == before
    ran = contacts("import", path, *options, "--segment", "vip", "--plan", planned["plan"], "--json")
    assert ran.status == 0
    same = ("rows", "contacts", "changes", "columns", "rejections", "segment", "sha256")
    assert {key: ran.json[key] for key in same} == {key: planned[key] for key in same}
    assert ran.json["import_id"] == 2


def test_the_whole_difference_is_written_by_email_and_then_in_the_catalogues_order(contacts: Contacts) -> None:
    contacts.load(STORED)
    output = contacts.folder / "plan.csv"
    columns = [line.split(",") for line in FILE.splitlines()]
    backwards = contacts.file("".join(",".join(reversed(cells)) + "\n" for cells in columns))
    plan(contacts, backwards, "--merge", "overwrite", "--merge-field", "city=keep", "--output", output)
    assert rows_of(output) == [
        ["email", "contact_id", "field", "kind", "before", "after"],
        ["ann@example.com", "1", "name", "replaced", "Ann", "Anna"],
        ["ann@example.com", "1", STATUS, "replaced", "none", "subscribed"],
        ["ann@example.com", "1", "interests", "replaced", "sports", "music"],
        ["bob@example.com", "2", STATUS, "kept-by-consent", "unsubscribed", "subscribed"],
        ["bob@example.com", "2", "city", "kept-by-policy", "", "Reus"],
        ["zoe@example.com", "", "", "inserted", "", ""],
    ]


@one_warehouse
def test_transitions_of_options_examples_and_the_digest_are_shown(contacts: Contacts) -> None:
    contacts.load(STORED)
    ran = contacts("plan", contacts.file(FILE), "--merge", "overwrite")
    assert ran.status == 0
    shown = [line.split() for line in ran.out.splitlines()]
    assert [STATUS, "none", "subscribed", "1"] in shown
    assert ["interests", "sports", "(empty)", "1"] in shown
    assert ["interests", "(empty)", "music", "1"] in shown
    assert ["ann@example.com", "name", "replaced", "Ann", "Anna"] in shown
    assert "plan:     sha256:" in ran.out
    assert "weaker than the stored one in 1 cell; the stored ones are kept" in ran.out


@one_warehouse
def test_a_plan_warns_of_a_field_replaced_in_most_contacts_and_of_one_value_everywhere(contacts: Contacts) -> None:
    people = [f"p{number:02}@example.com" for number in range(20)]
    contacts.load("email,name,city\n" + "".join(f"{email},N{email[:3]},Vic\n" for email in people))
    path = contacts.file("email,name,city\n" + "".join(f"{email},Total,Vic\n" for email in people))
    warnings = plan(contacts, path, "--merge", "overwrite")["warnings"]
    assert warnings == [
        "name is replaced in 20 of 20 existing contacts",
        "name gets one and the same value in all 20 contacts that change",
    ]


@one_warehouse
@pytest.mark.parametrize(
    ("replaced", "of", "warns"),
    [
        pytest.param(10, 20, False, id="half"),
        pytest.param(11, 20, True, id="more than half"),
        pytest.param(9, 9, False, id="fewer than ten"),
        pytest.param(10, 10, True, id="ten"),
    ],
)
def test_a_plan_warns_of_a_field_replaced_in_more_than_half_of_the_contacts_and_in_at_least_ten(
    contacts: Contacts, replaced: int, of: int, warns: bool
) -> None:
    contacts.load("email,name\n" + "".join(f"p{number}@example.com,Old {number}\n" for number in range(of)))
    names = ["New" if number < replaced else "Old" for number in range(of)]
    path = contacts.file("email,name\n" + "".join(f"p{n}@example.com,{name} {n}\n" for n, name in enumerate(names)))
    warnings = plan(contacts, path, "--merge", "overwrite")["warnings"]
    assert warnings == ([f"name is replaced in {replaced} of {of} existing contacts"] if warns else [])


def test_without_a_warehouse_everything_is_new_and_nothing_is_created(contacts: Contacts) -> None:
    path = contacts.file(FILE)
    planned = plan(contacts, path)
    assert planned["contacts"]["inserted"] == 3
    if contacts.database.schema is None:
        assert not Path(contacts.database.url.removeprefix("sqlite:///")).exists()
    assert contacts.database.columns("contacts") == []
    assert contacts("import", path, "--plan", planned["plan"]).status == 0


def test_a_field_that_the_warehouse_does_not_have_yet_counts_as_empty(contacts: Contacts) -> None:
    contacts.load("email,name\nann@example.com,Ann\n")
    catalogue = contacts.file(
        "fields:\n  - {id: email, type: email, identity: true}\n  - {id: name, type: text}\n"
        "  - {id: pet, type: text}\n",
        "fields.yaml",
    )
    path = contacts.file("email,name,pet\nann@example.com,Ann,cat\n")
    given = ("--merge", "overwrite", "--catalogue", catalogue)
    planned = plan(contacts, path, *given)
    assert planned["changes"]["pet"]["filled"] == 1
    assert "pet" not in contacts.database.columns("contacts")
    assert contacts("import", path, *given, "--plan", planned["plan"]).status == 0


def test_a_warehouse_of_an_older_release_is_planned_after_its_tables_got_the_new_columns(contacts: Contacts) -> None:
    contacts.load(STORED)
    contacts.database.run("alter table contact_fields drop column consent")
    path = contacts.file(FILE)
    assert contacts("plan", path, "--json").json["error"]["code"] == "warehouse-outdated"
    assert contacts("imports").status == 0
    planned = plan(contacts, path)["plan"]
    assert contacts("import", path, "--plan", planned).status == 0
    lists = {row["field"]: row["consent"] for row in contacts.database.rows("contact_fields")}
    assert lists[STATUS] == '["none", "subscribed", "unsubscribed"]'


@pytest.mark.parametrize(
    ("what", "cause"),
    [("file", "the file"), ("options", CONFIGURATION), ("catalogue", CONFIGURATION), ("warehouse", "the warehouse")],
)
def test_an_outdated_plan_names_what_differs_and_merges_nothing(contacts: Contacts, what: str, cause: str) -> None:
    contacts.load(STORED)
    path, options = contacts.file(FILE, "night.csv"), ["--merge", "overwrite"]
    planned = plan(contacts, path, *options)["plan"]
    if what == "file":
        path.write_text(FILE.replace("Reus", "Olot"))
    elif what == "options":
        options += ["--blanks", "clear"]
    elif what == "catalogue":
        fields = BUILT_IN_CATALOGUE.read_text().replace("label: City\n", "label: Town\n")
        options += ["--catalogue", str(contacts.file(fields, "fields.yaml"))]
    else:
        contacts.load("email,city\nbob@example.com,Girona\n", "--merge", "overwrite")
    before = contacts.database.contents()
    ran = contacts("import", path, *options, "--plan", planned)
    assert ran.status == 1
    is_one_line(ran, f"because of {cause}. ", "1 inserted", "2 updated", "Make a new plan")
    assert contacts.database.contents() == before
    assert contacts.database.imports()[-1]["error_code"] == "plan-outdated"


@one_warehouse
def test_a_planned_import_is_not_skipped_as_the_same_file(contacts: Contacts) -> None:
    """Another program changed a contact since, so the import would not only repeat the first one."""
    contacts.load(STORED)
    path, options = contacts.file(FILE, "night.csv"), ("--merge", "overwrite", "--if-same-file", "skip")
    assert contacts("import", path, *options).status == 0
    contacts.database.run("update contacts set city = 'Olot' where email = 'bob@example.com'")
    planned = plan(contacts, path, *options)
    ran = contacts("import", path, *options, "--plan", planned["plan"], "--json").json
    assert (ran["status"], ran["contacts"]["updated"]) == ("completed", 1)


@one_warehouse
def test_the_same_change_by_another_import_makes_a_plan_outdated(contacts: Contacts) -> None:
    path = contacts.file(FILE)
    planned = plan(contacts, path)["plan"]
    assert contacts("import", path, "--plan", planned).status == 0
    is_one_line(contacts("import", path, "--plan", planned), "because of the warehouse", "0 inserted", "3 skipped")


@one_warehouse
@pytest.mark.parametrize("digest", ["7", "sha256:abc", "sha256:" + ".".join(["g" * 16] * 3), ""])
def test_a_malformed_digest_is_refused_before_anything_is_read(contacts: Contacts, digest: str) -> None:
    ran = contacts("import", contacts.file(FILE), "--plan", digest)
    assert ran.status == 2
    is_one_line(ran, "--plan", "contacts plan prints")


@one_warehouse
def test_several_files_are_planned_one_at_a_time(contacts: Contacts) -> None:
    path = contacts.folder / "shop.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("subscribed_email_audience_export_1.csv", "Email Address\nann@example.com\n")
        archive.writestr("unsubscribed_email_audience_export_1.csv", "Email Address\nbob@example.com\n")
    for command in (("plan",), ("import", "--plan", f"sha256:{'.'.join(['0' * 16] * 3)}")):
        ran = contacts(command[0], path, "--preset", "mailchimp", *command[1:])
        assert ran.status == 1
        is_one_line(ran, "has 2 files", "shop.zip!")
    assert plan(contacts, Path(f"{path}!unsubscribed_email_audience_export_1.csv"), "--preset", "mailchimp")["plan"]


@one_warehouse
@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--segment", "nobody"), "nobody"),
        (("--merge", "overwrite", "--loosen-consent", "5"), "--loosen-consent 1"),
        (("--merge-field", "nickname=keep"), "nickname"),
        (("--max-rejected", "0"), "1 of 4"),
        (("--strict",), "1 of 4"),
        (("--retry-of", "9"), "9"),
    ],
)
def test_what_an_import_would_refuse_a_plan_refuses_with_the_same_words(
    contacts: Contacts, options: tuple[str, ...], hint: str
) -> None:
    contacts.load(STORED)
    path, output = contacts.file(FILE), contacts.folder / "plan.csv"
    planned = contacts("plan", path, *options, "--output", output)
    assert planned.status == 1
    is_one_line(planned, hint)
    assert not output.exists()
    assert contacts("import", path, *options).err == planned.err


@one_warehouse
def test_a_retry_is_planned_with_the_columns_of_its_import(contacts: Contacts) -> None:
    contacts.load(STORED)
    report = contacts("import", contacts.file(FILE), "--json").json
    rejected = Path(report["rejected_file"])
    corrected = contacts.file(rejected.read_text("utf-8-sig").replace('"bad"', '"good@example.com"'), "corrected.csv")
    planned = plan(contacts, corrected, "--retry-of", "2")
    assert planned["contacts"]["inserted"] == 1
    ran = contacts("import", corrected, "--retry-of", "2", "--plan", planned["plan"], "--json")
    assert ran.json["retry_of"]["mended"] == 1


def run_flow(**options: Any) -> Any:
    from flows.plan_import import plan_contacts_import

    return cast(Any, plan_contacts_import)(ImportRequest(**options), return_state=True)


def test_the_flow_shows_the_plan_as_an_artifact_and_writes_nothing(contacts: Contacts) -> None:
    contacts.load(STORED)
    before = contacts.database.contents()
    state = run_flow(source=str(contacts.file(FILE)), merge="overwrite")
    assert state.type.value == "COMPLETED"
    assert state.message.startswith("3 of 4 valid, 1 rejected; would be 1 inserted, 2 updated")
    assert contacts.database.contents() == before
    shown = artifact_of_run(state, "import-plan")
    assert "ann\\@example\\.com" in shown
    assert state.result()["plan"] in shown
    assert "ann@example.com" not in str(state.result())


@on_postgres
def test_two_plans_at_once_do_not_wait_for_each_other(command: Contacts) -> None:
    with Warehouse.open(command.database.url, command.database.schema) as warehouse:
        migrate(warehouse, load_catalogue())
    settings, request = Settings.load(), ImportRequest(source=str(command.file(FILE)))

    def plan_one(through: ChangeStream | None = None) -> int:
        with temporary_folder() as folder:
            report = plan_import(ImportReportBuilder(request), settings, folder, SERVICES, through).outcome.report
        assert report.contacts is not None
        return report.contacts.inserted

    def plan_meanwhile(changes: Iterator[Change]) -> Iterator[Change]:
        """The first plan has its staged rows in an open transaction here."""
        begin = time.monotonic()
        meanwhile.append((plan_one(), time.monotonic() - begin))
        yield from changes

    meanwhile: list[tuple[int, float]] = []
    assert plan_one(plan_meanwhile) == 3
    [(inserted, seconds)] = meanwhile
    assert inserted == 3
    assert seconds < LOCK_SECONDS / 2


@one_warehouse
def test_masked_plans_show_no_values(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts.load(STORED)
    monkeypatch.setenv("CONTACTS_ARTIFACT_VALUES", "masked")
    state = run_flow(source=str(contacts.file(FILE)), merge="overwrite")
    shown = artifact_of_run(state, "import-plan")
    assert not any(value in shown for value in ("ann", "Anna", "Reus", "Zoe", "unsubscribed"))


@one_warehouse
def test_a_plan_that_fails_is_a_failed_run_that_names_the_error(contacts: Contacts) -> None:
    state = run_flow(source=str(contacts.folder / "absent.csv"))
    assert state.type.value == "FAILED"
    assert state.result(raise_on_failure=False)["error"]["code"] == "source-not-found"


@one_warehouse
@pytest.mark.parametrize("limits", [{}, {"max_rejected": "0"}], ids=["planned", "failed"])
def test_a_plan_shows_its_rejected_rows_but_names_no_file_of_them(contacts: Contacts, limits: dict[str, str]) -> None:
    """Its folder is deleted."""
    state = run_flow(source=str(contacts.file(FILE)), **limits)
    assert "email-invalid" in artifact_of_run(state, "rejected-rows")
    assert state.result(raise_on_failure=False)["rejected_file"] is None


def artifact_of_run(state: Any, key: str) -> str:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey

    run = ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
    with get_client(sync_client=True) as client:
        [found] = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=run, key=ArtifactFilterKey(any_=[key]))
        )
    return str(found.data)


@one_warehouse
def test_a_plan_is_not_written_over_its_source(contacts: Contacts) -> None:
    file = contacts.file(FILE)
    is_one_line(contacts("plan", file, "--output", file), "the source")
    assert file.read_text() == FILE


@one_warehouse
def test_a_warehouse_whose_path_has_a_space_is_compared_with(contacts: Contacts) -> None:
    warehouse = ("--warehouse", sqlite_url(contacts.folder / "two words" / "contacts.db"))
    contacts.load(STORED, *warehouse)
    report = plan(contacts, contacts.file(STORED), *warehouse)
    assert report["contacts"] == {"inserted": 0, "updated": 0, "unchanged": 0, "skipped": 2}
