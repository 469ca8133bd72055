"""The import's folder: on a local path, or at any address that fsspec knows, where workers elsewhere can read it.

A local path costs what it always did: plain files, and no fsspec. A file elsewhere is written once and whole,
and read by ranges or at once; nothing is appended to, renamed or locked, as object stores cannot do that.
"""

import math
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.feather


@dataclass(frozen=True)
class ImportFolder:
    """`address` is where the steps over chunks meet, on whatever machine; `scratch`, a local path of the run's own."""

    address: str
    scratch: str

    @classmethod
    def local(cls, path: str | Path) -> "ImportFolder":
        return cls(str(path), str(path))


def is_local(place: str) -> bool:
    return "://" not in place


def join_path(folder: str, name: str) -> str:
    """The place of a file in a folder."""
    return str(Path(folder) / name) if is_local(folder) else f"{folder.rstrip('/')}/{name}"


def name_of(place: str) -> str:
    return place.rstrip("/").rpartition("/")[2]


def open_for_reading(place: str) -> BinaryIO:
    """The file from its beginning, as a stream to close."""
    if is_local(place):
        return Path(place).open("rb")
    files, path = _file_system(place)
    return cast(BinaryIO, files.open(path, "rb"))


def open_for_writing(place: str) -> BinaryIO:
    """A new or emptied file, as a stream to close; local ones are for their owner's eyes only."""
    if is_local(place):
        return open(place, "wb", opener=_owner_only)
    files, path = _file_system(place)
    return cast(BinaryIO, files.open(path, "wb"))


def read_range(place: str, offset: int, length: int) -> bytes:
    """So many bytes of a file, fewer where it ends before; it must not begin at the end."""
    if is_local(place):
        with Path(place).open("rb") as stream:
            stream.seek(offset)
            return stream.read(length)
    files, path = _file_system(place)
    return cast(bytes, files.cat_file(path, start=offset, end=offset + length))


def size_of(place: str) -> int:
    if is_local(place):
        return Path(place).stat().st_size
    files, path = _file_system(place)
    return int(files.size(path))


def write_table(table: pa.Table, place: str) -> None:
    """An Arrow file of one batch; packed where it travels."""
    rows = max(table.num_rows, 1)
    if is_local(place):
        os.close(_owner_only(place, os.O_WRONLY | os.O_CREAT))  # Arrow would make it for all to read
        pyarrow.feather.write_feather(table, place, compression="uncompressed", chunksize=rows)
        return
    packed = pa.BufferOutputStream()
    pyarrow.feather.write_feather(table, packed, compression="lz4", chunksize=rows)
    files, path = _file_system(place)
    files.pipe_file(path, packed.getvalue().to_pybytes())


def read_table(place: str, columns: list[str] | None = None) -> pa.Table:
    """An Arrow file, or some columns of it."""
    source = place if is_local(place) else _fetch_table(place)
    return pyarrow.feather.read_table(source, columns=columns, memory_map=False)


def open_table(place: str) -> pa.NativeFile:
    """An Arrow file to be read batch by batch: mapped into memory, or fetched at once, which a chunk allows."""
    return pa.memory_map(place) if is_local(place) else _fetch_table(place)


def exists(place: str) -> bool:
    if is_local(place):
        return Path(place).is_file()
    files, path = _file_system(place)
    return bool(files.isfile(path))


def remove(place: str) -> None:
    if is_local(place):
        Path(place).unlink(missing_ok=True)
        return
    files, path = _file_system(place)
    with suppress(FileNotFoundError):
        files.rm_file(path)


def make_folder(folder: str) -> None:
    """Make a new folder; a local one, and the folders that it needs, are for their owner only."""
    if is_local(folder):
        for parent in reversed(Path(folder).parents):
            if not parent.is_dir():
                parent.mkdir(mode=0o700, exist_ok=True)
        Path(folder).mkdir(mode=0o700)
        return
    files, path = _file_system(folder)
    files.makedirs(path, exist_ok=True)


def clear_folder(folder: str, kept: Callable[[str], bool]) -> None:
    """Remove the files whose names are not kept, and the folder too when none is."""
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
    """The folders in a folder, none where it does not exist."""
    if is_local(parent):
        return [str(path) for path in sorted(Path(parent).glob("*")) if path.is_dir()]
    files, path = _file_system(parent)
    try:
        found = files.ls(path, detail=True)
    except FileNotFoundError:
        return []
    return sorted(join_path(parent, name_of(each["name"])) for each in found if each["type"] == "directory")


def last_written(folder: str) -> float:
    """When something was last written to a folder, in seconds since 1970; an empty one elsewhere is never old."""
    if is_local(folder):
        return Path(folder).stat().st_mtime
    files, path = _file_system(folder)
    return max((files.modified(each).timestamp() for each in files.find(path)), default=math.inf)


def _file_system(place: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it; ImportError where its package is not installed.

    What others wrote meanwhile must be seen, so listings are not remembered.
    """
    from fsspec.core import url_to_fs

    files, path = url_to_fs(place)
    files.invalidate_cache()
    return files, path


def _fetch_table(place: str) -> pa.BufferReader:
    files, path = _file_system(place)
    return pa.BufferReader(files.cat_file(path))


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
