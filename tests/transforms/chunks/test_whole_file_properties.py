"""Properties of whole files: rows balance, the chunk size does not matter, accepted rows are accepted again."""

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import FieldCatalogue
from tests.transforms.pipeline import check, rows_of

CELLS = st.sampled_from(
    [
        "a@b.com",
        "A@b.com",
        "c@d.com",
        "x",
        "",
        " ",
        "651234567",
        "6 51",
        "2020-01-01",
        "5",
        "0",
        "true",
        "no",
        "=1",
        "é",
    ]
)
LINES = st.lists(CELLS, min_size=1, max_size=5).map(",".join) | st.sampled_from(
    ["", ",,,", '"', '"",x', 'a@b.com,"x', 'x","y', 'a@b.com,"two\nlines",5,true', '"a@b.com","",7,1', 'q"@b.com,x,1,1']
)
FILES = st.lists(LINES, max_size=14).map("\n".join)
HEADER = "email,name,points,vip\n"


@settings(max_examples=30)
@given(body=FILES)
def test_rows_balance(body: str, catalogue: FieldCatalogue) -> None:
    found = check(HEADER + body, catalogue)
    rejected = {each[0] for each in found.rejections}
    assert found.read == len(found.accepted) + found.rejected_rows
    assert found.rejected_rows == len(rejected) == len(rows_of(found.rejected_file))
    assert rejected <= set(range(1, found.read + 1))
    assert [each[0] for each in found.rejections] == sorted(each[0] for each in found.rejections)


@settings(max_examples=15)
@given(body=FILES, size=st.integers(1, 60), choice=st.sampled_from(["last", "first", "reject"]))
def test_no_chunk_size_changes_the_result(body: str, size: int, choice: str, catalogue: FieldCatalogue) -> None:
    whole = check(HEADER + body, catalogue, duplicates=choice)
    assert check(HEADER + body, catalogue, size, rows_per_partition=2, duplicates=choice) == whole


@settings(max_examples=20)
@given(body=FILES)
def test_lines_are_where_the_records_start(body: str, catalogue: FieldCatalogue) -> None:
    """A record that is no row of cells starts with the text that stands at its line."""
    lines = (HEADER + body).split("\n")
    for _, line, _, _, code, _, value in check(HEADER + body, catalogue).rejections:
        if code.startswith("row-"):
            assert value is not None
            assert lines[line - 1] == value.split("\n")[0]


@settings(max_examples=20)
@given(body=FILES)
def test_what_is_accepted_is_accepted_again_as_it_is(body: str, catalogue: FieldCatalogue) -> None:
    found = check(HEADER + body, catalogue)
    again = check(found.accepted_file, catalogue, gaps="allow")
    assert (again.accepted, again.rejections) == (found.accepted, [])


@settings(max_examples=20)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 6).map("c{}@b.com".format), st.text("ab,;\"'\n é", max_size=5)), min_size=1, max_size=8
    )
)
def test_good_rows_are_accepted_unchanged(rows: list[tuple[str, str]], catalogue: FieldCatalogue) -> None:
    """Against the csv module: the last row of each email is there, its text trimmed."""
    target = io.StringIO(newline="")
    csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("email", "name"), *rows])
    last = dict(reversed(list(dict(rows).items())))
    found = check(target.getvalue(), catalogue)
    assert {row["email"]: row["name"] for row in found.accepted} == {
        email: name.strip() for email, name in last.items()
    }
    assert {code for _, code in found.codes} <= {"duplicate-email"}
