"""The command's own Prefect server, for users who have none: it lives as long as the command.

Prefect brings up such a server by itself, but only when a flow starts, after importing the whole server
into the command too, and with its log on the terminal. Started here, it boots while the command is
still loading pandas, in about half the time; its log is a file; it outlives the last event to record,
and never outlives the command, not even a killed one.
"""

import atexit
import os
import socket
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener, urlopen

from flows.config.environment import (
    CONSOLE_LOG_LEVEL,
    SERVER_BOOT_SECONDS,
    make_prefect_home,
    make_private_folder,
    prefect_home,
    set_prefect_environment,
    user_configured_prefect,
)
from schemas.errors.base import ContactImportError

HOST = "127.0.0.1"
STOP_SECONDS = 30  # while it stops, the server writes the last task runs and events
MAX_STARTS = 3  # of two first commands at once, one loses the race for the migrations and starts again
LOG_BYTES = 1 << 20


class PrefectServerFailed(ContactImportError):
    """The Prefect server of the command, or the one that the user named, does not answer."""

    code = "prefect-server-failed"
    template = "there is no Prefect server to run the import on: {reason}"
    reason: str


class LocalServer:
    """A Prefect server in a process of its own; its stdin is the leash that it lives by."""

    def __init__(self, home: Path) -> None:
        self.log = home / "server.log"
        self._port = _bind_port()
        self.api_url = f"http://{HOST}:{self._port.getsockname()[1]}/api"
        try:
            self._process = self._start_process()
        except OSError:
            self._port.close()
            raise
        atexit.register(self.stop)

    def _start_process(self) -> subprocess.Popen[bytes]:
        environment = {
            key: value for key, value in os.environ.items() if key not in (CONSOLE_LOG_LEVEL, "PREFECT_API_URL")
        }
        environment["PREFECT_UI_ENABLED"] = "0"
        if environment.get("PREFECT_SERVER_LOGGING_LEVEL") == "CRITICAL":
            environment["PREFECT_SERVER_LOGGING_LEVEL"] = "WARNING"  # in a file, it disturbs nobody
        make_private_folder(self.log.parent)  # artifacts show contact values
        full = self.log.exists() and self.log.stat().st_size > LOG_BYTES
        with self.log.open("wb" if full else "ab") as log:
            # -P, since the user's folder may well have a `flows` of its own. A process group of its own:
            # Ctrl-C is for the flow, which still has its end to report to this server.
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.cli.local_server", str(self._port.fileno())],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                process_group=0,
                pass_fds=(self._port.fileno(),),
            )

    def wait(self) -> None:
        """Return once the server answers; `PrefectServerFailed` if it never does."""
        deadline, boots = time.monotonic() + SERVER_BOOT_SECONDS, 1
        while not _is_healthy(self.api_url):
            if time.monotonic() > deadline:
                raise PrefectServerFailed(f"no answer in {SERVER_BOOT_SECONDS} seconds; {str(self.log)!r} may say why")
            if self._process.poll() is not None:
                if boots == MAX_STARTS:
                    raise PrefectServerFailed(f"{str(self.log)!r} says why")
                self._end_process()
                self._process, boots = self._start_process(), boots + 1
            time.sleep(0.05)
        self._port.close()  # from now on it goes with the server, so that a dead one is seen to be dead

    def stop(self) -> None:
        """Let go of the leash and wait for the last records to be written."""
        self._port.close()
        self._end_process()

    def _end_process(self) -> None:
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@cache
def start_local_server() -> LocalServer | None:
    """Begin to boot a server, where the user has none, and point prefect to it; call `wait` before the flow.

    Call it before anything imports prefect, which reads its settings then, and whose exit hooks must
    come before ours, so that the server still hears the last event. Once prefect is there, or is the
    user's own, the answer is None and prefect finds its API by itself. One server serves a process.
    """
    if "prefect" in sys.modules:
        return None
    set_prefect_environment()
    if user_configured_prefect():
        _prepare_user_prefect(os.environ.get("PREFECT_API_URL"))
        return None
    try:
        server = LocalServer(prefect_home())
    except OSError as error:
        raise _not_writable(error) from error
    os.environ["PREFECT_API_URL"] = server.api_url
    exempt = (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), HOST)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(filter(None, exempt))
    return server


def _prepare_user_prefect(api_url: str | None) -> None:
    """Its home is made, which only one whose API is elsewhere does without, and its API answers."""
    try:
        make_prefect_home()
    except OSError as error:
        if not api_url:
            raise _not_writable(error) from error
    _require_answer(api_url)


def _not_writable(error: OSError) -> PrefectServerFailed:
    return PrefectServerFailed(f"{error.filename!r} cannot be written ({error.strerror})")


def _bind_port() -> socket.socket:
    """A port that is ours from now on: the server gets the socket itself, so nobody else can answer in its place.

    It listens only once the server does, so until then a question is refused, and does not wait.
    """
    held = socket.socket()
    held.bind((HOST, 0))
    return held


def _require_answer(api_url: str | None) -> None:
    """Find out in a line, not in prefect's traceback, that the user's API is away; any answer will do."""
    try:
        if api_url:
            urlopen(f"{api_url}/health", timeout=10).close()
    except HTTPError as answer:
        answer.close()
    except (OSError, ValueError) as error:
        raise PrefectServerFailed("nothing answers at PREFECT_API_URL; start it, or unset the variable") from error


def _is_healthy(api_url: str) -> bool:
    try:
        with build_opener(ProxyHandler({})).open(f"{api_url}/health", timeout=10) as response:
            return bool(response.status == 200)
    except OSError:  # URLError is one
        return False


def _serve(held: int) -> None:
    """The server process: serve on the socket until the command closes our stdin, by ending in whatever way."""
    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(create_app(ephemeral=True, final=True), log_level="error", lifespan="on")
    server = uvicorn.Server(config)

    def stop_with_command() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=stop_with_command, daemon=True).start()
    server.run(sockets=[socket.socket(fileno=held)])
    os._exit(0)  # all is written by now; taking the interpreter down in order would take seconds


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
