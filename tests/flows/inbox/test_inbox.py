"""Files that are put into an inbox are imported once, and end in the right folder with what a person needs."""

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.inbox import look
from tests.flows.conftest import Contacts, is_one_line
from tests.flows.inbox.conftest import GOOD, MIXED, handled, look_once, on_sqlite
from tests.flows.inbox.places import BucketPlace, FolderPlace, Place


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
