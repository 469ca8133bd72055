"""Compare how readers handle one damaged record in a clean file: `python -m benchmarks.damage`.

One record of 100 is damaged: a quote or a delimiter is added, removed or doubled, at every cell. The table counts
the files from which a reader returned a row that is not in the file, or lost another record than the damaged one.
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
    """The rows of a clean file, the position of the damaged one, and the damaged record and text."""

    rows: list[Row]
    position: int
    record: str
    text: str


class Loss(NamedTuple):
    """Whether a row was returned that is not in the file, and how many other records were lost."""

    wrong_row: bool
    lost_records: int


def clean_records(shapes: list[str]) -> list[str]:
    return [SHAPES[shapes[n % len(shapes)]].format(n=n) for n in range(RECORDS)]


def parse(text: str) -> list[Row]:
    return [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)]


def damages(record: str) -> Iterator[str]:
    """The record with a quote or a delimiter added, doubled or removed at the edges and ends of every cell."""
    signs = {index for index, char in enumerate(record) if char in ',"\n'}
    edges = {min(index + step, len(record)) for index in {0, len(record)} | signs for step in range(3)}
    for index in sorted(edges):
        for char in '",':
            yield record[:index] + char + record[index:]
            yield record[:index] + char * 2 + record[index:]
    for index, char in enumerate(record):
        if char in '",':
            yield record[:index] + record[index + 1 :]


def damaged_files() -> Iterator[Damaged]:
    """Each shape of record, in a file of that shape and in a file of all shapes, with every damage."""
    for shape in SHAPES:
        for shapes in ([shape], list(SHAPES)):
            records = clean_records(shapes)
            rows = parse("\n".join(records))
            index = next(n for n in range(40, 60) if shapes[n % len(shapes)] == shape)
            for record in dict.fromkeys(damages(records[index])):
                if record != records[index]:
                    text = "\n".join([",".join(HEADER), *records[:index], record, *records[index + 1 :]]) + "\n"
                    yield Damaged(rows, index, record, text)


def loss(damaged: Damaged, read: list[Row]) -> Loss:
    """Compare the rows that a reader returned with the rows of the file."""
    others = damaged.rows[: damaged.position] + damaged.rows[damaged.position + 1 :]
    allowed = {damaged.rows[damaged.position]} | _rows_of(damaged.record)
    unknown = set(read) - set(others) - allowed
    return Loss(bool(unknown), len(set(others) - set(read)))


def _rows_of(record: str) -> set[Row]:
    """The rows of the damaged record alone, if it is still well-formed: a quote inside a cell is text."""
    try:
        return {row for row in parse(record) if len(row) == len(HEADER)}
    except csv.Error:
        return set()


def read_with_importer(text: str, dialect: Dialect = COMMAS) -> list[Row]:
    layout = Layout(dialect, HEADER, len(",".join(HEADER)) + 1, 2)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.csv"
        path.write_text(text, encoding="utf-8", newline="")
        for block in cut_blocks(str(path), str(path), layout, 8 << 20):
            table = read_records(str(path), layout, block)[0].table
            rows += [tuple(row.values()) for row in table.to_pylist()]
    return rows


def read_with_csv_module(text: str) -> list[Row]:
    return [tuple(row) for row in csv.reader(io.StringIO(text, newline="")) if len(row) == len(HEADER)][1:]


def read_with_pyarrow(text: str) -> list[Row]:
    table = pyarrow.csv.read_csv(
        io.BytesIO(text.encode()),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda row: "skip"),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(HEADER, pa.string())),
    )
    return [tuple(row.values()) for row in table.to_pylist()]


def read_with_pandas(text: str) -> list[Row]:
    frame = pd.read_csv(io.StringIO(text), dtype=str, on_bad_lines="skip", keep_default_na=False, index_col=False)
    return list(frame.itertuples(index=False, name=None))


READERS: dict[str, Callable[[str], list[Row]]] = {
    "contact-import": read_with_importer,
    "csv module": read_with_csv_module,
    "pyarrow, skipping": read_with_pyarrow,
    "pandas, skipping": read_with_pandas,
}


def count_losses(read: Callable[[str], list[Row]], files: list[Damaged]) -> tuple[int, int, int]:
    """Numbers of files with a wrong row, with a second record lost, and refused as a whole."""
    wrong = lost = refused = 0
    for damaged in files:
        try:
            result = loss(damaged, read(damaged.text))
        except (csv.Error, pa.ArrowInvalid, pd.errors.ParserError, ValueError):
            refused += 1
            continue
        wrong, lost = wrong + result.wrong_row, lost + (result.lost_records > 0)
    return wrong, lost, refused


def main() -> None:
    """Print the table."""
    files = list(damaged_files())
    print(f"{len(files):,} files of {RECORDS} records, one damaged\n")
    print("| reader | a wrong row accepted | a second record lost | refused whole |\n|---|---|---|---|")
    for name, read in READERS.items():
        print("| {} | {:,} | {:,} | {:,} |".format(name, *count_losses(read, files)))


if __name__ == "__main__":
    main()
