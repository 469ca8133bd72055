"""The rejected file has every rejected row with its reasons, and imports again after correction."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import FieldCatalogue
from tests.transforms.pipeline import Checked, check, rows_of
from transforms.parsing.csv_writer import csv_header

OURS = [
    "rejection_record",
    "rejection_line",
    "rejection_codes",
    "rejection_reasons",
    "rejection_raw",
    "rejection_of",
]
MAPPED = {"column_1": "email", "column_2": "points"}
FLAWED = """Email,Nombre,notes,Phone
a@b.com,first,=1+1,651234567
bad,"quo""ted",@x,651234567
short
c@d.com,"two
lines",+x,6 51
A@b.com,last,-x,651234568
x,"y
"""


def rejected_rows(found: Checked) -> list[dict[str, str]]:
    assert found.rejected_file.startswith(b"\xef\xbb\xbf")
    return rows_of(found.rejected_file, found.delimiter)


def test_the_rejected_file_has_every_rejected_row_in_record_order(catalogue: FieldCatalogue) -> None:
    for size in (1, 60, 1 << 20):
        rows = rejected_rows(check(FLAWED, catalogue, size))
        assert list(rows[0]) == ["Email", "Nombre", "notes", "Phone", *OURS]
        assert [row["rejection_record"] for row in rows] == ["1", "2", "3", "4", "6"]
        assert [row["rejection_line"] for row in rows] == ["2", "3", "4", "5", "8"]
        assert [row["rejection_codes"] for row in rows] == [
            "duplicate-email",
            "email-invalid",
            "row-too-short",
            "phone-has-spaces",
            "row-bad-quoting",
        ]
        assert [row["rejection_raw"] for row in rows] == ["", "", "short", "", 'x,"y']
        assert [row["Nombre"] for row in rows] == ["first", 'quo"ted', "", "two\nlines", ""]
        assert [row["notes"] for row in rows] == ["'=1+1", "'@x", "", "'+x", ""]


def test_a_row_with_several_reasons_is_there_once_with_all(catalogue: FieldCatalogue) -> None:
    [row] = rejected_rows(check("email,points\nbad,0\n", catalogue))
    assert row["rejection_codes"] == "email-invalid, integer-invalid"
    assert row["rejection_reasons"].startswith("email: 'bad' is not a valid email")
    assert " | points: '0' is not a whole number" in row["rejection_reasons"]


def test_a_long_name_of_a_column_is_shortened_in_each_reason(catalogue: FieldCatalogue) -> None:
    long = "x" * 100_000
    cells = "a@b.com,0\n" * 500
    found = check(f"{long},{long}\n{cells}a@b.com,1\nb@b.com,1\nb@b.com,2\n", catalogue, 1 << 17, mapping=MAPPED)
    assert {each[2] for each in found.rejections} == {"x" * 300 + "…"}
    rows = rejected_rows(found)
    assert [row["rejection_codes"] for row in rows] == ["integer-invalid"] * 500 + ["duplicate-email"]
    assert all(row["rejection_reasons"].startswith("x" * 300 + "…: ") for row in rows)
    assert len(found.rejected_file) < 1_000_000


def test_an_uncorrected_rejected_file_is_rejected_again(catalogue: FieldCatalogue) -> None:
    once = check(FLAWED, catalogue)
    again = check(once.rejected_file, catalogue)
    assert [code for _, code in again.codes] == [code for _, code in once.codes]
    assert (again.read, again.accepted) == (5, [])
    assert {name: again.outcomes[name] for name in OURS} == dict.fromkeys(OURS, "ignored")
    thrice = rejected_rows(check(again.rejected_file, catalogue))
    cells = ["Email", "Nombre", "notes", "Phone", "rejection_codes", "rejection_raw"]
    assert [[row[name] for name in cells] for row in thrice] == [
        [row[name] for name in cells] for row in rejected_rows(once)
    ]


@pytest.mark.parametrize("options", [{}, {"header": False}, {"encoding": "cp1252"}, {"encoding": "utf-16"}])
def test_a_corrected_rejected_file_imports_as_it_is(options: dict[str, Any], catalogue: FieldCatalogue) -> None:
    mended = (
        check(FLAWED, catalogue)
        .rejected_file.replace(b'"bad"', b'"good@b.com"')
        .replace(b'"6 51"', b'"651234569"')
        .replace(b"duplicate-email", b"")
    )
    found = check(mended, catalogue, **options)
    assert found.codes == [(3, "row-too-short"), (5, "row-bad-quoting")]
    assert found.column("email") == ["a@b.com", "good@b.com", "c@d.com"]
    assert found.column("name") == ["first", 'quo"ted', "two\nlines"]
    assert found.column("phone") == ["'+34651234567", "'+34651234567", "'+34651234569"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_corrected_rejected_file_that_was_saved_as_utf_8_is_not_read_in_the_declared_encoding(
    encoding: str, catalogue: FieldCatalogue
) -> None:
    """A program may save it without a byte order mark, whatever encoding the source had."""
    rejected = check("email,name\nbad,Müller\n".encode(encoding), catalogue, encoding=encoding).rejected_file
    mended = rejected.decode("utf-8-sig").replace('"bad"', '"a@b.com"')
    found = check(mended, catalogue, encoding=encoding)
    assert (found.column("name"), found.encoding) == (["Müller"], "utf-8")
    assert f"saved as UTF-8, so --encoding {encoding} was not used" in found.warnings[0]
    same = check(mended.encode(encoding), catalogue, encoding=encoding)
    assert (same.column("name"), same.warnings) == (["Müller"], ())


def test_another_file_is_read_in_the_declared_encoding_also_if_it_is_valid_utf_8(catalogue: FieldCatalogue) -> None:
    assert check("email,name\na@b.com,Müller\n", catalogue, encoding="cp1252").column("name") == ["MÃ¼ller"]
    japanese = f"email,name,{','.join(OURS)}\na@b.com,\u65e5\u672c,1,2,,,,\n".encode("iso-2022-jp")
    assert check(japanese, catalogue, encoding="iso-2022-jp").column("name") == ["\u65e5\u672c"]


@pytest.mark.parametrize(
    ("codes", "again"),
    [
        pytest.param("duplicate-email", ["duplicate-email"], id="older-twin"),
        pytest.param("row-too-short", ["row-too-short"], id="malformed"),
        pytest.param("email-invalid, row-too-long", ["row-too-long"], id="among-others"),
        pytest.param("row-my-own, duplicate-email", ["duplicate-email"], id="after-no-code"),
        pytest.param("email-invalid", [], id="cell-code-is-judged-anew"),
        pytest.param("", [], id="cleared"),
        pytest.param(" ", [], id="blank"),
        pytest.param("row-unheard-of", [], id="no-code"),
    ],
)
def test_a_record_whose_row_code_remains_is_rejected_again(
    codes: str, again: list[str], catalogue: FieldCatalogue
) -> None:
    found = check(f'Email,name,{",".join(OURS)}\na@b.com,x,1,2,"{codes}",why,raw text,\n', catalogue)
    assert [code for _, code in found.codes] == again
    if again:
        assert "rejection_codes still says" in found.messages[0]
        assert rejected_rows(found)[0]["rejection_raw"] == "raw text"
        assert rejected_rows(found)[0]["Email"] == "a@b.com"


def test_a_dropped_duplicate_in_a_rejected_file_is_rejected_again(catalogue: FieldCatalogue) -> None:
    rejected = check("email,points\na@b.com,1\na@b.com,2\na@b.com,0\n", catalogue).rejected_file
    found = check(rejected.replace(b'"0"', b'"3"'), catalogue, duplicates="first")
    assert found.column("points") == ["3"]
    assert found.codes == [(1, "duplicate-email")]


def test_gaps_of_malformed_records_do_not_drop_a_column_the_second_time_either(catalogue: FieldCatalogue) -> None:
    rejected = check("email,points\nshort\nbad,5\n", catalogue).rejected_file
    found = check(rejected.replace(b'"bad"', b'"a@b.com"'), catalogue)
    assert found.outcomes["points"] == "imported"
    assert found.column("points") == ["5"]


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_the_rejected_file_has_the_delimiter_of_the_source(delimiter: str, catalogue: FieldCatalogue) -> None:
    found = check(f"email{delimiter}name\nbad{delimiter}x\n", catalogue)
    assert rejected_rows(found)[0]["name"] == "x"
    assert check(found.rejected_file, catalogue).codes == [(1, "email-invalid")]


def test_without_header_its_columns_are_named_by_position(catalogue: FieldCatalogue) -> None:
    mapping = {"column_2": "email"}
    found = check("x,bad\ny,a@b.com\n", catalogue, header=False, mapping=mapping)
    [row] = rejected_rows(found)
    assert list(row) == ["column_1", "column_2", *OURS]
    again = check(found.rejected_file.replace(b'"bad"', b'"c@d.com"'), catalogue, header=False, mapping=mapping)
    assert again.accepted == [{"email": "c@d.com"}]


def test_without_rejections_the_rejected_file_is_a_header(catalogue: FieldCatalogue) -> None:
    found = check("email,name\na@b.com,x\n", catalogue)
    assert rejected_rows(found) == []
    assert found.rejected_file.count(b"\n") == 1
    assert check(found.rejected_file, catalogue).read == 0


def test_a_source_column_with_the_name_of_a_rejection_column_stays(catalogue: FieldCatalogue) -> None:
    """Of two columns of one name, the last one is ours."""
    found = check("rejection_codes,email\nmine,bad\n", catalogue)
    assert found.rejected_file.splitlines()[1].startswith(b'"mine","bad",')
    again = check(found.rejected_file, catalogue)
    assert again.codes == [(1, "email-invalid")]
    assert again.rejected_file == found.rejected_file


def saved(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> str:
    """Rejected rows as a Spanish spreadsheet saves these columns of theirs; other columns are empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore", delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


SOURCE = ["Email", "Nombre", "notes", "Phone"]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param([*SOURCE, *OURS[:3], *OURS[4:]], id="reasons-deleted"),
        pytest.param([*SOURCE, *OURS, "done"], id="column-added"),
        pytest.param([*SOURCE, *OURS, ""], id="empty-last-column"),
        pytest.param(["rejection_codes", "rejection_of", *SOURCE], id="moved-to-the-front"),
        pytest.param([*SOURCE, "rejection_codes", "rejection_record"], id="two-left"),
        pytest.param([*reversed(OURS), "done", *reversed(SOURCE)], id="reversed"),
    ],
)
def test_a_rejected_file_is_recognised_whatever_became_of_its_columns(
    columns: list[str], catalogue: FieldCatalogue
) -> None:
    once = check(FLAWED, catalogue)
    again = check(saved(rejected_rows(once), columns), catalogue)
    assert [code for _, code in again.codes] == [code for _, code in once.codes]
    assert {again.outcomes[name] for name in OURS if name in columns} == {"ignored"}
    left = [name or f"column_{len(columns)}" for name in columns if name not in OURS]
    assert list(rejected_rows(again)[0]) == [*left, *OURS]


def test_a_column_of_reasons_alone_makes_no_rejected_file(catalogue: FieldCatalogue) -> None:
    found = check("email,rejection_reasons\nbad,mine\n", catalogue)
    assert found.outcomes["rejection_reasons"] == "unknown-field"
    assert rows_of(found.rejected_file)[0].keys() >= {"email", *OURS}


def test_repeated_and_nameless_columns_are_in_the_rejected_file(catalogue: FieldCatalogue) -> None:
    found = check("email,x,x,\nbad,1,2,3\n", catalogue)
    assert found.rejected_file.splitlines()[0].startswith(b'\xef\xbb\xbf"email","x","x","column_4",')
    assert found.rejected_file.splitlines()[1].startswith(b'"bad","1","2","3",')


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text("'=+-@\t\r\n\",; a1", max_size=6)


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), delimiter=st.sampled_from([",", ";", "\t"]))
def test_guarded_cells_are_read_back_unchanged(
    rows: list[tuple[str, str]], delimiter: str, catalogue: FieldCatalogue
) -> None:
    """A rejected file, read and rejected again as it is, is the same file."""

    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    lines = [delimiter.join(map(quoted, ("bad", *row))) for row in rows]
    once = check(f"email{delimiter}name{delimiter}notes\n" + "\n".join(lines) + "\n", catalogue, delimiter=delimiter)
    again = check(once.rejected_file, catalogue, delimiter=delimiter)
    assert [row["name"] for row in rejected_rows(again)] == [row["name"] for row in rejected_rows(once)]
    assert [row["notes"] for row in rejected_rows(again)] == [row["notes"] for row in rejected_rows(once)]
    assert [code for _, code in again.codes] == [code for _, code in once.codes]


@settings(max_examples=25)
@given(
    names=st.lists(st.text("'=+-@a\t;,", min_size=1, max_size=5).map("x{}".format), max_size=3),
    hostile=st.lists(st.text("'=+-@\t;", min_size=1, max_size=5).filter(str.strip), min_size=1, max_size=3),
    delimiter=st.sampled_from([",", ";", "|", "'", "="]),
)
def test_guarded_headers_are_read_back_unchanged(
    names: list[str], hostile: list[str], delimiter: str, catalogue: FieldCatalogue
) -> None:
    """The rejected file of a rejected file is the same, and its columns are called the same."""
    header = ["email", *names, *hostile]
    content = csv_header(header, delimiter) + csv_header(["bad", *hostile, *names], delimiter)
    found = check(content, catalogue, delimiter=delimiter)
    assert [column["column"] for column in found.columns] == [name.strip() for name in header]
    again = check(found.rejected_file, catalogue)
    assert [column["column"] for column in again.columns][: len(header)] == [name.strip() for name in header]
    assert again.rejected_file == found.rejected_file


def test_a_rejected_file_of_an_older_release_is_recognised_without_its_last_column(catalogue: FieldCatalogue) -> None:
    found = check("email,name\nbad,Ann\n", catalogue)
    old = found.rejected_file.replace(b',"rejection_of"', b"").replace(b",\n", b"\n")
    again = check(old.replace(b'"bad"', b'"ann@b.com"'), catalogue)
    assert again.accepted == [{"email": "ann@b.com", "name": "Ann"}]
    assert {name: again.outcomes[name] for name in OURS[:-1]} == dict.fromkeys(OURS[:-1], "ignored")
    assert list(rejected_rows(check(old, catalogue))[0]) == ["email", "name", *OURS]
