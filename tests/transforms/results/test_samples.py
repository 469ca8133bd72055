"""The sample of rejections has every code, and is the same each time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.chunks.split import REJECTION_FIELDS
from transforms.results.samples import MAX_VALUE_LENGTH, RejectedSample, fair_shares


@pytest.mark.parametrize(
    ("found", "rows", "shares"),
    [
        pytest.param({}, 5, {}, id="nothing"),
        pytest.param({"a": 3}, 5, {"a": 3}, id="fewer than there is room for"),
        pytest.param({"a": 9}, 5, {"a": 5}, id="one reason"),
        pytest.param({"a": 1, "b": 9000}, 1000, {"b": 999, "a": 1}, id="the rare one is seen"),
        pytest.param({"a": 2, "b": 50, "c": 40}, 20, {"b": 9, "c": 9, "a": 2}, id="what one leaves is shared"),
        pytest.param({"a": 50, "b": 50, "c": 50}, 20, {"a": 7, "b": 7, "c": 6}, id="the rest goes to the first"),
        pytest.param({"a": 1, "b": 2, "c": 3}, 2, {"c": 1, "b": 1, "a": 0}, id="more reasons than rows"),
        pytest.param({"a": 1}, 0, {"a": 0}, id="no rows"),
    ],
)
def test_each_code_gets_an_equal_share_of_the_sample(found: dict[str, int], rows: int, shares: dict[str, int]) -> None:
    assert list(fair_shares(found, rows).items()) == list(shares.items())


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 40)), st.integers(0, 60))
def test_a_share_is_smaller_only_if_the_code_has_no_more_rows(found: dict[str, int], rows: int) -> None:
    shares = fair_shares(found, rows)
    assert sum(shares.values()) == min(rows, sum(found.values()))
    for code, share in shares.items():
        assert share == found[code] or share >= max(shares.values()) - 1
    if rows >= len(found):
        assert all(shares.values())


def rejections(*rows: tuple[int, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["record_number", "code"]).assign(value="x" * 1000)
    return frame.reindex(columns=list(REJECTION_FIELDS))


def emails(records: pd.Series) -> np.ndarray:
    return np.asarray([f"{record}@example.com" for record in records], object)


@pytest.mark.parametrize("block", [1, 2, 100], ids="{} at a time".format)
def test_the_sample_does_not_depend_on_the_blocks(block: int) -> None:
    rows = [(number, "common" if number % 10 else "rare") for number in range(1, 60)] + [(60, "last")]
    sample = RejectedSample(6, REJECTION_FIELDS)
    for start in range(0, len(rows), block):
        sample.add(rejections(*rows[start : start + block]), emails)
    rows_by_share = sample.rows_by_share()
    assert list(rows_by_share["email"]) == list(emails(rows_by_share["record_number"]))
    assert list(zip(rows_by_share["code"], rows_by_share["record_number"], strict=True)) == [
        ("common", 1), ("common", 2), ("common", 3), ("rare", 10), ("rare", 20), ("last", 60)
    ]  # fmt: skip
    assert set(rows_by_share["value"].str.len()) == {MAX_VALUE_LENGTH}


def test_an_empty_sample_has_the_columns() -> None:
    assert list(RejectedSample(5, REJECTION_FIELDS).rows_by_share().columns) == list(REJECTION_FIELDS)


def test_the_sample_keeps_a_bounded_number_of_rows() -> None:
    sample = RejectedSample(10, REJECTION_FIELDS)
    for block in range(50):
        sample.add(rejections(*((block * 100 + row, "ab"[row % 2]) for row in range(100))), emails)
    assert sum(map(len, sample._kept)) == 20
