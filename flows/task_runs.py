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


@contextmanager
def on_task_runner(settings: Settings) -> Iterator[Run]:
    """The task runner that the settings choose. What it is given and gives back are paths and numbers."""
    with cast(TaskRunner[Any], ThreadPoolTaskRunner(max_workers=settings.workers)) as runner:

        def run(step: Callable[[Plan, Item], Result], plan: Plan, items: Iterable[Item]) -> Iterator[Result]:
            plan_name, item_name = signature(step).parameters
            name = step.__name__.replace("_", "-")
            each = task(name=name, cache_policy=NO_CACHE, persist_result=False)(step)
            return in_order(
                lambda item: runner.submit(each, parameters={plan_name: plan, item_name: item}),
                items,
                ahead=2 * settings.workers,
            )

        yield run
