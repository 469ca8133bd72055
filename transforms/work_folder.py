"""An import's work folder: a local path, or an fsspec address that workers on other machines can read.

Local files are opened directly, without fsspec. A remote file is written once and as a whole, and read by ranges or
as a whole; nothing is appended to, renamed or locked, because object stores cannot do that.
"""

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.feather


@dataclass(frozen=True)
class ImportFolder:
    """`address` is shared by the workers, on any machine; `scratch` is a local path of the run alone."""

    address: str
    scratch: str

    @classmethod
    def local(cls, path: str | Path) -> "ImportFolder":
        return cls(str(path), str(path))


def is_local(address: str) -> bool:
    return "://" not in address


def join_path(folder: str, name: str) -> str:
    """The address of a file in a folder."""
    return str(Path(folder) / name) if is_local(folder) else f"{folder.rstrip('/')}/{name}"


def name_of(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


def open_for_reading(address: str) -> BinaryIO:
    """A file for reading; the caller closes it."""
    if is_local(address):
        return Path(address).open("rb")
    files, path = _file_system(address)
    return cast(BinaryIO, files.open(path, "rb"))


def open_for_writing(address: str) -> BinaryIO:
    """A new or truncated file for writing; the caller closes it. Only the owner can read a local one."""
    if is_local(address):
        return open(address, "wb", opener=owner_only)
    files, path = _file_system(address)
    return cast(BinaryIO, files.open(path, "wb"))


def owner_only(path: str, flags: int) -> int:
    """An opener of local files that makes them readable for their owner only."""
    return os.open(path, flags, 0o600)


@contextmanager
def replace_file(address: str) -> Iterator[BinaryIO]:
    """A file that takes the place of another one at the end of the block; after an exception the other one stays."""
    if is_local(address):
        partial = f"{address}.partial"  # one that a killed process left is overwritten
        try:
            with open_for_writing(partial) as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            Path(partial).replace(address)
        finally:
            Path(partial).unlink(missing_ok=True)
        return
    with tempfile.NamedTemporaryFile() as copy:
        yield cast(BinaryIO, copy)
        copy.flush()
        files, path = _file_system(address)
        files.put_file(copy.name, path)


def read_range(address: str, offset: int, length: int) -> bytes:
    """A range of a file, shorter if the file ends in it; `offset` must be before the end."""
    if is_local(address):
        with Path(address).open("rb") as stream:
            stream.seek(offset)
            return stream.read(length)
    files, path = _file_system(address)
    return cast(bytes, files.cat_file(path, start=offset, end=offset + length))


def size_of(address: str) -> int:
    if is_local(address):
        return Path(address).stat().st_size
    files, path = _file_system(address)
    return int(files.size(path))


def write_table(table: pa.Table, address: str) -> None:
    """Write an Arrow file of one batch, compressed if it is remote."""
    rows = max(table.num_rows, 1)
    if is_local(address):
        os.close(owner_only(address, os.O_WRONLY | os.O_CREAT))  # Arrow alone would make it readable for all
        pyarrow.feather.write_feather(table, address, compression="uncompressed", chunksize=rows)
        return
    packed = pa.BufferOutputStream()
    pyarrow.feather.write_feather(table, packed, compression="lz4", chunksize=rows)
    files, path = _file_system(address)
    files.pipe_file(path, packed.getvalue().to_pybytes())


def read_table(address: str, columns: list[str] | None = None) -> pa.Table:
    """Read an Arrow file, or some columns of it."""
    source = address if is_local(address) else _fetch_table(address)
    return pyarrow.feather.read_table(source, columns=columns, memory_map=False)


def open_table(address: str) -> pa.NativeFile:
    """An Arrow file to read batch by batch: memory-mapped, or fetched as a whole if it is remote."""
    return pa.memory_map(address) if is_local(address) else _fetch_table(address)


def exists(address: str) -> bool:
    if is_local(address):
        return Path(address).is_file()
    files, path = _file_system(address)
    return bool(files.isfile(path))


def remove(address: str) -> None:
    if is_local(address):
        Path(address).unlink(missing_ok=True)
        return
    files, path = _file_system(address)
    with suppress(FileNotFoundError):
        files.rm_file(path)


def make_folder(folder: str) -> None:
    """Create a folder. A local one, and the missing folders above it, are for their owner only."""
    if is_local(folder):
        for parent in reversed(Path(folder).parents):
            if not parent.is_dir():
                parent.mkdir(mode=0o700, exist_ok=True)
        Path(folder).mkdir(mode=0o700)
        return
    files, path = _file_system(folder)
    files.makedirs(path, exist_ok=True)


def clear_folder(folder: str, kept: Callable[[str], bool]) -> None:
    """Remove the files whose names are not kept, and the folder if none is."""
    if is_local(folder):
        for path in Path(folder).iterdir():
            if not kept(path.name):
                path.unlink(missing_ok=True)
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()
        return
    files, path_there = _file_system(folder)
    found = files.find(path_there)
    gone = [each for each in found if not kept(name_of(each))]
    if len(gone) == len(found):
        remove_folder(folder)
    elif gone:
        files.rm(gone)


def remove_folder(folder: str) -> None:
    if is_local(folder):
        shutil.rmtree(folder)
        return
    files, path = _file_system(folder)
    with suppress(FileNotFoundError):  # an object store has no empty folders
        files.rm(path, recursive=True)


def list_folders(parent: str) -> list[str]:
    """The folders in a folder; an empty list if it does not exist."""
    if is_local(parent):
        return [str(path) for path in sorted(Path(parent).glob("*")) if path.is_dir()]
    files, path = _file_system(parent)
    try:
        found = files.ls(path, detail=True)
    except FileNotFoundError:
        return []
    return sorted(join_path(parent, name_of(each["name"])) for each in found if each["type"] == "directory")


def last_written(folder: str) -> float:
    """The time of the last change in a folder, in seconds since 1970; infinity for an empty remote one."""
    if is_local(folder):
        return Path(folder).stat().st_mtime
    files, path = _file_system(folder)
    return max((files.modified(each).timestamp() for each in files.find(path)), default=math.inf)


def _file_system(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it; ImportError if its package is not installed.

    What others wrote meanwhile must be seen, so listings are not remembered.
    """
    from fsspec.core import url_to_fs

    files, path = url_to_fs(address)
    files.invalidate_cache()
    return files, path


def _fetch_table(address: str) -> pa.BufferReader:
    files, path = _file_system(address)
    return pa.BufferReader(files.cat_file(path))
