"""The variables that the command sets before Prefect is imported, and those that it keeps."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from flows.config import environment
from flows.config.environment import (
    CONSOLE_LOG_LEVEL,
    home_folder,
    home_warnings,
    make_private_folder,
    prefect_home,
    set_prefect_environment,
    user_configured_prefect,
)


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path) -> Iterator[None]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CONTACTS_"))}
    kept.pop("DO_NOT_TRACK", None)
    with patch.dict(os.environ, {**kept, "CONTACTS_HOME": str(tmp_path)}, clear=True):
        yield


def test_runs_are_kept_in_the_home(tmp_path: Path) -> None:
    set_prefect_environment()
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "prefect")
    assert os.environ["DO_NOT_TRACK"] == "1"


def test_the_runs_of_a_home_with_a_question_mark_are_in_that_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "who?a%"
    (home / "prefect").mkdir(parents=True)
    monkeypatch.setenv("CONTACTS_HOME", str(home))
    set_prefect_environment()
    path = os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"].removeprefix("sqlite+aiosqlite:///")
    sqlite3.connect(path.partition("?")[0], uri=True).close()
    assert (home / "prefect" / "prefect.db").is_file()


def test_setting_the_environment_twice_changes_nothing_more() -> None:
    set_prefect_environment()
    once = dict(os.environ)
    set_prefect_environment()
    assert dict(os.environ) == once
    assert not user_configured_prefect()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("PREFECT_API_URL", "http://prefect.example/api", id="a server of the user's"),
        pytest.param("PREFECT_PROFILE", "production", id="a profile"),
        pytest.param("PREFECT_HOME", "/srv/prefect", id="another home"),
    ],
)
def test_the_users_own_prefect_is_respected(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    set_prefect_environment()
    assert user_configured_prefect()
    assert os.environ[name] == value
    assert name == "PREFECT_HOME" or "PREFECT_HOME" not in os.environ
    assert "PREFECT_SERVER_EPHEMERAL_ENABLED" not in os.environ


def test_variables_that_the_user_has_set_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED", "true")
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    set_prefect_environment()
    assert os.environ["PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED"] == "true"
    assert os.environ["DO_NOT_TRACK"] == "0"


@pytest.mark.parametrize(
    ("setting", "quiet"),
    [
        pytest.param({}, True, id="by default"),
        pytest.param({"CONTACTS_DEBUG": "1"}, False, id="asked for a traceback"),
        pytest.param({"PREFECT_LOGGING_LEVEL": "DEBUG"}, False, id="asked for prefect's log"),
    ],
)
def test_prefects_log_stays_off_the_console(
    setting: dict[str, str], quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    set_prefect_environment()
    assert (os.environ.get(CONSOLE_LOG_LEVEL) == "CRITICAL") is quiet


def test_a_checkout_keeps_its_data_beside_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONTACTS_HOME")
    assert home_folder() == Path(environment.__file__).parents[2] / "data"


def test_an_installed_package_keeps_its_data_with_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CONTACTS_HOME")
    monkeypatch.setattr(environment, "CHECKOUT", tmp_path)
    assert home_folder().name == "contact-import"


@pytest.mark.parametrize(
    "named", [pytest.param("some/where", id="relative"), pytest.param("~nobody-by-this-name/x", id="unknown user")]
)
def test_a_home_is_absolute(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTS_HOME", named)
    assert home_folder().is_absolute()
    assert prefect_home().parent == home_folder()


def test_a_new_home_is_for_its_owner_only_and_an_open_one_is_a_warning(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    before = os.umask(0o022)
    try:
        make_private_folder(home / "prefect")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (home.parent, home, home / "prefect")} == {0o700}
    assert home_warnings(home) == []
    home.chmod(0o755)
    make_private_folder(home)
    [warning] = home_warnings(home)
    assert f"chmod o= {home}" in warning
    assert home_warnings(environment.CHECKOUT / "data") == []
