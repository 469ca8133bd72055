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
MAX_WAIT_SECONDS = 90.0  # seconds; a busy machine needs 30 for a server on a new home
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True)
class PrefectSite:
    """A server, a worker and the deployments; `address` is that of the UI."""

    folder: Path
    address: str
    environment: dict[str, str]

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Self]:
        """Start everything in `folder`, and stop it at the end."""
        port = _free_port()
        environment = _environment(folder, port)
        site = cls(folder, f"http://127.0.0.1:{port}", environment)
        with site.running("server", *PYTHON, "flows.cli.servers.ui_server", str(port)):
            wait_for(site.is_up, "the server")
            environment["PREFECT_API_AUTH_STRING"] = site.password
            with site.running("worker", *PREFECT, "worker", "start", "--pool", "contacts", "--type", "process"):
                wait_for(lambda: site.post("work_pools/filter", {}), "the work pool that the worker makes")
                site.deploy()
                yield site

    @property
    def password(self) -> str:
        """The password for the UI, which `make ui` prints."""
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
            timeout=MAX_WAIT_SECONDS,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def post(self, path: str, body: Any) -> Any:
        """The API's response to a POST; retried while a server on SQLite is busy and answers 503."""
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
        raise AssertionError("the last attempt returns or raises")

    def is_up(self) -> bool:
        try:
            with _opener().open(f"{self.address}/api/health", timeout=10) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.post("flow_runs/filter", {"deployments": {"name": {"any_": [deployment]}}})
        return runs

    def start(self, deployment: str, request: dict[str, Any]) -> str:
        """Start a run of a deployment; returns its id."""
        (found,) = self.post("deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
        run = self.post(f"deployments/{found['id']}/create_flow_run", {"parameters": {"request": request}})
        return str(run["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """The run as the API returns it."""
        (run,) = self.post("flow_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
        return dict(run)

    def waiting(self, run_id: str) -> dict[str, Any] | None:
        """The run, if it is suspended for a form."""
        run = self.run(run_id)
        assert run["state_type"] not in ENDED, self.log("worker")
        return run if run["state_type"] == "PAUSED" else None

    def ended(self, run_id: str) -> dict[str, Any] | None:
        """The run, if it has ended."""
        run = self.run(run_id)
        return run if run["state_type"] in ENDED else None

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def running(self, name: str, *command: str) -> Iterator[None]:
        """Run a command with its own log, and its children in one process group."""
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
    """Call `found` until it returns something true."""
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while not (answer := found()):
        assert time.monotonic() < deadline, f"waited {MAX_WAIT_SECONDS:.0f} seconds for {what}"
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
