"""The chunk stages alone, reading and checking, on workers that are warm: `python -m benchmarks.chunks dask 2 FILE`.

What a cluster is for, without what it costs to start one: each worker imports pandas and Prefect in a first pass over
the file, and the second one counts.
"""

import argparse
import json
import sys
import tempfile
import time

from prefect import flow

from flows.environment import prepare_environment
from flows.examine import catalogue_for, check_file, lay_out, read_file
from flows.progress import Silent
from flows.request import ReadingOptions
from flows.settings import Settings
from flows.task_runs import on_task_runner
from transforms.folder import ImportFolder
from transforms.land import land


@flow(name="chunks", persist_result=False)
def validate(file: str, runner: str, workers: int) -> dict[str, float]:
    """Seconds of the second pass, by stage."""
    settings = Settings.load(task_runner=runner, workers=workers)
    options = ReadingOptions(source=file)
    catalogue = catalogue_for(options, settings)
    with tempfile.TemporaryDirectory() as path, on_task_runner(settings) as run:
        folder = ImportFolder.local(path)
        source = lay_out(options, catalogue, land(file, folder))
        for _ in range(2):
            began = time.perf_counter()
            profile = read_file(source, folder, settings.chunk_bytes, run, Silent())
            read = time.perf_counter()
            accepted = sum(
                verdict.accepted
                for verdict in check_file(source, profile, catalogue.default_prefix, folder, run, Silent())
            )
            checked = time.perf_counter()
    return {"reading": read - began, "checking": checked - read, "seconds": checked - began, "accepted": accepted}


def main() -> None:
    """Validate one file and print the seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runner", choices=["threads", "dask"])
    parser.add_argument("workers", type=int)
    parser.add_argument("file")
    given = parser.parse_args()
    prepare_environment()
    json.dump(validate(given.file, given.runner, given.workers), sys.stdout)


if __name__ == "__main__":
    main()
