"""The events of an import have numbers and ids, and no text of the file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.flows.conftest import Contacts
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import start_import
from warehouse.import_list.liveness import liveness_lock

MARK = "zq7marked"
FILE = f"""\
email,{MARK},mobile_phone,points
{MARK}@example.com,x,,1
{MARK} bad,x,+34651234568,2
other@example.com,x,+34651234569,{MARK}
"""
one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.fixture
def sent_events(contacts: Contacts) -> Iterator[list[Any]]:
    """The events that this process sends to the server."""
    from prefect.events.clients import AssertingEventsClient
    from prefect.events.worker import EventsWorker

    AssertingEventsClient.reset()
    EventsWorker.set_client_override(AssertingEventsClient)
    events: list[Any] = []
    yield events
    EventsWorker.drain_all(timeout=10)
    EventsWorker._client_override = None
    AssertingEventsClient.reset()


def import_events_sent() -> list[Any]:
    from prefect.events.clients import AssertingEventsClient
    from prefect.events.worker import EventsWorker

    EventsWorker.drain_all(timeout=10)
    sent = [event for client in AssertingEventsClient.all for event in client.events]
    return [event for event in sent if event.event.startswith("contacts.")]


@one_warehouse
def test_a_completed_import_emits_its_counts_rejections_and_dropped_columns(
    contacts: Contacts, sent_events: list[Any]
) -> None:
    report = contacts.load(FILE)
    events = {event.event: event for event in import_events_sent()}
    assert {name.removeprefix("contacts.import."): event.payload for name, event in events.items()} == {
        "completed": {
            "import_id": 1,
            "rows": {"read": 3, "accepted": 1, "rejected": 2},
            "contacts": {"inserted": 1, "updated": 0, "unchanged": 0, "skipped": 0},
            "retry_of": None,
            "seconds": report["seconds"],
        },
        "rejected-rows": {
            "import_id": 1,
            "rows": {"read": 3, "accepted": 1, "rejected": 2},
            "reasons": {"email-invalid": 1, "integer-invalid": 1},
        },
        "column-dropped": {"import_id": 1, "fields": ["mobile_phone"], "positions": [3], "empty_cells": [1]},
    }
    [run] = [row["flow_run_id"] for row in contacts.database.imports()]
    for event in events.values():
        assert event.resource.id == "contacts.import.1"
        assert f"prefect.flow-run.{run}" in [related.id for related in event.related]
        assert MARK not in json.dumps(event.payload)


@one_warehouse
def test_a_failed_import_emits_its_error_code(contacts: Contacts, sent_events: list[Any]) -> None:
    contacts("import", contacts.file(f"{MARK}\nx\n", f"{MARK}.csv"))
    [event] = import_events_sent()
    assert (event.event, event.resource.id) == ("contacts.import.failed", "contacts.import.1")
    assert event.payload == {"import_id": 1, "rows": {}, "error": "no-email-column"}


@one_warehouse
def test_an_import_with_too_many_rejected_rows_emits_failed_and_rejected_rows(
    contacts: Contacts, sent_events: list[Any]
) -> None:
    contacts("import", contacts.file(FILE), "--max-rejected", "0")
    assert [event.event.rpartition(".")[2] for event in import_events_sent()] == [
        "failed",
        "rejected-rows",
        "column-dropped",
    ]


@one_warehouse
def test_an_import_without_a_warehouse_emits_failed(contacts: Contacts, sent_events: list[Any]) -> None:
    contacts("import", contacts.file(FILE), "--warehouse", "sqlite:////dev/null/x.db")
    [event] = import_events_sent()
    assert (event.resource.id, event.payload["error"]) == ("contacts.import.unlisted", "warehouse-unusable")


@one_warehouse
def test_the_next_import_emits_failed_for_an_import_whose_process_died(
    contacts: Contacts, sent_events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.backends.postgres.PostgresBackend.liveness_grace_seconds", 0.1)
    contacts("segments", "create", "any")
    with Warehouse.open(contacts.database.url) as warehouse, liveness_lock(warehouse) as key:
        now = datetime.now(UTC)
        start_import(
            warehouse, source=MARK, merge_policy="overwrite", started_at=now, flow_run_id="of-the-dead", alive_key=key
        )
    contacts.load("email\nann@example.com\n")
    dead, done = import_events_sent()
    assert (dead.event, dead.payload["error"]) == ("contacts.import.failed", "interrupted")
    assert (dead.resource.id, done.resource.id) == ("contacts.import.1", "contacts.import.2")
    assert dead.related[0].id == "prefect.flow-run.of-the-dead"


@one_warehouse
def test_an_interrupted_import_emits_failed(
    contacts: Contacts, sent_events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.import_runs.tasks.resolve_rejections", interrupt)
    assert contacts("import", contacts.file(FILE)).status != 0
    failed, dropped = import_events_sent()
    assert (failed.event, failed.payload["error"]) == ("contacts.import.failed", "interrupted")
    assert dropped.event == "contacts.import.column-dropped"


@one_warehouse
def test_a_server_that_does_not_answer_is_waited_for_only_once(
    contacts: Contacts, sent_events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("flows.publishing.artifacts.create_markdown_artifact", away)
    monkeypatch.setattr("flows.publishing.results.publish_import_list", pytest.fail)
    contacts.load(FILE)
    assert import_events_sent() == []


@one_warehouse
def test_an_error_while_sending_events_fails_no_import(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise RuntimeError("the server is away")

    monkeypatch.setattr("flows.publishing.events.emit_event", away)
    assert contacts.load(FILE)["contacts"]["inserted"] == 1
