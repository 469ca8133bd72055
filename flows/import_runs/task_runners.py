"""Runs the steps over chunks: as Prefect task runs, which the UI shows, or on Dask."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.config.settings import Settings
from flows.pipeline.dask_runner import dask_runner
from flows.pipeline.task_order import ChunkRunner, Inputs, Item, Result, results_in_order, run_step


def chunk_runner(settings: Settings) -> AbstractContextManager[ChunkRunner]:
    """Threads of this process, or Dask's workers. A task run for each chunk would take as long there as the chunk."""
    if settings.task_runner == "threads":
        return prefect_runner(settings.workers)
    return dask_runner(settings)


@contextmanager
def prefect_runner(workers: int) -> Iterator[ChunkRunner]:
    """Run steps in threads. Parameters and results are paths and numbers, never frames."""
    with cast(TaskRunner[Any], ThreadPoolTaskRunner(max_workers=workers)) as runner:

        def run(step: Callable[[Inputs, Item], Result], inputs: Inputs, items: Iterable[Item]) -> Iterator[Result]:
            @task(
                name=step.__name__.replace("_", "-"),
                cache_policy=NO_CACHE,
                persist_result=False,
            )
            def on_worker(inputs: Inputs, item: Item) -> Result:
                return run_step(step, inputs, item)

            return results_in_order(
                lambda item: runner.submit(on_worker, parameters={"inputs": inputs, "item": item}),
                items,
                ahead=2 * workers,
            )

        yield run
