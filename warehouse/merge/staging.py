"""The accepted rows of one import: hidden from others while the file is read, then merged in one transaction."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from schemas.cells.arrow_columns import ARROW_TYPES
from schemas.errors.warehouse import TransientWarehouseError
from schemas.fields import Field
from warehouse.backends.base import StagingStore
from warehouse.database.connection import Warehouse


class Staging:
    """The accepted rows of one import.

    Files are staged as they come, without a lock on the contacts. Losing the warehouse meanwhile is no failure:
    the paths are kept, and `ensure_staged` stages all files again. `folder` is a local one for the backend's
    temporary files; `open_file` opens the files to stage. `becomes_contacts`: there is no table of contacts yet.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        fields: Sequence[Field],
        folder: Path,
        open_file: Callable[[str], pa.NativeFile] = pa.memory_map,
        *,
        becomes_contacts: bool = False,
    ) -> None:
        self.warehouse = warehouse
        self.fields = tuple(field for field in fields if not field.identity)
        self.folder = folder
        self._open_file = open_file
        self._translate_errors = warehouse.backend.translate_errors
        self._schema = _arrow_schema(self.fields)
        self._new_tables = partial(warehouse.backend.staging_tables, self.fields, becomes_contacts=becomes_contacts)
        self.tables = self._new_tables()
        self._files: list[tuple[str, int]] = []
        self._excluded: list[pa.Array[Any]] = []
        self._store: StagingStore | None = None
        self._lost = False
        self._lock = threading.RLock()

    def add(self, path: str, first_record: int = 0) -> None:
        """Stage an Arrow IPC file with the columns `record_number`, `email` and the fields; null is a blank cell.

        Its record numbers are counted from `first_record`.
        """
        with self._lock:
            self._files.append((path, first_record))
            self._unless_lost(lambda: self._stage_file(path, first_record))

    def exclude(self, record_numbers: Any) -> None:
        """Remove records by number: an int64 array, series or list of any length."""
        numbers = pa.array(record_numbers, pa.int64())
        with self._lock:
            self._excluded.append(numbers)
            self._unless_lost(lambda: self._exclude_records(numbers))

    def ensure_staged(self) -> None:
        """Stage all files again if they were lost; TransientWarehouseError when the warehouse is away."""
        with self._lock, self._translate_errors():
            if self._lost or self._store is None or not self._store.is_alive():
                self._restage()

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        """One write transaction on the warehouse, in which the staging tables can be read."""
        with self._lock, self._translate_errors(), self._open_store().write_transaction() as connection:
            yield connection

    @contextmanager
    def rolled_back_transaction(self) -> Iterator[Connection]:
        """For reading, with tables of its own that the rollback at the end removes; nobody waits for it."""
        with self._lock, self._translate_errors(), self._open_store().rolled_back_transaction() as connection:
            yield connection

    def close(self) -> None:
        """Close the connection and delete what it staged; the added files are the caller's."""
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
        self.tables = self._new_tables()
        try:
            self._open_store()
            for path, first_record in self._files:
                self._stage_file(path, first_record)
            for numbers in self._excluded:
                self._exclude_records(numbers)
        except BaseException:
            self._lost = True
            raise

    def _open_store(self) -> StagingStore:
        if self._store is None:
            self._store = self.warehouse.backend.open_staging(self.tables, self.folder)
        return self._store

    def _unless_lost(self, step: Callable[[], None]) -> None:
        """Run a step that `ensure_staged` repeats if the connection is lost before or in it."""
        if self._lost:
            return
        try:
            step()
        except TransientWarehouseError:
            self._lost = True

    def _stage_file(self, path: str, first_record: int) -> None:
        with self._translate_errors(), self._open_file(path) as file, pa.ipc.open_file(file) as reader:
            self._open_store().add(_batches(reader, self._schema, first_record))

    def _exclude_records(self, numbers: "pa.Array[Any]") -> None:
        with self._translate_errors():
            self._open_store().exclude(pa.record_batch([numbers], names=["record_number"]))


def _arrow_schema(fields: Sequence[Field]) -> pa.Schema:
    types: dict[str, pa.DataType] = {"record_number": pa.int64(), "email": pa.string()}
    return pa.schema(types | {field.id: ARROW_TYPES[field.storage] for field in fields})


def _batches(reader: pa.RecordBatchFileReader, schema: pa.Schema, first_record: int) -> Iterator[pa.RecordBatch]:
    """The file's batches, one in memory at a time, cut to the staged columns and cast to their types."""
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number).select(schema.names).cast(schema)
        yield batch.set_column(0, schema.field(0), pc.add(batch.column(0), first_record))
