"""Which files of an inbox are imported, and what they are called afterwards."""

import os
import time
from pathlib import PurePath

from transforms.landing.archives import WORKBOOK_SUFFIXES
from transforms.results import rejected_workbook
from transforms.sources.folders import Folder
from transforms.sources.remote.base import FileStamp

DONE, FAILED, REJECTED = "done", "failed", "rejected"
EMPTY_FILE_SECONDS = 600.0  # a program that made an empty file may fill it for so long
_HIDDEN = (".", "~$")  # a spreadsheet program's mark that somebody has the file open begins with ~$
_HIDDEN_ON_WINDOWS = ("desktop.ini", "thumbs.db")
_UNFINISHED = (
    ".part",
    ".tmp",
    ".filepart",  # WinSCP
    ".partial",
    ".crdownload",  # Chrome
    ".download",  # Safari
    ".swp",  # vi, while the file is open
    "~",  # an editor's copy of an older text
)
_MAX_NAME_BYTES = 255


def waiting_files(folder: Folder) -> dict[str, FileStamp]:
    """The files that are to be imported or moved, by their names."""
    found = folder.files().items()
    return {name: stamp for name, stamp in found if not (is_ignored(name) or may_be_filled(stamp))}


def is_ignored(name: str) -> bool:
    """Whether a file is hidden or not yet complete."""
    folded = name.lower()
    return name.startswith(_HIDDEN) or folded.endswith(_UNFINISHED) or folded in _HIDDEN_ON_WINDOWS


def may_be_filled(stamp: FileStamp) -> bool:
    """Whether a file is empty and was made a short time ago, so that its first bytes may still come.

    The time is by the clock of the folder's machine. If that differs much from this one, the file counts as complete.
    """
    if stamp.size != 0 or stamp.modified_at is None:
        return False
    return abs(time.time() - stamp.modified_at) < EMPTY_FILE_SECONDS


def moved_name(folder: str, name: str, import_id: int) -> str:
    """Where a file goes after its import, such as `done/contacts-7.csv`."""
    stem, suffix = _split(name)
    return f"{folder}/{_numbered(stem, import_id, suffix)}"


def reason_name(name: str, import_id: int) -> str:
    """Where the reason is written why a file failed: beside the file, under another name than the file's."""
    reason = moved_name(FAILED, f"{_split(name)[0]}.txt", import_id)
    return f"{reason}.txt" if reason == moved_name(FAILED, name, import_id) else reason


def rejected_name(name: str, import_id: int, suffix: str | None = None) -> str:
    """Where the rejected rows of an import are written; those of a workbook to a workbook, without another `suffix`."""
    stem, own = _split(name)
    if suffix is None:
        suffix = rejected_workbook.SUFFIX if own.lower() in WORKBOOK_SUFFIXES else ".csv"
    return f"{REJECTED}/{_numbered(stem, import_id, suffix)}"


def _split(name: str) -> tuple[str, str]:
    """`contacts.csv.gz` as `contacts` and `.csv.gz`."""
    path = PurePath(name)
    if path.suffix.lower() == ".gz":
        inner = PurePath(path.stem)
        return inner.stem, inner.suffix + path.suffix
    return path.stem, path.suffix


def _numbered(stem: str, import_id: int, suffix: str) -> str:
    """The name with the import's number, as long as a file system allows."""
    end = f"-{import_id}{suffix}"
    return os.fsencode(stem)[: _MAX_NAME_BYTES - len(os.fsencode(end))].decode(errors="ignore") + end
