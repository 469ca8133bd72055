"""Chunks on Dask: worker processes give the same result as threads, and a killed one costs a retry."""

import os
import signal
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tests.flows.conftest import Contacts

# A stopped cluster leaves sockets and processes to the garbage collector, which warns in whatever test runs then.
pytestmark = [
    *(
        pytest.mark.filterwarnings(f"ignore::{kind}")
        for kind in ("ResourceWarning", "UserWarning", "pytest.PytestUnraisableExceptionWarning")
    ),
    pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True),  # Dask's workers open no warehouse
]

ROWS = [f"user{n % 700}@example.com,Name {n},{'x' if n % 50 == 3 else n + 1}" for n in range(1000)]
MESSY = "email,name,points\n" + "\n".join([*ROWS[:500], 'stray@example.com,"open,1', *ROWS[500:]]) + "\n"


@pytest.fixture
def in_small_chunks(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> Contacts:
    monkeypatch.setenv("CONTACTS_CHUNK_BYTES", "4KiB")
    return contacts


def outcome(contacts: Contacts, report: dict[str, Any]) -> tuple[Any, ...]:
    """All that an import decided, to the last row, in the report and in the warehouse."""
    same = {name: report[name] for name in ("rows", "contacts", "rejections", "columns", "warnings")}
    with fsspec.open(report["rejected_file"]) as stream:
        rejected = stream.read().replace(f'"import {report["import_id"]}, '.encode(), b'"import N, ')
    return same, rejected, contacts.database.contacts(), contacts.database.rows("rejections", without=("import_id",))


def test_dask_workers_give_the_same_result_as_threads(
    in_small_chunks: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = in_small_chunks
    on_threads = outcome(contacts, contacts.load(MESSY, "--merge", "overwrite"))
    contacts.database.run("delete from contacts")
    contacts.database.run("delete from rejections")
    monkeypatch.setenv("CONTACTS_TASK_RUNNER", "dask")
    monkeypatch.setenv("CONTACTS_IMPORTS", f"local://{contacts.folder}/elsewhere")  # fsspec's, unlike a plain path
    assert outcome(contacts, contacts.load(MESSY, "--merge", "overwrite")) == on_threads


def die_once(mark: Path) -> None:
    """End this worker process, the first time that anybody asks."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_costs_a_retry_and_not_the_import(
    in_small_chunks: Contacts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from flows.pipeline import chunk_runs as examination
    from transforms.chunks import split as check

    mark = tmp_path / "died"

    def check_chunk(plan: check.CheckInputs, chunk_task: check.ChunkTask) -> Any:
        if chunk_task.block.index == 3:
            die_once(mark)
        return check.check_chunk(plan, chunk_task)

    monkeypatch.setattr(examination, "check_chunk", check_chunk)
    monkeypatch.setenv("CONTACTS_TASK_RUNNER", "dask")
    report = in_small_chunks.load(MESSY)
    assert mark.exists()
    assert report["rows"]["read"] == 1001
