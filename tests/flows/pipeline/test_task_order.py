"""One step on one item: what is tried again, and what an error may say."""

from collections.abc import Callable

import pytest

from flows.pipeline.task_order import ATTEMPTS, run_step
from schemas.errors.base import UnexpectedError


def fails(times: int, error: Exception) -> Callable[[None, int], int]:
    """A step that raises the error this many times, and then returns its item."""
    errors = [error] * times

    def step(_: None, item: int) -> int:
        if errors:
            raise errors.pop()
        return item

    return step


def test_a_step_whose_folder_is_away_for_a_moment_is_tried_again() -> None:
    assert run_step(fails(ATTEMPTS - 1, OSError("away")), None, 7) == 7


def test_a_step_whose_folder_stays_away_fails() -> None:
    with pytest.raises(OSError, match="away"):
        run_step(fails(ATTEMPTS, OSError("away")), None, 7)


def test_an_unexpected_error_of_a_step_is_tried_once_and_quotes_nothing() -> None:
    with pytest.raises(UnexpectedError, match="ValueError") as caught:
        run_step(fails(1, ValueError("ana@example.com")), None, 7)
    assert "ana@" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


def test_a_debugged_step_keeps_the_place_of_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTS_DEBUG", "1")
    with pytest.raises(ValueError, match="ana@") as caught:
        run_step(fails(1, ValueError("ana@example.com")), None, 7)
    assert caught.traceback[-1].name == "step"
