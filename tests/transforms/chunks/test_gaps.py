"""Complete or dropped, decided over the whole file; and the settings that allow gaps."""

from typing import Any

import pytest

from schemas.catalogue import FieldCatalogue
from schemas.field_types import TRAITS, FieldType
from tests.transforms.judge_cells import field_of
from tests.transforms.pipeline import check

GOOD = {
    "text": "x",
    "email": "v@w.com",
    "phone": "+34651234567",
    "date": "2020-01-31",
    "integer": "5",
    "decimal": "1.5",
    "boolean": "true",
    "radio": "none",
    "checkbox": "none|music",
}


def with_field(type: str, **more: Any) -> FieldCatalogue:
    email = {"id": "email", "type": "email", "identity": True}
    return FieldCatalogue.model_validate({"fields": [email, field_of(type, **more).model_dump()]})


def file_of(cells: list[str]) -> str:
    return "email,value\n" + "".join(f"c{number}@b.com,{cell}\n" for number, cell in enumerate(cells, 1))


@pytest.mark.parametrize("type", FieldType)
def test_one_gap_drops_a_column_that_must_be_complete(type: FieldType) -> None:
    found = check(file_of([GOOD[type], "", GOOD[type], " "]), with_field(type))
    dropped = TRAITS[type].dropped_with_gaps
    assert dropped == (type in ("phone", "date", "integer", "decimal", "radio"))
    assert found.outcomes["value"] == ("incomplete" if dropped else "imported")
    assert (found.columns[1]["empty_cells"], found.columns[1]["first_empty"]) == (2, [2, 4])
    assert (len(found.accepted), found.rejections) == (4, [])
    assert ("value" in found.accepted[0]) is not dropped


def test_gap_in_a_far_chunk_drops_the_column_in_all() -> None:
    cells = ["5"] * 30 + ["", *["bad"] * 10]
    for size in (30, 100, 1 << 20):
        found = check(file_of(cells), with_field("integer"), size)
        assert found.outcomes["value"] == "incomplete"
        assert (found.columns[1]["empty_cells"], found.columns[1]["first_empty"]) == (1, [31])
        assert (len(found.accepted), found.rejections) == (41, [])


def test_a_gap_without_a_valid_email_is_not_counted_however_the_file_is_cut() -> None:
    content = "email,value\nTotal rows,\na@b.com,5\nname@,\nb@b.com,\nc@b.com,6\n"
    for size in (10, 30, 1 << 20):
        found = check(content, with_field("integer"), size)
        assert (found.columns[1]["empty_cells"], found.columns[1]["first_empty"]) == (1, [4])
        found = check(content.replace("b@b.com,\n", ""), with_field("integer"), size)
        assert found.outcomes["value"] == "imported"


def test_first_gaps_are_the_first_ones_over_all_chunks() -> None:
    for size in (20, 1 << 20):
        found = check(file_of(["1", *[""] * 8]), with_field("integer"), size)
        assert (found.columns[1]["empty_cells"], found.columns[1]["first_empty"]) == (8, [2, 3, 4, 5, 6])


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        pytest.param("bad,", "imported", id="without-a-valid-email-does-not-count"),
        pytest.param(" ,", "imported", id="without-an-email-does-not-count"),
        pytest.param("c1@b.com,", "incomplete", id="duplicate-counts"),
        pytest.param("x@b.com", "imported", id="too-short-does-not-count"),
        pytest.param("x@b.com,,", "imported", id="too-long-does-not-count"),
        pytest.param('"x@b.com,', "imported", id="badly-quoted-does-not-count"),
        pytest.param(",", "imported", id="blank-record-does-not-count"),
        pytest.param("", "imported", id="blank-line-does-not-count"),
        pytest.param('x@b.com," "', "incomplete", id="quoted-space-counts"),
        pytest.param("x@b.com,\u00a0", "incomplete", id="no-break-space-counts"),
        pytest.param("x@b.com,NULL", "imported", id="null-is-a-word"),
    ],
)
def test_records_that_count_for_complete_or_dropped(row: str, outcome: str) -> None:
    assert check(file_of(["5", "6"]) + row + "\n", with_field("integer")).outcomes["value"] == outcome


@pytest.mark.parametrize(
    ("type", "gaps", "codes", "outcome"),
    [
        pytest.param("date", "allow", [], "imported", id="allow"),
        pytest.param("date", "reject-row", [(2, "value-missing")], "imported", id="reject-row"),
        pytest.param("text", "reject-row", [(2, "value-missing")], "imported", id="reject-row-text"),
        pytest.param("text", "drop-column", [], "incomplete", id="drop-column-text"),
        pytest.param("boolean", "drop-column", [], "incomplete", id="drop-column-boolean"),
    ],
)
def test_catalogue_relaxes_or_tightens(type: str, gaps: str, codes: list[Any], outcome: str) -> None:
    content = file_of([GOOD[type], "", GOOD[type]])
    found = check(content, with_field(type, gaps=gaps))
    assert (found.codes, found.outcomes["value"]) == (codes, outcome)
    relaxed = check(content, with_field(type, gaps=gaps), gaps="allow")
    assert (relaxed.codes, relaxed.outcomes["value"], len(relaxed.accepted)) == ([], "imported", 3)


def test_empty_identity_rejects_its_row_whatever_gaps_are_allowed() -> None:
    for gaps in ("catalogue", "allow"):
        found = check("email,value\n,5\na@b.com,6\n", with_field("integer"), gaps=gaps)
        assert found.codes == [(1, "email-missing")]


def test_every_bad_cell_of_a_row_is_named(catalogue: FieldCatalogue) -> None:
    header = "points,email,phone,born,spent,vip,status,likes,other_email,name"
    found = check(f"{header}\n0,no,1 2,x,1e3,si,Subscribed,a|b,@,n\n", catalogue)
    assert [each[4] for each in found.rejections] == [
        "integer-invalid",
        "email-invalid",
        "phone-has-spaces",
        "date-invalid",
        "decimal-invalid",
        "boolean-invalid",
        "option-unknown",
        "option-unknown",
        "email-invalid",
    ]
    assert [each[2] for each in found.rejections] == header.split(",")[:-1]
    assert [each[6] for each in found.rejections] == ["0", "no", "1 2", "x", "1e3", "si", "Subscribed", "a|b", "@"]
    assert found.rejected_rows == 1
