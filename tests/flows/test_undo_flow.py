"""The flow behind the deployment `undo`."""

from typing import Any, cast

import pytest

from flows.config.request import UndoRequest
from tests.flows.conftest import Contacts

FILE = "email,name\nann@example.com,Ann\nbo@example.com,Bo\n"


def undo(import_id: int, *, dry_run: bool = False) -> Any:
    from flows.undo_import import undo_contacts_import

    return cast(Any, undo_contacts_import)(UndoRequest(import_id=import_id, dry_run=dry_run), return_state=True)


def test_the_flow_counts_first_then_undoes_and_publishes_a_summary(contacts: Contacts) -> None:
    contacts.load(FILE)
    contacts.load(FILE.replace("Bo\n", "Bob\n"), "--merge", "overwrite", name="second.csv")
    planned = undo(2, dry_run=True)
    assert planned.message.startswith("import 2: 1 cell would be restored, 0 kept; 0 contacts would be deleted")
    assert contacts.database.contacts()["bo@example.com"]["name"] == "Bob"
    done = undo(2)
    assert done.type.value == "COMPLETED"
    assert done.message.startswith("import 2: 1 cell restored")
    assert contacts.database.contacts()["bo@example.com"]["name"] == "Bo"
    assert summary_of_run(done).startswith("# Undo of import 2 (import 3): completed")


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_an_undo_that_cannot_be_is_a_failed_run_that_names_the_error(contacts: Contacts) -> None:
    contacts.load(FILE)
    undo(1)
    again = undo(1)
    assert again.type.value == "FAILED"
    assert again.message.startswith("already-undone: ")
    assert (
        again.result(raise_on_failure=False)["error"]["code"] == "already-undone"
    )  # without data, Prefect logs a traceback
    assert undo(99).message.startswith("unknown-import: ")


def summary_of_run(state: Any) -> str:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey

    run = ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
    with get_client(sync_client=True) as client:
        [found] = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=run, key=ArtifactFilterKey(any_=["undo-summary"]))
        )
    return str(found.data).replace("\\", "")
