"""Every kind of bad input: one line that says what is wrong and what to do, and nothing has changed."""

import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.flows.conftest import Contacts, Database, Ran

GOOD = "email,name,points\nold@example.com,New,8\nann@example.com,Ann,5\n"
PASSWORD = "hunter2-secret"


def is_one_line(ran: Ran, *hints: str) -> None:
    assert ran.err.startswith("contacts: ")
    assert ran.err.count("\n") == 1
    for hint in hints:
        assert hint in ran.err


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
    pytest.param(written(b"%PDF-1.7" + bytes(200)), (), "source-not-text", "export it as CSV", id="pdf"),
    pytest.param(written(b"PK\x03\x04" + bytes(200)), (), "archive-unreadable", "damaged", id="damaged archive"),
    pytest.param(written(bytes(range(256)) * 9), (), "source-not-text", "export it as CSV", id="binary"),
    pytest.param(written("name,city\nAnn,Cadiz\n"), (), "no-email-column", "--map", id="no email column"),
    pytest.param(written("email,E-mail\na@x.es,b@x.es\n"), (), "several-email-columns", "--map", id="two emails"),
    pytest.param(written("email,name,Nombre\na@x.es,A,B\n"), (), "duplicate-mapping", "--map", id="two names"),
    pytest.param(written("ann@example.com,Ann\n"), (), "header-looks-like-data", "--no-header", id="no header"),
    pytest.param(written('"email,name\na@x.es,A\n'), (), "header-unreadable", "quotes", id="header unreadable"),
    pytest.param(written(GOOD), ("--map", "name=nom"), "unknown-field", "surname", id="unknown field"),
    pytest.param(written(GOOD), ("--map", "nom=name"), "unknown-column", "points", id="unknown column"),
    pytest.param(written(GOOD), ("--segment", "nobody"), "unknown-segment", "segments create", id="unknown segment"),
    pytest.param(written(GOOD), ("--catalogue", "/none.yaml"), "catalogue-not-found", "path", id="no catalogue"),
]


@pytest.mark.parametrize(("source", "options", "code", "hint"), SOURCES)
def test_a_source_that_will_not_do(
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
    pytest.param("fields: [", "no YAML", id="no YAML"),
    pytest.param("fields:\n- {id: email, type: email}\n", "identity", id="no identity"),
    pytest.param(
        "fields:\n- {id: email, type: email, identity: true}\n- {id: Größe, type: text}\n", "column name",
        id="unsafe id",
    ),
    pytest.param("fields:\n- {id: email, type: mail, identity: true}\n", "write one of", id="unknown type"),
]  # fmt: skip


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("text", "hint"), CATALOGUES)
def test_a_wrong_catalogue(text: str, hint: str, contacts: Contacts) -> None:
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
def test_a_wrong_mapping_file(text: str | bytes | None, contacts: Contacts) -> None:
    mapping = contacts.folder / "mapping.yaml"
    if text is not None:
        contacts.file(text, "mapping.yaml")
    ran = contacts("import", contacts.file(GOOD), "--mapping", mapping, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "mapping-invalid")
    is_one_line(ran, "Column: field")
    assert contacts.database.imports()[0]["error_code"] == "mapping-invalid"


@contextmanager
def refusing_server() -> Iterator[int]:
    """Speaks just enough of PostgreSQL's protocol to refuse a password."""
    listener = socket.create_server(("127.0.0.1", 0))
    said = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "shop"\0\0'

    def answer(client: socket.socket) -> None:
        with client:
            while (request := client.recv(1024)) and request[4:8] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):
                client.sendall(b"N")  # neither TLS nor GSS
            client.sendall(b"E" + (len(said) + 4).to_bytes(4, "big") + said)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            answer(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def away(folder: Path, postgres: str) -> Iterator[str]:
    yield f"postgresql://shop:{PASSWORD}@127.0.0.1:1/contacts"


def wrong_password(folder: Path, postgres: str) -> Iterator[str]:
    with refusing_server() as port:
        yield f"postgresql://shop:{PASSWORD}@127.0.0.1:{port}/contacts"


def unwritable(folder: Path, postgres: str) -> Iterator[str]:
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("create role reader login")
        try:
            yield re.sub(r"//[^@/]*@", "//reader@", postgres)
        finally:
            admin.execute("drop role reader")


def below_a_file(folder: Path, postgres: str) -> Iterator[str]:
    (folder / "file").write_text("no folder")
    yield f"sqlite:///{folder}/file/below/contacts.db"


def no_database(folder: Path, postgres: str) -> Iterator[str]:
    (folder / "letter.txt").write_text("Dear Ann, " * 500)
    yield f"sqlite:///{folder}/letter.txt"


WAREHOUSES = [
    pytest.param(away, "warehouse-unavailable", id="away"),
    pytest.param(wrong_password, "warehouse-unusable", id="wrong password"),
    pytest.param(unwritable, "warehouse-unusable", id="not writable"),
    pytest.param(below_a_file, "warehouse-unusable", id="folder that cannot be made"),
    pytest.param(no_database, "warehouse-unusable", id="another file"),
    pytest.param(lambda f, p: iter([f"sqlite:///{f}"]), "warehouse-unusable", id="a folder"),
    pytest.param(lambda f, p: iter(["sqlite:////proc/contacts.db"]), "warehouse-unusable", id="not writable file"),
    pytest.param(lambda f, p: iter([f"mysql://shop:{PASSWORD}@db/x"]), "warehouse-unusable", id="another kind"),
    pytest.param(lambda f, p: iter([f"postgresql://a:{PASSWORD}@b@c/d"]), "warehouse-unusable", id="unreadable URL"),
    pytest.param(lambda f, p: iter([PASSWORD]), "warehouse-unusable", id="no URL"),
]


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("address", "code"), WAREHOUSES)
def test_a_warehouse_that_will_not_do(
    address: Callable[[Path, str], Iterator[str]],
    code: str,
    contacts: Contacts,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONTACTS_WAREHOUSE_SCHEMA", "nowhere")
    kept = address(contacts.folder, postgres_url)
    url = next(kept)
    for ran in (
        contacts("import", contacts.file(GOOD), "--json", "--warehouse", url),
        contacts("imports", "--json", "--warehouse", url),
    ):
        assert (ran.status, ran.json["error"]["code"]) == (1, code)
        is_one_line(ran)
        assert PASSWORD not in ran.out + ran.err
    list(kept)


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("address", "options", "terminal", "told"),
    [
        pytest.param(f"shop:{PASSWORD}@127.0.0.1:1/x", (), True, True, id="a person"),
        pytest.param(f"127.0.0.1:1/x?user=shop&password={PASSWORD}", (), True, True, id="elsewhere in the address"),
        pytest.param(f"shop:{PASSWORD}@127.0.0.1:1/x", (), False, False, id="a nightly job"),
        pytest.param(f"shop:{PASSWORD}@127.0.0.1:1/x", ("--json",), True, False, id="a program"),
        pytest.param("shop@127.0.0.1:1/x", (), True, False, id="no password"),
    ],
)
def test_a_person_is_told_that_a_password_can_be_seen(
    address: str,
    options: tuple[str, ...],
    terminal: bool,
    told: bool,
    command: Contacts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    ran = command("imports", "--warehouse", f"postgresql://{address}", *options)
    assert ("the list of processes shows the password" in ran.err) is told
    assert PASSWORD not in ran.out + ran.err


WRONG_COMMANDS = [
    pytest.param((), id="no command"),
    pytest.param(("improt", "x.csv"), id="unknown command"),
    pytest.param(("import",), id="no source"),
    pytest.param(("import", ""), id="empty source"),
    pytest.param(("import", "x.csv", "y.csv"), id="two sources"),
    pytest.param(("import", "x.csv", "--merg", "overwrite"), id="shortened option"),
    pytest.param(("import", "x.csv", "--merge", "replace"), id="unknown policy"),
    pytest.param(("import", "x.csv", "--merge"), id="option without value"),
    pytest.param(("import", "x.csv", "--blanks", "null"), id="unknown blanks"),
    pytest.param(("import", "x.csv", "--blanks", "clear"), id="clear by default policy"),
    pytest.param(("import", "x.csv", "--blanks", "clear", "--merge", "fill-empty"), id="clear with fill-empty"),
    pytest.param(("import", "x.csv", "--duplicates", "some"), id="unknown duplicates"),
    pytest.param(("import", "x.csv", "--gaps", "drop"), id="unknown gaps"),
    pytest.param(("import", "x.csv", "--map", "name"), id="map without ="),
    pytest.param(("import", "x.csv", "--map", "=name"), id="map without column"),
    pytest.param(("import", "x.csv", "--delimiter", "::"), id="two-character delimiter"),
    pytest.param(("import", "x.csv", "--delimiter", "a"), id="letter as delimiter"),
    pytest.param(("import", "x.csv", "--quote", "ab"), id="quote of two characters"),
    pytest.param(("import", "x.csv", "--quote", ",", "--delimiter", ","), id="quote is the delimiter"),
    pytest.param(("import", "x.csv", "--escape", '"'), id="escape is the quote"),
    pytest.param(("import", "x.csv", "--skip-lines", "two"), id="lines that are no number"),
    pytest.param(("import", "x.csv", "--skip-lines=-1"), id="fewer lines than none"),
    pytest.param(("import", "x.csv", "--encoding", "utf-99"), id="unknown encoding"),
    pytest.param(("import", "x.csv", "--encoding", "utf-7"), id="encoding of no file"),
    pytest.param(("import", "x.csv", "--encoding", "rot13"), id="encoding of no text"),
    pytest.param(("import", "x.csv", "--encoding", "idna"), id="encoding of domains"),
    pytest.param(("import", "x.csv", "--default-prefix", "34"), id="prefix without +"),
    pytest.param(("import", "x.csv", "--default-prefix", "+999"), id="prefix of no country"),
    pytest.param(("import", "x.csv", "--segment", " "), id="blank segment"),
    pytest.param(("check", "x.csv", "--merge", "overwrite"), id="check has no policy"),
    pytest.param(("check", "x.csv", "--accepted", "out.csv", "--rejected", "./out.csv"), id="one file for both"),
    pytest.param(("check", "x.csv", "--rejected", "x.csv"), id="check writes over its source"),
    pytest.param(("check", "x.zip!y.csv", "--rejected", "x.zip"), id="check writes over its archive"),
    pytest.param(("check", ""), id="blank source"),
    pytest.param(("check", "contacts-{date:%B}.csv"), id="date by the name of its month"),
    pytest.param(("import", "x.csv", "--date", "2026-03-10"), id="a day without a place"),
    pytest.param(("imports", "one"), id="import that is no number"),
    pytest.param(("imports", "0"), id="import 0"),
    pytest.param(("imports", "9" * 30), id="import beyond numbers"),
    pytest.param(("rejected",), id="rejected of none"),
    pytest.param(("segments",), id="segments without action"),
    pytest.param(("segments", "create"), id="segment without name"),
    pytest.param(("segments", "create", " "), id="segment without letters"),
    pytest.param(("segments", "create", "a\nb"), id="segment of two lines"),
    pytest.param(("fields", "--yaml"), id="unknown option\nof two lines"),
]


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("arguments", WRONG_COMMANDS)
def test_a_wrong_command(arguments: tuple[str, ...], command: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(command.folder)
    command.file(GOOD, "x.csv")
    plain = command(*arguments)
    assert (plain.status, plain.out) == (2, "")
    is_one_line(plain)
    ran = command(*arguments, "--json")
    assert ran.status == 2
    assert ran.json["status"] == "failed"
    assert set(ran.json["error"]) == {"code", "message"}
    assert (command.folder / "x.csv").read_text() == GOOD
    assert {path.name for path in command.folder.iterdir()} <= {"x.csv", "home", "contacts.db"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("check", ""), "SOURCE: it is blank; name a file", id="blank source"),
        pytest.param(
            ("check", "x.csv", "--merge", "overwrite"),
            "unrecognized arguments: --merge overwrite; 'contacts check --help' shows what there is",
            id="option of another command",
        ),
        pytest.param(("check", "x.csv", "--skip-lines=-1"), "--skip-lines: write 0 or more", id="too few"),
        pytest.param(
            ("check", "x.csv", "--skip-lines=1000001"), "--skip-lines: write 1,000,000 at most", id="too many"
        ),
        pytest.param(
            ("check", "x.csv", "--date", "2026-03-10"),
            "--date: the source has no {date} that this day could fill; write one, or leave the day out",
            id="a day without a place",
        ),
        pytest.param(
            ("import", "x.csv", "--max-rejected", "100.1%"),
            "--max-rejected: '100.1%' is more than the file has; write 100% at most",
            id="more than all",
        ),
        pytest.param(("check", "none-*.csv"), "no file matches 'none-*.csv'; check the pattern", id="no match"),
        pytest.param(
            ("mapping", "show", "./none.yaml"), "the preset 'none.yaml' is wrong: there is no such file", id="preset"
        ),
    ],
)
def test_what_people_are_told(
    arguments: tuple[str, ...], said: str, command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(command.folder)
    command.file(GOOD, "x.csv")
    assert command(*arguments).err == f"contacts: {said}\n"


def test_help_and_version_are_no_errors(command: Contacts) -> None:
    with pytest.raises(SystemExit) as left:
        command("import", "--help")
    assert left.value.code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(("imports", "99"), "unknown-import", id="unknown import"),
        pytest.param(("rejected", "99"), "unknown-import", id="rejected of an unknown import"),
        pytest.param(("export", "--output", "none/out.csv"), "output-not-writable", id="folder missing"),
        pytest.param(("export", "--output", "."), "output-not-writable", id="output is a folder"),
    ],
)
def test_a_command_that_fails(
    arguments: tuple[str, ...], code: str, command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(command.folder)
    assert command("segments", "create", "any").status == 0
    ran = command(*arguments)
    assert (ran.status, ran.out) == (1, "")
    is_one_line(ran)
    if arguments[0] == "imports":
        assert command(*arguments, "--json").json["error"]["code"] == code


def test_a_wrong_setting(command: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTS_WORKERS", "many")
    ran = command("import", command.file(GOOD), "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "settings-invalid")
    is_one_line(ran, "CONTACTS_WORKERS")


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_a_rejected_file_is_never_written_over_itself(contacts: Contacts) -> None:
    report = contacts.load("email\nno email\n")
    before = Path(report["rejected_file"]).read_bytes()
    ran = contacts("rejected", "1", "--output", report["rejected_file"])
    assert Path(report["rejected_file"]).read_bytes() == before
    assert ran.status in (0, 1)
    Path(report["rejected_file"]).unlink()
    gone = contacts("rejected", "1")
    assert (gone.status, gone.out) == (1, "")
    is_one_line(gone, "folder was removed")


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_an_unknown_segment_is_told_before_reading(contacts: Contacts) -> None:
    ran = contacts("import", contacts.folder / "none.csv", "--segment", "nobody", "--json")
    assert ran.json["error"]["code"] == "unknown-segment"


def test_odd_names_of_files(contacts: Contacts) -> None:
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


def test_other_failures_are_one_line_too(command: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(*_: object) -> None:
        raise RuntimeError("a contact's value")

    assert command("segments", "create", "any").status == 0
    monkeypatch.setattr("flows.listings.prepare_import_list", trouble)
    ran = command("imports", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "internal-error")
    is_one_line(ran, "RuntimeError")
    assert "value" not in ran.err


def test_the_databases_helper_reads_both(command: Contacts) -> None:
    command.has_a_past()
    assert command.database.contacts() == {"old@example.com": {"name": "Old", "points": "7"}}
    assert isinstance(command.database, Database)
