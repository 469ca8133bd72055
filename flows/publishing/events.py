"""What other programs are told of an import: Prefect events, with counts and ids and no contact.

An automation of Prefect's turns them into a message; docs/operations.md says how. Without a server nobody is told.
"""

from collections.abc import Iterator
from typing import Any

from prefect import get_run_logger, runtime
from prefect.events import emit_event

from flows.reports.models import ImportReport
from transforms.mapping.columns import ColumnOutcome


def emit_events(result: ImportReport, flow_run_id: str | None = None) -> None:
    """Say how an import ended, what it rejected and which columns it dropped; trouble in here goes no further.

    The run is this one, unless the import is another's that died.
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
        get_run_logger().warning("nobody could be told of the import: %s", type(error).__name__)


def import_events(result: ImportReport) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and payloads. A payload has no path, header or message: any of them may have a contact in it."""
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
