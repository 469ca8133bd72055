"""Time the chunk stages, reading and checking, alone: `python -m benchmarks.chunk_stages dask 2 FILE`.

The file is checked twice and the second pass is timed, because each worker imports pandas and Prefect in the first.
"""

import argparse
import json
import sys
import tempfile
import time

from prefect import flow

from flows.config.environment import set_prefect_environment
from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.import_runs.task_runners import chunk_runner
from flows.pipeline.chunk_runs import FileCheck, check_whole_file
from flows.pipeline.progress import NoProgress
from flows.pipeline.steps import catalogue_for, detect_layout, map_source_columns
from transforms.landing.land import land
from transforms.work_folder import ImportFolder


@flow(name="chunks", persist_result=False)
def time_stages(file: str, runner: str, workers: int) -> dict[str, float]:
    """Seconds of the second pass."""
    settings = Settings.load(task_runner=runner, workers=workers)
    options = ReadingOptions(source=file)
    catalogue = catalogue_for(options, settings)
    with tempfile.TemporaryDirectory() as path, chunk_runner(settings) as run:
        folder = ImportFolder.local(path)
        landed = land(file, folder)
        source = map_source_columns(options, catalogue, landed, detect_layout(options, catalogue, landed))
        for _ in range(2):
            began = time.perf_counter()
            check = FileCheck(source, catalogue.default_prefix, folder, settings.chunk_bytes, run, NoProgress())
            _, results = check_whole_file(check)
            seconds = time.perf_counter() - began
    return {"seconds": seconds, "accepted": sum(result.accepted for result in results)}


def main() -> None:
    """Check one file and print the seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runner", choices=["threads", "dask"])
    parser.add_argument("workers", type=int)
    parser.add_argument("file")
    arguments = parser.parse_args()
    set_prefect_environment()
    json.dump(time_stages(arguments.file, arguments.runner, arguments.workers), sys.stdout)


if __name__ == "__main__":
    main()
