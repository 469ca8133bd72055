"""How a run ended, and where the command finds it."""

from contextvars import ContextVar
from typing import Generic, NamedTuple, TypeVar

from flows.reports.models import CheckReport, ImportReport

AnyReport = TypeVar("AnyReport", bound=CheckReport)


class RunOutcome(NamedTuple, Generic[AnyReport]):
    """The report of a check or an import, and the seconds of its stages."""

    report: AnyReport
    stages: dict[str, float]


recorded_outcomes: ContextVar[list[RunOutcome[ImportReport]]] = ContextVar("recorded_outcomes")
"""The command sets this before it calls the flow. So it has the outcome even if Prefect fails after the commit."""


def record_outcome(outcome: RunOutcome[ImportReport]) -> None:
    """Leave the outcome for the command. The flow itself is pickled for Dask, so it cannot hold a ContextVar."""
    recorded_outcomes.get([]).append(outcome)
