"""Hashes of texts: equal for equal texts wherever they are, different for different texts."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.chunks.text_hashes import ROWS_PER_STEP, hash_texts

TEXTS = st.lists(st.text(max_size=40), max_size=30)


@given(TEXTS, TEXTS)
def test_a_text_has_the_same_hash_wherever_it_is(before: list[str], texts: list[str]) -> None:
    alone = [hash_texts(pa.array([text], pa.string()))[0] for text in texts]
    among = hash_texts(pa.array([*before, *texts], pa.string()).slice(len(before)))
    assert list(among) == alone


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), unique=True))
def test_different_texts_have_different_hashes(texts: list[str]) -> None:
    assert len(set(hash_texts(pa.array(texts, pa.string())))) == len(texts)


@pytest.mark.parametrize("rows", [0, 1, ROWS_PER_STEP, 3 * ROWS_PER_STEP + 1])
def test_every_text_of_a_long_column_gets_its_own_hash(rows: int) -> None:
    found = hash_texts(pa.array([f"user{row}@example.org" for row in range(rows)], pa.string()))
    assert (len(found), len(np.unique(found)), str(found.dtype)) == (rows, rows, "uint64")
