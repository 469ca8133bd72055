"""`python -m tests.fuzz.run --cases 100000`: checks many files and prints the outcomes.

A case is made from its number alone: `--first N --cases 1` shows one again.
"""

import argparse
import gc
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.check import check_locally
from schemas.errors.base import ContactImportError, UnexpectedError
from tests.fuzz.cases import Case, case
from tests.fuzz.judge import check, lost, text_of, what_is_wrong

LONGEST = 20.0  # seconds of this process that a small file may take before it counts as hanging
WHOLE = 10  # every tenth report comes from `contacts check` itself too
MOST_MEMORY = 600 << 10  # KiB more than at the start that many small files may take


class Hangs(Exception):
    """A case took far too long."""


@dataclass
class Outcome:
    """The outcome of a case: `report`, an error's code, or `options refused`; and what is wrong with it."""

    came_to: str
    wrong: list[str] = field(default_factory=list)
    lost: int = 0


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    def hangs(*_: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGPROF, hangs)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def try_case(made: Case, folder: Path) -> Outcome:
    """Check one file and judge the result; only a report or a typed error is right."""
    path = folder / "fuzzed.csv"
    path.write_bytes(made.content)
    try:
        options = ReadingOptions(source=str(path), **made.options)
    except ValidationError:
        return Outcome("options refused")
    try:
        with _within(LONGEST), warnings.catch_warnings():
            warnings.simplefilter("error")
            checked = check(options, folder, made.block_bytes, rejected_file=made.number % 3 == 0)
    except UnexpectedError as error:
        return Outcome(error.code, [f"{error!r}"])
    except ContactImportError as error:
        refused = [f"a good file was refused: {error.code}"] if made.exact else []
        return Outcome(error.code, refused + ([] if str(error).strip() else ["an error that says nothing"]))
    except Hangs:
        return Outcome("hangs", [f"more than {LONGEST} s"])
    except Exception as error:
        return Outcome("traceback", [f"{type(error).__name__}: {error}"])
    if made.number % WHOLE == 0:
        whole = check_locally(options, Settings(home=folder), folder).report
        whole.model_dump_json()
        if whole.rows is None or whole.rows.read != checked.profile.records:
            return Outcome("report", ["`contacts check` says something else than its steps"])
    try:
        found = list(what_is_wrong(made, text_of(made, folder), checked, options.duplicates))
    except Exception as error:
        return Outcome("report", [f"the judge failed: {error!r}"])
    return Outcome("report", found, lost(made, checked))


def run(first: int, cases: int, report_each: int = 0) -> tuple[Counter[str], dict[int, list[str]], int]:
    """The outcomes with counts, what is wrong with which case, and how many cases lost undamaged records."""
    outcomes: Counter[str] = Counter()
    wrong: dict[int, list[str]] = {}
    losing = 0
    gc.disable()  # collected by hand: a case makes many objects, and hardly a cycle
    with TemporaryDirectory() as temporary:
        for number in range(first, first + cases):
            folder = Path(temporary) / str(number)
            folder.mkdir()
            made = case(number)
            found = try_case(made, folder)
            outcomes[found.came_to] += 1
            losing += found.lost > 0
            if found.wrong:
                wrong[number] = [made.kind, *found.wrong]
                print(number, made.kind, found.wrong[:3], flush=True)
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            if number % 200 == 0:
                gc.collect()
            if report_each and (number - first + 1) % report_each == 0:
                print(f"{number - first + 1:,} cases, {len(wrong)} wrong", flush=True)
    gc.enable()
    return outcomes, wrong, losing


def main() -> int:
    """Print the table of outcomes; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case, which is its seed")
    asked = parser.parse_args()
    started, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes, wrong, losing = run(asked.first, asked.cases, report_each=1_000)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    print(f"\n{asked.cases:,} cases from number {asked.first}, {time.monotonic() - started:,.0f} s")
    print("| came to | cases |\n|---|---|")
    for name, count in outcomes.most_common():
        print(f"| {name} | {count:,} |")
    print(f"\nwrong: {len(wrong)}; damaged files that lost another record: {losing}; memory grew by {grown >> 10} MiB")
    return int(bool(wrong) or grown > MOST_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
