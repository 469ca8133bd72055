"""An unusable file, mapping or catalogue: one line says what to do, and nothing has changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.conftest import Contacts, is_one_line

GOOD = "email,name,points\nold@example.com,New,8\nann@example.com,Ann,5\n"


def folder(contacts: Contacts) -> Path:
    return contacts.folder


def under_a_file(contacts: Contacts) -> Path:
    return contacts.file(GOOD) / "contacts.csv"


def written(text: str | bytes) -> Callable[[Contacts], Path]:
    return lambda contacts: contacts.file(text)


SOURCES = [
    pytest.param(lambda contacts: contacts.folder / "gone.csv", (), "source-not-found", "check the path", id="missing"),
    pytest.param(folder, (), "source-unreadable", "folder", id="folder"),
    pytest.param(under_a_file, (), "source-unreadable", "cannot be read", id="below a file"),
    pytest.param(lambda contacts: Path("/proc/self/mem"), (), "source-unreadable", "cannot be read", id="disk error"),
    pytest.param(lambda contacts: Path("/tmp/" + "x" * 300), (), "source-unreadable", "too long", id="name too long"),
    pytest.param(written(""), (), "source-empty", "header", id="empty"),
    pytest.param(written("\n\n  \n"), (), "source-empty", "header", id="blank lines alone"),
    pytest.param(written(b"\xef\xbb\xbf"), (), "source-empty", "header", id="byte order mark alone"),
    pytest.param(written(b"%PDF-1.7" + bytes(200)), (), "source-not-text", "save it as .xlsx or as CSV", id="pdf"),
    pytest.param(written(b"PK\x03\x04" + bytes(200)), (), "archive-unreadable", "damaged", id="damaged archive"),
    pytest.param(written(bytes(range(256)) * 9), (), "source-not-text", "save it as .xlsx or as CSV", id="binary"),
    pytest.param(written("name,city\nAnn,Cadiz\n"), (), "no-email-column", "--map", id="no email column"),
    pytest.param(written("email,E-mail\na@x.es,b@x.es\n"), (), "several-email-columns", "--map", id="two emails"),
    pytest.param(written("email,name,Nombre\na@x.es,A,B\n"), (), "duplicate-mapping", "--map Nombre=", id="two names"),
    pytest.param(
        written("Email,Name,Email,Name\na@x.es,A,b@x.es,B\n"),
        (),
        "several-email-columns",
        "--map column_3= --map column_4=",
        id="two of each",
    ),
    pytest.param(written("ann@example.com,Ann\n"), (), "header-looks-like-data", "--no-header", id="no header"),
    pytest.param(written('"email,name\na@x.es,A\n'), (), "header-unreadable", "quotes", id="header unreadable"),
    pytest.param(written(GOOD), ("--map", "name=nom"), "unknown-field", "surname", id="unknown field"),
    pytest.param(written(GOOD), ("--map", "nom=name"), "unknown-column", "points", id="unknown column"),
    pytest.param(written(GOOD), ("--segment", "nobody"), "unknown-segment", "segments create", id="unknown segment"),
    pytest.param(written(GOOD), ("--catalogue", "/none.yaml"), "catalogue-not-found", "path", id="no catalogue"),
]


@pytest.mark.parametrize(("source", "options", "code", "hint"), SOURCES)
def test_an_unusable_source_fails_with_its_code_and_changes_nothing(
    source: Callable[[Contacts], Path], options: tuple[str, ...], code: str, hint: str, contacts: Contacts
) -> None:
    contacts.has_a_past()
    before = contacts.database.contents()
    path = source(contacts)
    ran = contacts("import", path, "--json", "--merge", "overwrite", *options)
    assert ran.status == 1
    is_one_line(ran, hint)
    assert "ann@example.com" not in ran.err
    report = ran.json
    assert (report["status"], report["error"]["code"]) == ("failed", code)
    assert report["error"]["message"] == ran.err.removeprefix("contacts: ").strip()
    assert contacts.database.contents() == before
    [row] = contacts.database.imports()
    assert (row["status"], row["error_code"], row["error_message"]) == ("failed", code, report["error"]["message"])
    assert row["source"] == str(path)
    assert row["finished_at"] is not None
    assert json.loads(row["report"]) == report
    home = contacts.folder / "home" / "imports"
    assert not (home.exists() and list(home.iterdir())), "no folder stays without a rejected file in it"


CATALOGUES = [
    pytest.param("fields: [", "not YAML", id="no YAML"),
    pytest.param("fields:\n- {id: email, type: email}\n", "identity", id="no identity"),
    pytest.param(
        "fields:\n- {id: email, type: email, identity: true}\n- {id: Größe, type: text}\n", "column name",
        id="unsafe id",
    ),
    pytest.param("fields:\n- {id: email, type: mail, identity: true}\n", "write one of", id="unknown type"),
]  # fmt: skip


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("text", "hint"), CATALOGUES)
def test_a_wrong_catalogue_is_an_error_that_names_the_problem(text: str, hint: str, contacts: Contacts) -> None:
    contacts.has_a_past()
    before = contacts.database.contents()
    catalogue = contacts.file(text, "catalogue.yaml")
    ran = contacts("import", contacts.file(GOOD), "--catalogue", catalogue)
    assert ran.status == 1
    is_one_line(ran)
    assert hint in ran.err
    assert contacts.database.contents() == before
    assert [row["error_code"] for row in contacts.database.imports()] == ["catalogue-invalid"]
    check = contacts("check", contacts.file(GOOD), "--catalogue", catalogue)
    assert (check.status, check.err) == (1, ran.err)
    assert contacts("fields", "--catalogue", catalogue).status == 1


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="missing"),
        pytest.param("a: [", id="no YAML"),
        pytest.param("- a\n- b\n", id="a list"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
    ],
)
def test_a_wrong_mapping_file_is_an_error_that_names_the_problem(text: str | bytes | None, contacts: Contacts) -> None:
    mapping = contacts.folder / "mapping.yaml"
    if text is not None:
        contacts.file(text, "mapping.yaml")
    ran = contacts("import", contacts.file(GOOD), "--mapping", mapping, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "mapping-invalid")
    is_one_line(ran, "Column: field")
    assert contacts.database.imports()[0]["error_code"] == "mapping-invalid"


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_an_unknown_segment_is_an_error_before_the_file_is_read(contacts: Contacts) -> None:
    ran = contacts("import", contacts.folder / "none.csv", "--segment", "nobody", "--json")
    assert ran.json["error"]["code"] == "unknown-segment"


def test_files_with_unusual_names_are_imported(contacts: Contacts) -> None:
    for name in ("a\nb.csv", "[bold]x.csv", "%s {0} 東京.csv"):
        path = contacts.folder / name
        path.write_text(GOOD)
        ran = contacts("import", path, "--json")
        assert (ran.status, ran.err) == (0, ""), ran
        assert ran.json["status"] == "completed"
        assert contacts("imports").status == 0
        assert contacts("import", path).status == 0
    assert contacts("imports", "--json").status == 0
    latin = contacts.folder / "caf\udce9.csv"
    latin.write_text(GOOD)
    ran = contacts("import", latin, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (2, "usage")
    is_one_line(ran, "rename it")
