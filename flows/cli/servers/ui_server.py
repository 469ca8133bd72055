"""Prefect's server and UI over the command's runs, for `make ui`.

Whoever may call the API of a server can make its worker run any program, so only the owner of the home may. The server
listens on this machine only, asks for a password, and answers web pages of its own address only.
"""

import os
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from flows.cli.servers.local_server import HOST, server_access
from flows.cli.terminal import print_line
from flows.config.environment import OFFLINE_DEFAULTS, make_prefect_home, prefect_home

PASSWORD_FILE = "auth-string"


def auth_string(home: Path) -> str:
    """The password in the home of Prefect, created once and readable by its owner only.

    The file gets its name when it is complete: an empty password would let everybody in.
    """
    file = home / PASSWORD_FILE
    if file.exists() and not file.read_text(encoding="utf-8").strip():
        file.unlink()
    created, name = tempfile.mkstemp(prefix=PASSWORD_FILE, dir=home)  # which others may not read
    with os.fdopen(created, "w", encoding="utf-8") as stream:
        stream.write(f"contacts:{secrets.token_urlsafe(32)}")
    with suppress(FileExistsError):
        os.link(name, file)
    Path(name).unlink()
    file.chmod(0o600)
    return file.read_text(encoding="utf-8").strip()


def server_environment(port: int, home: Path) -> dict[str, str]:
    """The environment of the server; PREFECT_API_URL would make the UI call another one."""
    outside = {
        name: value for name, value in os.environ.items() if name not in ("PREFECT_API_URL", "PREFECT_UI_API_URL")
    }
    return {
        **OFFLINE_DEFAULTS,
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",  # the newer UI reports its use to Amplitude; no setting prevents it
        "PREFECT_UI_URL": f"http://{HOST}:{port}",  # the links in the messages of automations begin with it
        **outside,
        **server_access(auth_string(home), origins=f"http://{HOST}:{port},http://localhost:{port}"),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_API_HOST": HOST,
        # `prefect server start --port` would leave the UI calling port 4200.
        "PREFECT_SERVER_API_PORT": str(port),
    }


def main() -> None:
    """Become the server. Its port is the only argument."""
    port, home = int(sys.argv[1]), prefect_home()
    os.environ["PREFECT_HOME"] = str(home)
    make_prefect_home()
    environment = server_environment(port, home)
    print_line(f"Prefect UI: http://{HOST}:{port} (Ctrl-C stops it)")
    print_line(f"Its password, which a worker needs as PREFECT_API_AUTH_STRING, is in {home / PASSWORD_FILE}:")
    print_line(environment["PREFECT_SERVER_API_AUTH_STRING"])
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-P", "-m", "prefect", "server", "start"], environment)


if __name__ == "__main__":
    main()
