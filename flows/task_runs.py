"""The steps over chunks as Prefect task runs, so that the UI shows them and a task runner places them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.running import Item, Plan, Result, Run, in_order
from flows.settings import Settings
from schemas.errors import SettingsInvalid

RETRIES = 2  # of a step over a chunk: its worker may die, its folder be away for a moment


def task_runner(settings: Settings) -> TaskRunner[Any]:
    """Threads of this process; processes of this machine, under Dask; or the workers of a Dask scheduler."""
    if settings.task_runner == "threads":
        return cast(TaskRunner[Any], ThreadPoolTaskRunner(max_workers=settings.workers))
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        wanted = "threads, or install the extra with: pip install 'contact-import[dask]'"
        raise SettingsInvalid("CONTACTS_TASK_RUNNER", wanted) from error
    if settings.task_runner == "dask":
        return DaskTaskRunner(
            cluster_kwargs={
                "n_workers": settings.workers,
                "threads_per_worker": 1,
                "processes": True,
                "dashboard_address": None,
                "silence_logs": "ERROR",
            }
        )
    return DaskTaskRunner(address=settings.task_runner)


@contextmanager
def on_task_runner(settings: Settings) -> Iterator[Run]:
    """The task runner that the settings choose. What it is given and gives back are paths and numbers."""
    with task_runner(settings) as runner:

        def run(step: Callable[[Plan, Item], Result], plan: Plan, items: Iterable[Item]) -> Iterator[Result]:
            plan_name, item_name = signature(step).parameters
            name = step.__name__.replace("_", "-")
            each = task(name=name, cache_policy=NO_CACHE, persist_result=False, retries=RETRIES)(step)
            return in_order(
                lambda item: runner.submit(each, parameters={plan_name: plan, item_name: item}),
                items,
                ahead=2 * settings.workers,
            )

        yield run
