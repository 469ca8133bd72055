"""Prefect as an operator runs it: a server, a process worker started in the checkout, the deployments."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

Found = TypeVar("Found")

CHECKOUT = Path(__file__).parents[2]
PYTHON = (sys.executable, "-P", "-m")
PREFECT = (*PYTHON, "prefect")
PATIENCE = 90.0  # seconds; a busy machine boots a server on a fresh home in 30
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True)
class PrefectHouse:
    """One running Prefect; `address` is that of its UI."""

    folder: Path
    address: str
    environment: dict[str, str]

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Self]:
        """Start all of it in `folder`, and stop it."""
        port = _free_port()
        environment = _environment(folder, port)
        house = cls(folder, f"http://127.0.0.1:{port}", environment)
        with house.running("server", *PYTHON, "flows.cli.ui_server", str(port)):
            wait_for(house.answers, "the server")
            environment["PREFECT_API_AUTH_STRING"] = house.password
            with house.running("worker", *PREFECT, "worker", "start", "--pool", "contacts", "--type", "process"):
                wait_for(lambda: house.ask("work_pools/filter", {}), "the work pool that the worker makes")
                house.deploy()
                yield house

    @property
    def password(self) -> str:
        """What a person types into the UI, as `make ui` prints it."""
        return (self.folder / "prefect" / "auth-string").read_text()

    def deploy(self) -> None:
        ran = subprocess.run(
            [*PREFECT, "deploy", "--all"],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def ask(self, path: str, body: Any) -> Any:
        """The API's answer to a POST; a server on SQLite that is busy says 503, and is asked again."""
        credentials = b64encode(self.password.encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {credentials}"}
        asked = Request(f"{self.address}/api/{path}", json.dumps(body).encode(), headers, method="POST")
        for pause in (1, 2, 4, 8, 0):
            try:
                with _opener().open(asked, timeout=30) as answer:
                    return json.load(answer)
            except HTTPError as error:
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or not pause:
                    raise
                time.sleep(pause)
        raise AssertionError("the last try has answered or raised")

    def answers(self) -> bool:
        try:
            with _opener().open(f"{self.address}/api/health", timeout=10) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.ask("flow_runs/filter", {"deployments": {"name": {"any_": [deployment]}}})
        return runs

    def start(self, deployment: str, request: dict[str, Any]) -> str:
        """A run of a deployment; its number."""
        (found,) = self.ask("deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
        run = self.ask(f"deployments/{found['id']}/create_flow_run", {"parameters": {"request": request}})
        return str(run["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """What Prefect knows of a run."""
        (run,) = self.ask("flow_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
        return dict(run)

    def waiting(self, run_id: str) -> dict[str, Any] | None:
        """The run, once it waits for a person."""
        run = self.run(run_id)
        assert run["state_type"] not in ENDED, self.log("worker")
        return run if run["state_type"] == "PAUSED" else None

    def ended(self, run_id: str) -> dict[str, Any] | None:
        """The run, once it has ended."""
        run = self.run(run_id)
        return run if run["state_type"] in ENDED else None

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def running(self, name: str, *command: str) -> Iterator[None]:
        """A part of it, with a log of its own and all its children in one group."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
            try:
                yield
            finally:
                _stop(process)


def wait_for(found: Callable[[], Found | None], what: str) -> Found:
    """What `found` finds in the end."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := found()):
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} seconds for {what}"
        time.sleep(0.3)
    return answer


def _environment(folder: Path, port: int) -> dict[str, str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CONTACTS_"))}
    return outside | {
        "TMPDIR": str(folder),  # a worker writes to a folder there that belongs to the first user who started one
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "DO_NOT_TRACK": "1",
        "CONTACTS_HOME": str(folder / "data"),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(20)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _opener() -> Any:
    return build_opener(ProxyHandler({}))
