"""Generate a large contacts file: `python -m benchmarks.generate FILE --rows 1000000`.

Twelve columns of the built-in catalogue, all filled; the same seed gives the same file. The columns are built in
batches, so memory does not grow with the rows. `--changed` changes city and points of a share of the contacts,
`--bad` makes one cell invalid in a share of the rows, `--duplicates` repeats an earlier email.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BATCH_ROWS = 100_000
HEADER = (
    "email,name,surname,mobile_phone,birthdate,points,total_spent,"
    "newsletter_subscription_status,interests,city,vip,gender\n"
)

DOMAINS = [f"{number}.example.{ending}" for number in range(50) for ending in ("com", "org")]
NAMES = ["Ana", "Luis", "José", "María", "Zoë", "Jürgen", "Chloé", "Иван", "Ελένη", "Noor", "John", "Emma"]
SURNAMES = ["García", "Smith", "Müller", "O'Neil", "Núñez", "Иванова", "Παππάς", "Kowalski", "de la Fuente", "Lee"]
CITIES = ["Madrid", "Sevilla", "A Coruña", "London", "München", '"Paris, Texas"', "Αθήνα", "Kraków"]
STATUSES = ["subscribed", "unsubscribed", "none"]
INTERESTS = ["sports", "music|books", "travel", "sports|travel|cooking", "books"]
# One invalid cell by column number, such as spreadsheets and people write them.
BAD_CELLS = {
    0: "nobody.example.com",
    3: "612 345 678",
    4: "31/12/1990",
    5: "007",
    6: '"12,50"',
    7: "Subscribed",
    8: "gaming",
    10: "yes",
}


def batch(start: int, rows: int, seed: int, changed: float, bad: float, duplicates: float) -> pa.Table:
    """The contacts numbered from `start`; a contact depends on the seed and its number alone."""
    number = np.arange(start, start + rows, dtype=np.uint64)
    drawn = _hash(number, seed)
    change = (_hash(number, seed + 1) % 10_000 < changed * 10_000).astype(np.int64)
    owner = np.where(_hash(number, seed + 2) % 10_000 < duplicates * 10_000, number // np.uint64(2), number)
    day = np.datetime64("1950-01-01") + (drawn >> np.uint64(7)) % np.uint64(20_000)
    cents = (drawn >> np.uint64(11)) % np.uint64(900_000) + np.uint64(1)
    national = pc.cast(pa.array(600_000_000 + (drawn >> np.uint64(13)) % np.uint64(99_999_999)), pa.string())
    prefixed = pa.array((drawn & np.uint64(1)).astype(bool))
    columns = [
        pc.binary_join_element_wise("user", pc.cast(pa.array(owner), pa.string()), "@mail", _pick(DOMAINS, owner), ""),
        _pick(NAMES, drawn),
        _pick(SURNAMES, drawn >> np.uint64(3)),
        pc.binary_join_element_wise(pc.if_else(prefixed, "+34", ""), national, ""),
        pc.cast(pa.array(day), pa.string()),
        pc.cast(
            pa.array((drawn >> np.uint64(17)) % np.uint64(50_000) + np.uint64(1) + change.astype(np.uint64)),
            pa.string(),
        ),
        pc.binary_join_element_wise(
            pc.cast(pa.array(cents // np.uint64(100)), pa.string()),
            pc.utf8_lpad(pc.cast(pa.array(cents % np.uint64(100)), pa.string()), 2, "0"),
            ".",
        ),
        _pick(STATUSES, drawn >> np.uint64(19)),
        _pick(INTERESTS, drawn >> np.uint64(23)),
        _pick(CITIES, (drawn >> np.uint64(29)) + change.astype(np.uint64)),
        _pick(["true", "false"], drawn >> np.uint64(31)),
        _pick(["f", "m", "x"], drawn >> np.uint64(37)),
    ]
    return pa.table(_with_bad_cells(columns, _hash(number, seed + 3), bad), names=HEADER.strip().split(","))


def _hash(number: np.ndarray, seed: int) -> np.ndarray:
    """A pseudo-random number for each number, by splitmix64."""
    mixed = (number + np.uint64(seed * 0x9E3779B9 + 1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _pick(values: list[str], drawn: np.ndarray) -> pa.Array:
    return pa.array(values).take(pa.array((drawn % np.uint64(len(values))).astype(np.int64)))


def _with_bad_cells(columns: list[pa.Array], drawn: np.ndarray, bad: float) -> list[pa.Array]:
    is_bad = drawn % 10_000 < bad * 10_000
    which = (drawn >> np.uint64(20)) % np.uint64(len(BAD_CELLS))
    for number, (column, cell) in enumerate(BAD_CELLS.items()):
        columns[column] = pc.if_else(pa.array(is_bad & (which == number)), cell, columns[column])
    return columns


def generate(
    path: Path, rows: int, seed: int = 1, changed: float = 0.0, bad: float = 0.0, duplicates: float = 0.0
) -> None:
    """Write `rows` contacts; the shares are between 0 and 1."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(HEADER)
        for start in range(0, rows, BATCH_ROWS):
            table = batch(start, min(BATCH_ROWS, rows - start), seed, changed, bad, duplicates)
            lines = pc.binary_join_element_wise(*(column.combine_chunks() for column in table.columns), ",")
            stream.writelines(f"{line}\n" for line in lines.to_pylist())


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    for share in ("changed", "bad", "duplicates"):
        parser.add_argument(f"--{share}", type=float, default=0.0, metavar="SHARE")
    arguments = parser.parse_args()
    generate(arguments.file, arguments.rows, arguments.seed, arguments.changed, arguments.bad, arguments.duplicates)


if __name__ == "__main__":
    main()
