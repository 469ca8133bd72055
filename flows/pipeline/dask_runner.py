"""Runs steps on Dask workers: processes of this machine, or of the cluster whose scheduler the settings name."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from flows.config.settings import Settings
from flows.pipeline.task_order import ChunkRunner, Inputs, Item, Result, results_in_order, run_step
from schemas.errors.request import SettingsInvalid

if TYPE_CHECKING:  # an extra
    from distributed import Client, Future

VARIABLE = "CONTACTS_TASK_RUNNER"

# Dask's value makes workers return memory to the system after each chunk, which took half of their time.
MALLOC_TRIM = "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_"


@contextmanager
def dask_runner(settings: Settings) -> Iterator[ChunkRunner]:
    """Run steps on Dask's client, each item in a future of its own. Nothing but paths and numbers is sent back."""
    with _client(settings) as client:

        def run(step: Callable[[Inputs, Item], Result], inputs: Inputs, items: Iterable[Item]) -> Iterator[Result]:
            return results_in_order(
                lambda item: _Answer(client.submit(on_worker, step, inputs, item, pure=False)),
                items,
                ahead=2 * settings.workers,
            )

        yield run


def on_worker(step: Callable[[Inputs, Item], Result], inputs: Inputs, item: Item) -> Result | Exception:
    """The result of a step. An error is returned, because Dask logs what is raised, with the arguments."""
    try:
        return run_step(step, inputs, item)
    except Exception as error:
        return error


@dataclass(frozen=True)
class _Answer(Generic[Result]):
    """A future of Dask that raises the error which `on_worker` returned."""

    future: "Future[Result]"

    def result(self) -> Result:
        result = self.future.result()
        if isinstance(result, Exception):
            raise result
        return result


@contextmanager
def _client(settings: Settings) -> Iterator["Client"]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        wanted = "threads, or install the extra with: .venv/bin/pip install 'contact-import[dask]'"
        raise SettingsInvalid(VARIABLE, wanted) from error
    with ExitStack() as stack:
        if settings.task_runner == "dask":
            stack.enter_context(dask.config.set({MALLOC_TRIM: None}))
            workers = {"n_workers": settings.workers, "threads_per_worker": 1, "processes": True}
            cluster = LocalCluster(**workers, dashboard_address=None, silence_logs="ERROR")
            address = stack.enter_context(cluster)
        else:
            address = settings.task_runner
        try:
            client = Client(address)
        except OSError as error:
            wanted = "threads, or the address of a Dask scheduler that runs and can be reached from this machine"
            raise SettingsInvalid(VARIABLE, wanted) from error
        yield stack.enter_context(client)
