"""What a command writes: only files that nothing needs, and each of them whole."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from flows.config.output_files import open_output
from tests.flows.conftest import Contacts, is_one_line

pytestmark = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)

FILE = "email,name\nann@example.com,Ann\nbad,Bob\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("imports",), id="import list"),
        pytest.param(("imports", "prune", "--older-than", "9d"), id="prune"),
        pytest.param(("rejected", "1"), id="rejected rows"),
        pytest.param(("segments", "list"), id="segments"),
        pytest.param(("export", "--output", "all.csv"), id="export"),
    ],
)
def test_a_command_that_only_reads_creates_no_warehouse(
    arguments: tuple[str, ...], command: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(command.folder)
    ran = command(*arguments)
    assert (ran.status, ran.out) == (1, "")
    assert "there is no such file" in ran.err
    assert not [path.name for path in command.folder.rglob("*") if path.suffix in (".db", ".csv", ".partial")]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NO /dev/full on this system")
def test_a_full_disk_during_an_export_is_reported_in_one_line(command: Contacts) -> None:
    assert command("segments", "create", "any").status == 0
    ran = command("export", "--output", "/dev/full")
    assert (ran.status, ran.err) == (
        1,
        "contacts: '/dev/full' cannot be written: No space left on device; choose another file\n",
    )


def test_a_check_that_fails_creates_and_changes_no_output(command: Contacts) -> None:
    output = command.folder / "out.csv"
    assert command("check", command.folder / "missing.csv", "--accepted", output).status == 1
    assert not output.exists()
    output.write_text("kept")
    assert command("check", command.folder / "missing.csv", "--accepted", output).status == 1
    assert output.read_text() == "kept"


@pytest.fixture
def used(command: Contacts, monkeypatch: pytest.MonkeyPatch) -> Contacts:
    """A folder with a warehouse and every kind of file that a check reads."""
    monkeypatch.chdir(command.folder)
    assert command("segments", "create", "any").status == 0
    command.file(FILE, "x.csv")
    command.file("E: email\n", "mapping.yaml")
    command.file("columns: {email: email}\n", "preset.yaml")
    catalogue = "fields:\n- {id: email, type: email, identity: true}\n- {id: name, type: text}\n"
    command.file(catalogue, "catalogue.yaml")
    monkeypatch.setenv("CONTACTS_CATALOGUE", str(command.folder / "catalogue.yaml"))
    (command.folder / "home" / "imports" / "000001-0").mkdir(parents=True)
    (command.folder / "home" / "presets").mkdir()
    return command


def warehouse_of(command: Contacts) -> Path:
    return Path(command.database.url.removeprefix("sqlite:///"))


INPUTS = ("x.csv", "--mapping", "mapping.yaml", "--preset", "./preset.yaml")
PROTECTED = [
    pytest.param("{warehouse}", id="warehouse"),
    pytest.param("{warehouse}-wal", id="its write-ahead log"),
    pytest.param("{warehouse}-shm", id="its shared memory"),
    pytest.param("{warehouse}-import-00ab12cd", id="lock of an import"),
    pytest.param("catalogue.yaml", id="catalogue"),
    pytest.param("home/imports/000001-0/rejected.csv", id="import folder"),
    pytest.param("home/presets/mine.yaml", id="presets"),
    pytest.param("home/prefect/prefect.db", id="Prefect's database"),
]


@pytest.mark.parametrize("kind", ["plain", "symlink", "hard link", "folder link"])
@pytest.mark.parametrize("output", PROTECTED)
@pytest.mark.parametrize(
    "arguments", [("export", "--output"), ("check", "x.csv", "--accepted")], ids=["export", "check"]
)
def test_no_output_overwrites_a_file_that_the_project_needs(
    arguments: tuple[str, ...], output: str, kind: str, used: Contacts
) -> None:
    path = Path(output.format(warehouse=warehouse_of(used)))
    target = link_to(path, kind, used.folder)
    before = path.read_bytes() if path.exists() else None
    ran = used(*arguments, str(target), "--force")
    assert (ran.status, ran.out) == (2, "")
    assert "must not be overwritten; name another file" in ran.err
    assert (path.read_bytes() if path.exists() else None) == before
    assert used("segments", "list").status == 0


def link_to(path: Path, kind: str, folder: Path) -> Path:
    link = folder / f"link to {path.name}.csv"
    if kind == "symlink":
        link.symlink_to(path.absolute())
    elif kind == "hard link":
        if not path.exists():
            pytest.skip("there is nothing to link to")
        os.link(path, link)
    elif kind == "folder link":
        if not path.absolute().parent.exists():
            pytest.skip("there is no folder to link to")
        link.symlink_to(path.absolute().parent)
        return link / path.name
    return link if kind != "plain" else path


@pytest.mark.parametrize("output", ["x.csv", "./x.csv", "mapping.yaml", "preset.yaml"])
@pytest.mark.parametrize("option", ["--accepted", "--rejected"])
def test_a_check_never_overwrites_what_it_reads(option: str, output: str, used: Contacts) -> None:
    before = (used.folder / output).read_bytes()
    ran = used("check", *INPUTS, option, output, "--force", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (2, "output-protected")
    assert (used.folder / output).read_bytes() == before


def test_a_check_of_a_pattern_overwrites_no_file_that_matches(used: Contacts) -> None:
    used.file(FILE, "y.csv")
    ran = used("check", "?.csv", "--accepted", "y.csv")
    assert (ran.status, (used.folder / "y.csv").read_text()) == (2, FILE)


@pytest.mark.parametrize("name", ["notes.md", "other.db", "picture.csv"])
def test_an_existing_file_that_is_not_csv_is_overwritten_with_force_only(name: str, used: Contacts) -> None:
    used.file(b"PNG\0\0" if name == "picture.csv" else "text", name)
    before = (used.folder / name).read_bytes()
    ran = used("check", "x.csv", "--accepted", name, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (2, "output-exists")
    assert (used.folder / name).read_bytes() == before
    assert used("check", "x.csv", "--accepted", name, "--force").status == 0
    assert "ann@example.com" in (used.folder / name).read_text("utf-8-sig")


def test_an_existing_csv_is_replaced_and_keeps_its_permissions_and_links(used: Contacts) -> None:
    used.file("old", "old.csv").chmod(0o640)
    (used.folder / "link.csv").symlink_to("old.csv")
    assert used("check", "x.csv", "--rejected", "link.csv").status == 0
    assert (used.folder / "link.csv").is_symlink()
    assert "bad" in (used.folder / "old.csv").read_text("utf-8-sig")
    assert (used.folder / "old.csv").stat().st_mode & 0o777 == 0o640
    assert not list(used.folder.glob(".*.partial"))


def test_an_output_that_fails_half_way_leaves_what_was_there(command: Contacts, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("good")
    with suppress(RuntimeError), open_output(str(tmp_path / "good.csv")) as stream:
        stream.write(b"half")
        raise RuntimeError
    assert list(tmp_path.glob("*.csv")) == [tmp_path / "good.csv"]
    assert not list(tmp_path.glob(".*.partial"))
    assert (tmp_path / "good.csv").read_text() == "good"


def test_an_export_that_fails_half_way_leaves_the_previous_one(used: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    used.has_a_past()
    assert used("export", "--output", "all.csv").status == 0
    before = (used.folder / "all.csv").read_bytes()

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("warehouse.contacts.export.export_batches", fail)
    assert used("export", "--output", "all.csv").status == 1
    assert (used.folder / "all.csv").read_bytes() == before


def test_a_rejected_file_is_never_overwritten_by_itself(contacts: Contacts) -> None:
    report = contacts.load("email\nno email\n")
    file = Path(report["rejected_file"])
    before = file.read_bytes()
    assert contacts("rejected", "1", "--output", file).status == 2
    assert file.read_bytes() == before
    copy = contacts.folder / "copy.csv"
    assert contacts("rejected", "1", "--output", copy).status == 0
    assert copy.read_bytes() == before
    database = warehouse_of(contacts)
    assert contacts("rejected", "1", "--output", database, "--force").status == 2
    assert database.read_bytes().startswith(b"SQLite format 3")
    file.unlink()
    gone = contacts("rejected", "1")
    assert (gone.status, gone.out) == (1, "")
    is_one_line(gone, repr(str(file)), "on the machine of the worker", "import the source again")
