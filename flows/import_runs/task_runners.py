"""Runs the steps over chunks: as Prefect task runs, which the UI shows, or on Dask."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.config.settings import Settings
from flows.pipeline.dask_runner import dask_runner
from flows.pipeline.task_order import ChunkRunner, Item, Plan, Result, results_in_order
from flows.reports.builder import redact_error
from schemas.errors.base import ContactImportError

RETRIES = 2  # of a step whose import folder is not reachable for a moment

P = ParamSpec("P")
R = TypeVar("R")


def redact_errors(step: Callable[P, R]) -> Callable[P, R]:
    """Replace foreign exceptions of a step: Prefect logs their text, which may quote a contact."""

    @wraps(step)
    def redacted_step(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(*args, **kwargs)
        except (ContactImportError, OSError):
            raise
        except Exception as error:
            raise redact_error(error) from None

    return redacted_step


def is_file_system_error(task: Any, task_run: Any, state: State[Any]) -> bool:
    """Whether a retry may help: a file could not be read or written."""
    return isinstance(state.result(raise_on_failure=False), OSError)


def chunk_runner(settings: Settings) -> AbstractContextManager[ChunkRunner]:
    """Threads of this process, or Dask's workers. A task run for each chunk would take as long there as the chunk."""
    if settings.task_runner == "threads":
        return prefect_runner(settings.workers)
    return dask_runner(settings)


@contextmanager
def prefect_runner(workers: int) -> Iterator[ChunkRunner]:
    """Run steps in threads. Parameters and results are paths and numbers, never frames."""
    with cast(TaskRunner[Any], ThreadPoolTaskRunner(max_workers=workers)) as runner:

        def run(step: Callable[[Plan, Item], Result], plan: Plan, items: Iterable[Item]) -> Iterator[Result]:
            @task(
                name=step.__name__.replace("_", "-"),
                cache_policy=NO_CACHE,
                persist_result=False,
                retries=RETRIES,
                retry_condition_fn=is_file_system_error,
            )
            @redact_errors
            def on_worker(plan: Plan, item: Item) -> Result:
                return step(plan, item)

            return results_in_order(
                lambda item: runner.submit(on_worker, parameters={"plan": plan, "item": item}),
                items,
                ahead=2 * workers,
            )

        yield run
