"""The steps over chunks as Prefect task runs, so that the UI shows them and a task runner places them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from inspect import signature

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from flows.running import Item, Plan, Result, Run, in_order
from flows.settings import Settings


@contextmanager
def on_task_runner(settings: Settings) -> Iterator[Run]:
    """The task runner that the settings choose. What it is given and gives back are paths and numbers."""
    with ThreadPoolTaskRunner(max_workers=settings.workers) as runner:

        def run(step: Callable[[Plan, Item], Result], plan: Plan, items: Iterable[Item]) -> Iterator[Result]:
            plan_name, item_name = signature(step).parameters
            each = task(step, name=step.__name__.replace("_", "-"), cache_policy=NO_CACHE, persist_result=False)
            return in_order(
                lambda item: runner.submit(each, parameters={plan_name: plan, item_name: item}),
                items,
                ahead=2 * settings.workers,
            )

        yield run
