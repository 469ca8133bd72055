"""Work folders at a local path and on two file systems of fsspec."""

import os
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemas.catalogue import FieldCatalogue
from tests.transforms import pipeline
from tests.workbooks import book
from transforms.work_folder import (
    clear_folder,
    exists,
    join_path,
    last_written,
    list_folders,
    make_folder,
    name_of,
    open_for_reading,
    open_for_writing,
    open_table,
    read_range,
    read_table,
    remove,
    remove_folder,
    size_of,
    write_table,
)


@pytest.fixture(params=["a path", "local", "memory"])
def parent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where import folders lie; `local://` goes through fsspec where a plain path does not."""
    if request.param == "memory":
        place = f"memory://imports-{uuid.uuid4().hex}"
        yield place
        remove_folder(place)
    else:
        yield str(tmp_path / "imports") if request.param == "a path" else f"local://{tmp_path}/imports"


@pytest.fixture
def folder(parent: str) -> str:
    place = join_path(parent, "000007-0123abcd")
    make_folder(place)
    return place


def put(folder: str, name: str, content: bytes = b"abc") -> str:
    place = join_path(folder, name)
    with open_for_writing(place) as stream:
        stream.write(content)
    return place


def test_a_file_is_read_as_a_whole_by_ranges_and_again(folder: str) -> None:
    place = put(folder, "source.csv", b"0123456789")
    assert (size_of(place), exists(place), exists(join_path(folder, "other"))) == (10, True, False)
    assert (read_range(place, 0, 4), read_range(place, 4, 3), read_range(place, 7, 100)) == (b"0123", b"456", b"789")
    put(folder, "source.csv", b"new")
    with open_for_reading(place) as stream:
        assert (stream.read(2), stream.read()) == (b"ne", b"w")


def test_a_table_comes_back_as_it_was(folder: str) -> None:
    table = pa.table({"record_number": [1, 2], "email": ["a@example.com", None]})
    place = join_path(folder, "chunk-00000.arrow")
    write_table(table, place)
    assert read_table(place).equals(table)
    assert read_table(place, ["email"]).column_names == ["email"]
    with open_table(place) as file, pa.ipc.open_file(file) as reader:
        assert reader.read_all().equals(table)


def test_clearing_a_folder_keeps_the_named_files_or_removes_the_folder(folder: str, parent: str) -> None:
    kept, gone = put(folder, "rejected.csv"), put(folder, "chunk-00000.arrow")
    clear_folder(folder, lambda name: name == "rejected.csv")
    assert (exists(kept), exists(gone), list_folders(parent)) == (True, False, [folder])
    clear_folder(folder, lambda name: False)
    assert list_folders(parent) == []


def test_folders_are_listed_with_the_time_of_their_last_change(folder: str, parent: str) -> None:
    put(folder, "rejected.csv")
    other = join_path(parent, "other")
    make_folder(other)
    put(other, "x")
    assert [name_of(each) for each in list_folders(parent)] == ["000007-0123abcd", "other"]
    assert abs(last_written(other) - last_written(folder)) < 60
    assert abs(last_written(folder) - time.time()) < 60
    remove_folder(folder)
    assert [name_of(each) for each in list_folders(parent)] == ["other"]


def test_missing_files_and_folders_can_be_removed_and_listed(folder: str, parent: str) -> None:
    remove(join_path(folder, "none"))
    assert list_folders(join_path(parent, "nowhere")) == []
    with pytest.raises(FileNotFoundError):
        open_for_reading(join_path(folder, "none"))


@pytest.mark.parametrize("umask", [0, 0o022, 0o077], ids=oct)
def test_a_local_work_folder_is_readable_by_its_owner_only(umask: int, tmp_path: Path) -> None:
    folder = str(tmp_path / "imports" / "000001-00000000")
    before = os.umask(umask)
    try:
        make_folder(folder)
        places = [put(folder, "rejected.csv"), join_path(folder, "chunk-00000.arrow")]
        write_table(pa.table({"a": [1]}), places[1])
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (Path(folder), Path(folder).parent)] == [0o700, 0o700]
    assert [stat.S_IMODE(Path(place).stat().st_mode) for place in places] == [0o600, 0o600]
    with pytest.raises(FileExistsError):
        make_folder(folder)


@pytest.mark.parametrize("partition", [1, 1_000], ids=["partitions", "memory"])
def test_every_file_of_a_check_is_readable_by_its_owner_only(
    partition: int, catalogue: FieldCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the files that are there for a moment: this check deletes none."""
    monkeypatch.setattr(pipeline, "TemporaryDirectory", lambda: nullcontext(str(tmp_path)))
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    rows: list[list[Any]] = [["email", "points"], ["a@b.com", 1], ["A@b.com", 2], ["c@d.com", "#N/A"], ["bad", 3]]
    before = os.umask(0)
    try:
        pipeline.check(book({"Sheet": rows}), catalogue, 20, partition, "contacts.xlsx")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    del modes["contacts.xlsx"], modes["accepted.csv"]  # of the test itself
    assert {"errors-as-text.xlsx", "rejected.csv", "rejections.arrow", "sample.arrow"} < modes.keys()
    assert ("keys-000.arrow" in modes) == ("hashes-000.u64" in modes) == (partition == 1)
    assert modes == dict.fromkeys(modes, 0o600)
