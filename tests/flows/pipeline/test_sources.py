"""Sources in a run: the day that is meant, logins that are never shown, and the allowed places."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Contacts
from tests.flows.test_prefect_runs import Runs
from tests.remote.web import Page, Site, basic, web_site
from transforms.sources import fetch as sources

FILE = b"email,name\nana@example.com,Ana\n"


@pytest.fixture
def warehouse_url(tmp_path: Path) -> str:
    """One warehouse will do for what comes before it."""
    return f"sqlite:///{tmp_path / 'contacts.db'}"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A web site that the settings allow."""
    monkeypatch.setattr(sources, "FIRST_RETRY_SECONDS", 0.001)
    with web_site() as served:
        monkeypatch.setenv("CONTACTS_ALLOWED_SOURCES", f"s3://other, {served.url}")
        yield served


def test_a_remote_file_with_an_unchanged_etag_is_not_fetched(contacts: Contacts, site: Site) -> None:
    site.pages["/c.csv"] = page = Page(FILE, '"v1"')
    arguments = ("import", f"{site.url}/c.csv", "--if-same-file", "skip", "--json")
    first = contacts(*arguments).json
    sent, site.log[:] = site.sent, []
    second = contacts(*arguments).json
    assert (first["status"], second["status"], second["repeats"]) == ("completed", "skipped", first["import_id"])
    assert second["sha256"] == first["sha256"]
    assert (site.log, site.sent) == (["HEAD /c.csv"], sent)
    page.etag = '"v2"'
    third = contacts(*arguments).json
    assert (third["status"], third["repeats"]) == ("skipped", first["import_id"])
    assert site.sent == sent + len(FILE), "another version is fetched, and found to be the same"
    site.log.clear()
    assert contacts(*arguments).json["status"] == "skipped"
    assert site.log == ["HEAD /c.csv"], "and then its version is known too"
    page.content, page.etag = FILE + b"bob@example.com,Bob\n", '"v3"'
    assert contacts(*arguments).json["rows"]["read"] == 2


def test_a_weak_etag_does_not_skip_the_file(contacts: Contacts, site: Site) -> None:
    site.pages["/c.csv"] = Page(FILE, 'W/"v1"')
    contacts("import", f"{site.url}/c.csv")
    site.pages["/c.csv"].content = FILE.replace(b"Ana", b"Eva")
    assert contacts("import", f"{site.url}/c.csv", "--if-same-file", "skip", "--json").json["status"] == "completed"


def test_a_login_of_the_environment_is_used_and_shown_nowhere(
    contacts: Contacts, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.pages["/c.csv"] = Page(FILE, login=basic("ana", "hush"))
    monkeypatch.setenv("CONTACTS_CREDENTIALS", json.dumps({site.url: {"user": "ana", "password": "hush"}}))
    ran = contacts("import", f"{site.url}/c.csv?token=hush", "--json")
    assert (ran.status, ran.json["source"]) == (0, f"{site.url}/c.csv")
    told = f"{ran.out}{ran.err}{contacts.database.imports()}{caplog.text}"
    assert "hush" not in told
    assert basic("ana", "hush") not in told


def test_a_login_of_a_secret_block_is_used(contacts: Contacts, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.blocks.system import Secret

    site.pages["/c.csv"] = Page(FILE, login="Bearer hush")
    monkeypatch.setenv("CONTACTS_CREDENTIALS", json.dumps({site.url: {"token": "old"}}))
    monkeypatch.setenv("CONTACTS_CREDENTIALS_BLOCK", "contacts-logins")
    refused = contacts("import", f"{site.url}/c.csv", "--json")
    assert refused.json["error"]["code"] == "settings-invalid"
    for value in ({site.url: {"token": "hush"}}, json.dumps({site.url: {"token": "hush"}})):
        Secret(value=value).save("contacts-logins", overwrite=True, _sync=True)  # type: ignore[call-arg]
        assert contacts("import", f"{site.url}/c.csv").status == 0
    Secret(value={site.url: {"hush": "hush"}}).save("contacts-logins", overwrite=True, _sync=True)  # type: ignore[call-arg]
    wrong = contacts("import", f"{site.url}/c.csv", "--json")
    assert wrong.json["error"]["code"] == "settings-invalid"
    assert "hush" not in wrong.out + wrong.err


@pytest.mark.parametrize("reads", ["import", "check"])
def test_an_address_with_a_password_is_a_wrong_command(contacts: Contacts, reads: str) -> None:
    ran = contacts(reads, "sftp://ana:hush@h/c.csv")
    assert ran.status == 2
    assert "CONTACTS_CREDENTIALS" in ran.err
    assert "hush" not in ran.out + ran.err
    assert not contacts.folder.joinpath("contacts.db").exists()


def test_in_a_run_an_address_with_a_password_fails_without_being_repeated(
    contacts: Contacts, caplog: pytest.LogCaptureFixture
) -> None:
    from flows.config.request import ImportRequest
    from flows.import_contacts import import_contacts

    state: Any = import_contacts(ImportRequest(source="https://ana:hush@h/c.csv"), return_state=True)
    assert state.is_failed()
    [row] = contacts.database.imports()
    assert (row["error_code"], row["source"]) == ("source-address-invalid", "https://h/c.csv")
    assert "hush" not in f"{state.message}{row}{Runs(contacts).run(1).name}{caplog.text}"


def test_a_source_that_is_not_allowed_has_its_own_error_code(contacts: Contacts) -> None:
    ran = contacts("import", "https://h.example/c.csv?token=hush", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "source-not-allowed")
    assert "hush" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONTACTS_ALLOWED_SOURCES", "https://h,ftp://hush"),
        ("CONTACTS_CREDENTIALS", '{"https://h": {"pass": "hush"}}'),
        ("CONTACTS_CREDENTIALS", "hush"),
        ("CONTACTS_CREDENTIALS", '{"https://h/path": {"token": "hush"}}'),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    command: Contacts, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    ran = command("check", "c.csv")
    assert (ran.status, variable in ran.err) == (1, True)
    assert "hush" not in ran.out + ran.err


def test_only_files_in_the_allowed_folders_are_read(command: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    (command.folder / "in").mkdir()
    monkeypatch.setenv("CONTACTS_SOURCE_FOLDERS", f"{command.folder / 'in'}, /nowhere")
    assert command("check", command.file(FILE, "in/c.csv")).status == 0
    ran = command("check", command.file(FILE, "c.csv"), "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "source-not-allowed")


@pytest.mark.parametrize("option", ["--mapping", "--preset"])
def test_mapping_and_preset_files_must_be_in_the_allowed_folders_too(
    option: str, command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with a mapping quotes it, so whoever fills in the form could read the worker's other files."""
    (command.folder / "in").mkdir()
    monkeypatch.setenv("CONTACTS_SOURCE_FOLDERS", str(command.folder / "in"))
    source, secret = command.file(FILE, "in/c.csv"), command.file(b"email: hunter2\n", "secret.yaml")
    ran = command("check", source, option, secret, "--json")
    assert (ran.json["error"]["code"], "hunter2" in ran.out + ran.err) == ("source-not-allowed", False)
    text = {"--mapping": b"name: surname\n", "--preset": b"columns: {email: email, name: surname}\n"}[option]
    allowed = command("check", source, option, command.file(text, "in/mine.yaml"), "--json").json
    assert (allowed["status"], allowed["columns"][1]["field"]) == ("completed", "surname")


def test_the_report_names_the_file_that_a_pattern_matched(command: Contacts) -> None:
    path = command.file(FILE, "c-2026-03-10.csv")
    for source, *day in (["c-*.csv"], ["c-{date}.csv", "--date", "2026-03-10"]):
        said = command("check", command.folder / source, *day).out
        assert f"taken:    {path}" in said
    assert "taken:" not in command("check", path).out


class Deployed:
    """A deployment with schedules, whose runs are run here as a worker would."""

    def __init__(self, *zones: str, active: bool = False) -> None:
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.actions import DeploymentScheduleCreate
        from prefect.client.schemas.schedules import CronSchedule

        from flows.import_contacts import import_contacts

        self.flow = import_contacts
        crons = [CronSchedule(cron="30 0 * * *", timezone=zone) for zone in zones]
        schedules = [DeploymentScheduleCreate(schedule=cron, active=active) for cron in crons]
        with get_client(sync_client=True) as client:
            flow_id = client.create_flow(import_contacts)
            self.id = client.create_deployment(flow_id, name="-".join(zones).replace("/", "-"), schedules=schedules)

    def run(self, source: str, moment: datetime, **options: Any) -> None:
        from prefect.client.orchestration import get_client
        from prefect.flow_engine import run_flow
        from prefect.states import Scheduled

        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(
                self.id, parameters={"request": {"source": source, **options}}, state=Scheduled(scheduled_time=moment)
            )
            run = client.read_flow_run(run.id)
        run_flow(self.flow, flow_run=run, return_type="state")


# Half past midnight in Madrid is the evening before in UTC; the day is the schedule's.
NIGHT = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zones", "options", "day"),
    [
        pytest.param(["Europe/Madrid"], {}, "2026-03-10", id="the schedule's zone"),
        pytest.param(["America/Bogota"], {}, "2026-03-09", id="another zone"),
        pytest.param(["Europe/Madrid"], {"date": "2026-03-01"}, "2026-03-01", id="a day that is caught up"),
    ],
)
def test_a_late_run_reads_the_file_of_the_day_it_was_scheduled_for(
    contacts: Contacts, zones: list[str], options: dict[str, str], day: str
) -> None:
    contacts.file(FILE, f"c-{day}.csv")
    Deployed(*zones).run(str(contacts.folder / "c-{date}.csv"), NIGHT, **options)
    [row] = contacts.database.imports()
    assert (row["status"], row["error_message"]) == ("completed", None)
    assert json.loads(row["report"])["source_file"].endswith(f"c-{day}.csv")


def test_a_file_of_an_older_day_does_not_overwrite_a_newer_one(contacts: Contacts) -> None:
    for day, name in (("2026-03-10", "Old"), ("2026-03-11", "New")):
        contacts.file(FILE.replace(b"Ana", name.encode()), f"c-{day}.csv")
    source, deployed = str(contacts.folder / "c-{date}.csv"), Deployed("Europe/Madrid")
    deployed.run(source, NIGHT + timedelta(days=1), merge="overwrite")
    deployed.run(source, NIGHT, merge="overwrite")
    assert [row["error_code"] for row in contacts.database.imports()] == [None, "source-out-of-order"]
    deployed.run(source, NIGHT, merge="fill-empty")
    assert contacts.database.contacts()["ana@example.com"]["name"] == "New"
    deployed.run(source, NIGHT, merge="overwrite", date="2026-03-10")
    assert contacts.database.contacts()["ana@example.com"]["name"] == "Old"


def test_a_run_of_one_of_several_schedules_uses_the_time_zone_of_its_own(contacts: Contacts) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId

    from flows.prefect_lookups import time_zone_of_run

    deployed = Deployed("Europe/Madrid", "America/Bogota", active=True)
    with get_client(sync_client=True) as client:
        by_hand = client.create_flow_run_from_deployment(deployed.id)
        client._client.post(f"/deployments/{deployed.id}/schedule", json={"min_runs": 1, "max_runs": 1})
        mine = DeploymentFilter(id=DeploymentFilterId(any_=[deployed.id]))
        planned = [run for run in client.read_flow_runs(deployment_filter=mine) if run.auto_scheduled]
    assert time_zone_of_run(by_hand.id, deployed.id) is None
    zones = {time_zone_of_run(run.id, deployed.id) for run in planned}
    with get_client(sync_client=True) as client:
        client.delete_deployment(deployed.id)
    assert zones == {"Europe/Madrid", "America/Bogota"}


def test_the_form_refuses_a_password_before_prefect_stores_it() -> None:
    import re

    from flows.config.request import ImportRequest

    [pattern] = [ImportRequest.model_json_schema()["properties"]["source"]["pattern"]]
    refused = [
        *("https://ana:hush@h/c.csv", "sftp://:hush@h/c", "sftp://ana:hush@h/c", "sftp://a@na:hush@h/c"),
        *("https://hush@h/c.csv", "HTTPS://hush@h:8/c", "s3://hush@b/c", "s3://k:hush@b/c", "ftp://hush@h/c"),
        *("https://ana:hu/sh@h/c.csv", "s3://KEY:hu/sh@b/c", "SFTP://ana:hu/sh@h/c", "sftp://ana:hu?sh#@h/c"),
    ]
    taken = [
        *("c.csv", "C:/c@d.csv", "in/{date:%Y}@x.csv", "https://h", "https://h/a:b", "https://h:port/c", "ftp://h/c"),
        *("sftp://ana@h:22/c:d@e.csv", "sftp://h/a@b", "SFTP://ana@corp@h/c", "sftp://h:22/a@b", "sftp://[::1]:22/a@b"),
        *("https://h:8080/c?a=b:c@d", "https://h/a@b", "https://[::1]/a:b@c", "s3://b/a@b:c", "s3://b/a:b@c"),
    ]
    assert [source for source in refused if re.search(pattern, source)] == []
    assert [source for source in taken if not re.search(pattern, source)] == []
    assert os.environ.get("CONTACTS_CREDENTIALS") is None


def test_a_check_of_a_local_file_loads_no_library_of_remote_ones_nor_of_databases(tmp_path: Path) -> None:
    """So that it starts fast."""
    unneeded = {"aiohttp", "asyncssh", "botocore", "fsspec", "s3fs", "sshfs", "prefect", "sqlalchemy", "psycopg"}
    (tmp_path / "c.csv").write_bytes(b"email\na@b.com\n")
    program = (
        f"import sys; from flows.cli.main import main; main(sys.argv[1:]); print(sorted({unneeded} & {{*sys.modules}}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, "check", str(tmp_path / "c.csv")], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "[]"
