"""All benchmarks, side by side in one run: `make bench`, or `make bench ROWS=10000000 ONLY=loads,check`.

In each round every contender does the same work right after the other, in an order that turns from round to round.
Printed are medians of the work time, from landing the file to the commit, and medians of the ratios within a round.
With `--write`, the tables also take their places in docs/benchmarks.md.
"""

import argparse
import os
import platform
import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import Bench, Part, note
from benchmarks.growth import memory, plot
from benchmarks.loads import dirty, loads
from benchmarks.processes import check, small
from benchmarks.server_settings import settings
from benchmarks.workers import dask

PARTS: dict[str, Part] = {each.__name__: each for each in (loads, dirty, check, memory, small, dask, plot, settings)}
ASKED_FOR = {"settings"}  # run when named alone, since it is about a server and not about us
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
IMAGE = PAGE.parent / "images" / "time-against-rows.svg"


def where() -> str:
    """When and on what it was measured."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{datetime.now(UTC):%d %B %Y}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def written(page: str, part: str, text: str) -> str:
    """The page with a part's tables between its markers."""
    block = re.compile(rf"(?<=<!-- make bench: {part} -->\n).*?(?=<!-- end -->)", re.DOTALL)
    if not block.search(page):
        raise SystemExit(f"docs/benchmarks.md has no place for {part}")
    return block.sub(lambda _: text, page)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help=f"some of: {','.join(PARTS)}")
    parser.add_argument("--sizes", default="10000,100000,1000000,10000000", help="the rows that are plotted")
    parser.add_argument("--peers", help="the Python of the peers' environment; without it, no dlt and no plot")
    parser.add_argument("--python", default=sys.executable, help="runs the contacts command; as users have it")
    parser.add_argument("--folder", type=Path, help="where files and databases go for the time being")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md and docs/images, too")
    given = parser.parse_args()
    given.only = given.only.split(",") if given.only else [name for name in PARTS if name not in ASKED_FOR]
    if unknown := set(given.only) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return given


def main() -> None:
    """Generate, measure, print."""
    given = arguments()
    folder = Path(tempfile.mkdtemp(prefix="contacts-bench-", dir=given.folder))
    image = IMAGE if given.write else Path.cwd() / "build" / IMAGE.name
    sizes = tuple(int(size) for size in given.sizes.split(","))
    peers = str(Path(given.peers).absolute()) if given.peers else None
    python = str(Path(given.python).absolute())
    bench = Bench(given.rows, given.rounds, folder, image, sizes, peers, python)
    try:
        for name in given.only:
            note(f"part {name}")
            head = f"{given.rows:,} rows, medians of {given.rounds} rounds, {where()}:\n\n"
            text = head + "\n".join(PARTS[name](bench)) + "\n"
            print(f"\n## {name}\n\n{text}", flush=True)
            if given.write:
                PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
