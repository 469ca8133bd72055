"""The benchmarks compare like with like, and say what was found."""

import sys
from pathlib import Path

import pytest

from benchmarks.bench import TAKE_MEMORY, judged, measure, median_ratio, turned
from benchmarks.generate import generate
from benchmarks.peers.plain_pandas import read
from benchmarks.run import PAGE, PARTS, written
from schemas.catalogue import load_catalogue
from tests.transforms.pipeline import check


def test_every_contender_goes_first_in_its_turn() -> None:
    assert [turned("abc", number)[0] for number in range(4)] == ["a", "b", "c", "a"]
    assert sorted(turned("abc", 5)) == ["a", "b", "c"]


def test_ratios_are_taken_within_a_round() -> None:
    assert median_ratio([1.0, 20.0, 3.0], [2.0, 10.0, 6.0]) == 0.5


@pytest.mark.parametrize(("value", "says"), [(0.4, "≤ 0.4, met"), (0.41, "≤ 0.4, missed")])
def test_a_target_is_met_or_missed(value: float, says: str) -> None:
    assert judged(value, 0.4) == says


def test_every_part_has_its_place_in_the_docs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for part in PARTS:
        renewed = written(page, part, "| new |\n")
        assert f"<!-- make bench: {part} -->\n| new |\n<!-- end -->" in renewed
        assert renewed.count("<!-- end -->") == page.count("<!-- end -->")


def test_memory_is_the_program_s_own() -> None:
    """A child counts what its parent held when it was born, so what measures stays small."""
    program = """
import json, sys
from benchmarks.bench import measure
said = "import json; held = bytearray({} << 20); print(json.dumps(dict(seconds=1)))"
print(json.dumps(dict(seconds=1, peaks=[measure([sys.executable, "-c", said.format(size)]).peak for size in (0, 200)])))
"""
    small, large = measure([sys.executable, "-c", program]).answer["peaks"]
    assert small < 120 << 20
    assert large >= 200 << 20


def test_memory_that_is_taken_first_is_really_taken() -> None:
    """A buffer that is only asked for costs nothing, and would warm nothing up."""
    size = 256 << 20
    program = f"{TAKE_MEMORY}; print('{{}}')"
    assert measure([sys.executable, "-c", program, str(size)]).peak > size


def test_plain_pandas_takes_and_stores_what_we_take_and_store(tmp_path: Path) -> None:
    """Else it would be faster or slower for doing something else."""
    file = tmp_path / "contacts.csv"
    generate(file, 2_000, bad=0.2, twins=0.05)
    ours = check(file.read_bytes(), load_catalogue())
    theirs = read(file)
    assert len(ours.accepted) < ours.read
    assert [row["email"] for row in ours.accepted] == theirs["email"].to_list()
    assert [row["mobile_phone"].removeprefix("'") for row in ours.accepted] == theirs["mobile_phone"].to_list()
    assert [row["birthdate"] for row in ours.accepted] == [str(day) for day in theirs["birthdate"]]
