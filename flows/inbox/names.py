"""Which files of an inbox are imported, and what they are called afterwards."""

import os
from pathlib import PurePath

DONE, FAILED, REJECTED = "done", "failed", "rejected"
_HIDDEN = (".", "~$")  # a spreadsheet program's mark that somebody has the file open begins with ~$
_HIDDEN_ON_WINDOWS = ("desktop.ini", "thumbs.db")
_UNFINISHED = (".part", ".tmp")
_MAX_NAME_BYTES = 255


def is_ignored(name: str) -> bool:
    """Whether a file is hidden or not yet complete."""
    folded = name.lower()
    return name.startswith(_HIDDEN) or folded.endswith(_UNFINISHED) or folded in _HIDDEN_ON_WINDOWS


def moved_name(folder: str, name: str, import_id: int) -> str:
    """Where a file goes after its import, such as `done/contacts-7.csv`."""
    stem, suffix = _split(name)
    return f"{folder}/{_numbered(stem, import_id, suffix)}"


def reason_name(name: str, import_id: int) -> str:
    """Where the reason is written why a file failed: beside the file, under another name than the file's."""
    reason = moved_name(FAILED, f"{_split(name)[0]}.txt", import_id)
    return f"{reason}.txt" if reason == moved_name(FAILED, name, import_id) else reason


def rejected_name(name: str, import_id: int, suffix: str = ".csv") -> str:
    """Where the rejected rows of an import are written."""
    return f"{REJECTED}/{_numbered(_split(name)[0], import_id, suffix)}"


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
