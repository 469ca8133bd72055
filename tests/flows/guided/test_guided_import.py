"""A guided import from question to answer on a real Prefect server; this process acts as the worker."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from flows.config.settings import Settings
from tests.flows.conftest import Contacts, Database
from tests.flows.pipeline.test_multi_file import NAMES, audience
from tests.workbooks import book
from warehouse.database.connection import Warehouse
from warehouse.tables import WarehouseTables

FILE = """\
Correo,Nombre,Teléfono móvil,Loyalty card
ann@example.com,Ann,+34651234567,1
bob@example.com,Bob,+34651234568,2
bad,Eve,+34651234569,3
"""


class Guided:
    """One run of the deployment `guided-import`."""

    def __init__(self, contacts: Contacts, **request: Any) -> None:
        from prefect.client.orchestration import get_client

        from flows.guided_import import guided_import

        self.database, self.flow = contacts.database, guided_import
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(client.create_flow(guided_import), name="guided-import")
            self.id: UUID = client.create_flow_run_from_deployment(deployment, parameters={"request": request}).id
        self.work()

    def work(self) -> None:
        """Run it as a worker would, until it ends or asks."""
        from prefect.exceptions import Pause
        from prefect.flow_engine import run_flow

        with suppress(Pause):
            run_flow(self.flow, flow_run=self.run, return_type="state")

    def start_again(self) -> None:
        """Press Retry, and run it."""
        from prefect.client.orchestration import get_client
        from prefect.states import AwaitingRetry

        with get_client(sync_client=True) as client:
            client.set_flow_run_state(self.id, AwaitingRetry(), force=True)
        self.work()

    @property
    def run(self) -> Any:
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            return client.read_flow_run(self.id)

    @property
    def form(self) -> Any:
        """The form under the button Resume."""
        return self._input("schema")

    @property
    def description(self) -> str:
        return str(self._input("description")).replace("\\", "")

    def _input(self, key: str) -> Any:
        from prefect.input.actions import read_flow_run_input

        assert self.run.state.is_paused(), self.run.state
        return read_flow_run_input(self.run.state.state_details.run_input_keyset[key], flow_run_id=self.id)

    def answer(self, **values: str) -> None:
        """Fill in some fields, submit, and run it."""
        from prefect.flow_runs import resume_flow_run

        form = self.form["properties"]
        resume_flow_run(
            self.id, {name: field["default"] for name, field in form.items() if "default" in field} | values
        )
        self.work()

    def artifact(self, key: str) -> str:
        """The content of the newest artifact with this key."""
        return str(self._newest(key).data)

    def description_of(self, key: str) -> str:
        return str(self._newest(key).description)

    def _newest(self, key: str) -> Any:
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
        from prefect.client.schemas.sorting import ArtifactSort

        with get_client(sync_client=True) as client:
            found = client.read_artifacts(
                artifact_filter=ArtifactFilter(
                    flow_run_id=ArtifactFilterFlowRunId(any_=[self.id]), key=ArtifactFilterKey(any_=[key])
                ),
                sort=ArtifactSort.CREATED_DESC,
            )
        return found[0]

    @property
    def listed(self) -> list[dict[str, Any]]:
        return self.database.imports()


@pytest.fixture
def guided(contacts: Contacts) -> Callable[..., Guided]:
    def start(text: str = FILE, **request: Any) -> Guided:
        return Guided(contacts, source=str(contacts.file(text)), **request)

    return start


def rewrite(run: Guided, text: str) -> None:
    """Replace the source by another file."""
    Path(run.run.parameters["request"]["source"]).write_text(text, encoding="utf-8")


one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


def test_a_guided_import_asks_for_columns_shows_a_preview_and_merges(
    guided: Callable[..., Guided], database: Database
) -> None:
    run = guided(merge="overwrite")
    boxes = run.form["properties"]
    assert [box["title"] for box in boxes.values()] == ["Correo", "Nombre", "Teléfono móvil", "Loyalty card"]
    assert [box["default"] for box in boxes.values()] == ["email", "name", "mobile_phone", "do not import"]
    assert [row["status"] for row in run.listed] == ["running"]
    assert "ann@example.com · bob@example.com · bad" in run.artifact("import-columns").replace("\\", "")

    run.answer(column_2="surname")
    assert "3 rows, 2 accepted (2 inserted" in run.description
    preview = run.artifact("import-preview").replace("\\", "")
    assert "| email | surname | mobile_phone |" in preview
    assert "| ann@example.com | Ann | +34651234567 |" in preview
    assert "Reasons for 1 rejected row" in preview
    assert "Loyalty card" in preview
    assert database.contacts() == {}

    run.answer(decision="back to the columns")
    assert run.form["properties"]["column_2"]["default"] == "surname"
    run.answer(column_2="name", column_4="points")
    run.answer(decision="go on")
    assert run.run.state.message.startswith("2 of 3 in, 1 rejected; 2 inserted")
    assert database.contacts()["ann@example.com"] == {"name": "Ann", "mobile_phone": "+34651234567", "points": "1"}
    assert [row["status"] for row in run.listed] == ["completed"]


@one_warehouse
def test_nothing_is_merged_if_file_or_warehouse_changed_after_the_approval(
    guided: Callable[..., Guided], contacts: Contacts
) -> None:
    """Another import is merged meanwhile; then the file changes."""
    run = guided(merge="overwrite")
    run.answer()
    assert contacts.load("email\nann@example.com\n", name="other.csv")["contacts"]["inserted"] == 1
    run.answer(decision="go on")
    assert "has changed since you approved (2 inserted, 0 updated" in run.description
    assert "(1 inserted, 1 updated" in run.description
    rewrite(run, FILE.replace("Bob", "Rob"))
    run.answer(decision="go on")
    assert "because of the file. Nothing was merged" in run.description
    assert "Rob" in run.artifact("import-preview")
    assert set(contacts.database.contacts()) == {"ann@example.com"}
    rewrite(run, FILE.replace("Nombre", "Surname"))
    run.answer(decision="go on")
    assert run.description.startswith("**The header of the file has changed")
    run.answer(column_3="do not import")
    run.answer(decision="go on")
    assert contacts.database.contacts()["bob@example.com"] == {"surname": "Bob"}
    assert [row["status"] for row in run.listed] == ["completed", "completed"]
    source = run.run.parameters["request"]["source"]
    again = contacts("import", source, "--merge", "overwrite", "--if-same-file", "skip", "--json").json
    assert again["status"] == "completed"  # the mapping differs from that of a run without a form


@one_warehouse
def test_a_guided_import_takes_a_sheet_of_a_workbook(contacts: Contacts) -> None:
    rows: list[list[Any]] = [
        ["Correo", "Alta"],
        ["ann@example.com", date(2020, 1, 2)],
        ["bob@example.com", date(2020, 1, 3)],
    ]
    path = contacts.folder / "book.xlsx"
    path.write_bytes(book({"Notes": [["x"]], "Contacts": rows}))
    run = Guided(contacts, source=f"{path}!Contacts")
    assert [box["title"] for box in run.form["properties"].values()] == ["Correo", "Alta"]
    run.answer(column_2="birthdate")
    assert "2 rows, 2 accepted (2 inserted" in run.description
    run.answer(decision="go on")
    assert contacts.database.contacts()["bob@example.com"] == {"birthdate": "2020-01-03"}


@one_warehouse
def test_a_change_of_the_segment_needs_a_new_approval(guided: Callable[..., Guided], contacts: Contacts) -> None:
    """The contacts are unchanged, but meanwhile one of them is added to the segment."""
    contacts("segments", "create", "vip")
    contacts.load(FILE, name="before.csv")
    run = guided(merge="overwrite", segment="vip")
    run.answer()
    contacts.load("email\nann@example.com\n", "--segment", "vip", name="other.csv")
    run.answer(decision="go on")
    assert "0 updated, 2 unchanged, 0 skipped, 2 joining the segment)" in run.description
    run.answer(decision="go on")
    assert [row["segment_added"] for row in run.listed if row["source"].endswith("contacts.csv")] == [1]


@one_warehouse
def test_an_archive_of_several_files_needs_the_name_of_one(contacts: Contacts) -> None:
    path = audience(contacts.folder)
    whole = Guided(contacts, source=str(path), preset="mailchimp").run.state.message
    assert whole.startswith("archive-has-several-files: ")
    for name in NAMES:
        assert name in whole
    named = f"{path}!{NAMES[0]}"
    assert whole.endswith(f"such as {named!r}")
    assert Guided(contacts, source=named, preset="mailchimp").form["properties"]["column_1"]["default"] == "email"


@one_warehouse
def test_a_wrong_mapping_is_asked_again_and_stop_ends_the_run(
    guided: Callable[..., Guided], database: Database, contacts: Contacts
) -> None:
    run = guided(require=["name"])
    run.answer(column_1="do not import")
    assert run.description.startswith("**No column goes to email")
    first = run.form["properties"]["column_1"]
    assert first["default"] == "do not import"
    assert first["description"].startswith("No column goes to email")
    run.answer(column_1="email", column_3="name")
    assert run.description.startswith("**2 columns go to name: Nombre, Teléfono móvil")
    run.answer(column_2="do not import", column_3="do not import")
    assert "required" in run.description
    run.answer(column_2="name")
    with pytest.raises(RuntimeError, match="decision"):
        run.answer()
    with pytest.raises(RuntimeError, match="is not one of"):
        run.answer(decision="perhaps")
    run.answer(decision="stop")
    assert (run.run.state.type.value, run.run.state.name) == ("COMPLETED", "Stopped")
    assert database.contacts() == {}
    assert [(row["status"], row["error_code"]) for row in run.listed] == [("failed", "stopped")]
    assert "stopped" in contacts("imports").out


@one_warehouse
def test_errors_name_the_fields_of_the_form_and_no_options_of_a_command(guided: Callable[..., Guided]) -> None:
    run = guided(require=["name"], min_rows="50")
    run.answer(column_2="do not import")
    assert "name its column with “Columns to fields”, or leave out “Required fields”" in run.description
    run.answer(column_2="name")
    assert run.run.state.message.startswith("too-few-rows: ")
    assert run.run.state.message.endswith("lower “At least this many rows”")


@one_warehouse
def test_a_run_without_an_answer_fails_after_its_time(
    guided: Callable[..., Guided], contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTACTS_ANSWER_SECONDS", "1")
    run = guided()
    waited = run.listed[0]
    assert (waited["status"], waited["error_code"]) == ("running", None)
    time.sleep(1.1)
    listed = contacts("imports", "--json").json
    assert [(row["status"], row["error_code"]) for row in listed] == [("failed", "no-answer")]
    assert contacts("imports", "1", "--json").json["error"]["code"] == "no-answer"
    with pytest.raises(Exception, match=r"no longer be resumed|never resumed"):
        run.answer()
    monkeypatch.setenv("CONTACTS_ANSWER_SECONDS", "600")
    run.start_again()
    assert run.form["properties"]["column_1"]["default"] == "email"
    assert [row["status"] for row in run.listed] == ["failed", "running"]


@one_warehouse
def test_the_next_import_closes_a_run_that_was_cancelled_while_it_waited(
    guided: Callable[..., Guided], contacts: Contacts
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelled

    waiting, cancelled = guided(), guided()
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(cancelled.id, Cancelled())
    contacts.load("email\njoe@example.com\n", name="other.csv")
    listed = [(row["status"], row["error_code"]) for row in waiting.listed]
    assert listed == [("running", None), ("failed", "interrupted"), ("completed", None)]


@one_warehouse
def test_a_run_of_another_prefect_server_stays_open(guided: Callable[..., Guided], contacts: Contacts) -> None:
    """The command's own Prefect server does not know the runs of the deployments."""
    waiting = guided()
    opened = Warehouse.open(contacts.database.url, contacts.database.schema)
    with opened as warehouse, warehouse.write_transaction() as connection:
        imports = WarehouseTables(warehouse.schema).imports
        connection.execute(imports.update().values(flow_run_id=str(uuid4())))
    contacts.load("email\njoe@example.com\n", name="other.csv")
    assert [row["status"] for row in waiting.listed] == ["running", "completed"]


def test_no_folder_outside_the_imports_is_deleted_whatever_prefect_stores(tmp_path: Path) -> None:
    from flows.guided_import import _remove_previous_folder

    settings = Settings(home=tmp_path)
    other, ours = tmp_path / "000007-000000ff", tmp_path / "imports" / "000007-000000ff"
    for folder in (other, ours):
        folder.mkdir(parents=True)
    for named in (str(tmp_path), "..", ".", "", "000007-000000ff/.."):
        _remove_previous_folder(settings, {"folder": named})
    assert (other.exists(), ours.exists()) == (True, True)
    _remove_previous_folder(settings, {"folder": str(other)})
    assert (other.exists(), ours.exists()) == (True, False)


@one_warehouse
def test_a_file_that_disappears_and_a_file_without_rows_fail(guided: Callable[..., Guided], contacts: Contacts) -> None:
    run = guided("Email,Name\n")
    run.answer()
    assert "0 rows, 0 accepted" in run.description
    rewrite(run, "")
    run.answer(decision="go on")
    assert run.run.state.message.startswith("source-empty: ")
    assert [(row["status"], row["error_code"]) for row in run.listed] == [("failed", "source-empty")]


@one_warehouse
def test_a_preset_fills_the_form_and_leaves_out_columns_never_read(
    guided: Callable[..., Guided], contacts: Contacts
) -> None:
    text = (
        "Active (0/1);Email *;Password *;Last name *;First name *;Newsletter (0/1)\n1;ann@example.com;hunter2;A;B;1\n"
    )
    run = guided(text, preset="prestashop-sample")
    boxes = {box["title"]: box["default"] for box in run.form["properties"].values()}
    assert "Password *" not in boxes
    assert boxes["Email *"] == "email"
    assert "hunter2" not in run.artifact("import-columns")
    run.answer()
    assert "hunter2" not in run.artifact("import-preview")
    run.answer(decision="go on")
    assert contacts.database.contacts()["ann@example.com"]["newsletter_subscription_status"] == "subscribed"


@one_warehouse
def test_a_guided_import_outside_a_deployment_fails(contacts: Contacts) -> None:
    from flows.guided_import import guided_import

    state = guided_import({"source": str(contacts.file(FILE))}, return_state=True)
    assert state.message is not None
    assert state.message.startswith("needs-deployment: ")
    assert contacts("imports", "--json").json["error"]["code"] == "warehouse-unusable"  # not even created


@one_warehouse
def test_the_same_file_with_the_same_answers_is_skipped_on_request(
    guided: Callable[..., Guided], contacts: Contacts
) -> None:
    first, others = guided(if_same_file="skip"), []
    first.answer()
    first.answer(decision="go on")
    for surname in ("name", "surname"):
        run = guided(if_same_file="skip")
        run.answer(column_2=surname)
        others.append(run)
    assert others[0].run.state.name == "Skipped"
    assert others[1].run.state.is_paused()
    listed = [(row["status"], row["repeats"]) for row in first.listed]
    assert listed == [("completed", None), ("skipped", 1), ("running", None)]


@one_warehouse
def test_a_file_of_an_older_day_is_refused_at_the_first_step(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in ("2026-11-20", "2026-11-21"):
        contacts.file(FILE, f"c-{day}.csv")
    source = str(contacts.folder / "c-{date}.csv")
    assert contacts("import", source, "--date", "2026-11-21").status == 0
    monkeypatch.setattr("flows.import_runs.lifecycle.scheduled_day", lambda: date(2026, 11, 20))
    run = Guided(contacts, source=source, merge="overwrite")
    assert run.run.state.message.startswith("source-out-of-order: ")


@one_warehouse
def test_only_the_artifact_of_the_merge_names_the_rejected_file(guided: Callable[..., Guided]) -> None:
    """The file of a preview is deleted before the next step; also of one that was shown instead of the merge."""

    def named(*artifacts: str) -> bool:
        return "rejected.csv" in "".join(run.artifact(key) + run.description_of(key) for key in artifacts)

    run = guided()
    run.answer()
    assert not named("rejected-rows", "import-preview")
    rewrite(run, FILE.replace("bad", "very bad"))
    run.answer(decision="go on")
    assert "very bad" in run.artifact("rejected-rows")
    assert not named("rejected-rows", "import-preview")
    run.answer(decision="go on")
    assert named("rejected-rows")
    assert "rejected.csv" in run.artifact("import-summary")


@one_warehouse
def test_the_summary_offers_no_rejected_rows_where_there_are_none(guided: Callable[..., Guided]) -> None:
    run = guided(FILE.replace("bad,", "eve@example.com,"))
    run.answer()
    run.answer(decision="go on")
    assert "rejected.csv" not in run.artifact("import-summary")


@one_warehouse
def test_a_plan_of_another_run_is_refused(contacts: Contacts) -> None:
    source = str(contacts.file(FILE, "people.csv"))
    run = Guided(contacts, source=source, plan="sha256:" + ".".join(["0" * 16] * 3))
    assert "leave the field Plan empty" in run.run.state.message
