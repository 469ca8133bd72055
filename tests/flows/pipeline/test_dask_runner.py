"""Steps on Dask's workers: what an error may say, and which schedulers are refused."""

import dask
import pytest
from distributed import LocalCluster

from flows.config.settings import Settings
from flows.pipeline.dask_runner import dask_runner
from schemas.errors.base import UnexpectedError
from schemas.errors.request import SettingsInvalid


def _double(factor: int, item: int) -> int:
    if item == 3:
        raise ValueError("ana@example.com")
    return factor * item


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_workers_of_an_existing_scheduler_run_the_steps(capfd: pytest.CaptureFixture[str]) -> None:
    with LocalCluster(n_workers=1, processes=False, protocol="tcp://", dashboard_address=None) as cluster:
        settings = Settings.load(task_runner=cluster.scheduler_address, workers=2)
        with dask_runner(settings) as run:
            assert list(run(_double, 2, range(3))) == [0, 2, 4]
            with pytest.raises(UnexpectedError, match="ValueError"):
                list(run(_double, 2, range(5)))
    assert "ana" not in "".join(capfd.readouterr())


def test_a_scheduler_that_does_not_answer_is_named_as_the_wrong_setting() -> None:
    settings = Settings.load(task_runner="tcp://127.0.0.1:1", workers=1)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "200ms"}),
        pytest.raises(SettingsInvalid, match=r"CONTACTS_TASK_RUNNER.*scheduler that runs"),
        dask_runner(settings),
    ):
        pass
