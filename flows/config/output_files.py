"""Files that a user asks a command to write.

Every command that writes such a file uses these functions. A file that the command or the warehouse needs is never
overwritten, and a file gets its name only when it is complete.
"""

import glob
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from flows.config.environment import prefect_home
from flows.config.settings import Settings
from schemas.catalogue import BUILT_IN_CATALOGUE
from schemas.errors.request import OutputExists, OutputNotWritable, OutputProtected
from schemas.presets.loader import BUILT_IN_PRESETS

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PROBE_BYTES = 1 << 16


def check_output(path: str, settings: Settings, inputs: Mapping[str, str | None] | None = None, *, force: bool) -> None:
    """Raise before any work where the file must not, or cannot, be written.

    `inputs` are the paths that the command reads, by what they are; a path may be a pattern. With `force`, an existing
    file that is not CSV may be overwritten, a protected one may not.
    """
    try:
        if is_stream(path):
            return
        target = Path(path).resolve()
        if target.is_dir():
            raise OutputNotWritable(path, "it is a folder; name a file")
        if kind := _protected_as(target, settings, inputs or {}):
            raise OutputProtected(f"{path!r} is {kind}, which must not be overwritten; name another file")
        if not target.parent.is_dir():
            raise OutputNotWritable(path, "there is no such folder; create it first")
        for needed in (target, target.parent):
            if needed.exists() and not os.access(needed, os.W_OK):
                raise OutputNotWritable(path, "it, or its folder, may not be written; name another file")
        if not force and target.exists() and not _is_csv(target):
            raise OutputExists(
                f"{path!r} exists and is not a CSV file; name another file, or overwrite it with --force"
            )
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle, in Python 3.11 and 3.12
        raise OutputNotWritable(path, getattr(error, "strerror", None) or "it is not a usable path") from error


@contextmanager
def open_output(path: str) -> Iterator[BinaryIO]:
    """A temporary file beside the target, renamed to it when the block ends without an error.

    An error leaves what was there before. Devices and pipes are written directly.
    """
    direct = is_stream(path)
    target = Path(path) if direct else Path(path).resolve()
    partial = target if direct else target.with_name(f".contacts-{secrets.token_hex(8)}.partial")
    try:
        with partial.open("wb" if direct else "xb") as stream:
            yield stream
        if not direct:
            if target.exists():
                shutil.copymode(target, partial)
            partial.replace(target)
    except OSError as error:
        raise OutputNotWritable(path, error.strerror or "it cannot be written") from error
    finally:
        if not direct:
            partial.unlink(missing_ok=True)


def is_stream(path: str) -> bool:
    """Whether it is a device or a pipe. The link `/dev/stdout` may lead to a pipe, which has no other path."""
    return Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir())


def _protected_as(target: Path, settings: Settings, inputs: Mapping[str, str | None]) -> str | None:
    """What the file is to the command; links of both kinds are resolved."""
    from warehouse.database.connection import database_file

    database = database_file(settings.warehouse_url.get_secret_value())
    if database and _belongs_to_database(target, database.resolve()):
        return "a file of the warehouse"
    for kind, path in inputs.items():
        # The path itself too: it may hold a `[` and be no pattern.
        named = [path, *glob.glob(path, recursive=True)] if path else []  # noqa: PTH207 - takes absolute patterns
        if any(_same_file(target, Path(each)) for each in named):
            return kind
    files = {
        "the field catalogue": settings.catalogue or BUILT_IN_CATALOGUE,
        "the file of known hosts": settings.known_hosts,
    }
    for kind, file in files.items():
        if file and _same_file(target, file):
            return kind
    folders = {
        "in the folder of presets": settings.presets,
        "a built-in preset": BUILT_IN_PRESETS,
        "in the folder of Prefect's data": prefect_home(),
        "in the folder of the command's runs": settings.home / "prefect",
    }
    if "://" not in settings.imports:
        folders["in the folder of imports"] = Path(settings.imports)
    for kind, folder in folders.items():
        if target.is_relative_to(folder.resolve()):
            return kind
    return None


def _belongs_to_database(target: Path, database: Path) -> bool:
    """The database, its journals (-wal, -shm, -journal) and the locks of running imports, which may not exist yet."""
    if target.parent == database.parent and target.name.startswith(f"{database.name}-"):
        return True
    beside = database.parent.glob(f"{glob.escape(database.name)}-*")
    return any(_same_file(target, each) for each in (database, *beside))


def _same_file(target: Path, other: Path) -> bool:
    if target.exists() and other.exists():
        return target.samefile(other)
    return target == other.resolve()


def _is_csv(path: Path) -> bool:
    """By its name, and by what no text has: a NUL character."""
    with path.open("rb") as stream:
        start = stream.read(PROBE_BYTES)
    return not start or (path.suffix.lower() in CSV_SUFFIXES and b"\0" not in start)
