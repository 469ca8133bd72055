"""Import folders on other storage behave like local ones."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import s3fs

from tests.flows.conftest import Contacts
from tests.flows.import_runs.test_recovery import begun

MESSY = 'email,name,points\na@example.com,Ann,1\nb@example.com,Bob,x\na@example.com,Anna,2\nc@example.com,"open\n'


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of the test's own, found as the AWS tools find theirs: by the environment alone."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    known = {"ENDPOINT_URL": s3_server, "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}
    for name, value in {**known, "DEFAULT_REGION": "us-east-1", "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    s3fs.S3FileSystem.clear_instance_cache()
    address = f"s3://contacts-{uuid.uuid4().hex}"
    fsspec.url_to_fs(address)[0].mkdir(address)
    yield address
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(params=["path", "local", "memory", "s3"])
def imports(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    place = {
        "path": f"file://{tmp_path}/imports",
        "local": f"local://{tmp_path}/imports",
        "memory": f"memory://{tmp_path.name}/imports",
        "s3": f"{request.getfixturevalue('bucket') if request.param == 's3' else ''}/imports",
    }[request.param]
    monkeypatch.setenv("CONTACTS_IMPORTS", place)
    return place.removeprefix("file://")


def test_an_import_gives_the_same_result_on_any_storage(
    contacts: Contacts, imports: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTACTS_CHUNK_BYTES", "1KiB")
    rows = "".join(f"user{number}@example.com,Name,{number + 1}\n" for number in range(100))
    report = contacts.load(MESSY.replace("\n", "\n" + rows, 1), "--merge", "overwrite", "--encoding", "latin-1")
    assert report["rows"] == {"read": 104, "accepted": 101, "rejected": 3}
    assert set(report["rejections"]) == {"integer-invalid", "duplicate-email", "row-bad-quoting"}
    assert contacts.database.contacts()["a@example.com"] == {"name": "Anna", "points": "2"}
    assert report["rejected_file"].startswith(imports)
    assert names_in(report["rejected_file"]) == ["rejected.csv"]
    shown = contacts("rejected", str(report["import_id"]))
    assert shown.out.count("\n") == 4
    output = contacts.folder / "again.csv"
    assert contacts("rejected", str(report["import_id"]), "--output", output).status == 0
    again = contacts("import", output, "--json")
    assert (again.status, again.json["rows"]) == (0, {"read": 3, "accepted": 0, "rejected": 3})


def names_in(place: str) -> list[str]:
    files, path = fsspec.url_to_fs(place.rpartition("/")[0])
    return [Path(each).name for each in files.find(path)]


on_sqlite = pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)


@on_sqlite
def test_a_failed_import_leaves_no_folder(contacts: Contacts, imports: str) -> None:
    ran = contacts("import", contacts.file("name\nAnn\n"), "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "no-email-column")
    files, path = fsspec.url_to_fs(imports)
    assert not files.exists(path) or files.ls(path) == []


@on_sqlite
def test_prune_deletes_old_folders_on_any_storage(
    contacts: Contacts, imports: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = contacts.load(MESSY)
    assert contacts("imports", "prune", "--older-than", "1d", "--json").json == {"removed": 0, "kept": 1}
    monkeypatch.setattr("flows.import_runs.work_folders.time.time", lambda: 4e9)
    assert contacts("imports", "prune", "--older-than", "1d", "--json").json == {"removed": 1, "kept": 0}
    gone = contacts("rejected", str(report["import_id"]))
    assert (gone.status, "import the source again" in gone.err) == (1, True)


@on_sqlite
@pytest.mark.parametrize(
    ("place", "code", "says"),
    [
        pytest.param("nonsense://bucket", "settings-invalid", None, id="no such scheme"),
        pytest.param("s3://key:hunter2@bucket/imports", "settings-invalid", "without a password", id="a password"),
        pytest.param("local:///proc/imports", "import-folder-unusable", "cannot be used", id="not to be made"),
    ],
)
def test_an_unusable_address_for_import_folders_is_an_error_in_one_line(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch, place: str, code: str, says: str | None
) -> None:
    monkeypatch.setenv("CONTACTS_IMPORTS", place)
    ran = contacts("import", contacts.file(MESSY), "--json")
    error: dict[str, Any] = ran.json["error"]
    assert (ran.status != 0, error["code"]) == (True, code)
    assert says is None or says in error["message"]
    assert "hunter2" not in ran.out + ran.err


@on_sqlite
def test_files_on_another_machine_are_remembered_until_that_machine_deletes_them(
    contacts: Contacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is within reach of every machine, the run's scratch with its staged contacts of one alone."""
    monkeypatch.setenv("CONTACTS_IMPORTS", f"local://{tmp_path}/imports")
    with begun(contacts) as folder:
        shared, name = tmp_path / "imports" / folder.name, f"contacts-import-{folder.name}"
        scratch = tmp_path / "its machine" / name
        for place in (shared, scratch):
            place.mkdir(parents=True)
            (place / "staging.db").write_text("ann@example.com")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "another machine"))
    assert "interrupted" in contacts("imports").out
    assert (shared.exists(), scratch.exists()) == (False, True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "its machine"))
    contacts("imports")
    assert not scratch.exists()
    assert contacts.database.imports()[0]["alive_key"] is None
