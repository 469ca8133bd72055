"""What `prefect deploy --all` creates, as the server returns it, without a browser."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

import pytest

from tests.ui.prefect_site import PrefectSite, wait_for

pytestmark = pytest.mark.ui

NAMES = ["backfill", "check", "guided-import", "import", "inbox", "nightly-sync", "plan", "undo"]


def test_deploying_twice_creates_no_duplicate(site: PrefectSite) -> None:
    site.deploy()
    deployments = site.post("deployments/filter", {})
    assert sorted(each["name"] for each in deployments) == [
        "backfill",
        "check",
        "guided-import",
        "import",
        "inbox",
        "nightly-sync",
        "plan",
        "undo",
    ]
    (nightly,) = (each for each in deployments if each["name"] == "nightly-sync")
    schedules = [(each["schedule"]["cron"], each["schedule"]["timezone"]) for each in nightly["schedules"]]
    assert schedules == [("30 3 * * *", "Europe/Madrid")]
    assert nightly["global_concurrency_limit"]["limit"] == 1
    assert nightly["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    assert all(each["description"] and each["tags"] for each in deployments)
    assert str(Path.cwd()) not in json.dumps(deployments)


def test_the_schedule_plans_the_next_nights(site: PrefectSite) -> None:
    nights = wait_for(lambda: [run for run in site.runs("nightly-sync") if run["auto_scheduled"]], "planned nights")
    times = [datetime.fromisoformat(run["expected_start_time"]).astimezone(ZoneInfo("Europe/Madrid")) for run in nights]
    assert {f"{time:%H:%M}" for time in times} == {"03:30"}


def form_of(site: PrefectSite, deployment: str) -> dict[str, Any]:
    """The fields of a deployment's form by name, and their choices."""
    (found,) = site.post("deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
    schema = found["parameter_openapi_schema"]
    request = schema["properties"]["request"]
    assert request["title"]
    assert request["description"]
    return {"definitions": schema["definitions"], **schema["definitions"][request["$ref"].rsplit("/", 1)[1]]}


@pytest.mark.parametrize("deployment", NAMES)
def test_every_field_of_the_form_has_a_description(site: PrefectSite, deployment: str) -> None:
    form = form_of(site, deployment)
    assert form["required"] == ["import_id" if deployment == "undo" else "source"]
    assert form["additionalProperties"] is False
    for name, box in form["properties"].items():
        assert box["title"], name
        assert len(box["description"]) > 20, name
        if "$ref" in box:
            assert box["default"] in form["definitions"][box["$ref"].rsplit("/", 1)[1]]["enum"], name


WRONG = [
    pytest.param({}, id="no file"),
    pytest.param({"source": ""}, id="an empty name"),
    pytest.param({"source": 1}, id="a number for a name"),
    pytest.param({"source": "a.csv", "merge": "replace"}, id="no such policy"),
    pytest.param({"source": "a.csv", "blanks": True}, id="no such choice"),
    pytest.param({"source": "a.csv", "header": "maybe"}, id="neither yes nor no"),
    pytest.param({"source": "a.csv", "mapping": ["email"]}, id="a list for a mapping"),
    pytest.param({"source": "a.csv", "mapping": {"a": 1}}, id="a number for a field"),
    pytest.param({"source": "a.csv", "require": "name"}, id="a text for a list"),
    pytest.param({"source": "a.csv", "delimiter": "ab"}, id="a delimiter of two"),
    pytest.param({"source": "a.csv", "default_prefix": "Spain"}, id="no prefix"),
    pytest.param({"source": "a.csv", "max_rejected": "5 %"}, id="no share"),
    pytest.param({"source": "a.csv", "max_rejected": "101%"}, id="more than all"),
    pytest.param({"source": "a.csv", "min_rows": "-1"}, id="no number of rows"),
    pytest.param({"source": "a.csv", "retry_of": 0}, id="no import"),
    pytest.param({"source": "a.csv", "nonsense": 1}, id="an unknown box"),
]


@pytest.mark.parametrize("request_", WRONG)
def test_a_wrong_value_is_refused_before_a_run_is_created(site: PrefectSite, request_: dict[str, Any]) -> None:
    with pytest.raises(HTTPError) as refused:
        site.start("import", request_)
    assert refused.value.code in {409, 422}
    refused.value.close()


def test_a_value_that_the_form_cannot_check_fails_the_run_at_its_start(site: PrefectSite) -> None:
    runs = [
        site.start("nightly-sync", {"source": "data/contacts.csv", "merge": "fill-empty", "blanks": "clear"}),
        site.start("check", {"source": "data/contacts.csv", "encoding": "klingon"}),
    ]
    ended = [wait_for(lambda run=run: site.ended(run), "the end of the run") for run in runs]  # type: ignore[misc]
    messages = [run["state"]["message"] for run in ended]
    assert [run["state_type"] for run in ended] == ["FAILED", "FAILED"]
    assert "blank cells cannot be cleared with fill-empty" in messages[0]
    assert "write one such as utf-8" in messages[1]


def test_a_check_creates_no_warehouse(site: PrefectSite) -> None:
    run_id = site.start("check", {"source": "data/contacts.csv"})
    run = wait_for(lambda: site.ended(run_id), "the end of the run")
    counts = "944 of 1,000 valid, 56 rejected, 1 column left out (last_purchase)"
    assert run["state"]["message"] == counts, site.log("worker")
    artifacts = site.post("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run_id]}}})
    assert sorted(each["key"] for each in artifacts) == ["check-summary", "rejected-rows"]


def test_an_expected_failure_is_one_line_in_the_log_without_a_traceback(site: PrefectSite) -> None:
    run_id = site.start("import", {"source": "data/no-such-file.csv"})
    run = wait_for(lambda: site.ended(run_id), "the end of the run")
    assert run["state"]["message"].startswith("source-not-found: "), site.log("worker")

    def messages() -> list[str]:
        return [log["message"] for log in site.post("logs/filter", {"logs": {"flow_run_id": {"any_": [run_id]}}})]

    wait_for(lambda: [each for each in messages() if each.startswith("Finished in state")], "the last line of the log")
    assert [each for each in messages() if "Traceback" in each or "TypeError" in each] == []
    assert len([each for each in messages() if "source-not-found" in each]) == 1, messages()
