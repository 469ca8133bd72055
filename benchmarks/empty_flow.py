"""A flow that does nothing and starts its own Prefect server: what orchestration costs by itself."""

import json
import os
import sys
import time

from flows.config.environment import make_prefect_home, set_prefect_environment


def main() -> None:
    """Run it in the environment in which the command runs its own, and print the seconds as JSON."""
    os.environ.pop("PREFECT_HOME", None)
    set_prefect_environment()
    make_prefect_home()  # Prefect would wait for its server for ever
    began = time.perf_counter()
    from prefect import flow

    @flow(name="empty")
    def nothing() -> None:
        """Do nothing."""

    nothing()
    json.dump({"seconds": time.perf_counter() - began}, sys.stdout)


if __name__ == "__main__":
    main()
