"""The folders of imports: each made for one import alone, tidied when it ends or when its process has died.

A folder's name has the import's number and its key, which is chance, since warehouses number their imports without
knowing of each other. Who has both from the import list finds the folder, and nobody else's.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flows.config.settings import Settings
from flows.pipeline.steps import REJECTED_FILE
from schemas.errors.base import ImportFolderUnusable
from schemas.errors.request import SettingsInvalid
from transforms.work_folder import (
    ImportFolder,
    clear_folder,
    is_local,
    join_path,
    last_written,
    list_folders,
    make_folder,
    name_of,
    remove_folder,
)

IMPORT_FOLDER = re.compile(r"[0-9]{6,}-[0-9a-f]{8}")


def folder_name(import_id: int, key: int) -> str:
    """What the folder of an import is called, wherever it lies."""
    return f"{import_id:06}-{key:08x}"


def make_import_folder(settings: Settings, name: str) -> ImportFolder:
    """A folder of this import alone, readable by its owner only.

    Where it lies elsewhere, what only this run reads and writes goes to a temporary folder of this machine.
    """
    address = join_path(settings.imports, name)
    try:
        make_folder(address)
        if not is_local(address):
            _scratch_folder(name).mkdir(mode=0o700)
    except (ImportError, ValueError) as error:  # a scheme without its package, or no scheme at all
        wanted = "a folder, or install what its scheme needs, such as: .venv/bin/pip install 'contact-import[s3]'"
        raise SettingsInvalid("CONTACTS_IMPORTS", wanted) from error
    except Exception as error:  # of the file system, or of a library that talks to a remote one
        why = getattr(error, "strerror", None) or type(error).__name__
        raise ImportFolderUnusable(address, why) from error
    return ImportFolder(address, address if is_local(address) else str(_scratch_folder(name)))


@dataclass(frozen=True)
class FilesToKeep:
    """What stays in the folder of an import: its rejected file, if a report names it, and, if so set, the source."""

    rejected_file: bool
    source: bool = False

    def __call__(self, file: str) -> bool:
        return (self.rejected_file and file == REJECTED_FILE) or (self.source and file.startswith("source"))


def clean_up_folder(settings: Settings, name: str, kept: FilesToKeep) -> bool:
    """Leave nothing else in an import's folder; False where something of it may lie on another machine.

    The import is what it is by now: what cannot be tidied away stays, for the next one who tries.
    """
    address = join_path(settings.imports, name)
    with suppress(Exception):
        if is_local(address):
            here = Path(address).is_dir()
        elif here := _scratch_folder(name).is_dir():
            shutil.rmtree(_scratch_folder(name))
        if here or not is_local(address):
            clear_folder(address, kept)
        return here
    return False


def remove_import_folder(settings: Settings, name: str) -> None:
    """Delete an import's folder; a name that none has, since it comes from Prefect, names nothing else."""
    if IMPORT_FOLDER.fullmatch(name):
        remove_folder(join_path(settings.imports, name))


def prune_folders(settings: Settings, days: int, spared: Set[str]) -> tuple[int, int]:
    """Delete import folders that nothing was written to for so long, but no spared one; how many went, and stayed."""
    oldest = time.time() - days * 86_400
    folders = [folder for folder in list_folders(settings.imports) if IMPORT_FOLDER.fullmatch(name_of(folder))]
    old = [folder for folder in folders if name_of(folder) not in spared and last_written(folder) < oldest]
    for folder in old:
        remove_folder(folder)
    return len(old), len(folders) - len(old)


def _scratch_folder(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"contacts-import-{name}"
