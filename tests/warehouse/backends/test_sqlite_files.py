"""Where the files of a SQLite warehouse are, whoever names them and however, and who may read them."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from schemas.catalogue import FieldCatalogue
from schemas.errors.warehouse import WarehouseUnusable
from tests.warehouse.conftest import Importer, on_sqlite
from warehouse.backends.sqlite import SqliteBackend
from warehouse.database.connection import Warehouse, database_file
from warehouse.database.migrations import migrate
from warehouse.import_list.liveness import find_dead_keys, liveness_lock

NAMES = ["who?a", "a#b", "10%", "%41", "a%3Fb", "two words ", "ñandú-日本", "a;b&c=d", 'it\'s "it"']


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def read_emails(path: Path) -> list[str]:
    with Warehouse.open(f"sqlite:///{quote(str(path))}") as warehouse, warehouse.read_transaction() as connection:
        return list(connection.scalars(text("select email from contacts")))


@pytest.mark.parametrize("name", NAMES)
def test_a_path_with_any_character_is_written_percent_encoded(
    name: str, small_catalogue: FieldCatalogue, tmp_path: Path
) -> None:
    folder = tmp_path / name
    with Warehouse.open(f"sqlite:///{quote(str(folder / 'contacts.db'))}") as warehouse:
        migrate(warehouse, small_catalogue)
        Importer(warehouse, small_catalogue, folder)([{"email": "ann@example.org"}])
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert database_file(f"sqlite:///{quote(str(folder / 'contacts.db'))}") == folder / "contacts.db"
    assert read_emails(folder / "contacts.db") == ["ann@example.org"]


@pytest.mark.parametrize("options", ["?a/contacts.db", "?timeout=5", "?"])
def test_options_in_a_sqlite_url_are_refused(options: str, tmp_path: Path) -> None:
    with pytest.raises(WarehouseUnusable, match="%3F"):
        Warehouse.open(f"sqlite:///{tmp_path}/who{options}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("link", ["file", "folder"])
def test_an_import_through_a_link_is_alive_for_who_uses_the_file_itself(link: str, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    file = tmp_path / "real" / "l.db"
    linked = tmp_path / "via.db" if link == "file" else tmp_path / "via" / "l.db"
    if link == "file":
        linked.symlink_to(file)
    else:
        linked.parent.symlink_to(file.parent)
    with Warehouse.open(f"sqlite:///{linked}") as one, Warehouse.open(f"sqlite:///{file}") as other:
        with liveness_lock(one) as key:
            assert find_dead_keys(other, [key]) == set()
        assert find_dead_keys(other, [key]) == {key}
        with liveness_lock(other) as key:
            assert find_dead_keys(one, [key]) == set()


@pytest.mark.parametrize("mask", [0o022, 0o000])
def test_a_new_file_and_its_folder_are_for_their_owner_only(mask: int, tmp_path: Path) -> None:
    file = tmp_path / "home" / "contacts.db"
    with umask(mask), Warehouse.open(f"sqlite:///{file}") as warehouse:
        with warehouse.write_transaction() as connection:
            connection.execute(text("create table t (x)"))
        with liveness_lock(warehouse):
            modes = {path.name.partition("-import-")[0]: mode(path) for path in file.parent.iterdir()}
        assert warehouse.warnings() == []
    assert modes == dict.fromkeys(("contacts.db", "contacts.db-wal", "contacts.db-shm"), 0o600)
    assert mode(file.parent) == 0o700


@on_sqlite
def test_the_staging_file_is_for_its_owner_only(importer: Importer) -> None:
    with umask(0), importer.staging(importer.start()) as staging:
        staging.add(importer.write([{"email": "ann@example.org"}]))
        staging.ensure_staged()
        modes = {path.name: mode(path) for path in staging.folder.glob("staging.db*")}
    assert modes == {"staging.db": 0o600}


def test_the_lock_of_a_shared_file_can_be_read_by_those_who_share_it(tmp_path: Path) -> None:
    file = tmp_path / "contacts.db"
    Warehouse.open(f"sqlite:///{file}").close()
    file.chmod(0o660)
    with umask(0o077), Warehouse.open(f"sqlite:///{file}") as warehouse, liveness_lock(warehouse) as key:
        assert isinstance(warehouse.backend, SqliteBackend)
        assert mode(warehouse.backend.liveness_file(key)) == 0o660


def test_an_existing_file_that_others_can_read_keeps_its_mode_and_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "contacts.db"
    with closing(open(file, "w")):  # noqa: PTH123
        file.chmod(0o644)
    with Warehouse.open(f"sqlite:///{file}") as warehouse:
        [warning] = warehouse.warnings()
    assert "chmod" in warning and str(file) in warning
    assert mode(file) == 0o644
