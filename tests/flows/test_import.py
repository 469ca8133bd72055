"""`contacts import` from the file to the contacts, on both databases."""

import os
from pathlib import Path

import pytest

from tests.flows.conftest import Contacts

REPORT_KEYS = {
    "import_id", "status", "source", "sha256", "merge", "retry_of", "rows", "contacts", "changes", "dialect", "preset",
    "columns", "rejections_kept",
    "translations", "suggestions", "rejections", "reasons", "rejected_file", "segment", "warnings", "seconds",
}  # fmt: skip
COLUMN_KEYS = {"position", "column", "field", "outcome", "empty_cells", "first_empty", "suggestion", "readings"}

# What comes before the warehouse is tried with one of them; the merge is tried with both.
one_warehouse = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)

MESSY = """\
Email,First Name,Phone,Points,Loyalty card,Citty
ann@example.com,Ann,651234567,5,L1,Cadiz
bob@example.com,Bob,34 651 23 45 67,,L2,
not an email,Cy,+34651234568,7,L3,
ann@example.com,Anna,+34651234569,6,L4,
dan@example.com,Dan
"""


@one_warehouse
def test_a_warehouse_and_a_home_that_other_users_can_read_are_warnings(contacts: Contacts) -> None:
    first = contacts("import", contacts.file("email\nann@example.com\n"), "--json")
    home = Path(os.environ["CONTACTS_HOME"])
    home.chmod(0o755)
    for file in contacts.folder.rglob("contacts.db"):
        file.chmod(0o644)
    second = contacts("import", contacts.file("email\nann@example.com\n"), "--json")
    assert not [warning for warning in first.json["warnings"] if "chmod" in warning]
    assert len([warning for warning in second.json["warnings"] if "chmod o= /" in warning]) == 2


def test_the_report_of_an_import_has_all_keys(contacts: Contacts) -> None:
    contacts("segments", "create", "vip")
    ran = contacts("import", contacts.file(MESSY), "--json", "--segment", "vip", "--merge", "overwrite")
    report = ran.json
    assert (ran.status, ran.err) == (0, "")
    assert set(report) == REPORT_KEYS
    assert report["import_id"] == 1
    assert report["status"] == "completed"
    assert report["source"] == str(contacts.folder / "contacts.csv")
    assert len(report["sha256"]) == 64
    assert report["merge"] == "overwrite"
    assert report["rows"] == {"read": 5, "accepted": 1, "rejected": 4}
    assert report["contacts"] == {"inserted": 1, "updated": 0, "unchanged": 0, "skipped": 0}
    assert report["dialect"] == {
        "encoding": "utf-8", "encoding_certainty": "every byte agrees", "delimiter": ",",
        "delimiter_certainty": "detected", "quote": '"', "escape": None, "header": True, "skipped_lines": 0,
    }  # fmt: skip
    assert all(set(column) == COLUMN_KEYS for column in report["columns"])
    assert [(c["position"], c["column"], c["field"], c["outcome"], c["empty_cells"]) for c in report["columns"]] == [
        (1, "Email", "email", "imported", 0),
        (2, "First Name", "name", "imported", 0),
        (3, "Phone", "mobile_phone", "imported", 0),
        (4, "Points", "points", "incomplete", 1),
        (5, "Loyalty card", None, "unknown-field", 0),
        (6, "Citty", None, "unknown-field", 3),
    ]
    assert [column["first_empty"] for column in report["columns"]] == [[], [], [], [2], [], [2, 3, 4]]
    assert report["columns"][5]["suggestion"] == "city"
    assert report["rejections"] == {
        "duplicate-email": 1, "email-invalid": 1, "phone-has-spaces": 1, "row-too-short": 1
    }  # fmt: skip
    assert Path(report["rejected_file"]).read_bytes().startswith(b"\xef\xbb\xbf")
    assert report["segment"] == {"id": "vip", "added": 1}
    assert report["warnings"] == []
    assert isinstance(report["seconds"], float)
    assert contacts("imports", "1", "--json").json == report
    assert contacts.database.contacts() == {"ann@example.com": {"name": "Anna", "mobile_phone": "+34651234569"}}
    check = contacts("check", contacts.folder / "contacts.csv", "--json").json
    assert set(check) == REPORT_KEYS - {"import_id", "contacts", "changes", "segment", "retry_of", "rejections_kept"}
    same = ("status", "source", "sha256", "rows", "dialect", "columns", "rejections", "warnings")
    assert {key: check[key] for key in same} == {key: report[key] for key in same}


@one_warehouse
def test_a_person_reads_the_counts_and_reasons_on_the_terminal(contacts: Contacts) -> None:
    ran = contacts("import", contacts.file(MESSY))
    assert (ran.status, ran.err) == (0, "")
    for said in (
        "file:     utf-8 (every byte agrees), delimiter comma (detected)",
        "5 read, 1 accepted, 4 rejected", "1 inserted", "incomplete", "did you mean city?", "phone-has-spaces",
        "rejected.csv",
    ):  # fmt: skip
        assert said in ran.out
    listed = contacts("imports").out
    assert "completed" in listed
    assert "insert-only" in listed
    assert "5 read, 1 accepted, 4 rejected" in contacts("imports", "1").out


@pytest.mark.parametrize(
    ("options", "counts", "ann"),
    [
        pytest.param((), (1, 0, 0, 2), {"name": "Ann", "points": "5"}, id="insert-only by default"),
        pytest.param(("--merge", "insert-only"), (1, 0, 0, 2), {"name": "Ann", "points": "5"}, id="insert-only"),
        pytest.param(
            ("--merge", "overwrite"), (1, 1, 1, 0), {"name": "Ann", "city": "Cadiz", "points": "6"}, id="overwrite"
        ),
        pytest.param(
            ("--merge", "overwrite", "--blanks", "clear"),
            (1, 1, 1, 0),
            {"city": "Cadiz", "points": "6"},
            id="overwrite and clear",
        ),
        pytest.param(
            ("--merge", "fill-empty"), (1, 1, 1, 0), {"name": "Ann", "city": "Cadiz", "points": "5"}, id="fill-empty"
        ),
        pytest.param(
            ("--merge", "update-only"), (0, 1, 1, 1), {"name": "Ann", "city": "Cadiz", "points": "6"}, id="update-only"
        ),
        pytest.param(
            ("--merge", "update-only", "--blanks", "clear"),
            (0, 1, 1, 1),
            {"city": "Cadiz", "points": "6"},
            id="update-only and clear",
        ),
    ],
)
def test_each_merge_policy_changes_only_what_it_should(
    options: tuple[str, ...], counts: tuple[int, ...], ann: dict[str, str], contacts: Contacts
) -> None:
    contacts.load("email,name,points\nann@example.com,Ann,5\nbob@example.com,Bob,1\n")
    changed = "email,name,city,points\nANN@example.com,,Cadiz,6\nbob@example.com,Bob,,1\ncy@example.com,Cy,Jerez,2\n"
    report = contacts.load(changed, *options)
    assert tuple(report["contacts"].values()) == counts
    stored = contacts.database.contacts()
    assert stored["ann@example.com"] == ann
    assert stored["bob@example.com"] == {"name": "Bob", "points": "1"}
    assert ("cy@example.com" in stored) is bool(counts[0])
    again = contacts.load(changed, *options)
    assert again["contacts"]["inserted"] == again["contacts"]["updated"] == 0
    assert contacts.database.contacts() == stored


def test_accepted_contacts_join_the_segment_once(contacts: Contacts) -> None:
    created = contacts("segments", "create", "Spring sale ☀")
    assert (created.status, created.err) == (0, "")
    assert contacts("segments", "create", "Spring sale ☀").status == 0
    members = ("--segment", "Spring sale ☀")
    contacts.load("email,name\nann@example.com,Ann\n")
    text = "email,name\nann@example.com,Anna\nbob@example.com,Bob\nbad,Bad\n"
    assert contacts.load(text, *members)["segment"] == {"id": "Spring sale ☀", "added": 2}
    assert contacts.load(text, *members)["segment"]["added"] == 0
    absent = contacts.load("email,name\ncy@example.com,Cy\nbob@example.com,B\n", *members, "--merge", "update-only")
    assert absent["segment"]["added"] == 0
    assert [row["import_id"] for row in contacts.database.rows("segment_members")] == [2, 2]
    listed = contacts("segments", "list").out
    assert "Spring sale ☀" in listed
    assert " 2 " in listed


@one_warehouse
@pytest.mark.parametrize(
    ("which", "name", "rejected"),
    [
        pytest.param("last", "Third", 2, id="last"),
        pytest.param("first", "First", 2, id="first"),
        pytest.param("reject", None, 3, id="reject"),
    ],
)
def test_of_rows_with_the_same_email_the_chosen_one_is_imported(
    which: str, name: str | None, rejected: int, contacts: Contacts
) -> None:
    text = "email,name,points\nA@x.es,First,1\na@x.es,Bad,0\na@X.es,Second,2\na@x.es,Third,3\nb@x.es,B,4\n"
    report = contacts.load(text, "--duplicates", which)
    assert report["rejections"] == {"duplicate-email": rejected, "integer-invalid": 1}
    assert contacts.database.contacts().get("a@x.es", {}).get("name") == name
    said = [row["message"] for row in contacts.database.rows("rejections") if row["code"] == "duplicate-email"]
    winner = {"last": "record 4", "first": "record 1", "reject": "record 1"}[which]
    assert all(winner in message for message in said)


READING = [
    pytest.param("email,name,points\na@x.es,Ana,\n", ("--gaps", "allow"), {"name": "Ana"}, id="gaps allowed"),
    pytest.param(
        "email,phone\na@x.es,0612345678\n",
        ("--default-prefix", "+33"),
        {"mobile_phone": "+33612345678"},
        id="default prefix",
    ),
    pytest.param("a=b,who\nAna,a@x.es\n", ("--map", "a=b=name", "--map", "WHO=email"), {"name": "Ana"}, id="map"),
    pytest.param(
        "email,name,Last name\na@x.es,Ana,Gil\n",
        ("--map", "Last name=name", "--map", "column_2="),
        {"name": "Gil"},
        id="map displaces and ignores",
    ),
    pytest.param(
        "a@x.es,Ana\n",
        ("--no-header", "--map", "column_1=email", "--map", "column_2=name"),
        {"name": "Ana"},
        id="no header",
    ),
    pytest.param(
        "email|name\na@x.es|Ana, Gil; 3\n", ("--delimiter", "|"), {"name": "Ana, Gil; 3"}, id="delimiter given"
    ),
    pytest.param("email\tname\na@x.es\tAna\n", ("--delimiter", "tab"), {"name": "Ana"}, id="delimiter by name"),
    pytest.param(
        "email;name\na@x.es;Ñandú\n".encode("cp1252"), ("--encoding", "cp1252"), {"name": "Ñandú"}, id="encoding"
    ),
    pytest.param("email;name\na@x.es;'=1+1\n", (), {"name": "=1+1"}, id="guarded formula"),
]


@one_warehouse
@pytest.mark.parametrize(("text", "options", "ana"), READING)
def test_options_for_reading_are_applied(
    text: str | bytes, options: tuple[str, ...], ana: dict[str, str], contacts: Contacts
) -> None:
    ran = contacts("import", contacts.file(text), "--json", *options)
    assert (ran.status, ran.err) == (0, "")
    assert contacts.database.contacts() == {"a@x.es": ana}


@one_warehouse
def test_a_map_option_beats_a_mapping_file_that_names_the_same_column_otherwise(contacts: Contacts) -> None:
    mapping = contacts.file("Name: name\n", "mapping.yaml")
    report = contacts.load("email,Name\na@x.es,Ana\n", "--mapping", mapping, "--map", "column_2=surname")
    assert [column["field"] for column in report["columns"]] == ["email", "surname"]


@one_warehouse
@pytest.mark.parametrize(
    ("options", "code", "status"),
    [
        pytest.param(("--map", "Name=name", "--map", "column_2=surname"), "column-mapped-twice", 1, id="two columns"),
        pytest.param(("--map", "Name=name", "--map", "Name=surname"), "usage", 2, id="the same text"),
    ],
)
def test_two_map_options_for_one_column_are_an_error(
    options: tuple[str, ...], code: str, status: int, contacts: Contacts
) -> None:
    ran = contacts("import", contacts.file("email,Name\na@x.es,Ana\n"), *options, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (status, code)


@one_warehouse
def test_a_mapping_file_maps_columns_and_ignores_columns(contacts: Contacts) -> None:
    mapping = contacts.file("Quién: email\n? a=b\n: name\nother:\n", "mapping.yaml")
    report = contacts.load("quien,a=b,Other,City\na@x.es,Ana,1,Cádiz\n", "--mapping", mapping, "--map", "City=")
    assert [column["outcome"] for column in report["columns"]] == ["imported", "imported", "ignored", "ignored"]
    assert contacts.database.contacts() == {"a@x.es": {"name": "Ana"}}


@one_warehouse
@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param("email;name;points\na@x.es;Ana;0\nb@x.es;Bo;2\n", (), id="semicolons"),
        pytest.param(
            "a@x.es,Ana,0\nb@x.es,Bo,2\n",
            ("--no-header", "--map", "column_1=email", "--map", "column_2=name", "--map", "column_3=points"),
            id="no header",
        ),
        pytest.param("email,name,points\na@x.es,Ana,0\nb@x.es,Bo,2\n".encode("utf-16"), (), id="utf-16"),
    ],
)
def test_a_corrected_rejected_file_is_imported(text: str | bytes, options: tuple[str, ...], contacts: Contacts) -> None:
    first = contacts("import", contacts.file(text), "--json", *options).json
    assert first["rejections"] == {"integer-invalid": 1}
    copy = contacts.folder / "mended.csv"
    assert contacts("rejected", "1", "--output", copy).status == 0
    assert copy.read_bytes() == Path(first["rejected_file"]).read_bytes()
    mended = copy.read_text("utf-8").replace('"Ana","0"', '"Ana","9"').replace('"Ana";"0"', '"Ana";"9"')
    assert mended != copy.read_text("utf-8")
    report = contacts.load(mended, *options, name="mended.csv")
    assert report["contacts"]["inserted"] == 1
    assert [column["outcome"] for column in report["columns"][3:]] == ["ignored"] * 6
    assert contacts.database.contacts()["a@x.es"] == {"name": "Ana", "points": "9"}


def test_a_rejected_file_that_was_not_corrected_is_rejected_again(contacts: Contacts) -> None:
    contacts.load("email,name\na@x.es,First\na@x.es,Second\nb@x.es\n", name="first.csv")
    rejected = contacts("rejected", "1").out
    assert contacts.load(rejected, "--merge", "overwrite")["rejections"] == {"duplicate-email": 1, "row-too-short": 1}
    assert contacts.database.contacts() == {"a@x.es": {"name": "Second"}}
    mended = rejected.replace('"duplicate-email"', '""')
    assert contacts.load(mended, "--merge", "overwrite")["contacts"]["updated"] == 1
    assert contacts.database.contacts() == {"a@x.es": {"name": "First"}}


CATALOGUE = """\
fields:
  - {id: email, type: email, identity: true}
  - {id: name, type: text}
"""


def test_a_new_field_of_the_catalogue_becomes_a_column(contacts: Contacts) -> None:
    catalogue = contacts.file(CATALOGUE, "catalogue.yaml")
    contacts.load("email,name,order\na@x.es,Ana,1\n", "--catalogue", catalogue)
    assert "order" not in contacts.database.columns("contacts")
    contacts.file(CATALOGUE + "  - {id: shoe_size, type: decimal}\n", "catalogue.yaml")
    text = "email,shoe_size\na@x.es,38.5\n"
    assert contacts.load(text, "--catalogue", catalogue, "--merge", "overwrite")["contacts"]["updated"] == 1
    assert contacts.database.contacts()["a@x.es"] == {"name": "Ana", "shoe_size": "38.5"}
    before = contacts.database.contents()
    contacts.file(CATALOGUE + "  - {id: shoe_size, type: integer}\n", "catalogue.yaml")
    ran = contacts("import", contacts.file(text), "--catalogue", catalogue, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "field-type-changed")
    contacts.file(CATALOGUE, "catalogue.yaml")
    contacts.load("email,name\na@x.es,Ana\n", "--catalogue", catalogue)
    assert contacts.database.contents() == before, "a field taken out of the catalogue keeps its column"


@one_warehouse
def test_a_file_with_only_a_header_is_imported_without_rows(contacts: Contacts) -> None:
    report = contacts.load("email,name\n")
    assert report["rows"] == {"read": 0, "accepted": 0, "rejected": 0}
    assert report["contacts"] == {"inserted": 0, "updated": 0, "unchanged": 0, "skipped": 0}


def test_emails_stored_in_another_spelling_are_counted_in_the_warnings(contacts: Contacts) -> None:
    text = "Email\na@xn--bcher-kva.com\nB@B.com\ne\u0301@b.com\nx\u034f@b.com\n"
    [warning] = contacts.load(text)["warnings"]
    assert warning.startswith("2 emails stored in another spelling")
