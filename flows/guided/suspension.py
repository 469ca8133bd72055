"""Questions to a person in the middle of a run: the run is suspended with a form, and starts anew with the answer.

Nothing of a suspended run is alive: no process, no connection, no lock. What it must know when it comes back lies in
Prefect, beside the form: numbers, paths and names of fields, never a contact's value.
"""

from dataclasses import dataclass
from typing import Any, NoReturn, cast
from uuid import UUID, uuid4

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.input.actions import create_flow_run_input, read_flow_run_input

RunState = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A form, and what the run must know when it comes back with the answer."""

    form: type[RunInput]
    facts: RunState


@dataclass(frozen=True)
class LastQuestion:
    """The last question of this run; its answer is None where nobody has given one."""

    facts: RunState
    answer: dict[str, Any] | None


def can_suspend() -> bool:
    """Whether this is a run that Prefect can start again."""
    return runtime.deployment.id is not None


def ask(question: Question, seconds: int) -> NoReturn:
    """End this process; the run starts anew once the form is filled in, and fails when nobody does for so long.

    Every question has a key of its own: to Prefect, a question with a known key has been answered.
    """
    key = uuid4().hex
    create_flow_run_input(_state_key(key), question.facts)
    suspend_flow_run(wait_for_input=question.form, timeout=seconds, key=key)
    raise AssertionError("a suspended run does not go on")


def last_question() -> LastQuestion | None:
    """What this run asked last, before it was suspended; None where it has asked nothing."""
    run = UUID(runtime.flow_run.id)
    with get_client(sync_client=True) as client:
        states: list[State[Any]] = client.read_flow_run_states(run)
    for state in sorted(states, key=lambda each: each.timestamp, reverse=True):
        key, keys = state.state_details.pause_key, state.state_details.run_input_keyset
        facts = _read(_state_key(key), run) if state.is_paused() and key and keys else None
        if facts is not None and keys is not None:
            return LastQuestion(facts, _answer(keys, run))
    return None


def _state_key(key: str) -> str:
    return f"facts-{key}"


def _answer(keys: dict[str, str], run: UUID) -> dict[str, Any] | None:
    """What was filled in; where a box was left alone, what the form said."""
    answer = _read(keys["response"], run)
    if answer is None:
        return None
    boxes: RunState = (_read(keys["schema"], run) or {}).get("properties", {})
    return {name: box["default"] for name, box in boxes.items() if "default" in box} | answer


def _read(key: str, run: UUID) -> RunState | None:
    return cast(RunState | None, read_flow_run_input(key, flow_run_id=run))
