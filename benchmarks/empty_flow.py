"""Run an empty flow that starts its own Prefect server: the cost of orchestration alone."""

import json
import os
import sys
import time

from flows.config.environment import make_prefect_home, set_prefect_environment


def main() -> None:
    """Run the flow in the environment of the `contacts` command and print the seconds as JSON."""
    os.environ.pop("PREFECT_HOME", None)
    set_prefect_environment()
    make_prefect_home()  # without it Prefect waits for its server without end
    began = time.perf_counter()
    from prefect import flow

    @flow(name="empty")
    def empty() -> None:
        """Do nothing."""

    empty()
    json.dump({"seconds": time.perf_counter() - began}, sys.stdout)


if __name__ == "__main__":
    main()
