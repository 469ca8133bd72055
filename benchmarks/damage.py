"""One damaged record in a clean file: what it costs, here and in other readers.

A file of 100 records is damaged in one record, in every way and place: a quote or a delimiter added,
removed or doubled at every cell. Each damaged file is read, and counted if a row came out that nobody
wrote, or if another record than the damaged one was lost. `python -m benchmarks.damage` prints the table.
"""

import csv
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from transforms.parsing.block_reader import read_records
from transforms.parsing.blocks import cut_blocks
from transforms.parsing.dialect import Dialect
from transforms.parsing.layout import Layout

Row: TypeAlias = tuple[str, ...]

COMMAS = Dialect(",")
HEADER = ("email", "name", "note", "city", "points")
RECORDS = 100
SHAPES = {
    "plain": "{n}@example.com,Ana {n},likes tea,Madrid,{n}",
    "quoted": '"{n}@example.com","Ana {n}","likes tea","Madrid","{n}"',
    "comma": '{n}@example.com,Ana {n},"tea, coffee","Paris, Texas",{n}',
    "quotes inside": '{n}@example.com,Ana {n},"says ""hi"" often",Madrid,{n}',
    "line break": '{n}@example.com,"Ana\n{n}","likes tea\nand, coffee",Madrid,{n}',
    "empty": '{n}@example.com,"",,"",{n}',
}


class Damaged(NamedTuple):
    """A damaged file: its clean rows, the place of the damaged one, and its text."""

    rows: list[Row]
    place: int
    record: str
    text: str


class Cost(NamedTuple):
    """Whether a row came out that nobody wrote, and how many other records were lost."""

    wrong: bool
    lost: int


def clean_records(shapes: list[str]) -> list[str]:
    return [SHAPES[shapes[n % len(shapes)]].format(n=n) for n in range(RECORDS)]


def parse(text: str) -> list[Row]:
    return [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)]


def damages(record: str) -> Iterator[str]:
    """Every way to add, remove or double a quote or a delimiter at every edge and middle of a cell."""
    edges = {0, len(record)} | {place for place, char in enumerate(record) if char in ',"\n'}
    edges |= {place + 1 for place in edges if place < len(record)} | {
        place + 2 for place in edges if place + 1 < len(record)
    }
    for place in sorted(edges):
        for char in '",':
            yield record[:place] + char + record[place:]
            yield record[:place] + char * 2 + record[place:]
    for place, char in enumerate(record):
        if char in '",':
            yield record[:place] + record[place + 1 :]


def damaged_files() -> Iterator[Damaged]:
    """Each shape of record, among its like and among all the others, damaged in every way."""
    for shape in SHAPES:
        for around in ([shape], list(SHAPES)):
            records = clean_records(around)
            rows = parse("\n".join(records))
            place = next(n for n in range(40, 60) if around[n % len(around)] == shape)
            for record in dict.fromkeys(damages(records[place])):
                if record != records[place]:
                    text = "\n".join([",".join(HEADER), *records[:place], record, *records[place + 1 :]]) + "\n"
                    yield Damaged(rows, place, record, text)


def cost(damaged: Damaged, read: list[Row]) -> Cost:
    """What a reading of a damaged file cost."""
    others = damaged.rows[: damaged.place] + damaged.rows[damaged.place + 1 :]
    allowed = {damaged.rows[damaged.place]} | _alone(damaged.record)
    strangers = set(read) - set(others) - allowed
    return Cost(bool(strangers), len(set(others) - set(read)))


def _alone(record: str) -> set[Row]:
    """The damaged record read by itself, where that is still a record: a quote inside a cell is text."""
    try:
        return {row for row in parse(record) if len(row) == len(HEADER)}
    except csv.Error:
        return set()


def ours(text: str, dialect: Dialect = COMMAS) -> list[Row]:
    """Our reader, fast where it may be and strict where it must."""
    layout = Layout(dialect, HEADER, len(",".join(HEADER)) + 1, 2)
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.csv"
        path.write_text(text, encoding="utf-8", newline="")
        for block in cut_blocks(str(path), str(path), layout, 8 << 20):
            table = read_records(str(path), layout, block)[0].table
            found += [tuple(row.values()) for row in table.to_pylist()]
    return found


def csv_module(text: str) -> list[Row]:
    return [tuple(row) for row in csv.reader(io.StringIO(text, newline="")) if len(row) == len(HEADER)][1:]


def with_pyarrow(text: str) -> list[Row]:
    table = pyarrow.csv.read_csv(
        io.BytesIO(text.encode()),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda row: "skip"),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(HEADER, pa.string())),
    )
    return [tuple(row.values()) for row in table.to_pylist()]


def with_pandas(text: str) -> list[Row]:
    frame = pd.read_csv(io.StringIO(text), dtype=str, on_bad_lines="skip", keep_default_na=False, index_col=False)
    return list(frame.itertuples(index=False, name=None))


READERS: dict[str, Callable[[str], list[Row]]] = {
    "contact-import": ours,
    "csv module": csv_module,
    "pyarrow, skipping": with_pyarrow,
    "pandas, skipping": with_pandas,
}


def measure(read: Callable[[str], list[Row]], files: list[Damaged]) -> tuple[int, int, int]:
    """How many files had a wrong row, how many lost a second record, how many were refused whole."""
    wrong = lost = refused = 0
    for damaged in files:
        try:
            found = cost(damaged, read(damaged.text))
        except (csv.Error, pa.ArrowInvalid, pd.errors.ParserError, ValueError):
            refused += 1
            continue
        wrong, lost = wrong + found.wrong, lost + (found.lost > 0)
    return wrong, lost, refused


def main() -> None:
    """Print the table."""
    files = list(damaged_files())
    print(f"{len(files):,} files of {RECORDS} records, one damaged\n")
    print("| reader | a wrong row accepted | a second record lost | refused whole |\n|---|---|---|---|")
    for name, read in READERS.items():
        print("| {} | {:,} | {:,} | {:,} |".format(name, *measure(read, files)))


if __name__ == "__main__":
    main()
