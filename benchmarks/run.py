"""Run the benchmarks: `make bench`, or `make bench ROWS=10000000 ONLY=loads,check`.

In each round all contenders do the same work one after the other, in an order that rotates from round to round.
The tables show medians of the work time, from landing the file to the commit, and medians of the ratios within a
round. With `--write` they also replace the tables in docs/benchmarks.md.
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

from benchmarks.bench import Bench, Part, log_progress
from benchmarks.changes import changes
from benchmarks.commands import check, small
from benchmarks.dask_workers import dask
from benchmarks.loads import cold, dirty, loads
from benchmarks.peers_table import peers
from benchmarks.postgres_settings import settings
from benchmarks.scaling import memory, plot
from benchmarks.workbooks import workbook

PARTS: dict[str, Part] = {
    each.__name__: each
    for each in (loads, cold, peers, changes, dirty, check, memory, small, dask, plot, workbook, settings)
}
ON_REQUEST = {"settings"}  # measures the server, not the import
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
IMAGE = PAGE.parent / "images" / "time-against-rows.svg"


def environment() -> str:
    """The date and the machine of the measurement."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{datetime.now(UTC):%d %B %Y}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def replace_table(page: str, part: str, text: str) -> str:
    """The page with this text between the markers of the part."""
    block = re.compile(rf"(?<=<!-- make bench: {part} -->\n).*?(?=<!-- end -->)", re.DOTALL)
    if not block.search(page):
        raise SystemExit(f"docs/benchmarks.md has no markers for the part {part}")
    return block.sub(lambda _: text, page)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help=f"parts to run, separated by commas: {','.join(PARTS)}")
    parser.add_argument("--sizes", default="10000,100000,1000000,10000000", help="numbers of rows in the plot")
    parser.add_argument("--peers", type=Path, help="folder of the peers' environments; a missing one is left out")
    parser.add_argument("--python", default=sys.executable, help="Python that runs the contacts command")
    parser.add_argument("--folder", type=Path, help="folder for temporary files and databases")
    parser.add_argument("--write", action="store_true", help="also update docs/benchmarks.md and docs/images")
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",") if arguments.only else [name for name in PARTS if name not in ON_REQUEST]
    if unknown := set(arguments.only) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}; use some of {', '.join(PARTS)}")
    return arguments


def main() -> None:
    """Measure each part and print its tables."""
    arguments = parse_arguments()
    folder = Path(tempfile.mkdtemp(prefix="contacts-bench-", dir=arguments.folder))
    image = IMAGE if arguments.write else Path.cwd() / "build" / IMAGE.name
    sizes = tuple(int(size) for size in arguments.sizes.split(","))
    environments = arguments.peers.absolute() if arguments.peers else None
    python = str(Path(arguments.python).absolute())
    bench = Bench(arguments.rows, arguments.rounds, folder, image, sizes, environments, python)
    try:
        for name in arguments.only:
            log_progress(f"part {name}")
            head = f"{arguments.rows:,} rows, medians of {arguments.rounds} rounds, {environment()}:\n\n"
            text = head + "\n".join(PARTS[name](bench)) + "\n"
            print(f"\n## {name}\n\n{text}", flush=True)
            if arguments.write:
                PAGE.write_text(replace_table(PAGE.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
