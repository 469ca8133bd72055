"""Suspends a run with a form, and reads the answer when Prefect starts the run again.

A suspended run has no process, no connection and no lock. What it needs when it resumes is stored in Prefect with the
form: numbers, paths, names of fields, and the values that its drop-downs show (none if values are masked).
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, cast
from uuid import UUID, uuid4

from prefect import get_run_logger, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.input.actions import create_flow_run_input, read_flow_run_input

RunState = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A form, what the run needs to know when it resumes, and what a person is to do, for the list of runs."""

    form: type[RunInput]
    state: RunState
    what_to_do: str


@dataclass(frozen=True)
class LastQuestion:
    """The last question of this run; `answer` is None if it was not answered."""

    state: RunState
    answer: dict[str, Any] | None


def can_suspend() -> bool:
    """Whether Prefect can start this run again: only runs of deployments."""
    return runtime.deployment.id is not None


def suspend(question: Question, seconds: int) -> NoReturn:
    """End this process; the run starts again when the form is answered, and fails after so many seconds.

    Every question has its own key: Prefect takes a question with a known key as answered.
    """
    key = uuid4().hex
    create_flow_run_input(_state_key(key), question.state)
    get_run_logger().info(question.what_to_do)
    try:
        suspend_flow_run(wait_for_input=question.form, timeout=seconds, key=key)
    except Pause as pause:
        if pause.state:
            _say_in_state(pause.state, question.what_to_do)
        raise
    raise AssertionError("a suspended run does not continue")


def _say_in_state(state: State[Any], message: str) -> None:
    """Prefect suspends without a message, so the state is set again with one. If that fails, the run waits as well."""
    with suppress(Exception), get_client(sync_client=True) as client:
        said = state.model_copy(update={"message": message})
        client.set_flow_run_state(UUID(runtime.flow_run.id), said, force=True)


def last_question() -> LastQuestion | None:
    """The question for which this run was last suspended, if it was."""
    run = UUID(runtime.flow_run.id)
    with get_client(sync_client=True) as client:
        states: list[State[Any]] = client.read_flow_run_states(run)
    for state in sorted(states, key=lambda each: each.timestamp, reverse=True):
        key, keys = state.state_details.pause_key, state.state_details.run_input_keyset
        saved = _read(_state_key(key), run) if state.is_paused() and key and keys else None
        if saved is not None and keys is not None:
            return LastQuestion(saved, _answer(keys, run))
    return None


def _state_key(key: str) -> str:
    return f"facts-{key}"


def _answer(keys: dict[str, str], run: UUID) -> dict[str, Any] | None:
    """The answers, with the form's defaults for fields that were not sent."""
    answer = _read(keys["response"], run)
    if answer is None:
        return None
    fields: RunState = (_read(keys["schema"], run) or {}).get("properties", {})
    return {name: field["default"] for name, field in fields.items() if "default" in field} | answer


def _read(key: str, run: UUID) -> RunState | None:
    return cast(RunState | None, read_flow_run_input(key, flow_run_id=run))
