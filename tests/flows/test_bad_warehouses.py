"""An unusable warehouse: one line says why, without a password."""

import re
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.flows.conftest import Contacts, is_one_line

FILE = "email,name\nann@example.com,Ann\n"
PASSWORD = "hunter2-secret"


@contextmanager
def refusing_server() -> Iterator[int]:
    """Speaks just enough of PostgreSQL's protocol to refuse a password."""
    listener = socket.create_server(("127.0.0.1", 0))
    said = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "shop"\0\0'

    def answer(client: socket.socket) -> None:
        with client:
            while (request := client.recv(1024)) and request[4:8] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):
                client.sendall(b"N")  # neither TLS nor GSS
            client.sendall(b"E" + (len(said) + 4).to_bytes(4, "big") + said)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            answer(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def away(folder: Path, postgres: str) -> Iterator[str]:
    yield f"postgresql://shop:{PASSWORD}@127.0.0.1:1/contacts"


def wrong_password(folder: Path, postgres: str) -> Iterator[str]:
    with refusing_server() as port:
        yield f"postgresql://shop:{PASSWORD}@127.0.0.1:{port}/contacts"


def unwritable(folder: Path, postgres: str) -> Iterator[str]:
    role = f"reader_{uuid.uuid4().hex[:12]}"  # roles belong to the whole server
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"create role {role} login".encode())
        try:
            yield re.sub(r"//[^@/]*@", f"//{role}@", postgres)
        finally:
            admin.execute(f"drop role {role}".encode())


def below_a_file(folder: Path, postgres: str) -> Iterator[str]:
    (folder / "file").write_text("no folder")
    yield f"sqlite:///{folder}/file/below/contacts.db"


def no_database(folder: Path, postgres: str) -> Iterator[str]:
    (folder / "letter.txt").write_text("Dear Ann, " * 500)
    yield f"sqlite:///{folder}/letter.txt"


WAREHOUSES = [
    pytest.param(away, "warehouse-unavailable", id="away"),
    pytest.param(wrong_password, "warehouse-unusable", id="wrong password"),
    pytest.param(unwritable, "warehouse-unusable", id="not writable"),
    pytest.param(below_a_file, "warehouse-unusable", id="folder that cannot be made"),
    pytest.param(no_database, "warehouse-unusable", id="another file"),
    pytest.param(lambda f, p: iter([f"sqlite:///{f}"]), "warehouse-unusable", id="a folder"),
    pytest.param(lambda f, p: iter(["sqlite:////proc/contacts.db"]), "warehouse-unusable", id="not writable file"),
    pytest.param(lambda f, p: iter([f"mysql://shop:{PASSWORD}@db/x"]), "warehouse-unusable", id="another kind"),
    pytest.param(lambda f, p: iter([f"postgresql://a:{PASSWORD}@b@c/d"]), "warehouse-unusable", id="unreadable URL"),
    pytest.param(lambda f, p: iter([PASSWORD]), "warehouse-unusable", id="no URL"),
]


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("address", "code"), WAREHOUSES)
def test_an_unusable_warehouse_is_an_error_in_one_line(
    address: Callable[[Path, str], Iterator[str]],
    code: str,
    contacts: Contacts,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONTACTS_WAREHOUSE_SCHEMA", "nowhere")
    kept = address(contacts.folder, postgres_url)
    url = next(kept)
    for ran in (
        contacts("import", contacts.file(FILE), "--json", "--warehouse", url),
        contacts("imports", "--json", "--warehouse", url),
    ):
        assert (ran.status, ran.json["error"]["code"]) == (1, code)
        is_one_line(ran)
        assert PASSWORD not in ran.out + ran.err
    list(kept)


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("address", "options", "terminal", "told"),
    [
        pytest.param(f"shop:{PASSWORD}@127.0.0.1:1/x", (), True, True, id="a person"),
        pytest.param(f"127.0.0.1:1/x?user=shop&password={PASSWORD}", (), True, True, id="elsewhere in the address"),
        pytest.param(f"shop:{PASSWORD}@127.0.0.1:1/x", (), False, False, id="a nightly job"),
        pytest.param(f"shop:{PASSWORD}@127.0.0.1:1/x", ("--json",), True, False, id="a program"),
        pytest.param("shop@127.0.0.1:1/x", (), True, False, id="no password"),
    ],
)
def test_a_password_on_the_command_line_is_a_warning_on_a_terminal(
    address: str,
    options: tuple[str, ...],
    terminal: bool,
    told: bool,
    command: Contacts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    ran = command("imports", "--warehouse", f"postgresql://{address}", *options)
    assert ("can read the password in --warehouse" in ran.err) is told
    assert PASSWORD not in ran.out + ran.err
