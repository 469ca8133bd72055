"""The interface of a backend: everything that one kind of database does differently."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa
from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Select,
    SelectBase,
    Table,
    Text,
    insert,
    literal,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.sql.functions import FunctionElement

from schemas.errors.warehouse import TransientWarehouseError, WarehouseUnusable
from schemas.fields import Field
from warehouse.tables import CONTACTS, EmailText, KeyInteger, WarehouseTables, field_columns


class LivenessLock(Protocol):
    """A lock that the operating system or the server frees when its process ends."""

    key: int

    def close(self) -> None: ...


@dataclass(frozen=True)
class StagingTables:
    """The tables of one import's staged rows; `changes` has those without a contact or with another value.

    `becomes_contacts`: `staged` can become the table of contacts, by `adopt`.
    """

    staged: Table
    excluded: Table
    changes: Table
    insert_order: Column[Any]  # of `staged`: the order in which inserting contacts costs least
    journal_order: Column[Any] | None = None  # of `changes`: the same for the journal; None is any order
    becomes_contacts: bool = False


class StagingStore(Protocol):
    """The staged rows of one import; it lives as long as its connection."""

    def add(self, batches: Iterator[pa.RecordBatch]) -> None: ...
    def exclude(self, numbers: pa.RecordBatch) -> None: ...
    def is_alive(self) -> bool: ...
    def write_transaction(self) -> AbstractContextManager[Connection]: ...
    def rolled_back_transaction(self) -> AbstractContextManager[Connection]: ...
    def close(self) -> None: ...


class Backend(ABC):
    """One database, opened by its URL. The methods that are not abstract are portable defaults."""

    url_schemes: ClassVar[tuple[str, ...]]
    driver_errors: ClassVar[tuple[type[Exception], ...]]
    liveness_grace_seconds: float = 0.0  # how long a lock may be free although its process lives
    adopts_staged: ClassVar[bool] = False  # whether the first import makes the table of contacts, by `adopt`

    name: str  # what people and logs may see of the URL: no password
    schema: str | None  # the schema of the tables; None is the default one, or a database without schemas
    engine: Engine

    def __init__(self, url: URL, schema: str | None) -> None:
        self.name, self.schema = self.display_name(url), schema
        with self.translate_errors():
            self.engine = self.create_engine(url)

    @classmethod
    @abstractmethod
    def display_name(cls, url: URL) -> str:
        """The URL without user, password and options."""

    @classmethod
    def database_file(cls, url: URL) -> Path | None:
        """The file that holds the database, where a file does."""
        return None

    @abstractmethod
    def create_engine(self, url: URL) -> Engine:
        """An engine whose connections are set up for imports."""

    @abstractmethod
    def prepare(self, *, create: bool) -> None:
        """Make the database ready to connect to; WarehouseUnusable when it must be created and may not."""

    def warnings(self) -> list[str]:
        """What the operator should change about an existing database; empty if nothing."""
        return []

    def connect_for_writing(self) -> Connection:
        """A connection whose transactions will write."""
        return self.engine.connect()

    # Errors

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise TransientWarehouseError or WarehouseUnusable instead of any driver's error.

        The driver's error is not chained: its text may quote a row (`Key (email)=(…)`).
        """
        errors: tuple[type[Exception], ...] = (SQLAlchemyError, *self.driver_errors)
        try:
            yield
        except errors as error:
            raise self.as_warehouse_error(error) from None

    def as_warehouse_error(self, error: Exception) -> TransientWarehouseError | WarehouseUnusable:
        """The error that says what the caller of a failed statement can do next."""
        if isinstance(error, PoolTimeout):
            return TransientWarehouseError(self.name, "all its connections are in use")
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        disconnected = isinstance(error, DBAPIError) and error.connection_invalidated
        kind = TransientWarehouseError if disconnected or self.is_transient(cause) else WarehouseUnusable
        return kind(self.name, self.reason(cause))

    @abstractmethod
    def is_transient(self, error: BaseException) -> bool:
        """Whether the same statement may succeed later."""

    @abstractmethod
    def reason(self, error: BaseException) -> str:
        """A description of the error that quotes no value of a row."""

    # Tables and locks

    def create_tables(self, connection: Connection, tables: WarehouseTables) -> None:
        """Create the tables that do not exist, except `contacts`."""
        tables.metadata.create_all(
            connection, [each for each in tables.metadata.sorted_tables if each.name != CONTACTS]
        )

    def create_contacts(self, connection: Connection, contacts: Table) -> None:
        """Create the table of contacts."""
        connection.execute(CreateTable(contacts))

    def replace_view(self, connection: Connection, name: str, query: SelectBase) -> None:
        """Create a view, or change the one of this name."""
        connection.execute(DropView(name, self.schema))
        connection.execute(CreateView(name, self.schema, query))

    @abstractmethod
    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        """Keep other writers of these tables out until the transaction ends; readers continue."""

    @abstractmethod
    def lock_migrations(self, connection: Connection) -> None:
        """Let one process at a time change tables, until the transaction ends."""

    @abstractmethod
    def wait_briefly(self, connection: Connection) -> None:
        """Give up soon where a change of a table waits for running queries, since new queries wait behind it."""

    @abstractmethod
    def take_liveness_lock(self) -> LivenessLock:
        """Take a lock under a new random key of at most 31 bits."""

    @abstractmethod
    def find_unlocked_keys(self, keys: Collection[int]) -> set[int]:
        """Those of the keys whose lock is free."""

    # Statements about many rows

    @abstractmethod
    def tune_for_merge(self, connection: Connection) -> None:
        """Set what large joins and sorts need, until the transaction ends."""

    def append_batch(self, connection: Connection, table: Table, batch: pa.RecordBatch) -> None:
        """Insert a batch whose columns are named as the table's are."""
        if batch.num_rows:
            connection.execute(insert(table), batch.to_pylist())

    def create_table_as(self, connection: Connection, table: Table, query: Select[Any]) -> None:
        """Create a table that holds the result of a query."""
        connection.execute(CreateTable(table))
        connection.execute(insert(table).from_select([column.name for column in table.columns], query))

    def materialize(self, connection: Connection, table: Table, query: Select[Any]) -> None:
        """The same for a query whose first column numbers the staged row.

        Other connections may run the query, so the transaction has not written to the tables that it reads.
        """
        self.create_table_as(connection, table, query)

    def returns_old_values(self, connection: Connection) -> bool:
        """Whether an UPDATE can return the values from before it, as the tables `old` and `new`."""
        return False

    @abstractmethod
    def work_table(self, name: str, *columns: Column[Any]) -> Table:
        """A table for `create_table_as` that only this transaction uses and that it drops."""

    # Staging

    @abstractmethod
    def staging_tables(self, fields: Sequence[Field], *, becomes_contacts: bool = False) -> StagingTables:
        """New staging tables as the merge sees them; only a backend that adopts staged rows is asked for the last."""

    @abstractmethod
    def open_staging(self, tables: StagingTables, folder: Path) -> StagingStore:
        """Create the staging tables; `folder` is a local one for temporary files of this import."""

    def adopt(self, connection: Connection, staged: Table, contacts: Table, values: Mapping[str, Any]) -> None:
        """Make the staged rows the table of contacts: record numbers become contact numbers.

        `values` are the same in every row. The other columns that were not staged are null.
        """
        raise NotImplementedError


class SortedOptions(FunctionElement[str]):
    """The options in a text such as `music|sports`, each once: those of the catalogue in its order, then the others.

    NULL if there is none. Each backend compiles it, since SQL has no common way to split a text. With one nested
    `replace` for each option of the catalogue, SQLite 3.40 takes 17 options.
    """

    type = Text()
    inherit_cache = True

    def __init__(self, text: ColumnElement[str], options: Sequence[str]) -> None:
        super().__init__(text, literal(f"|{'|'.join(options)}|", Text))


class CreateView(ExecutableDDLElement):
    """Create a view; with `replace`, one of the same columns may exist."""

    def __init__(self, name: str, schema: str | None, query: SelectBase, *, replace: bool = False) -> None:
        self.name, self.schema, self.query, self.replace = name, schema, query, replace


class DropView(ExecutableDDLElement):
    """Drop a view, if it exists."""

    def __init__(self, name: str, schema: str | None) -> None:
        self.name, self.schema = name, schema


@compiles(CreateView)
def _create_view(element: CreateView, compiler: DDLCompiler, **_: Any) -> str:
    how = "create or replace" if element.replace else "create"
    query = compiler.sql_compiler.process(element.query, literal_binds=True)
    return f"{how} view {_view_name(element, compiler)} as {query}"


@compiles(DropView)
def _drop_view(element: DropView, compiler: DDLCompiler, **_: Any) -> str:
    return f"drop view if exists {_view_name(element, compiler)}"


def _view_name(element: CreateView | DropView, compiler: DDLCompiler) -> str:
    quote = compiler.preparer.quote
    return f"{quote(element.schema)}.{quote(element.name)}" if element.schema else quote(element.name)


def build_staging_tables(
    fields: Sequence[Field],
    staged: MetaData,
    changes: MetaData,
    *,
    keyed: bool,
    suffix: str = "",
    prefixes: Sequence[str] = (),
) -> tuple[Table, Table, Table]:
    """The tables `staged`, `excluded` and `changes` in their schemas; `keyed` where a record number can be the key."""

    def table(name: str, metadata: MetaData, *columns: Column[Any], keyed: bool = keyed) -> Table:
        number = Column("record_number", KeyInteger, primary_key=keyed, autoincrement=False)
        return Table(f"{name}{suffix}", metadata, number, *columns, prefixes=list(prefixes))

    return (
        table("staged", staged, Column("email", EmailText), *field_columns(fields)),
        table("excluded", staged, keyed=False),
        table("changes", changes, Column("contact_id", KeyInteger), Column("kinds", Text)),
    )
