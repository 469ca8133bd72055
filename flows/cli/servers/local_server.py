"""The Prefect server that a command starts, where the user has none; it stops with the command.

Prefect can start such a server itself, but only when a flow starts, and its log goes to the terminal. Started here, it
boots while the command loads pandas. Its log is a file. It records the last event before it stops, and it stops even
when the command is killed. Other users of the machine can reach its port, so it answers only requests with a random
password, new for each command.
"""

import atexit
import os
import secrets
import socket
import ssl
import subprocess
import sys
import threading
import time
from functools import cache
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
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
from flows.config.settings_files import ignore_settings_files
from schemas.errors.base import ContactImportError

HOST = "127.0.0.1"
STOP_SECONDS = 30  # to write the last task runs and events
MAX_STARTS = 3  # of two first commands at the same time, one fails in the migrations and starts again
LOG_BYTES = 1 << 20


class PrefectServerFailed(ContactImportError):
    """The Prefect server of the command, or the one that PREFECT_API_URL names, does not answer."""

    code = "prefect-server-failed"
    template = "no Prefect server can run the import: {reason}"
    reason: str


class LocalServer:
    """A Prefect server in its own process. It stops when its standard input, a pipe from the command, is closed."""

    def __init__(self, home: Path) -> None:
        self.log = home / "server.log"
        self.auth_string = f"contacts:{secrets.token_urlsafe(32)}"
        self._socket = _bind_port()
        self.api_url = f"http://{HOST}:{self._socket.getsockname()[1]}/api"
        try:
            self._process = self._start_process()
        except OSError:
            self._socket.close()
            raise
        atexit.register(self.stop)

    def _start_process(self) -> subprocess.Popen[bytes]:
        environment = {
            key: value for key, value in os.environ.items() if key not in (CONSOLE_LOG_LEVEL, "PREFECT_API_URL")
        }
        environment["PREFECT_UI_ENABLED"] = "0"
        environment |= server_access(self.auth_string, origins="")
        if environment.get("PREFECT_SERVER_LOGGING_LEVEL") == "CRITICAL":
            environment["PREFECT_SERVER_LOGGING_LEVEL"] = "WARNING"  # it goes to a file, not to the terminal
        make_private_folder(self.log.parent)  # artifacts show contact values
        full = self.log.exists() and self.log.stat().st_size > LOG_BYTES
        with self.log.open("wb" if full else "ab") as log:
            # -P: the current folder may contain another package named `flows`.
            # A process group of its own: Ctrl-C must reach the flow only, which then reports its end to this server.
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.cli.servers.local_server", str(self._socket.fileno())],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                process_group=0,
                pass_fds=(self._socket.fileno(),),
            )

    def wait(self) -> None:
        """Return once the server answers; `PrefectServerFailed` if it never does, or stopped after it had answered.

        After an answer it is not started again: the system may keep its port for minutes, and Prefect its address.
        """
        deadline, starts = time.monotonic() + SERVER_BOOT_SECONDS, 1
        while self._process.poll() is not None or not _is_healthy(self.api_url):
            if time.monotonic() > deadline:
                raise PrefectServerFailed(f"no answer in {SERVER_BOOT_SECONDS} seconds; {str(self.log)!r} may say why")
            if self._process.poll() is not None:
                if self._socket.fileno() == -1:
                    raise PrefectServerFailed(f"it stopped; {str(self.log)!r} may say why. Run the command again")
                if starts == MAX_STARTS:
                    raise PrefectServerFailed(f"it stopped; {str(self.log)!r} says why")
                self._end_process()
                self._process, starts = self._start_process(), starts + 1
            time.sleep(0.05)
        self._socket.close()  # now only the server holds the port: if it dies, requests fail at once

    def stop(self) -> None:
        """Close the pipe and wait until the last records are written."""
        self._socket.close()
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
    """Start a server, where the user has none, and point Prefect to it; call `wait` before the flow.

    Call it before anything imports Prefect: Prefect reads its settings at import, and its exit hooks, which send the
    last events, must run before ours. None when Prefect is imported already, or is configured by the user.
    """
    if "prefect" in sys.modules:
        return None
    ignore_settings_files()
    set_prefect_environment()
    if user_configured_prefect():
        _prepare_user_prefect(os.environ.get("PREFECT_API_URL"))
        return None
    try:
        server = LocalServer(prefect_home())
    except OSError as error:
        raise _not_writable(error) from error
    os.environ["PREFECT_API_URL"] = server.api_url
    os.environ["PREFECT_API_AUTH_STRING"] = server.auth_string
    exempt = (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), HOST)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(filter(None, exempt))
    return server


def _prepare_user_prefect(api_url: str | None) -> None:
    """Create its home, which Prefect needs unless its API is elsewhere, and check that its API answers."""
    try:
        make_prefect_home()
    except OSError as error:
        if not api_url:
            raise _not_writable(error) from error
    _require_answer(api_url)


def _not_writable(error: OSError) -> PrefectServerFailed:
    if error.filename is None:
        return PrefectServerFailed(f"it cannot be started ({error.strerror})")
    return PrefectServerFailed(
        f"{error.filename!r} cannot be written ({error.strerror}); set CONTACTS_HOME to a folder that you may write"
    )


def _bind_port() -> socket.socket:
    """A free port. The server inherits the socket, so no other process can take the port and answer instead.

    It does not listen yet, so that until the server does, connections are refused instead of waiting.
    """
    bound = socket.socket()
    bound.bind((HOST, 0))
    return bound


def server_access(auth_string: str, origins: str) -> dict[str, str]:
    """Settings of a server that only answers with the password, and only to web pages of these origins."""
    return {
        "PREFECT_SERVER_API_AUTH_STRING": auth_string,
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": origins,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": origins,  # the older name of the same setting
    }


def _require_answer(api_url: str | None) -> None:
    """Report in one line, not in Prefect's traceback, that the user's API is not reachable; any answer will do."""
    try:
        if api_url:
            urlopen(f"{api_url}/health", timeout=10).close()
    except HTTPError as answer:
        answer.close()
    except (OSError, ValueError, HTTPException) as error:
        if isinstance(error, URLError) and isinstance(error.reason, ssl.SSLError):
            return  # Prefect may know its certificate
        raise PrefectServerFailed("nothing answers at PREFECT_API_URL; start it, or unset the variable") from error


def _is_healthy(api_url: str) -> bool:
    try:
        with build_opener(ProxyHandler({})).open(f"{api_url}/health", timeout=10) as response:
            return bool(response.status == 200)
    except OSError:  # URLError is one
        return False


def _serve(socket_number: int) -> None:
    """The server process: serve until standard input is closed, which happens however the command ends."""
    ignore_settings_files()
    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(create_app(ephemeral=True, final=True), log_level="error", lifespan="on")
    server = uvicorn.Server(config)

    def stop_with_command() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=stop_with_command, daemon=True).start()
    server.run(sockets=[socket.socket(fileno=socket_number)])
    os._exit(0)  # everything is written; an orderly exit of the interpreter would take seconds


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
