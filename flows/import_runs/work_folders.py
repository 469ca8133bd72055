"""The folders of imports. Each belongs to one import, and is cleaned up when the import ends or its process died.

A folder's name has the import's number and its random key: two warehouses may use the same number. The import list has
both.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from flows.config.settings import Settings
from schemas.errors.base import ImportFolderUnusable
from schemas.errors.request import SettingsInvalid
from transforms.results.rejected_file import REJECTED_FILE
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
    """The name of an import's folder, on any storage."""
    return f"{import_id:06}-{key:08x}"


def make_import_folder(settings: Settings, name: str) -> ImportFolder:
    """A new folder for this import, readable by its owner only.

    If it is on other storage, files that only this run needs go to a temporary folder of this machine.
    """
    address = join_path(settings.imports, name)
    try:
        make_folder(address)
        if not is_local(address):
            _scratch_folder(name).mkdir(mode=0o700)
    except (ImportError, ValueError) as error:  # the package of the scheme is missing, or the scheme is unknown
        wanted = "a folder, or install what its scheme needs, such as: .venv/bin/pip install 'contact-import[s3]'"
        raise SettingsInvalid("CONTACTS_IMPORTS", wanted) from error
    except Exception as error:  # each kind of storage has its own errors
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ImportFolderUnusable(address, reason) from error
    return ImportFolder(address, address if is_local(address) else str(_scratch_folder(name)))


@dataclass(frozen=True)
class FilesToKeep:
    """The files that stay in an import's folder: the rejected file, if a report names it, and the source, if set so."""

    rejected_file: bool
    source: bool = False

    def __call__(self, file: str) -> bool:
        return (self.rejected_file and file == REJECTED_FILE) or (self.source and file.startswith("source"))


def clean_up_folder(settings: Settings, name: str, kept: FilesToKeep) -> bool:
    """Delete all other files of an import's folder, or raise any error. False if some may be on another machine."""
    address = join_path(settings.imports, name)
    if is_local(address):
        here = Path(address).is_dir()
    elif here := _scratch_folder(name).is_dir():
        shutil.rmtree(_scratch_folder(name))
    if here or not is_local(address):
        clear_folder(address, kept)
    return here


def remove_import_folder(settings: Settings, name: str) -> None:
    """Delete an import's folder. The name comes from Prefect, so any other name is ignored."""
    if IMPORT_FOLDER.fullmatch(name):
        remove_folder(join_path(settings.imports, name))


def prune_folders(settings: Settings, days: int, live: Set[str]) -> tuple[int, int]:
    """Delete import folders that were not written to for so many days, except live ones. Counts of deleted and kept."""
    oldest = time.time() - days * 86_400
    folders = [folder for folder in list_folders(settings.imports) if IMPORT_FOLDER.fullmatch(name_of(folder))]
    old = [folder for folder in folders if name_of(folder) not in live and last_written(folder) < oldest]
    for folder in old:
        remove_folder(folder)
    return len(old), len(folders) - len(old)


def _scratch_folder(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"contacts-import-{name}"
