"""An OpenSSH server on loopback, run by the current user, with new keys."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SshServer:
    """The server's address and login; `known_hosts` has its key, `other_hosts` another key."""

    port: int
    user: str
    key: Path
    known_hosts: Path
    other_hosts: Path
    process: "subprocess.Popen[bytes]"

    @property
    def origin(self) -> str:
        return f"sftp://127.0.0.1:{self.port}"


def sshd() -> str:
    found = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("NO OPENSSH SERVER: install openssh-server, as .ci/run does; SFTP is not tried without it")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _new_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text()


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """A server that accepts one key, for SFTP only."""
    binary, port = sshd(), _free_port()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd, started by root, wants to find an empty folder
    host_key, key = _new_key(folder / "host"), folder / "login"
    (folder / "authorized").write_text(_new_key(key))
    for name, text in (("known", host_key), ("other", _new_key(folder / "another"))):
        (folder / name).write_text(f"[127.0.0.1]:{port} {text}")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nAuthorizedKeysFile {folder / 'authorized'}\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nSubsystem sftp internal-sftp\n"
        "ForceCommand internal-sftp\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    try:
        _wait_for(port, process, folder / "log")
        yield SshServer(port, getpass.getuser(), key, folder / "known", folder / "other", process)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError("sshd did not start")
