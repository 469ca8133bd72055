"""The command's own Prefect server: silent on the terminal, complete in its database, closed to others."""

import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch
from urllib.error import HTTPError, URLError
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

import pytest

from flows.cli.servers import local_server
from flows.cli.servers.local_server import LocalServer, PrefectServerFailed, start_local_server
from flows.cli.servers.ui_server import PASSWORD_FILE, auth_string

RUN = """
from flows.config.environment import set_prefect_environment
from flows.cli.servers.local_server import start_local_server

set_prefect_environment()
server = start_local_server()
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.task_runners import ThreadPoolTaskRunner

@task
def step(number: int) -> int:
    return number

@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def story() -> None:
    assert sum(future.result() for future in [step.submit(number) for number in range(30)]) == 435
    create_markdown_artifact("# summary", key="summary")

@flow
def trouble() -> None:
    raise ValueError("a fault")

server.wait()
story()
try:
    trouble()
except ValueError:
    print("one line of ours")
"""


def outside(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CONTACTS_"))}
    # A proxy that does not answer simulates an offline machine.
    return {**kept, "CONTACTS_HOME": str(home), "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}


def test_a_run_prints_nothing_and_its_history_is_complete(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-P", "-c", RUN],
        env=outside(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "one line of ours\n", "")
    kept = sqlite3.connect(tmp_path / "prefect" / "prefect.db")
    assert dict(kept.execute("SELECT flow.name, state_name FROM flow JOIN flow_run ON flow.id = flow_id")) == {
        "story": "Completed",
        "trouble": "Failed",
    }
    assert kept.execute("SELECT state_name, count(*) FROM task_run GROUP BY 1").fetchall() == [("Completed", 30)]
    assert kept.execute("SELECT key FROM artifact WHERE key IS NOT NULL").fetchall() == [("summary",)]
    assert kept.execute("SELECT count(*) FROM log WHERE level >= 40").fetchone() != (0,)
    kept.close()


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Path]:
    with patch.dict(os.environ, outside(tmp_path), clear=True):
        yield tmp_path


def test_a_server_stops_when_its_command_is_killed(own_home: Path) -> None:
    """Also a server that started at the second attempt only."""
    holder = (
        "import time; from flows.cli.servers.local_server import LocalServer;"
        "from flows.config.environment import prefect_home;"
        "server = LocalServer(prefect_home()); server._process.kill(); server.wait();"
        "print(server.api_url, flush=True); time.sleep(600)"
    )
    held = subprocess.Popen(
        [sys.executable, "-P", "-c", holder], env=outside(own_home), stdout=subprocess.PIPE, text=True
    )
    assert held.stdout is not None
    with held.stdout:
        api_url = held.stdout.readline().strip()
    assert local_server._is_healthy(api_url)
    held.kill()
    held.wait()
    deadline = time.monotonic() + 30
    while local_server._is_healthy(api_url) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not local_server._is_healthy(api_url)


def test_only_requests_with_the_password_of_the_command_are_answered(own_home: Path) -> None:
    """Every local user and every web page can reach the port."""
    server = LocalServer(own_home)
    other = LocalServer(own_home / "other")
    server.wait()
    for wrong in (None, "contacts:", other.auth_string):
        assert status_of(server, "/flow_runs/filter", wrong) == 401
    assert status_of(server, "/flow_runs/filter", server.auth_string) == 200
    with opener().open(Request(f"{server.api_url}/health", headers={"Origin": "http://example.com"})) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert server.auth_string not in server.log.read_text()
    server.stop()
    other.stop()


def opener() -> OpenerDirector:
    return build_opener(ProxyHandler({}))


def status_of(server: LocalServer, path: str, auth_string: str | None) -> int:
    headers = {"Content-Type": "application/json"}
    if auth_string is not None:
        headers["Authorization"] = f"Basic {b64encode(auth_string.encode()).decode()}"
    try:
        with opener().open(Request(f"{server.api_url}{path}", b"{}", headers, method="POST")) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def test_no_other_process_can_take_the_port_of_the_server(own_home: Path) -> None:
    """Not before it listens, nor between two starts, nor after it has failed."""
    server = LocalServer(own_home)
    place = server.api_url.removeprefix("http://").removesuffix("/api").partition(":")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind((place[0], int(place[2])))
        server._process.kill()
        server._process.wait()
        with pytest.raises(OSError, match="in use"):
            other.bind((place[0], int(place[2])))
        server.stop()
        other.bind((place[0], int(place[2])))


def test_a_server_that_cannot_start_is_reported_in_one_line(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "sqlite+aiosqlite:////nowhere/at/all.db")
    monkeypatch.setattr(local_server, "MAX_STARTS", 1)
    server = LocalServer(own_home)
    with pytest.raises(PrefectServerFailed, match=r"server\.log' says why"):
        server.wait()
    server.stop()
    assert (own_home / "server.log").stat().st_size


def test_a_server_that_died_after_it_had_answered_is_reported_at_the_next_flow(own_home: Path) -> None:
    """A command that watches an inbox waits for its server at each look that finds a file."""
    server = LocalServer(own_home)
    server.wait()
    server._process.kill()
    server._process.wait()
    with pytest.raises(PrefectServerFailed, match=r"it stopped; .*server\.log' may say why\. Run the command again"):
        server.wait()
    server.stop()


def test_a_home_that_cannot_be_written_is_reported_in_one_line(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_home / "prefect").write_text("a file where the folder should be")
    monkeypatch.delitem(sys.modules, "prefect", raising=False)
    with pytest.raises(PrefectServerFailed, match="cannot be written"):
        start_local_server.__wrapped__()


@pytest.mark.parametrize("name", ["PREFECT_HOME", "HOME"])
def test_the_users_prefect_home_is_created_with_its_parents(
    name: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect creates only the last folder, and its server then fails to create its database."""
    monkeypatch.setenv("PREFECT_PROFILE", "ephemeral")
    monkeypatch.setenv(name, str(own_home / "new" / "deep"))
    monkeypatch.delitem(sys.modules, "prefect", raising=False)
    assert start_local_server.__wrapped__() is None
    made = own_home / "new" / "deep" / ("" if name == "PREFECT_HOME" else ".prefect")
    assert made.stat().st_mode & 0o777 == 0o700


def test_a_prefect_home_that_cannot_be_created_is_reported_in_one_line(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_home / "file").touch()
    monkeypatch.setenv("PREFECT_HOME", str(own_home / "file" / "prefect"))
    monkeypatch.delitem(sys.modules, "prefect", raising=False)
    with pytest.raises(
        PrefectServerFailed, match=r"file(/prefect)?' cannot be written \((Not a directory|File exists)\)"
    ):
        start_local_server.__wrapped__()
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(PrefectServerFailed, match="nothing answers"):
        start_local_server.__wrapped__()


@pytest.mark.parametrize(
    "api_url",
    [pytest.param("http://127.0.0.1:9/api", id="nobody there"), pytest.param("localhost/api", id="no address")],
)
def test_a_prefect_api_that_does_not_answer_is_reported_in_one_line(
    api_url: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", api_url)
    monkeypatch.delitem(sys.modules, "prefect", raising=False)
    with pytest.raises(PrefectServerFailed, match="nothing answers at PREFECT_API_URL"):
        start_local_server.__wrapped__()


def test_the_password_of_the_ui_stays_and_is_never_empty(tmp_path: Path) -> None:
    first = auth_string(tmp_path)
    assert auth_string(tmp_path) == first
    (tmp_path / PASSWORD_FILE).write_text("")
    second = auth_string(tmp_path)
    assert len(second) > 20 and second != first
    assert [path.name for path in tmp_path.iterdir()] == [PASSWORD_FILE]
    assert (tmp_path / PASSWORD_FILE).stat().st_mode & 0o077 == 0


def test_an_address_that_is_none_is_named_and_an_unknown_certificate_is_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(PrefectServerFailed, match="PREFECT_API_URL"):
        local_server._require_answer("http://127.0.0.1:abc/api")

    def refused(*_: object, **__: object) -> None:
        raise URLError(ssl.SSLCertVerificationError("self-signed"))

    monkeypatch.setattr(local_server, "urlopen", refused)
    local_server._require_answer("https://127.0.0.1/api")
