"""A guided import from question to answer, on a real Prefect server; this process plays the worker."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from tests.flows.conftest import Contacts, Database

FILE = """\
Correo,Nombre,Teléfono móvil,Loyalty card
ann@example.com,Ann,+34651234567,1
bob@example.com,Bob,+34651234568,2
bad,Eve,+34651234569,3
"""


class Guided:
    """One run of the deployment `guided-import`, a process after the other."""

    def __init__(self, contacts: Contacts, **request: Any) -> None:
        from prefect.client.orchestration import get_client

        from flows.guided_import import guided_import

        self.database, self.flow = contacts.database, guided_import
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(client.create_flow(guided_import), name="guided-import")
            self.id: UUID = client.create_flow_run_from_deployment(deployment, parameters={"request": request}).id
        self.work()

    def work(self) -> None:
        """What a worker does with the run when it is due: it runs until it ends or asks."""
        from prefect.exceptions import Pause
        from prefect.flow_engine import run_flow

        with suppress(Pause):
            run_flow(self.flow, flow_run=self.run, return_type="state")

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
        return str(self._input("description"))

    def _input(self, key: str) -> Any:
        from prefect.input.actions import read_flow_run_input

        assert self.run.state.is_paused(), self.run.state
        return read_flow_run_input(self.run.state.state_details.run_input_keyset[key], flow_run_id=self.id)

    def answer(self, **boxes: str) -> None:
        """Fill in some of the boxes, submit, and let a worker take it up."""
        from prefect.flow_runs import resume_flow_run

        form = self.form["properties"]
        resume_flow_run(self.id, {name: box["default"] for name, box in form.items() if "default" in box} | boxes)
        self.work()

    def artifact(self, key: str) -> str:
        """The last one of a key."""
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
        return str(found[0].data)

    @property
    def listed(self) -> list[dict[str, Any]]:
        return self.database.imports()


@pytest.fixture
def guided(contacts: Contacts) -> Callable[..., Guided]:
    def start(text: str = FILE, **request: Any) -> Guided:
        return Guided(contacts, source=str(contacts.file(text)), **request)

    return start


one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


def test_the_whole_way(guided: Callable[..., Guided], database: Database) -> None:
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
    assert "Why 1 row would not come in" in preview
    assert "Loyalty card" in preview
    assert database.contacts() == {}

    run.answer(decision="back to the columns")
    assert run.form["properties"]["column_2"]["default"] == "surname"
    run.answer(column_2="name", column_4="points")
    run.answer(decision="go on")
    assert run.run.state.message.startswith("3 rows read, 2 accepted (2 inserted")
    assert database.contacts()["ann@example.com"] == {"name": "Ann", "mobile_phone": "+34651234567", "points": "1"}
    assert [row["status"] for row in run.listed] == ["completed"]
