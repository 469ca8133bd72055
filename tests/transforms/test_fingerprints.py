"""Fingerprints: the same for the same text wherever it stands, and another for another."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.fingerprints import ROWS_A_STEP, fingerprints

TEXTS = st.lists(st.text(max_size=40), max_size=30)


@given(TEXTS, TEXTS)
def test_a_text_has_one_fingerprint_wherever_it_stands(before: list[str], texts: list[str]) -> None:
    alone = [fingerprints(pa.array([text], pa.string()))[0] for text in texts]
    among = fingerprints(pa.array([*before, *texts], pa.string()).slice(len(before)))
    assert list(among) == alone


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), unique=True))
def test_other_texts_have_others(texts: list[str]) -> None:
    assert len(set(fingerprints(pa.array(texts, pa.string())))) == len(texts)


@pytest.mark.parametrize("rows", [0, 1, ROWS_A_STEP, 3 * ROWS_A_STEP + 1])
def test_any_number_of_rows(rows: int) -> None:
    found = fingerprints(pa.array([f"user{row}@example.org" for row in range(rows)], pa.string()))
    assert (len(found), len(np.unique(found)), str(found.dtype)) == (rows, rows, "uint64")
