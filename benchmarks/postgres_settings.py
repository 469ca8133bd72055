"""What settings of a PostgreSQL server do to a large import: the wheel's server, started anew for each choice."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

import psycopg

from benchmarks.bench import Bench, measure_rounds, postgres_server, warm_up
from benchmarks.tables import header, median_ratio, median_seconds, row

DEFAULTS = "defaults"
LARGE_WAL = {"max_wal_size": "16GB", "checkpoint_timeout": "30min"}
SETTINGS: dict[str, dict[str, str]] = {
    DEFAULTS: {},
    "max_wal_size = 16GB, checkpoint_timeout = 30min": LARGE_WAL,
    "the same, wal_compression = on": LARGE_WAL | {"wal_compression": "on"},
    "the same, shared_buffers = 2GB": LARGE_WAL | {"shared_buffers": "2GB"},
    "the same, autovacuum = off": LARGE_WAL | {"autovacuum": "off"},
    "the same, synchronous_commit = off": LARGE_WAL | {"synchronous_commit": "off"},
}


def settings(bench: Bench) -> Iterator[str]:
    """A first import and one that changes 1 %, on a new server for each choice of settings."""
    if "CONTACTS_BENCH_POSTGRES_URL" in os.environ:
        yield "Left out: this part changes settings, so it runs only on servers that it starts itself."
        return
    files = (bench.file(bench.rows), bench.file(bench.rows, changed=0.01))
    numbers = count()

    def import_twice(chosen: dict[str, str]) -> tuple[float, float, float]:
        """Seconds of both imports, and MiB of write-ahead log."""
        with configured_server(bench.folder / f"postgres-{next(numbers)}", chosen) as url:
            before = wal_bytes(url)
            seconds = []
            for file in files:
                warm_up([file])
                seconds.append(bench.import_into(url, file).seconds)
            return seconds[0], seconds[1], (wal_bytes(url) - before) / 2**20

    contenders = {name: partial(import_twice, chosen) for name, chosen in SETTINGS.items()}
    results = measure_rounds(contenders, bench.rounds)
    columns = {name: tuple(zip(*rounds, strict=True)) for name, rounds in results.items()}
    yield header("settings of the server", "first import", "of the defaults", "again, 1 % changed", "WAL of both")
    for name, (firsts, changed, wal) in columns.items():
        ratio = median_ratio(firsts, columns[DEFAULTS][0])
        yield row(name, median_seconds(firsts), f"{ratio:.2f}", median_seconds(changed), f"{max(wal):,.0f} MiB")


@contextmanager
def configured_server(folder: Path, chosen: dict[str, str]) -> Iterator[str]:
    """A new server with these settings, deleted afterwards."""
    with postgres_server(folder, cleanup_mode="stop") as url, psycopg.connect(url, autocommit=True) as connection:
        for setting, value in chosen.items():
            connection.execute(f"alter system set {setting} = '{value}'".encode())
    with postgres_server(folder) as url:
        yield url


def wal_bytes(url: str) -> float:
    """Bytes of write-ahead log since the server was created."""
    with psycopg.connect(url) as connection:
        (size,) = connection.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone() or (0,)
        return float(size)
