"""A small run of the fuzzer, and tests that its judge notices faults. The large run is `make fuzz`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz import run
from tests.fuzz.cases import case

CASES = 150


def test_the_same_number_is_the_same_case() -> None:
    assert [case(number) for number in range(50)] == [case(number) for number in range(50)]
    assert {case(number).kind for number in range(50)} >= {"noise", "soup", "good", "damaged", "mangled", "packed"}


def test_a_report_or_a_typed_error_and_every_cell_in_its_place() -> None:
    outcomes, wrong, losing = run.run(1_000_000, CASES)
    assert wrong == {}
    assert losing == 0
    assert outcomes["report"] > CASES // 2
    assert len(outcomes) > 4


def _shifted(original: Callable[..., Any]) -> Callable[..., Any]:
    def read(*arguments: Any) -> Any:
        records, lines = original(*arguments)
        if records.table.num_columns < 2:
            return records, lines
        names = records.table.column_names
        table = records.table.rename_columns([names[1], names[0], *names[2:]]).select(names)
        return replace(records, table=table), lines

    return read


@pytest.mark.parametrize(
    ("place", "sabotage", "says"),
    [
        pytest.param("transforms.chunks.read.read_records", _shifted, "line", id="cells of two columns swapped"),
        pytest.param(
            "transforms.parsing.blocks.is_regular", lambda _: lambda *_: True, "line", id="all to the fast reader"
        ),
        pytest.param(
            "transforms.parsing.strict_reader.RecordReader._next_clean",
            lambda _: lambda self, start, scan: (scan.end if scan.broken else None, False),
            "other records were lost",
            id="no reading on after a stray quote",
        ),
        pytest.param(
            "transforms.parsing.strict_reader.RecordReader._is_lone_cr",
            lambda _: lambda self, end: False,
            "line",
            id="every CR ends a record",
        ),
        pytest.param(
            "transforms.chunks.read.remove_guards",
            lambda _: lambda column: (column, 0),
            "stored otherwise",
            id="guards kept",
        ),
        pytest.param(
            "schemas.cells.phone_columns.to_e164", lambda _: lambda *_: "+34651234567", "line", id="all phones equal"
        ),
        pytest.param(
            "tests.fuzz.judge.resolve_duplicates", lambda _: lambda *_: None, "duplicates", id="duplicates kept"
        ),
        pytest.param("tests.fuzz.judge.land_file", lambda _: lambda *_: 1 / 0, "ZeroDivision", id="a traceback"),
    ],
)
def test_the_judge_sees(
    place: str, sabotage: Callable[..., Any], says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A fault that is built in is noticed within a few files."""
    monkeypatch.setattr(place, sabotage(_resolved(place)))
    found: list[str] = []
    for number in range(400):
        folder = tmp_path / str(number)
        folder.mkdir()
        made = case(number)
        if made.kind not in ("good", "damaged", "soup"):
            continue
        outcome = run.try_case(made, folder)
        found += [*outcome.wrong, *(["other records were lost"] * (outcome.lost > 0))]
        if any(says in each for each in found):
            return
    raise AssertionError(f"nothing of the kind in 400 cases: {found[:3]}")


def _resolved(place: str) -> Any:
    from importlib import import_module

    module, _, name = place.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError:
        return getattr(_resolved(module), name)
