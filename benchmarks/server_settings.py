"""What settings of a PostgreSQL server do to a large import: the wheel's server, started anew with each."""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.bench import POSTGRES, Bench, header, in_seconds, median_ratio, note, postgres, row, turned, warm_up

AS_IT_COMES = "as it comes"
LARGE_WAL = {"max_wal_size": "16GB", "checkpoint_timeout": "30min"}
SETTINGS: dict[str, dict[str, str]] = {
    AS_IT_COMES: {},
    "max_wal_size = 16GB, checkpoint_timeout = 30min": LARGE_WAL,
    "the same, wal_compression = on": LARGE_WAL | {"wal_compression": "on"},
    "the same, shared_buffers = 2GB": LARGE_WAL | {"shared_buffers": "2GB"},
    "the same, autovacuum = off": LARGE_WAL | {"autovacuum": "off"},
    "the same, synchronous_commit = off": LARGE_WAL | {"synchronous_commit": "off"},
}


def settings(bench: Bench) -> Iterator[str]:
    """A first import and one that changes 1 %, on a fresh server with each choice of settings."""
    if "CONTACTS_BENCH_POSTGRES_URL" in os.environ:
        yield "Left out: this part changes settings, and the server is not its own."
        return
    first, again = bench.file(bench.rows), bench.file(bench.rows, changed=0.01)
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for number in range(bench.rounds):
        for place, (name, chosen) in enumerate(turned(list(SETTINGS.items()), number)):
            with server(bench.folder / f"postgres-{number}-{place}", chosen) as url:
                before = wal_written(url)
                one, two = (_imported(bench, file, url) for file in (first, again))
                found[name].append((one, two, wal_written(url) - before))
            note(f"{POSTGRES} {name}: {found[name][-1]}")
    yield header("settings of the server", "first import", "of the first line", "again, 1 % changed", "WAL of both")
    for name in SETTINGS:
        firsts, agains, wals = zip(*found[name], strict=True)
        ratio = median_ratio(firsts, [each[0] for each in found[AS_IT_COMES]])
        yield row(name, in_seconds(firsts), f"{ratio:.2f}", in_seconds(agains), f"{max(wals) / 2**20:,.0f} MiB")


def _imported(bench: Bench, file: Path, url: str) -> float:
    """Seconds of an import; the server is left to vacuum and to write out by itself, as its settings have it."""
    warm_up([file])
    return bench.contacts("import", file, "--merge", "overwrite", warehouse=url).seconds


@contextmanager
def server(folder: Path, chosen: dict[str, str]) -> Iterator[str]:
    """A new server with these settings; gone afterwards."""
    with postgres(folder, keep=True) as url, psycopg.connect(url, autocommit=True) as connection:
        for setting, value in chosen.items():
            connection.execute(f"alter system set {setting} = '{value}'".encode())
    with postgres(folder) as url:
        yield url


def wal_written(url: str) -> float:
    """Bytes of write-ahead log since the server was made."""
    with psycopg.connect(url) as connection:
        found = connection.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
        assert found
        return float(found[0])
