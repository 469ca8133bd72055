"""The command as a process: without server, network or terminal, and stopped by signals."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import PrefectApi

GOOD = "email,name,points\nann@example.com,Ann,5\nbob@example.com,Bob,x\n"
COMMAND = [str(Path(sys.executable).with_name("contacts"))]
NOBODY = "http://127.0.0.1:9"  # a proxy that answers nobody stands for a machine that is offline


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CONTACTS_"))}
    return {**kept, "CONTACTS_HOME": str(folder / "home"), "HTTP_PROXY": NOBODY, "HTTPS_PROXY": NOBODY, **more}


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(folder, **more),
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )


def imports(folder: Path, warehouse: str = "home/contacts.db") -> list[tuple[Any, ...]]:
    path = folder / warehouse
    if not path.exists():
        return []
    file = sqlite3.connect(path, timeout=30)
    try:
        return file.execute("select status, error_code, finished_at is not null from imports").fetchall()
    except sqlite3.OperationalError:  # the table is not there yet
        return []
    finally:
        file.close()


def test_an_import_works_without_settings_network_or_server(tmp_path: Path) -> None:
    """No server, no settings, no network, another program's `flows` in the folder: nothing but the answer."""
    (tmp_path / "contacts.csv").write_text(GOOD)
    (tmp_path / "flows.py").write_text("raise SystemExit('the wrong flows')")
    ran = run(tmp_path, "import", "contacts.csv", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    report = json.loads(ran.stdout)
    assert ran.stdout.count("\n") == 1
    assert report["rows"] == {"read": 2, "accepted": 1, "rejected": 1}
    assert imports(tmp_path) == [("completed", None, 1)]
    failed = run(tmp_path, "import", "none.csv")
    assert failed.returncode == 1
    assert failed.stderr == "contacts: there is no file 'none.csv'; check the path\n"
    assert "Traceback" not in failed.stdout
    assert "ERROR" not in failed.stdout
    kept = sqlite3.connect(tmp_path / "home" / "prefect" / "prefect.db")
    states = kept.execute("select name, state_type from flow_run order by start_time").fetchall()
    kept.close()
    assert states == [("import contacts.csv", "COMPLETED"), ("import none.csv", "FAILED")]


def test_settings_files_of_the_current_folder_do_not_steer_prefect(tmp_path: Path) -> None:
    (tmp_path / "contacts.csv").write_text(GOOD)
    elsewhere = f"sqlite+aiosqlite:///{tmp_path / 'elsewhere.db'}"
    (tmp_path / ".env").write_text(f"PREFECT_API_DATABASE_CONNECTION_URL={elsewhere}\nPREFECT_LOGGING_LEVEL=wrong\n")
    (tmp_path / "prefect.toml").write_text("this is no TOML")
    (tmp_path / "pyproject.toml").write_text('[tool.prefect.server.api]\nport = "wrong"\n')
    ran = run(tmp_path, "import", "contacts.csv", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["status"] == "completed"
    assert (tmp_path / "home" / "prefect" / "prefect.db").exists()
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_wrong_setting_of_prefect_is_named_in_one_line_without_its_value(tmp_path: Path) -> None:
    (tmp_path / "contacts.csv").write_text(GOOD)
    ran = run(tmp_path, "import", "contacts.csv", PREFECT_LOGGING_LEVEL="secret")
    assert ran.returncode == 1
    assert ran.stderr.startswith("contacts: the environment variable PREFECT_LOGGING_LEVEL is wrong; write ")
    assert ran.stderr.count("\n") == 1
    assert "secret" not in ran.stderr.lower() + ran.stdout


def test_a_check_needs_neither_server_nor_warehouse(tmp_path: Path) -> None:
    (tmp_path / "contacts.csv").write_text(GOOD)
    ran = run(
        tmp_path, "check", "contacts.csv", "--json", "--accepted", "yes.csv", "--rejected", "no.csv",
        CONTACTS_WAREHOUSE_URL="postgresql://nobody@127.0.0.1:1/none", PREFECT_API_URL=f"{NOBODY}/api",
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["rows"] == {"read": 2, "accepted": 1, "rejected": 1}
    assert (tmp_path / "yes.csv").read_text() == '"email","name","points"\n"ann@example.com","Ann","5"\n'
    assert "integer-invalid" in (tmp_path / "no.csv").read_text("utf-8-sig")
    assert not (tmp_path / "home").exists()


def test_a_prefect_api_that_does_not_answer_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "contacts.csv").write_text(GOOD)
    ran = run(tmp_path, "import", "contacts.csv", "--json", PREFECT_API_URL=f"{NOBODY}/api")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["status"] == "failed"
    assert ran.stderr.startswith("contacts: ")
    assert ran.stderr.count("\n") == 1


def opened(pipe: Path, process: subprocess.Popen[str]) -> int:
    """The pipe's other end, once the process has opened its own."""
    while process.poll() is None:
        with suppress(OSError):  # nobody reads yet
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.02)
    raise AssertionError(process.communicate())


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell runs in the background ignores Ctrl-C, and hands that on; so tests there would, too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_import_stopped_by_a_signal_is_listed_as_interrupted(
    stop: signal.Signals, tmp_path: Path, prefect_api: PrefectApi
) -> None:
    """A pipe holds the import up; then it is stopped: it is listed as interrupted, and nothing is merged."""
    os.mkfifo(tmp_path / "pipe.csv")
    process = subprocess.Popen(
        [*COMMAND, "import", "pipe.csv", "--json"],
        env=environment(
            tmp_path,
            PREFECT_API_URL=prefect_api.url,
            PREFECT_API_AUTH_STRING=prefect_api.auth_string,
            PREFECT_HOME=str(prefect_api.home),
            NO_PROXY="127.0.0.1",
        ),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        writer = opened(tmp_path / "pipe.csv", process)
        os.write(writer, GOOD.encode())
        assert imports(tmp_path) == [("running", None, 0)]
        process.send_signal(stop)
        out, err = process.communicate(timeout=60)
        os.close(writer)
    finally:
        process.kill()
        process.wait()
    assert imports(tmp_path) == [("failed", "interrupted", 1)]
    assert process.returncode in (1, 128 + stop, -stop)
    assert "Traceback" not in err
    assert err.count("\n") <= 1
    assert not out or json.loads(out)["error"]["code"] == "interrupted"
    file = sqlite3.connect(tmp_path / "home" / "contacts.db")
    assert file.execute("select count(*) from contacts").fetchone() == (0,)
    file.close()
    folders = tmp_path / "home" / "imports"
    assert not list(folders.rglob("*.*"))


def waiting_check(folder: Path, *command: str) -> subprocess.Popen[str]:
    """A command that has read a part of the file, and waits for the rest of it in a pipe."""
    os.mkfifo(folder / "pipe.csv")
    (folder / "tmp").mkdir()
    process = subprocess.Popen(
        [*COMMAND, *command],
        env=environment(folder, TMPDIR=str(folder / "tmp")),
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    writer = opened(folder / "pipe.csv", process)
    os.write(writer, GOOD.encode())
    deadline = time.monotonic() + 60
    while not any(path.is_file() for path in (folder / "tmp").rglob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


@pytest.mark.parametrize(
    "command", [pytest.param(("check",), id="check"), pytest.param(("mapping", "save", "mine"), id="mapping")]
)
def test_a_check_that_is_terminated_leaves_no_copy_of_the_source(command: tuple[str, ...], tmp_path: Path) -> None:
    process = waiting_check(tmp_path, *command, "pipe.csv")
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (-signal.SIGTERM, "")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_next_check_deletes_what_a_killed_one_left_but_not_what_a_running_one_needs(tmp_path: Path) -> None:
    tmp_path.joinpath("killed").mkdir()
    tmp_path.joinpath("running").mkdir()
    killed = waiting_check(tmp_path / "killed", "check", "pipe.csv")
    killed.kill()
    killed.communicate(timeout=60)
    [left] = (tmp_path / "killed" / "tmp").iterdir()
    running = waiting_check(tmp_path / "running", "check", "pipe.csv")
    try:
        [needed] = (tmp_path / "running" / "tmp").iterdir()
        (tmp_path / "c.csv").write_text(GOOD)
        for temporary in (left.parent, needed.parent):
            assert run(tmp_path, "check", "c.csv", TMPDIR=str(temporary)).returncode == 0
        assert (left.exists(), needed.exists()) == (False, True)
    finally:
        running.kill()
        running.communicate(timeout=60)


@pytest.mark.parametrize(
    ("options", "bar"), [pytest.param([], True, id="a person"), pytest.param(["--json"], False, id="a program")]
)
def test_progress_is_shown_on_a_terminal_but_not_with_json(options: list[str], bar: bool, tmp_path: Path) -> None:
    rows = "".join(f"c{number}@example.com,{number + 1}\n" for number in range(60_000))
    (tmp_path / "contacts.csv").write_text("email,points\n" + rows)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "check", "contacts.csv", *options],
        env=environment(tmp_path, TERM="xterm", COLUMNS="100", CONTACTS_CHUNK_BYTES="64KiB"),
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 1 << 16)
        except OSError:  # the terminal's other side is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait() == 0
    assert (b"checking" in shown) is bar
    assert b"60,000" in shown or not bar
    if not bar:
        assert json.loads(shown)["rows"]["read"] == 60_000


def test_letters_that_the_terminal_cannot_show_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "contacts.csv").write_text("email,Größe 東京 😀\nann@example.com,1\n", "utf-8")
    for more in ((), ("--json",)):
        ran = run(tmp_path, "check", "contacts.csv", *more, PYTHONIOENCODING="ascii")
        assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["columns"][1]["column"] == "Größe 東京 😀"


def test_a_reader_that_closes_the_pipe_is_no_error(tmp_path: Path) -> None:
    """`contacts export | head -1` is no error."""
    made = '"$0" segments create vip > /dev/null'
    script = f'{made}; for what in fields export; do "$0" $what | true; echo ${{PIPESTATUS[0]}}; done'
    ran = subprocess.run(
        ["bash", "-c", script, *COMMAND], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("0\n0\n", "")
