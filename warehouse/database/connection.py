"""One warehouse, opened by its URL, which says which backend to use."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL, Connection, Engine, make_url, text

from schemas.errors.warehouse import WarehouseUnusable
from warehouse.backends.base import Backend
from warehouse.backends.postgres import PostgresBackend
from warehouse.backends.sqlite import SqliteBackend

BACKENDS: tuple[type[Backend], ...] = (SqliteBackend, PostgresBackend)
URL_EXAMPLES = "write sqlite:///path/to/file.db or postgresql://user@host/database"


@dataclass(frozen=True)
class Warehouse:
    """A database that was reached; `name` is what people and logs may see of its URL."""

    backend: Backend

    @classmethod
    def open(cls, url: str, schema: str | None = None, *, create: bool = True) -> Self:
        """Connect to the warehouse at `url`; its tables are in `schema`, which an import creates.

        Without `create`, WarehouseUnusable when the database would have to be created first. A backend whose
        databases have no schemas ignores `schema`.
        """
        address = _parse(url)
        warehouse = cls(_backend_for(address)(address, schema))
        try:
            warehouse.backend.prepare(create=create)
            with warehouse.read_transaction() as connection:
                connection.execute(text("select 1"))
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    @property
    def engine(self) -> Engine:
        return self.backend.engine

    @property
    def name(self) -> str:
        return self.backend.name

    @property
    def schema(self) -> str | None:
        return self.backend.schema

    def warnings(self) -> list[str]:
        """What the operator should change about the database; empty if nothing."""
        return self.backend.warnings()

    @contextmanager
    def read_transaction(self) -> Iterator[Connection]:
        """A connection that waits for no writer."""
        with self.backend.translate_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write_transaction(self, *, dry_run: bool = False) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back at an exception, or where it is a dry run."""
        with (
            self.backend.translate_errors(),
            self.backend.connect_for_writing() as connection,
            connection.begin() as transaction,
        ):
            yield connection
            if dry_run:
                transaction.rollback()

    @contextmanager
    def rolled_back_transaction(self) -> Iterator[Connection]:
        """For reading, with tables of its own that the rollback at the end removes; nobody waits for it."""
        with self.read_transaction() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def database_file(url: str) -> Path | None:
    """The file of the warehouse at `url`, without opening it; None for a server, or a URL that `open` refuses."""
    with suppress(WarehouseUnusable):
        address = _parse(url)
        return _backend_for(address).database_file(address)
    return None


def _parse(url: str) -> URL:
    """The URL in parts; errors do not repeat it, since a password may be anywhere in it."""
    try:
        address = make_url(url.strip())
    except Exception:
        raise WarehouseUnusable("address", f"it cannot be read; {URL_EXAMPLES}") from None
    if any("@" in (part or "") for part in (address.host, address.database if address.host else None)):
        raise WarehouseUnusable("address", "it has an '@' too many; write %40 for one inside a password")
    if "?" in url and not address.query:
        raise WarehouseUnusable("address", "it has a '?' without options; write %3F for one inside a SQLite path")
    return address


def _backend_for(address: URL) -> type[Backend]:
    scheme = address.drivername.partition("+")[0]
    for backend in BACKENDS:
        if scheme in backend.url_schemes:
            return backend
    raise WarehouseUnusable(f"{scheme}://", f"this kind is not supported; {URL_EXAMPLES}")
