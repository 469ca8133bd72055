"""The same file again is skipped on request, if importing it again would change nothing."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Contacts

FILE = "email,name\nana@example.com,Ana\n"
OTHER = "email,name\nana@example.com,Anita\n"


def skipping(contacts: Contacts, source: str | Path, *options: str) -> dict[str, Any]:
    ran = contacts("import", source, "--if-same-file", "skip", "--json", *options)
    assert (ran.status, ran.err) == (0, "")
    report: dict[str, Any] = ran.json
    return report


def test_the_same_file_is_skipped_and_listed_with_the_import_it_repeats(contacts: Contacts) -> None:
    first = contacts.load(FILE, "--merge", "overwrite")
    before = contacts.database.contents()
    again = skipping(contacts, contacts.folder / "contacts.csv", "--merge", "overwrite")
    assert (again["status"], again["repeats"], again["sha256"]) == ("skipped", first["import_id"], first["sha256"])
    assert (again["rows"], again["contacts"]) == (None, None)
    assert contacts.database.contents() == before
    row = contacts.database.imports()[-1]
    assert (row["status"], row["repeats"], row["sha256"]) == ("skipped", first["import_id"], first["sha256"])
    assert contacts("imports", str(again["import_id"]), "--json").json == again
    assert "the same file as in import 1" in contacts("imports", str(again["import_id"])).out
    assert "repeats 1" in contacts("imports").out


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param((), ("--merge", "overwrite"), id="another policy"),
        pytest.param((), ("--map", "name=surname"), id="another mapping"),
        pytest.param((), ("--gaps", "allow"), id="another rule on gaps"),
        pytest.param(("--max-rejected", "0"), ("--max-rejected", "1"), id="another ceiling"),
    ],
)
def test_another_option_imports_again(contacts: Contacts, first: tuple[str, ...], then: tuple[str, ...]) -> None:
    contacts.load(FILE, *first)
    assert skipping(contacts, contacts.folder / "contacts.csv", *then)["status"] == "completed"


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_a_folder_with_the_name_of_the_preset_does_not_matter(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    (contacts.folder / "google").mkdir()
    monkeypatch.chdir(contacts.folder)
    contacts.load(FILE, "--preset", "google")
    assert skipping(contacts, contacts.folder / "contacts.csv", "--preset", "google")["status"] == "skipped"


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_a_mapping_from_a_pipe_never_counts_as_the_same(contacts: Contacts) -> None:
    def load() -> dict[str, Any]:
        reading, writing = os.pipe()
        os.write(writing, b"name: surname\n")
        os.close(writing)
        try:
            return skipping(contacts, contacts.file(FILE), "--mapping", f"/dev/fd/{reading}")
        finally:
            os.close(reading)

    loaded = [load(), load()]
    assert [(each["status"], each["columns"][1]["field"]) for each in loaded] == [("completed", "surname")] * 2


def test_another_catalogue_or_mapping_file_imports_again(contacts: Contacts) -> None:
    catalogue = contacts.file("fields:\n  - {id: email, type: email, identity: true}\n", "own.yaml")
    mapping = contacts.file("name: name\n", "mapping.yaml")
    options = ("--catalogue", str(catalogue), "--mapping", str(mapping))
    mapping.write_text("name:\n")
    contacts.load(FILE, *options)
    source = contacts.folder / "contacts.csv"
    assert skipping(contacts, source, *options)["status"] == "skipped"
    catalogue.write_text(catalogue.read_text() + "  - {id: name, type: text}\n")
    assert skipping(contacts, source, *options)["status"] == "completed"
    mapping.write_text("name: name\n")
    assert skipping(contacts, source, *options)["contacts"]["skipped"] == 1


def test_the_file_of_a_failed_import_is_imported_again(contacts: Contacts) -> None:
    source = contacts.file(FILE)
    assert contacts("import", source, "--min-rows", "9").status == 1
    assert skipping(contacts, source)["status"] == "completed"


def test_the_file_before_the_last_one_is_imported_again(contacts: Contacts) -> None:
    for text in (FILE, OTHER):
        contacts.load(text, "--merge", "overwrite")
    source = contacts.file(FILE)
    assert skipping(contacts, source, "--merge", "overwrite")["contacts"]["updated"] == 1
    assert skipping(contacts, source, "--merge", "overwrite")["repeats"] == 3
    assert contacts.database.contacts()["ana@example.com"]["name"] == "Ana"


def test_a_file_with_a_new_name_and_the_same_content_is_skipped(contacts: Contacts) -> None:
    for day in ("2026-11-20", "2026-11-21"):
        contacts.file(FILE, f"c-{day}.csv")
    source = str(contacts.folder / "c-{date}.csv")
    assert skipping(contacts, source, "--date", "2026-11-20")["status"] == "completed"
    second = skipping(contacts, source, "--date", "2026-11-21")
    assert (second["status"], second["repeats"]) == ("skipped", 1)
    assert second["source_file"] == str(contacts.folder / "c-2026-11-21.csv")
    assert second["source"] == source == contacts.database.imports()[-1]["source"]


def test_by_default_the_same_file_is_imported(contacts: Contacts) -> None:
    contacts.load(FILE)
    assert contacts.load(FILE)["contacts"]["skipped"] == 1


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_a_retry_knows_the_preset_of_its_first_import_by_content(contacts: Contacts) -> None:
    preset = contacts.file("columns:\n  email: email\n  name: {field: name}\n", "own.yaml")
    first = contacts.load("email,name\nana@example.com,Ana\nbad,Bob\n", "--preset", str(preset))
    mended = contacts.file("email,name\nbob@example.com,Bob\n", "mended.csv")
    retry = ("--retry-of", str(first["import_id"]))
    assert skipping(contacts, mended, *retry)["status"] == "completed"
    assert skipping(contacts, mended, *retry)["status"] == "skipped"
    preset.write_text(preset.read_text().replace("field: name", "field: name, values: {Bob: Rob}"))
    assert skipping(contacts, mended, *retry)["status"] == "completed"
