"""A corrected rejected file keeps the columns of its import, and the list counts what is outstanding."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Contacts

FIRST = """\
E-mail,Full name,points,birthdate,Loyalty
ann@example.com,Ann,1,,a
bad one,Bob,2,1990-01-02,b
bad two,Cid,3,1990-01-03,c
dan@example.com,Dan,x,1990-01-04,d
bad three,Eve,5,1990-01-05,e
"""
one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


def mended(report: dict[str, Any], mend: Callable[[dict[str, str]], dict[str, str] | None]) -> str:
    """The rejected file as a person leaves it, having changed its rows or taken some out."""
    text = Path(report["rejected_file"]).read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    kept = [row for row in map(mend, rows) if row is not None]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(kept[0]))
    writer.writeheader()
    writer.writerows(kept)
    return "\ufeff" + out.getvalue()


def fix(*names: str) -> Callable[[dict[str, str]], dict[str, str]]:
    """Mend the rows of these people, leave the others."""

    def mend(row: dict[str, str]) -> dict[str, str]:
        return row | {"E-mail": f"{row['Full name']}@example.com", "points": "9"} if row["Full name"] in names else row

    return mend


def listed(contacts: Contacts) -> dict[int, tuple[int | None, int | None]]:
    rows = contacts("imports", "--json").json
    return {row["import_id"]: (row["retry_of"], row["missing"]) for row in rows}


def test_a_retry_keeps_the_columns_of_its_import(contacts: Contacts) -> None:
    """`birthdate` had a gap in the first file and has none among the mended rows; `Full name` was mapped by hand."""
    first = contacts.load(FIRST, "--map", "Full name=name", "--map", "Loyalty=")
    retry = contacts.load(mended(first, fix("Bob", "Dan")), "--retry-of", "1")
    said = contacts("imports", "2").out.partition("Columns not imported")[2].partition("Rejections")[0]
    listed_columns = [line.split()[0] for line in said.splitlines()[2:] if line and "--gaps" not in line]
    assert listed_columns == ["birthdate", "Loyalty"]
    assert retry["retry_of"] == {"id": 1, "first": 1, "mended": 2, "missing": 2}
    outcomes = {column["column"]: (column["field"], column["outcome"]) for column in retry["columns"][:5]}
    assert outcomes == {
        "E-mail": ("email", "imported"),
        "Full name": ("name", "imported"),
        "points": ("points", "imported"),
        "birthdate": ("birthdate", "incomplete"),
        "Loyalty": (None, "ignored"),
    }
    stored = contacts.database.contacts()
    assert stored["bob@example.com"] == {"name": "Bob", "points": "9"}
    assert listed(contacts) == {1: (None, 2), 2: (1, None)}
    assert "2 records of import 1 corrected, 2 still outstanding" in contacts("imports", "2").out


@one_warehouse
def test_a_mapping_of_the_user_wins_over_that_of_the_first_import(contacts: Contacts) -> None:
    first = contacts.load(FIRST.replace("1990-01-05", ""), "--map", "Full name=name")
    complete = mended(first, lambda row: fix("Bob")(row) | {"birthdate": "1990-01-01"})
    options = ("--map", "birthdate=birthdate", "--map", "Loyalty=name", "--retry-of", "1")
    retry = contacts.load(complete, *options)
    outcomes = {column["column"]: column["outcome"] for column in retry["columns"][:5]}
    assert (outcomes["birthdate"], outcomes["Loyalty"], outcomes["Full name"]) == ("imported", "imported", "ignored")
    assert contacts.database.contacts()["bob@example.com"]["name"] == "b"


@one_warehouse
def test_gaps_that_the_first_import_allowed_stay_allowed(contacts: Contacts) -> None:
    with_gap = FIRST.replace("1990-01-03", "")
    first = contacts.load(with_gap, "--gaps", "allow", "--map", "Full name=name")
    retry = contacts.load(mended(first, fix("Bob", "Cid")), "--retry-of", "1")
    assert [column["outcome"] for column in retry["columns"][:4]] == ["imported"] * 4
    assert "birthdate" not in contacts.database.contacts()["cid@example.com"]


def test_retries_of_retries_count_for_the_first(contacts: Contacts) -> None:
    """Whichever rejected file is mended, and whichever import of the chain it is said to be a retry of."""
    first = contacts.load(FIRST, "--map", "Full name=name")
    second = contacts.load(mended(first, fix("Bob")), "--retry-of", "1", name="b.csv")
    third = contacts.load(mended(second, fix("Cid")), "--retry-of", "2", name="c.csv")
    assert third["retry_of"] == {"id": 2, "first": 1, "mended": 1, "missing": 2}
    again = contacts.load(mended(first, fix("Bob", "Cid", "Dan")), "--retry-of", "3", name="d.csv")
    assert again["retry_of"] == {"id": 3, "first": 1, "mended": 1, "missing": 1}
    last = contacts.load(mended(third, fix("Eve")), "--retry-of", "1", name="e.csv")
    assert last["retry_of"] == {"id": 1, "first": 1, "mended": 1, "missing": 0}
    assert listed(contacts) == {1: (None, 0), 2: (1, None), 3: (2, None), 4: (3, None), 5: (1, None)}
    numbers = csv.DictReader(io.StringIO(Path(third["rejected_file"]).read_text("utf-8-sig")))
    assert [(row["Full name"], row["rejection_record"], row["rejection_line"]) for row in numbers] == [
        ("Dan", "4", "5"), ("Eve", "5", "6")
    ]  # fmt: skip


@one_warehouse
def test_a_retry_without_record_numbers_is_a_warning(contacts: Contacts) -> None:
    contacts.load(FIRST, "--map", "Full name=name")
    retry = contacts.load("E-mail,Full name,birthdate\nbob@example.com,Bob,1990-01-02\n", "--retry-of", "1")
    assert retry["retry_of"] == {"id": 1, "first": None, "mended": None, "missing": None}
    assert retry["columns"][2]["outcome"] == "incomplete"
    assert retry["warnings"] == [
        "the file has no column rejection_record, so it is not known which rows of import 1 it corrects"
    ]
    assert listed(contacts) == {1: (None, 4), 2: (1, 0)}


@one_warehouse
def test_rows_that_the_policy_of_a_retry_skips_are_a_warning(contacts: Contacts) -> None:
    """Their records count as corrected, although nothing of them is stored."""
    contacts.load("email,name\nbob@example.com,Robert\n")
    first = contacts.load(FIRST, "--map", "Full name=name", "--merge", "overwrite")
    text = mended(first, fix("Bob"))
    retry = contacts.load(text, "--retry-of", "2")
    assert (retry["retry_of"]["mended"], retry["contacts"]["skipped"]) == (1, 1)
    [warning] = retry["warnings"]
    assert warning == (
        "insert-only skips 1 row, whose contacts exist, and import 2 had overwrite; to store these rows, import the "
        "file once more with --merge overwrite"
    )
    [same] = contacts.load(text, "--retry-of", "3")["warnings"]
    assert "import 3 had it too; to store these rows, import the file once more with another --merge" in same
    assert contacts.load(text, "--retry-of", "2", "--merge", "overwrite")["warnings"] == []
    assert contacts.database.contacts()["bob@example.com"]["name"] == "Bob"


@one_warehouse
def test_a_rejected_file_without_retry_of_is_a_warning(contacts: Contacts) -> None:
    first = contacts.load(FIRST, "--map", "Full name=name")
    text = mended(first, fix("Bob"))
    [warning] = contacts.load(text, "--map", "Full name=name")["warnings"]
    assert "the rejected file of import 1, imported as a new file; with --retry-of 1," in warning
    assert listed(contacts) == {1: (None, 4), 2: (None, 3)}
    assert contacts.load(text, "--retry-of", "1", "--merge", "overwrite")["warnings"] == []
    assert contacts("check", contacts.file(text), "--json").json["warnings"] == []  # it has no such option


@one_warehouse
@pytest.mark.parametrize(
    ("before", "code"),
    [
        pytest.param(None, "unknown-import", id="never was"),
        pytest.param("Name\nAnn\n", "import-not-completed", id="failed"),
    ],
)
def test_an_import_that_is_unknown_or_not_completed_cannot_be_retried(
    before: str | None, code: str, contacts: Contacts
) -> None:
    if before:
        contacts("import", contacts.file(before))
    ran = contacts("import", contacts.file("email\nann@example.com\n"), "--json", "--retry-of", "1" if before else "7")
    assert (ran.status, ran.json["error"]["code"]) == (1, code)
    assert contacts.database.imports()[-1]["status"] == "failed"


@one_warehouse
def test_an_undone_import_is_not_retried_until_it_is_brought_back(contacts: Contacts) -> None:
    first = contacts.load(FIRST, "--map", "Full name=name")
    text = mended(first, fix("Bob"))
    contacts.load(text, "--retry-of", "1")
    contacts("undo", "1")
    for number in ("1", "2"):  # the undone import, and a retry of it
        ran = contacts("import", contacts.file(text), "--json", "--retry-of", number)
        assert (ran.status, ran.json["error"]["code"]) == (1, "import-not-completed")
        assert ran.json["error"]["message"] == (
            "import 1 is undone by import 3: bring it back with 'contacts undo 3', or import its whole file again"
        )
    contacts("undo", "3")
    assert contacts.load(text, "--retry-of", "1")["retry_of"]["missing"] == 3


@one_warehouse
def test_a_column_whose_field_the_catalogue_no_longer_has_is_matched_as_in_any_file(contacts: Contacts) -> None:
    first = contacts.load(FIRST, "--map", "Full name=name", "--map", "birthdate=", "--map", "Loyalty=")
    fields = "fields: [{id: email, type: email, identity: true, aliases: [E-mail]}, {id: points, type: integer}]\n"
    options = ("--retry-of", "1", "--catalogue", contacts.file(fields, "small.yaml"))
    text = mended(first, fix("Bob"))
    retry = contacts.load(text, *options)
    assert (retry["retry_of"]["mended"], retry["columns"][1]["outcome"]) == (1, "unknown-field")
    [warning] = retry["warnings"]
    assert warning == (
        "in import 1 the column 'Full name' went to 'name', a field that the catalogue no longer has; choose "
        "another field or none with --map"
    )
    mapped = contacts.load(text, *options, "--merge", "overwrite", "--map", "Full name=")
    assert (mapped["columns"][1]["outcome"], mapped["warnings"]) == ("ignored", [])


def rows_of(report: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(Path(report["rejected_file"]).read_text("utf-8-sig"))))


def refused(contacts: Contacts, text: str, retry_of: str) -> str:
    """The message of the error; the import changed nothing."""
    before = contacts.database.contents()
    ran = contacts("import", contacts.file(text), "--retry-of", retry_of, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "rejected-file-of-another-import")
    assert contacts.database.contents() == before
    return str(ran.json["error"]["message"])


@one_warehouse
def test_every_row_of_a_rejected_file_names_its_import_and_source(contacts: Contacts) -> None:
    report = contacts.load(FIRST + "too,short\n", "--map", "Full name=name")
    marks = {row["rejection_of"] for row in rows_of(report)}
    assert marks == {f"import 1, file {report['sha256'][:2]}-{report['sha256'][2:16]}"}


@one_warehouse
def test_a_rejected_file_of_another_import_is_refused_and_its_import_is_named(contacts: Contacts) -> None:
    contacts.load(FIRST, "--map", "Full name=name")
    other = contacts.load(FIRST.replace("bad", "wrong"), "--map", "Full name=name", name="other.csv")
    message = refused(contacts, mended(other, fix("Bob")), "1")
    assert message == "the file has rejected rows of import 2, not of import 1; use --retry-of 2"
    assert listed(contacts)[1] == (None, 4)
    assert contacts.load(mended(other, fix("Bob")), "--retry-of", "2")["retry_of"]["mended"] == 1


@one_warehouse
def test_rejected_rows_of_several_imports_in_one_file_are_refused(contacts: Contacts) -> None:
    first = contacts.load(FIRST, "--map", "Full name=name")
    second = contacts.load(mended(first, fix("Bob")), "--retry-of", "1", name="b.csv")
    both = mended(first, fix("Bob")) + mended(second, fix("Cid")).partition("\n")[2]
    assert "rejected rows of imports 1 and 2, not of import 1" in refused(contacts, both, "1")


@one_warehouse
@pytest.mark.parametrize(
    ("mark", "origin"),
    [
        pytest.param("import 1, file 00-00000000000000", "an import 1 of another warehouse", id="another warehouse"),
        pytest.param("import 9, file 00-00000000000000", "an import 9 of another warehouse", id="unknown import"),
        pytest.param("import 1", "an unknown import", id="changed text"),
    ],
)
def test_rejected_rows_that_this_warehouse_did_not_reject_are_refused(
    mark: str, origin: str, contacts: Contacts
) -> None:
    first = contacts.load(FIRST, "--map", "Full name=name")
    text = mended(first, lambda row: fix("Bob")(row) | {"rejection_of": mark})
    assert origin.removeprefix("an ") in refused(contacts, text, "1")


@one_warehouse
def test_a_rejected_file_with_a_deleted_and_a_new_column_is_a_retry(contacts: Contacts) -> None:
    """Rows that were rejected as a whole stay out, and rows of another import are refused."""
    first = contacts.load(FIRST + "ann@example.com,Ann,1,,a\n", "--map", "Full name=name")

    def change(row: dict[str, str]) -> dict[str, str]:
        return {name: cell for name, cell in fix("Bob")(row).items() if name != "rejection_reasons"} | {"done": "x"}

    text = mended(first, change)
    retry = contacts.load(text, "--retry-of", "1")
    assert (retry["retry_of"]["mended"], retry["rejections"]["duplicate-email"]) == (1, 1)
    contacts.load(FIRST.replace("bad", "wrong"), "--map", "Full name=name", name="other.csv")
    assert "use --retry-of 1" in refused(contacts, text, "3")


@one_warehouse
def test_a_rejected_file_of_an_older_release_is_a_retry_with_a_warning(contacts: Contacts) -> None:
    first = contacts.load(FIRST, "--map", "Full name=name")
    old = mended(first, lambda row: {name: cell for name, cell in fix("Bob")(row).items() if name != "rejection_of"})
    retry = contacts.load(old, "--retry-of", "1")
    assert retry["retry_of"]["mended"] == 1
    [warning] = retry["warnings"]
    assert "no row names its import in a column rejection_of" in warning
