"""One row per email: which record is kept, over chunks and partitions of any size."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import FieldCatalogue
from tests.transforms.pipeline import check
from transforms.chunks import duplicates
from transforms.chunks.split import ChunkResult

FILE = """email,points
a@b.com,1
C@d.com,2
A@B.com ,3
no,4
a@b.com,0
c@D.com,5
x@y.com,6
"""


@pytest.mark.parametrize(
    ("choice", "accepted", "losers", "says"),
    [
        pytest.param("last", ["3", "5", "6"], {1: 3, 2: 6}, "record 3 has the same email and was kept", id="last"),
        pytest.param("first", ["1", "2", "6"], {3: 1, 6: 2}, "record 1 has the same email and was kept", id="first"),
        pytest.param("reject", ["6"], {1: 1, 2: 2, 3: 1, 6: 2}, "record 1 first, and none was kept", id="reject"),
    ],
)
@pytest.mark.parametrize(("block", "partition"), [(1 << 20, 2_000_000), (1, 2_000_000), (20, 1), (1 << 20, 2)])
def test_the_choice_decides_which_duplicate_is_kept(
    choice: str,
    accepted: list[str],
    losers: dict[int, int],
    says: str,
    block: int,
    partition: int,
    catalogue: FieldCatalogue,
) -> None:
    found = check(FILE, catalogue, block, partition, duplicates=choice)
    assert found.column("points") == accepted
    duplicates = {each[0]: each for each in found.rejections if each[4] == "duplicate-email"}
    assert duplicates.keys() == losers.keys()
    for record, winner in losers.items():
        assert f"record {winner} " in duplicates[record][5]
        assert duplicates[record][2:4] == ("email", "email")
    assert says in " ".join(each[5] for each in duplicates.values())
    others = [code for code in found.codes if code[1] != "duplicate-email"]
    assert others == [(4, "email-invalid"), (5, "integer-invalid")]


def test_a_duplicates_value_is_the_email_as_it_was_written(catalogue: FieldCatalogue) -> None:
    found = check("name,email\nx, A@B.com\ny,a@b.com\n", catalogue)
    assert found.rejections[0][6] == " A@B.com"
    assert found.lines == [(1, 2)]


def test_the_hashes_of_each_chunk_are_read_once(catalogue: FieldCatalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ranges of them there are: else many rows would cost more than so many times few."""
    asked: list[str] = []
    prints = duplicates._email_hashes

    def counted(verdict: ChunkResult) -> np.ndarray:
        asked.append(verdict.accepted_path)
        return prints(verdict)

    monkeypatch.setattr(duplicates, "_email_hashes", counted)
    found = check(FILE, catalogue, block_bytes=20, rows_per_partition=1)
    assert len(asked) > 2
    assert asked == sorted(set(asked))
    assert found.column("points") == ["3", "5", "6"]


def winners(emails: Sequence[str], good: Sequence[bool], choice: str) -> set[int]:
    """The rule, read one record at a time."""
    records: dict[str, list[int]] = {}
    for record, (email, passes) in enumerate(zip(emails, good, strict=True), 1):
        if passes:
            records.setdefault(email.lower(), []).append(record)
    if choice == "reject":
        return {same[0] for same in records.values() if len(same) == 1}
    return {same[-1 if choice == "last" else 0] for same in records.values()}


@settings(max_examples=15)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a@b.com", "A@b.com", "c@d.com", "é@f.com", "É@f.com"]), st.booleans()), max_size=12
    ),
    choice=st.sampled_from(["last", "first", "reject"]),
    block=st.sampled_from([1, 40, 1 << 20]),
    partition=st.sampled_from([1, 3, 2_000_000]),
)
def test_kept_duplicates_are_those_of_a_simple_model(
    rows: list[tuple[str, bool]], choice: str, block: int, partition: int, catalogue: FieldCatalogue
) -> None:
    emails, good = [email for email, _ in rows], [passes for _, passes in rows]
    lines = "".join(f"{email},{number if passes else 0}\n" for number, (email, passes) in enumerate(rows, 1))
    found = check("email,points\n" + lines, catalogue, block, partition, duplicates=choice)
    assert {int(points) for points in found.column("points")} == winners(emails, good, choice)
    assert found.read == len(rows) == len(found.accepted) + found.rejected_rows
