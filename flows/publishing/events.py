"""The Prefect events of an import: counts and ids, no contact data.

A Prefect automation turns them into messages; docs/operations.md says how.
"""

from collections.abc import Iterator
from typing import Any

from prefect import get_run_logger, runtime
from prefect.events import emit_event

from flows.reports.models import ImportReport
from transforms.mapping.columns import ColumnOutcome


def emit_events(result: ImportReport, flow_run_id: str | None = None) -> None:
    """Emit how an import ended, what it rejected and which columns it dropped. An error is logged only.

    The events belong to the current run, or to `flow_run_id` for an import whose own process died.
    """
    number = result.import_id
    resource = {
        "prefect.resource.id": f"contacts.import.{number or 'unlisted'}",
        "prefect.resource.name": f"import {number}" if number else "an import",
    }
    run = {"prefect.resource.id": f"prefect.flow-run.{flow_run_id or runtime.flow_run.id}"}
    run["prefect.resource.role"] = "flow-run"
    try:
        for event, payload in import_events(result):
            emit_event(event, resource, related=[run], payload={"import_id": number, **payload})
    except Exception as error:
        get_run_logger().warning("the events of the import could not be sent: %s", type(error).__name__)


def import_events(result: ImportReport) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and payloads. A path, a header or a message may contain a contact, so no payload has one."""
    rows = result.rows.model_dump() if result.rows else {}
    if result.error:
        yield "contacts.import.failed", {"rows": rows, "error": result.error.code}
    elif result.status == "completed":
        yield "contacts.import.completed", result.model_dump(include={"rows", "contacts", "retry_of", "seconds"})
    if rows.get("rejected"):
        yield "contacts.import.rejected-rows", {"rows": rows, "reasons": result.rejections}
    if dropped := [column for column in result.columns if column.outcome == ColumnOutcome.INCOMPLETE]:
        yield (
            "contacts.import.column-dropped",
            {
                "fields": [column.field for column in dropped],
                "positions": [column.position for column in dropped],
                "empty_cells": [column.empty_cells for column in dropped],
            },
        )
