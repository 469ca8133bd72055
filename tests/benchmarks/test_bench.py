"""The benchmarks compare the same work and print what was measured."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.bench import ALLOCATE, measure, measure_rounds
from benchmarks.generate import generate
from benchmarks.peers.plain_pandas import read
from benchmarks.peers_table import contents_of
from benchmarks.run import PAGE, PARTS, replace_table
from benchmarks.tables import compare_with_target, median_ratio
from schemas.catalogue import load_catalogue
from tests.transforms.pipeline import check


def test_each_round_starts_with_another_contender() -> None:
    order: list[str] = []
    contenders = {name: lambda name=name: order.append(name) for name in "abc"}
    results = measure_rounds(contenders, 4)
    assert order == list("abcbcacababc")
    assert {name: len(each) for name, each in results.items()} == {"a": 4, "b": 4, "c": 4}


def test_the_median_ratio_is_of_values_from_the_same_round() -> None:
    assert median_ratio([1.0, 20.0, 3.0], [2.0, 10.0, 6.0]) == 0.5


@pytest.mark.parametrize(("value", "expected"), [(0.4, "≤ 0.4, met"), (0.41, "≤ 0.4, missed")])
def test_a_value_at_the_target_meets_it(value: float, expected: str) -> None:
    assert compare_with_target(value, 0.4) == expected


def test_docs_have_markers_for_every_part() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for part in PARTS:
        replaced = replace_table(page, part, "| new |\n")
        assert f"<!-- make bench: {part} -->\n| new |\n<!-- end -->" in replaced
        assert replaced.count("<!-- end -->") == page.count("<!-- end -->")


def test_peak_memory_is_that_of_the_measured_program() -> None:
    """A child's peak includes its parent's memory at the start, so the measuring process must stay small."""
    program = """
import json, sys
from benchmarks.bench import measure
child = "import json; block = bytearray({} << 20); print(json.dumps(dict(seconds=1)))"
peaks = [measure([sys.executable, "-c", child.format(size)]).peak_bytes for size in (0, 200)]
print(json.dumps(dict(seconds=1, peaks=peaks)))
"""
    small, large = measure([sys.executable, "-c", program]).output["peaks"]
    assert small < 120 << 20
    assert large >= 200 << 20


def test_warming_up_uses_the_memory_that_it_allocates() -> None:
    """Memory that is allocated but never written takes no pages."""
    size = 256 << 20
    program = f"{ALLOCATE}; print('{{}}')"
    assert measure([sys.executable, "-c", program, str(size)]).peak_bytes > size


def test_plain_pandas_accepts_and_stores_the_same_values_as_an_import(tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    generate(file, 2_000, bad=0.2, duplicates=0.05)
    ours = check(file.read_bytes(), load_catalogue())
    theirs = read(file)
    assert len(ours.accepted) < ours.read
    assert [row["email"] for row in ours.accepted] == theirs["email"].to_list()
    assert [row["mobile_phone"].removeprefix("'") for row in ours.accepted] == theirs["mobile_phone"].to_list()
    assert [row["birthdate"] for row in ours.accepted] == [str(day) for day in theirs["birthdate"]]


def test_one_changed_cell_changes_what_a_tool_is_said_to_have_left(tmp_path: Path) -> None:
    names = "email name surname mobile_phone birthdate points total_spent newsletter_subscription_status interests city"
    columns = [*names.split(), "vip", "gender"]
    values = ["a@b.com", "Ana", "Roig", "+34600123456", "1990-01-31", 7, 1.5, "none", "books", "Gavà", 1, "f"]
    with closing(sqlite3.connect(tmp_path / "contacts.db")) as file:
        file.execute(f"create table contacts ({', '.join(columns)})")
        file.execute(f"insert into contacts values ({', '.join('?' * len(columns))})", values)
        file.commit()
        before = contents_of(f"sqlite:///{tmp_path}/contacts.db", "contacts")
        for column in columns:
            file.execute(f"update contacts set {column} = 'other'")
            file.commit()
            assert contents_of(f"sqlite:///{tmp_path}/contacts.db", "contacts") != before, column
            file.execute(f"update contacts set {column} = ?", [values[columns.index(column)]])
            file.commit()
        assert contents_of(f"sqlite:///{tmp_path}/contacts.db", "contacts") == before
