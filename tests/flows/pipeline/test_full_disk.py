"""A full disk is one clear error, wherever it is noticed. A limit on file sizes stands for the disk."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.import_runs.work_folders import make_import_folder
from flows.pipeline.check import check_locally
from schemas.errors.base import ImportFolderUnusable


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files of this process may grow to `size` bytes; the system then says what it says of a full quota."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "share",
    [
        pytest.param(0.5, id="while landing"),
        pytest.param(1.1, id="while reading"),
        pytest.param(3, id="while rejecting"),
    ],
)
def test_a_full_disk_has_its_own_error_code(share: float, tmp_path: Path) -> None:
    source = tmp_path / "contacts.csv"
    source.write_text("email,name\n" + "".join(f"no address {n},{n}\n" for n in range(20_000)))
    (tmp_path / "work").mkdir()
    with room_for(int(source.stat().st_size * share)):
        report = check_locally(ReadingOptions(source=str(source)), Settings(home=tmp_path), tmp_path / "work").report
    assert report.error
    assert report.error.code == "disk-full"
    assert "no room for the import's files" in report.error.message


def test_an_import_folder_that_cannot_be_created_has_its_own_error_code(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings = Settings(home=tmp_path, imports=str(tmp_path / "file" / "below"))
    with pytest.raises(ImportFolderUnusable, match="CONTACTS_IMPORTS"):
        make_import_folder(settings, "000001-00000001")
