"""Files that are put into an inbox are imported once, and end in the right folder with what a person needs."""

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest

from flows.inbox import look
from tests.flows.conftest import Contacts, Ran, is_one_line
from tests.flows.inbox.places import BucketPlace, FolderPlace, Place, s3_place, sftp_place
from tests.workbooks import book, text_row, with_rows

GOOD = "email,name\nann@example.com,Ann\n"
MIXED = "email,name,points\nann@example.com,Ann,1\nbob,Bob,2\ncat@example.com,Cat,x\n"

on_sqlite = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr("flows.inbox.names.EMPTY_FILE_SECONDS", 0.0)


@pytest.fixture
def inbox(tmp_path: Path) -> FolderPlace:
    return FolderPlace(tmp_path / "in")


@pytest.fixture(params=["folder", "sftp", "s3"])
def place(
    request: pytest.FixtureRequest, contacts: Contacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """An inbox of each kind."""
    if request.param == "folder":
        yield FolderPlace(tmp_path / "in")
    elif request.param == "sftp":
        with sftp_place(tmp_path, monkeypatch) as served:
            yield served
    else:
        with s3_place(request.getfixturevalue("s3_server"), monkeypatch) as bucket:
            yield bucket


def look_once(contacts: Contacts, place: Place, *options: str) -> Ran:
    return contacts("inbox", place.name, "--once", "--json", *options)


def handled(contacts: Contacts, place: Place, *options: str) -> list[dict[str, Any]]:
    """The reports of a look at which every file was handled."""
    ran = look_once(contacts, place, *options)
    assert ran.status == 0, ran
    reports: list[dict[str, Any]] = ran.json
    return reports


@on_sqlite
def test_files_are_imported_and_moved_on_every_kind_of_place(contacts: Contacts, place: Place) -> None:
    assert handled(contacts, place) == []
    place.put("mixed.csv", MIXED)
    place.put("empty.csv", "")
    place.put("bad.csv", "name\nAnn\n")
    place.put("growing.csv.part", GOOD)
    place.put(".hidden.csv", GOOD)
    place.put("other/inside.csv", GOOD)
    numbers = {Path(report["source"]).name: report["import_id"] for report in handled(contacts, place)}
    assert sorted(numbers) == ["bad.csv", "empty.csv", "mixed.csv"]
    bad, empty, mixed = (numbers[name] for name in sorted(numbers))
    files = place.files()
    assert sorted(files) == sorted(
        {
            ".hidden.csv",
            "growing.csv.part",
            "other/inside.csv",
            f"done/mixed-{mixed}.csv",
            f"rejected/mixed-{mixed}.csv",
            f"failed/bad-{bad}.csv",
            f"failed/bad-{bad}.txt",
            f"failed/empty-{empty}.csv",
            f"failed/empty-{empty}.txt",
        }
    )
    assert files[f"done/mixed-{mixed}.csv"] == MIXED
    assert files[f"failed/bad-{bad}.csv"] == "name\nAnn\n"
    assert "no column maps to 'email'" in files[f"failed/bad-{bad}.txt"]
    assert '"bob","Bob","2","2","3","email-invalid"' in files[f"rejected/mixed-{mixed}.csv"]
    assert contacts.database.contacts() == {"ann@example.com": {"name": "Ann", "points": "1"}}
    assert handled(contacts, place) == []


@on_sqlite
def test_a_corrected_rejected_file_is_a_retry_with_the_options_of_its_import(contacts: Contacts, place: Place) -> None:
    contacts("segments", "create", "vip")
    imported = contacts.load(
        MIXED, "--merge", "overwrite", "--segment", "vip", "--map", "points=", "--map", "name=name"
    )
    contacts.load("email,name\nbob@example.com,Robert\n")
    rejected = Path(imported["rejected_file"]).read_text()
    place.put("bob.csv", rejected.replace('"bob"', '"bob@example.com"'))
    [report] = handled(contacts, place, "--merge", "insert-only", "--min-rows", "50%")
    assert (report["status"], report["merge"], report["rows"]["accepted"]) == ("completed", "overwrite", 1)
    assert report["retry_of"] == {"id": 1, "first": 1, "mended": 1, "missing": 0}
    assert report["segment"] == {"id": "vip", "added": 1}
    assert contacts.database.contacts()["bob@example.com"] == {"name": "Bob"}
    row = contacts.database.imports()[-1]
    assert (row["retry_of"], row["merge_policy"], row["series"]) == (1, "overwrite", row["source"])
    assert list(place.files()) == [f"done/bob-{report['import_id']}.csv"]


@on_sqlite
def test_a_corrected_rejected_file_with_one_more_column_is_a_retry(contacts: Contacts, inbox: FolderPlace) -> None:
    imported = contacts.load(MIXED, "--merge", "overwrite")
    lines = Path(imported["rejected_file"]).read_text("utf-8-sig").replace('"bob"', '"bob@example.com"').splitlines()
    inbox.put("bob.csv", "".join(f"{line},done\n" for line in lines))
    [report] = handled(contacts, inbox)
    assert (report["merge"], report["retry_of"]["mended"]) == ("overwrite", 1)


@on_sqlite
@pytest.mark.parametrize(
    ("text", "options", "contact"),
    [
        pytest.param(
            "email,mobile_phone\nann@example.com,651234567\nbob,612345678\n?,612345678\n",
            ("--merge", "overwrite", "--default-prefix", "+33"),
            {"city": "Vic", "mobile_phone": "+33612345678"},
            id="default prefix",
        ),
        pytest.param(
            "email,city\nann@example.com,Olot\nbob,Reus\n?,Reus\n",
            ("--merge", "overwrite", "--merge-field", "city=keep"),
            {"city": "Vic"},
            id="policy of a field",
        ),
        pytest.param(
            "email,city\nann@example.com,Olot\nbob,\n?,Reus\n",
            ("--merge", "overwrite", "--blanks", "clear"),
            {},
            id="blanks",
        ),
        pytest.param(
            "email,name\nann@example.com,Ann\nbob,First\nbob,Last\n?,Bob\n",
            ("--merge", "overwrite", "--duplicates", "first"),
            {"city": "Vic", "name": "First"},
            id="duplicates",
        ),
        pytest.param(
            "email,points\nann@example.com,1\nbob,2\ncat@example.com,x\n?,3\n",
            ("--merge", "overwrite", "--gaps", "allow"),
            {"city": "Vic", "points": "2"},
            id="gaps",
        ),
    ],
)
def test_a_retry_keeps_the_options_of_its_import_and_has_no_limits(
    contacts: Contacts, inbox: FolderPlace, text: str, options: tuple[str, ...], contact: dict[str, str]
) -> None:
    contacts.load("email,city\nbob@example.com,Vic\n")
    imported = contacts.load(text, *options)
    rejected = Path(imported["rejected_file"]).read_text()
    inbox.put("bob.csv", rejected.replace('"bob"', '"bob@example.com"').replace('"x"', '""'))
    [report] = handled(contacts, inbox, "--strict", "--max-rejected", "0")
    assert report["status"] == "completed"
    assert report["rows"]["rejected"] >= 1
    assert contacts.database.contacts()["bob@example.com"] == contact


def test_the_rows_that_a_retry_rejects_can_be_corrected_again(contacts: Contacts, inbox: FolderPlace) -> None:
    inbox.put("a.csv", MIXED)
    handled(contacts, inbox, "--gaps", "allow", "--merge", "overwrite")
    inbox.put("again.csv", inbox.files()["rejected/a-1.csv"].replace('"bob"', '"bob@example.com"'))
    handled(contacts, inbox)
    inbox.put("more.csv", inbox.files()["rejected/again-2.csv"].replace('"x"', '"7"'))
    [report] = handled(contacts, inbox)
    assert (report["retry_of"]["id"], report["retry_of"]["missing"], report["merge"]) == (2, 0, "overwrite")
    assert sorted(contacts.database.contacts()) == ["ann@example.com", "bob@example.com", "cat@example.com"]


@on_sqlite
def test_the_rejected_rows_of_a_workbook_are_corrected_in_a_workbook(contacts: Contacts, inbox: FolderPlace) -> None:
    rows = [["email", "name"], ["ann@example.com", "Ann"], ["bob", "Íñigo"]]
    (inbox.folder / "people.xlsx").write_bytes(book({"People": rows}))
    handled(contacts, inbox, "--merge", "overwrite")
    workbook = openpyxl.load_workbook(inbox.folder / "rejected" / "people-1.xlsx")
    workbook.worksheets[0]["A2"] = "bob@example.com"
    workbook.save(inbox.folder / "people-1.xlsx")
    [report] = handled(contacts, inbox)
    assert (report["status"], report["merge"]) == ("completed", "overwrite")
    assert report["retry_of"] == {"id": 1, "first": 1, "mended": 1, "missing": 0}
    assert contacts.database.contacts()["bob@example.com"] == {"name": "Íñigo"}
    assert sorted(str(path.relative_to(inbox.folder)) for path in inbox.folder.glob("**/*.*")) == [
        "done/people-1-2.xlsx",
        "done/people-1.xlsx",
        "rejected/people-1.xlsx",
    ]


@on_sqlite
def test_rejected_rows_that_no_sheet_can_have_are_a_csv(contacts: Contacts, inbox: FolderPlace) -> None:
    long = "x" * 40_000
    rows = [["email", "name"], ["ann@example.com", "Ann"], ["bob", long]]
    (inbox.folder / "long.xlsx").write_bytes(with_rows(text_row(number, row) for number, row in enumerate(rows, 1)))
    handled(contacts, inbox)
    [rejected] = (inbox.folder / "rejected").iterdir()
    assert (rejected.name, long in rejected.read_text()) == ("long-1.csv", True)


@on_sqlite
def test_a_rejected_file_of_another_warehouse_fails_and_merges_nothing(contacts: Contacts, inbox: FolderPlace) -> None:
    imported = contacts.load(MIXED)
    rejected = Path(imported["rejected_file"]).read_text().replace('"bob"', '"bob@example.com"')
    mark = rejected.rpartition("import 1, file ")[2][:17]
    inbox.put("other.csv", rejected.replace(mark, "00-00000000000000"))
    inbox.put("unknown.csv", rejected.replace("import 1,", "import 99,"))
    codes = {report["error"]["code"] for report in handled(contacts, inbox)}
    assert codes == {"rejected-file-of-another-import", "unknown-import"}
    undo = contacts("undo", "1", "--json").json["import_id"]
    inbox.put("undo.csv", rejected.replace("import 1,", f"import {undo},"))
    [report] = handled(contacts, inbox)
    assert report["error"]["code"] == "import-not-completed"
    assert list(contacts.database.contacts()) == []


@on_sqlite
def test_a_rejected_file_of_an_undone_import_fails_with_the_number_of_the_undo(
    contacts: Contacts, inbox: FolderPlace
) -> None:
    imported = contacts.load(MIXED)
    rejected = Path(imported["rejected_file"]).read_text().replace('"bob"', '"bob@example.com"')
    contacts("undo", "1")
    inbox.put("bob.csv", rejected)
    handled(contacts, inbox)
    files = inbox.files()
    assert sorted(files) == ["failed/bob-3.csv", "failed/bob-3.txt"]
    assert files["failed/bob-3.csv"] == rejected
    assert "import 1 is undone by import 2: bring it back with 'contacts undo 2'" in files["failed/bob-3.txt"]
    assert list(contacts.database.contacts()) == []


@on_sqlite
def test_a_retry_does_not_count_as_a_file_of_the_inbox_for_min_rows(contacts: Contacts, inbox: FolderPlace) -> None:
    inbox.put("a.csv", MIXED)
    handled(contacts, inbox, "--min-rows", "50%")
    inbox.put("fixed.csv", inbox.files()["rejected/a-1.csv"].replace('"bob"', '"bob@example.com"'))
    assert handled(contacts, inbox, "--min-rows", "90%")[0]["status"] == "completed"
    inbox.put("b.csv", "email\nnew1@example.com\nnew2@example.com\n")
    [report] = handled(contacts, inbox, "--min-rows", "90%")
    assert report["error"]["code"] == "too-few-rows"
    assert "of the 3 of the last import" in report["error"]["message"]


def test_the_same_name_with_other_content_is_another_file(contacts: Contacts, inbox: FolderPlace) -> None:
    for name in ("Ann", "Eve"):
        inbox.put("a.csv", f"email,name\nann@example.com,{name}\n")
        os.utime(inbox.folder / "a.csv", (1_000_000_000, 1_000_000_000))  # the same size and time too
        handled(contacts, inbox, "--merge", "overwrite")
    assert contacts.database.contacts()["ann@example.com"]["name"] == "Eve"
    files = inbox.files()
    assert (files["done/a-1.csv"], files["done/a-2.csv"]) == (GOOD, GOOD.replace(",Ann", ",Eve"))


@on_sqlite
def test_files_are_imported_oldest_first(contacts: Contacts, inbox: FolderPlace) -> None:
    for age, name in enumerate(["b.csv", "c.csv", "a.csv"]):
        inbox.put(name, GOOD)
        os.utime(inbox.folder / name, (1_000_000_000 - age, 1_000_000_000 - age))
    reports = handled(contacts, inbox)
    assert [Path(report["source"]).name for report in reports] == ["a.csv", "c.csv", "b.csv"]
    assert [report["import_id"] for report in reports] == [1, 2, 3]


@on_sqlite
def test_a_file_that_grows_between_the_looks_is_left_alone(
    contacts: Contacts, inbox: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.put("a.csv", GOOD)
    inbox.put("b.csv", GOOD)

    def grow(_: float) -> None:
        inbox.put("a.csv", GOOD + "bob@example.com,Bob\n")
        inbox.put("c.csv", GOOD)

    with monkeypatch.context() as patch:
        patch.setattr(look, "time", SimpleNamespace(sleep=grow))
        assert [Path(report["source"]).name for report in handled(contacts, inbox)] == ["b.csv"]
    assert {Path(report["source"]).name for report in handled(contacts, inbox)} == {"a.csv", "c.csv"}


@on_sqlite
def test_an_empty_file_is_left_alone_while_a_program_may_fill_it(
    contacts: Contacts, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("a.csv", "")
    place.put("b.csv", GOOD)
    with monkeypatch.context() as patch:
        patch.setattr("flows.inbox.names.EMPTY_FILE_SECONDS", 600.0)
        assert [Path(report["source"]).name for report in handled(contacts, place)] == ["b.csv"]
        assert handled(contacts, place) == []
        assert "a.csv" in place.files()
    [report] = handled(contacts, place)
    assert report["error"]["code"] == "source-empty"


@on_sqlite
def test_a_file_may_have_any_name(contacts: Contacts, place: Place) -> None:
    names = ["a[1].csv", "a{date}.csv", "a!b.csv", "ä ö.CSV", "no-suffix", "x" * 251 + ".csv"]
    if not isinstance(place, BucketPlace):  # the client of this test reads it as a pattern
        names.append("*.csv")
    for name in names:
        place.put(name, GOOD)
    reports = handled(contacts, place)
    assert [report["status"] for report in reports] == ["completed"] * len(names)
    moved = [re.fullmatch(r"done/([^/]+-(\d+)(?:\.\w+)?)", path) for path in place.files()]
    assert sorted(int(each[2]) for each in moved if each) == sorted(report["import_id"] for report in reports)
    assert len(moved) == len(names)
    assert all(len(each[1]) <= 255 for each in moved if each)


@on_sqlite
def test_a_text_file_that_failed_lies_beside_its_reason(contacts: Contacts, inbox: FolderPlace) -> None:
    inbox.put("a.txt", "")
    handled(contacts, inbox)
    assert sorted(inbox.files()) == ["failed/a-1.txt", "failed/a-1.txt.txt"]


@on_sqlite
def test_every_file_of_an_archive_is_imported_and_the_archive_is_moved_once(
    contacts: Contacts, inbox: FolderPlace, tmp_path: Path
) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    header = '"Email Address","First Name"\n'
    (parts / "subscribed_members_export_1.csv").write_text(header + "ann@example.com,Ann\n")
    (parts / "unsubscribed_members_export_1.csv").write_text(header + "bob@example.com,Bob\nx,X\n")
    shutil.make_archive(str(inbox.folder / "all"), "zip", parts)
    [report] = handled(contacts, inbox, "--preset", "mailchimp")
    assert [each["import_id"] for each in report["imports"]] == [1, 2]
    assert sorted(str(path.relative_to(inbox.folder)) for path in inbox.folder.glob("*/*")) == [
        "done/all-1.zip",
        "rejected/all-2.csv",
    ]
    assert sorted(contacts.database.contacts()) == ["ann@example.com", "bob@example.com"]


@on_sqlite
def test_a_link_in_the_inbox_is_not_followed(contacts: Contacts, inbox: FolderPlace, tmp_path: Path) -> None:
    """Who may write to the folder must not read other files through rejected rows, or overwrite them."""
    secret, target = tmp_path / "secret.csv", tmp_path / "target.csv"
    secret.write_text("email\nsecret\n")
    target.write_text("untouched")
    (inbox.folder / "link.csv").symlink_to(secret)
    assert handled(contacts, inbox) == []
    inbox.put("a.csv", MIXED)
    (inbox.folder / "rejected").mkdir()
    (inbox.folder / "rejected" / "a-1.csv").symlink_to(target)
    handled(contacts, inbox)
    assert target.read_text() == "untouched"
    assert not (inbox.folder / "rejected" / "a-1.csv").is_symlink()


@on_sqlite
@pytest.mark.parametrize("place", ["folder", "sftp"], indirect=True)
def test_nothing_is_written_through_a_folder_that_is_a_link(
    contacts: Contacts, place: FolderPlace, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("done", "failed", "rejected"):
        (place.folder / name).symlink_to(outside)
    place.put("a.csv", MIXED)
    is_one_line(look_once(contacts, place), "its folder is a link")
    assert list(outside.iterdir()) == []
    assert (place.folder / "a.csv").exists()


@on_sqlite
def test_a_move_that_fails_is_made_at_the_next_look(contacts: Contacts, inbox: FolderPlace) -> None:
    inbox.put("a.csv", GOOD)
    inbox.put("b.csv", "")
    (inbox.folder / "done").symlink_to("nowhere")
    ran = look_once(contacts, inbox)
    assert ran.status == 1
    is_one_line(ran, "a.csv' cannot be written or moved in the inbox", "imports nothing twice")
    reports = {Path(report["source"]).name: report for report in ran.json}
    assert reports["a.csv"]["status"] == "completed"
    assert "the next look makes up for it" in reports["a.csv"]["warnings"][-1]
    assert (reports["b.csv"]["status"], (inbox.folder / "b.csv").exists()) == ("failed", False)
    (inbox.folder / "done").unlink()
    [report] = handled(contacts, inbox)
    assert report["import_id"] == reports["a.csv"]["import_id"]
    assert f"done/a-{report['import_id']}.csv" in inbox.files()
    assert len(contacts.database.imports()) == 2


def lock(folder: Path) -> None:
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)


@on_sqlite
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error_with_the_next_step(contacts: Contacts, inbox: FolderPlace) -> None:
    inbox.put("a.csv", GOOD)
    lock(inbox.folder)
    try:
        is_one_line(look_once(contacts, inbox), "Permission denied", "Give the worker the right to write there")
    finally:
        inbox.folder.chmod(0o700)
    handled(contacts, inbox)
    assert list(inbox.files()) == ["done/a-1.csv"]


@on_sqlite
@pytest.mark.parametrize(
    ("name", "status", "hints"),
    [
        pytest.param("no/such/folder", 1, ["there is no folder", "create it"], id="no folder"),
        pytest.param("sftp://example.com/in", 1, ["may not be read", "CONTACTS_ALLOWED_SOURCES"], id="not allowed"),
        pytest.param("https://example.com/in", 2, ["cannot be an inbox", "sftp or s3"], id="a web address"),
        pytest.param("s3://people/in-*", 2, ["one folder"], id="a pattern"),
        pytest.param("in/{date}", 2, ["one folder"], id="a date"),
        pytest.param("sftp://me:secret@example.com/in", 2, ["CONTACTS_CREDENTIALS"], id="a password"),
    ],
)
def test_a_wrong_place_is_an_error_with_the_next_step(
    contacts: Contacts, name: str, status: int, hints: list[str]
) -> None:
    ran = contacts("inbox", name, "--once")
    assert ran.status == status
    is_one_line(ran, *hints)
    assert "secret" not in ran.err


@on_sqlite
def test_a_folder_outside_the_allowed_folders_is_refused(
    contacts: Contacts, inbox: FolderPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTACTS_SOURCE_FOLDERS", str(tmp_path / "other"))
    is_one_line(contacts("inbox", inbox.name, "--once"), "may not be read", "CONTACTS_SOURCE_FOLDERS")


@on_sqlite
def test_a_missing_folder_of_a_server_is_an_error_and_an_empty_prefix_is_not(contacts: Contacts, place: Place) -> None:
    ran = contacts("inbox", f"{place.name}/none", "--once", "--json")
    if isinstance(place, BucketPlace):
        assert (ran.status, ran.json) == (0, [])
    else:
        assert (ran.status, ran.json["error"]["code"]) == (1, "inbox-not-found")


CONFIGURATION = {
    "catalogue.yaml": (
        "fields:\n"
        "  - {id: email, type: email, identity: true}\n"
        "  - {id: name, type: text}\n"
        "  - {id: points, type: integer}\n"
    ),
    "mapping.yaml": "name: name\n",
    "preset.yaml": "columns:\n  email: email\n",
}


@on_sqlite
@pytest.mark.parametrize(
    ("name", "wrong", "code"),
    [
        pytest.param("catalogue.yaml", "fields: [", "catalogue-invalid", id="catalogue that cannot be read"),
        pytest.param("catalogue.yaml", None, "catalogue-not-found", id="no catalogue"),
        pytest.param("catalogue.yaml", ("integer", "text"), "field-type-changed", id="type of a field"),
        pytest.param("catalogue.yaml", ("id: points", "id: score"), "unknown-field", id="field with a policy"),
        pytest.param("catalogue.yaml", ("id: name", "id: title"), "unknown-field", id="required field"),
        pytest.param("mapping.yaml", ("name: name", "name: title"), "unknown-field", id="field of the mapping"),
        pytest.param("mapping.yaml", None, "mapping-invalid", id="no mapping"),
        pytest.param("preset.yaml", "columns: [", "preset-invalid", id="preset that cannot be read"),
        pytest.param("preset.yaml", None, "preset-invalid", id="no preset"),
    ],
)
def test_a_wrong_configuration_fails_the_look_and_the_files_stay(
    contacts: Contacts, inbox: FolderPlace, name: str, wrong: str | tuple[str, str] | None, code: str
) -> None:
    paths = {name: contacts.file(text, name) for name, text in CONFIGURATION.items()}
    options = ("--catalogue", "--mapping", "--preset")
    named = [str(each) for pair in zip(options, paths.values(), strict=True) for each in pair]
    named += ["--require", "name", "--merge", "overwrite", "--merge-field", "points=keep"]
    inbox.put("first.csv", GOOD)
    assert handled(contacts, inbox, *named)[0]["status"] == "completed"

    if wrong is None:
        paths[name].unlink()
    else:
        paths[name].write_text(CONFIGURATION[name].replace(*wrong) if isinstance(wrong, tuple) else wrong)
    inbox.put("a.csv", GOOD)
    ran = look_once(contacts, inbox, *named)
    assert (ran.status, [report["error"]["code"] for report in ran.json]) == (1, [code])
    assert f"not every file of the inbox was handled: {code}" in ran.err
    assert sorted(inbox.files()) == ["a.csv", "done/first-1.csv"]
    assert len(contacts.database.imports()) == 1

    paths[name].write_text(CONFIGURATION[name])
    assert handled(contacts, inbox, *named)[0]["status"] == "completed"
    assert sorted(inbox.files()) == ["done/a-2.csv", "done/first-1.csv"]


@on_sqlite
@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(("--segment", "vip"), "unknown-segment", id="segment"),
        pytest.param(("--preset", "nope"), "unknown-preset", id="preset"),
        pytest.param(("--preset", "mailchimp:nope"), "unknown-preset", id="part of a preset"),
        pytest.param(("--map", "name=nope"), "unknown-field", id="field of a column"),
    ],
)
def test_a_request_that_names_what_does_not_exist_fails_the_look(
    contacts: Contacts, inbox: FolderPlace, options: tuple[str, str], code: str
) -> None:
    inbox.put("a.csv", GOOD)
    ran = look_once(contacts, inbox, *options)
    assert (ran.status, [report["error"]["code"] for report in ran.json]) == (1, [code])
    assert (list(inbox.files()), contacts.database.imports()) == (["a.csv"], [])


@on_sqlite
@pytest.mark.parametrize("options", [("--map", "city=name"), ("--preset", "auto"), ("--value", "city:a=b")])
def test_a_file_that_the_request_does_not_fit_fails_alone(
    contacts: Contacts, inbox: FolderPlace, options: tuple[str, str]
) -> None:
    inbox.put("a.csv", GOOD)
    [report] = handled(contacts, inbox, *options)
    assert report["status"] == "failed"
    assert sorted(inbox.files()) == ["failed/a-1.csv", "failed/a-1.txt"]


@on_sqlite
def test_rejected_rows_on_another_machine_are_named_in_the_inbox(contacts: Contacts, inbox: FolderPlace) -> None:
    inbox.put("a.csv", MIXED)
    (inbox.folder / "done").symlink_to("nowhere")
    look_once(contacts, inbox)
    (inbox.folder / "done").unlink()
    (inbox.folder / "rejected" / "a-1.csv").unlink()
    shutil.rmtree(contacts.folder / "home" / "imports")
    handled(contacts, inbox)
    assert "contacts rejected 1 --output FILE" in inbox.files()["rejected/a-1.txt"]


@on_sqlite
def test_without_once_the_command_looks_again_until_a_file_cannot_be_handled(
    contacts: Contacts, inbox: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: Iterator[Callable[[], object]] = iter(
        [
            lambda: inbox.put("a.csv", GOOD),
            lambda: None,
            lambda: shutil.rmtree(inbox.folder),
        ]
    )
    monkeypatch.setattr("flows.cli.commands.inbox.time", SimpleNamespace(sleep=lambda seconds: next(steps)()))
    ran = contacts("inbox", inbox.name)
    assert (ran.status, "a.csv: completed" in ran.out) == (1, True)
    assert "there is no folder" in ran.err
