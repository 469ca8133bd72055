"""Flags win over the environment, which wins over defaults. A wrong value is named and never quoted."""

import os
from pathlib import Path
from typing import Any

import pytest

from flows.config.settings import Settings
from schemas.errors.request import SettingsInvalid, UsageError
from warehouse.database.connection import Warehouse


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("CONTACTS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CONTACTS_HOME", str(tmp_path))


def test_defaults_follow_the_home(tmp_path: Path) -> None:
    settings = Settings.load()
    assert settings.home == tmp_path
    assert settings.imports == str(tmp_path / "imports")
    assert settings.warehouse_url.get_secret_value() == f"sqlite:///{tmp_path.as_posix()}/contacts.db"
    assert settings.catalogue is None
    assert 1 <= settings.workers <= 8


@pytest.mark.parametrize("name", ["who?a", "a#b", "10%", "a%3Fb", "two words ", "ñandú-日本"])
def test_the_default_warehouse_is_in_the_home_whatever_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / name
    monkeypatch.setenv("CONTACTS_HOME", str(home))
    with Warehouse.open(Settings.load().warehouse_url.get_secret_value()):
        assert (home / "contacts.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_flag_wins_over_the_environment_unless_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTS_WORKERS", "3")
    monkeypatch.setenv("CONTACTS_CHUNK_BYTES", "1MiB")
    settings = Settings.load(workers=5, chunk_bytes=None)
    assert (settings.workers, settings.chunk_bytes) == (5, 1 << 20)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTS_CATALOGUE", "")
    assert Settings.load().catalogue is None


def test_the_password_is_never_printed() -> None:
    settings = Settings.load(warehouse_url="postgresql://shop:hunter2@db.example/contacts")
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump_json()}"


WRONG = [
    pytest.param("chunk_bytes", "1", id="chunk too small"),
    pytest.param("chunk_bytes", "2GiB", id="chunk too large"),
    pytest.param("workers", "many", id="workers no number"),
    pytest.param("workers", "0", id="no worker"),
    pytest.param("rejections_limit", "-1", id="negative limit"),
    pytest.param("artifact_rows", "1001", id="more rows than a page can bear"),
    pytest.param("artifact_values", "hidden", id="unknown choice"),
    pytest.param("default_prefix", "34", id="prefix without plus"),
    pytest.param("default_prefix", "+999", id="prefix of no country"),
    pytest.param("keep_landed", "perhaps", id="no boolean"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_variable_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"CONTACTS_{name.upper()}", value)
    with pytest.raises(SettingsInvalid) as caught:
        Settings.load()
    assert caught.value.variable == f"CONTACTS_{name.upper()}"
    assert str(caught.value).startswith(f"the environment variable CONTACTS_{name.upper()} is wrong; write ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_flag_is_named(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')} is wrong; write "):
        Settings.load(**{name: value})


def test_every_setting_has_a_description_of_valid_values() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
