"""Accepted rows on their way: unseen by others while the file is read, then merged in one go."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column, Connection, MetaData, Table, Text

from schemas.catalogue import Field
from schemas.cells.arrow_columns import ARROW_TYPES
from schemas.errors.base import TransientWarehouseError
from warehouse.backends.staging_postgres import PostgresStore
from warehouse.backends.staging_sqlite import SqliteStore
from warehouse.database.connection import Warehouse
from warehouse.errors import translate_driver_errors
from warehouse.tables import KeyInteger, field_columns

Numbers: TypeAlias = "pa.Array[Any]"


class StagingStore(Protocol):
    """Where one kind of warehouse keeps staged rows; lives as long as its connection."""

    def add(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None: ...
    def exclude(self, numbers: pa.RecordBatch) -> None: ...
    def is_alive(self) -> bool: ...
    def write_transaction(self) -> AbstractContextManager[Connection]: ...
    def read_transaction(self) -> AbstractContextManager[Connection]: ...
    def close(self) -> None: ...


class Staging:
    """The accepted rows of one import.

    Files are staged as they come, without a lock on the contacts. When the warehouse goes away
    meanwhile, that is no failure: the files are remembered, and `ensure` stages them all anew.
    `folder` is a local one for staging's own file; the files to stage are wherever `open_file` finds them.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        import_id: int,
        fields: Sequence[Field],
        folder: Path,
        open_file: Callable[[str], pa.NativeFile] = pa.memory_map,
    ) -> None:
        self.warehouse = warehouse
        self.import_id = import_id
        self.fields = tuple(field for field in fields if not field.identity)
        self.folder = folder
        self._open_file = open_file
        self._schema = _arrow_schema(self.fields)
        self._attempts = 0
        self.table, self._excluded, self.changes = self._tables()
        self._files: list[tuple[str, int]] = []
        self._excluded_numbers: list[Numbers] = []
        self._store: StagingStore | None = None
        self._lost = False
        self._lock = threading.RLock()

    def add(self, path: str, first_record: int = 0) -> None:
        """Stage an Arrow IPC file with the columns `record_number`, `email` and the fields; null is a blank cell.

        Its record numbers are counted from `first_record`.
        """
        with self._lock:
            self._files.append((path, first_record))
            self._run_unless_lost(lambda: self._take(path, first_record))

    def exclude(self, record_numbers: Any) -> None:
        """Take records out again, by number: an int64 array, series or list, of any length."""
        numbers = pa.array(record_numbers, pa.int64())
        with self._lock:
            self._excluded_numbers.append(numbers)
            self._run_unless_lost(lambda: self._remove(numbers))

    def ensure(self) -> None:
        """Have every added file staged and every loser out; TransientWarehouseError when the warehouse is away."""
        with self._lock, translate_driver_errors(self.warehouse.name):
            if not self._lost and self._store is not None and self._store.is_alive():
                return
            self._restage()

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        """One writing transaction on the warehouse, in which `table` can be read."""
        with self._lock, translate_driver_errors(self.warehouse.name), self._opened().write_transaction() as connection:
            yield connection

    @contextmanager
    def read_transaction(self) -> Iterator[Connection]:
        """Each statement sees one state of the warehouse, and `table`; nobody waits, and nothing can be written."""
        with self._lock, translate_driver_errors(self.warehouse.name), self._opened().read_transaction() as connection:
            yield connection

    def close(self) -> None:
        """Give up the connection and what it staged; the added files are the caller's."""
        with self._lock:
            store, self._store = self._store, None
            if store is not None:
                store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _restage(self) -> None:
        self.close()
        self._lost = False
        self._attempts += 1
        self.table, self._excluded, self.changes = self._tables()
        try:
            self._opened()
            for path, first_record in self._files:
                self._take(path, first_record)
            for numbers in self._excluded_numbers:
                self._remove(numbers)
        except BaseException:
            self._lost = True
            raise

    def _opened(self) -> StagingStore:
        if self._store is None:
            if self.warehouse.is_postgres:
                self._store = PostgresStore(self.warehouse, self.table, self._excluded)
            else:
                self._store = SqliteStore(self.warehouse, *_staged(None, self.fields), self.folder / "staging.db")
        return self._store

    def _tables(self) -> tuple[Table, Table, Table]:
        """What is staged, the numbers of what is to go again, and what the merge will find to change.

        On PostgreSQL under names that no other attempt has had: a server that has not noticed yet that a connection
        was cut would let us wait for those of the lost tables.
        """
        if not self.warehouse.is_postgres:
            return *_staged("staging", self.fields), _changes("temp")
        place, suffix = self.warehouse.schema, f"_{self.import_id}_{self._attempts}"
        return *_staged(place, self.fields, suffix, "UNLOGGED"), _changes(place, suffix, "UNLOGGED")

    def _run_unless_lost(self, step: Callable[[], None]) -> None:
        """Take a step that `ensure` will take again when the connection is lost by now, or gets lost in it."""
        if self._lost:
            return
        try:
            step()
        except TransientWarehouseError:
            self._lost = True

    def _take(self, path: str, first_record: int) -> None:
        with (
            translate_driver_errors(self.warehouse.name),
            self._open_file(path) as file,
            pa.ipc.open_file(file) as reader,
        ):
            self._opened().add(_batches(reader, self._schema, first_record), self._schema)

    def _remove(self, numbers: Numbers) -> None:
        with translate_driver_errors(self.warehouse.name):
            self._opened().exclude(pa.record_batch([numbers], names=["record_number"]))


def _arrow_schema(fields: Sequence[Field]) -> pa.Schema:
    own: dict[str, pa.DataType] = {"record_number": pa.int64(), "email": pa.string()}
    return pa.schema(own | {field.id: ARROW_TYPES[field.storage] for field in fields})


def _staged(schema: str | None, fields: Sequence[Field], suffix: str = "", *kind: str) -> tuple[Table, Table]:
    metadata = MetaData(schema=schema)
    staged = Table(
        f"staged{suffix}",
        metadata,
        _number_column("record_number", kind),
        Column("email", Text, nullable=False),
        *field_columns(fields),
        prefixes=list(kind),
    )
    return staged, Table(f"excluded{suffix}", metadata, Column("record_number", KeyInteger), prefixes=list(kind))


def _changes(schema: str | None, suffix: str = "", *kind: str) -> Table:
    columns = _number_column("record_number", kind), Column("contact_id", KeyInteger)
    return Table(f"changes{suffix}", MetaData(schema=schema), *columns, prefixes=list(kind))


def _number_column(name: str, kind: Sequence[str]) -> Column[int]:
    """On SQLite this is the row's own number, and so an index for free."""
    return Column(name, KeyInteger, primary_key=not kind, autoincrement=False)


def _batches(reader: pa.RecordBatchFileReader, schema: pa.Schema, first_record: int) -> Iterator[pa.RecordBatch]:
    """The file's batches, one in memory at a time, cut to the staged columns and cast to their types."""
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number).select(schema.names).cast(schema)
        yield batch.set_column(0, schema.field(0), pc.add(batch.column(0), first_record))
