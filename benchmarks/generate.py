"""Contacts by the million, the same for the same seed: `python -m benchmarks.generate FILE --rows 1000000`.

Twelve columns of the built-in catalogue, all filled. Written by column and in batches, so that ten
million rows need no more memory than one. `--changed` gives another city and other points to a share of
the contacts and leaves the rest as they are, `--bad` breaks one cell in a share of the rows, `--twins`
repeats an earlier email.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BATCH = 100_000
HEADER = (
    "email,name,surname,mobile_phone,birthdate,points,total_spent,"
    "newsletter_subscription_status,interests,city,vip,gender\n"
)

NAMES = ["Ana", "Luis", "José", "María", "Zoë", "Jürgen", "Chloé", "Иван", "Ελένη", "Noor", "John", "Emma"]
SURNAMES = ["García", "Smith", "Müller", "O'Neil", "Núñez", "Иванова", "Παππάς", "Kowalski", "de la Fuente", "Lee"]
CITIES = ["Madrid", "Sevilla", "A Coruña", "London", "München", '"Paris, Texas"', "Αθήνα", "Kraków"]
STATUSES = ["subscribed", "unsubscribed", "none"]
INTERESTS = ["sports", "music|books", "travel", "sports|travel|cooking", "books"]
# One cell that breaks its rule, by column: what a spreadsheet and a hurried person make of it.
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


def batch(start: int, rows: int, seed: int, changed: float, bad: float, twins: float) -> pa.Table:
    """The contacts numbered from `start`; a contact depends on the seed and its number alone."""
    number = np.arange(start, start + rows, dtype=np.uint64)
    chance = _chance(number, seed)
    edition = (_chance(number, seed + 1) % 10_000 < changed * 10_000).astype(np.int64)
    owner = np.where(_chance(number, seed + 2) % 10_000 < twins * 10_000, number // np.uint64(2), number)
    day = np.datetime64("1950-01-01") + (chance >> np.uint64(7)) % np.uint64(20_000)
    cents = (chance >> np.uint64(11)) % np.uint64(900_000) + np.uint64(1)
    national = pc.cast(pa.array(600_000_000 + (chance >> np.uint64(13)) % np.uint64(99_999_999)), pa.string())
    prefixed = pa.array((chance & np.uint64(1)).astype(bool))
    columns = [
        pc.binary_join_element_wise("user", pc.cast(pa.array(owner), pa.string()), "@mail", _pick(DOMAINS, owner), ""),
        _pick(NAMES, chance),
        _pick(SURNAMES, chance >> np.uint64(3)),
        pc.binary_join_element_wise(pc.if_else(prefixed, "+34", ""), national, ""),
        pc.cast(pa.array(day), pa.string()),
        pc.cast(
            pa.array((chance >> np.uint64(17)) % np.uint64(50_000) + np.uint64(1) + edition.astype(np.uint64)),
            pa.string(),
        ),
        pc.binary_join_element_wise(
            pc.cast(pa.array(cents // np.uint64(100)), pa.string()),
            pc.utf8_lpad(pc.cast(pa.array(cents % np.uint64(100)), pa.string()), 2, "0"),
            ".",
        ),
        _pick(STATUSES, chance >> np.uint64(19)),
        _pick(INTERESTS, chance >> np.uint64(23)),
        _pick(CITIES, (chance >> np.uint64(29)) + edition.astype(np.uint64)),
        _pick(["true", "false"], chance >> np.uint64(31)),
        _pick(["f", "m", "x"], chance >> np.uint64(37)),
    ]
    return pa.table(_spoiled(columns, _chance(number, seed + 3), bad), names=HEADER.strip().split(","))


DOMAINS = [f"{number}.example.{ending}" for number in range(50) for ending in ("com", "org")]


def _chance(number: np.ndarray, seed: int) -> np.ndarray:
    """A number without pattern for each number, as splitmix64 makes it."""
    mixed = (number + np.uint64(seed * 0x9E3779B9 + 1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _pick(values: list[str], chance: np.ndarray) -> pa.Array:
    return pa.array(values).take(pa.array((chance % np.uint64(len(values))).astype(np.int64)))


def _spoiled(columns: list[pa.Array], chance: np.ndarray, bad: float) -> list[pa.Array]:
    spoiled = chance % 10_000 < bad * 10_000
    which = (chance >> np.uint64(20)) % np.uint64(len(BAD_CELLS))
    for place, (column, cell) in enumerate(BAD_CELLS.items()):
        columns[column] = pc.if_else(pa.array(spoiled & (which == place)), cell, columns[column])
    return columns


def generate(path: Path, rows: int, seed: int = 1, changed: float = 0.0, bad: float = 0.0, twins: float = 0.0) -> None:
    """Write `rows` contacts; shares are of 1."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(HEADER)
        for start in range(0, rows, BATCH):
            table = batch(start, min(BATCH, rows - start), seed, changed, bad, twins)
            lines = pc.binary_join_element_wise(*(column.combine_chunks() for column in table.columns), ",")
            stream.writelines(f"{line}\n" for line in lines.to_pylist())


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    for share in ("changed", "bad", "twins"):
        parser.add_argument(f"--{share}", type=float, default=0.0, metavar="SHARE")
    given = parser.parse_args()
    generate(given.file, given.rows, given.seed, given.changed, given.bad, given.twins)


if __name__ == "__main__":
    main()
