"""Runs the steps over chunks as Prefect task runs: the UI shows them, and a task runner distributes them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.config import settings_files
from flows.config.settings import Settings
from flows.pipeline.task_order import ChunkRunner, Item, Plan, Result, results_in_order
from flows.reports.builder import redact_error
from schemas.errors.base import ContactImportError
from schemas.errors.request import SettingsInvalid

RETRIES = 2  # of a step whose import folder is not reachable for a moment; Dask itself replaces a dead worker

# Dask's value makes workers return memory to the system after each chunk, which took half of their time.
MALLOC_TRIM = "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_"

P = ParamSpec("P")
R = TypeVar("R")


def task_runner(settings: Settings) -> TaskRunner[Any]:
    """Threads of this process, Dask processes on this machine, or the workers of a Dask scheduler."""
    if settings.task_runner == "threads":
        return cast(TaskRunner[Any], ThreadPoolTaskRunner(max_workers=settings.workers))
    try:
        import dask
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        wanted = "threads, or install the extra with: .venv/bin/pip install 'contact-import[dask]'"
        raise SettingsInvalid("CONTACTS_TASK_RUNNER", wanted) from error
    if settings.task_runner == "dask":
        dask.config.set({MALLOC_TRIM: None})
        return DaskTaskRunner(
            cluster_kwargs={
                "n_workers": settings.workers,
                "threads_per_worker": 1,
                "processes": True,
                "dashboard_address": None,
                "silence_logs": "ERROR",
                "preload": [settings_files.__name__] if settings_files.settings_files_are_ignored() else [],
            }
        )
    return DaskTaskRunner(address=settings.task_runner)


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


@contextmanager
def prefect_runner(settings: Settings) -> Iterator[ChunkRunner]:
    """Run steps on the task runner of the settings. Parameters and results are paths and numbers, never frames."""
    with task_runner(settings) as runner:

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
                ahead=2 * settings.workers,
            )

        yield run
