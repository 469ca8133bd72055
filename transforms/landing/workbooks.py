"""Workbooks: recognises them by their content, and converts one sheet to CSV in a limited child process.

Nothing in a workbook is trusted: see `workbook_reader`, which the child runs.
"""

import json
import mmap
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors.base import ContactImportError, DiskFull
from schemas.errors.limits import WorkbookTooLarge
from schemas.errors.source import (
    MemberNotFound,
    SourceEmpty,
    SourceNotText,
    WorkbookHasSeveralSheets,
    WorkbookProtected,
    WorkbookUnreadable,
)
from transforms.landing.archives import WORKBOOK_SUFFIXES, BoundedFile, ExpansionLimits, split_member

READ_BYTES = 1 << 20
OLE_MAGIC = b"\xd0\xcf\x11\xe0"  # the container of .xls, of encrypted .xlsx, and of other old documents

_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_DAMAGED = "it is damaged or incomplete; fetch it again"
_ADVICE = "; open it in a spreadsheet program and save it as .xlsx"
_OUT_OF_MEMORY_SIGNALS = (signal.SIGABRT, signal.SIGKILL)  # of the library, and of the system


def workbook_suffix(path: str, source: str) -> str | None:
    """The suffix by which the library knows the format of a ZIP or OLE file; None if it is no workbook.

    Raises `WorkbookProtected`, or `SourceNotText` for another old document.
    """
    with Path(path).open("rb") as stream:
        if stream.read(len(OLE_MAGIC)) == OLE_MAGIC:
            return _ole_suffix(stream.fileno(), source)
    try:
        with BoundedFile(path) as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" in names:
                return ".xlsx"
            if "xl/workbook.bin" in names:
                return ".xlsb"
            if names[:1] == ["mimetype"]:
                with archive.open("mimetype") as stream:
                    return ".ods" if stream.read(len(_ODS)) == _ODS else None
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, NotImplementedError) as error:
        if _is_named_workbook(source):  # else it is reported as an archive
            raise WorkbookUnreadable(source, _DAMAGED) from error
    return None


def _is_named_workbook(source: str) -> bool:
    return split_member(source)[0].lower().endswith(WORKBOOK_SUFFIXES)


def _ole_suffix(descriptor: int, source: str) -> str:
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
        if data.find("EncryptedPackage".encode("utf-16-le")) >= 0:
            raise WorkbookProtected(source)
        if data.find("Workbook\0".encode("utf-16-le")) < 0 and data.find("Book\0".encode("utf-16-le")) < 0:
            if _is_named_workbook(source):
                raise WorkbookUnreadable(source, _DAMAGED)
            raise SourceNotText(source, "an old Office document that is no workbook")
    return ".xls"


@dataclass(frozen=True)
class Workbook:
    """A workbook at a local `path`; `suffix` is that of its format, `source` its name in errors."""

    path: str
    suffix: str
    source: str
    limits: ExpansionLimits


def read_sheet(workbook: Workbook, sheet: str | None, warnings: list[str]) -> Iterator[bytes]:
    """The named sheet, or the only one with cells, as CSV, block by block. Warnings are added at the end.

    The library knows formats by suffix, so the file is renamed; it is deleted at the end.
    """
    named = Path(workbook.path).with_suffix(workbook.suffix)
    copy = named.with_name(f"errors-as-text{workbook.suffix}")
    Path(workbook.path).rename(named)
    try:
        yield from _convert(workbook, named, copy, sheet, warnings)
    finally:
        for path in (named, copy):
            path.unlink(missing_ok=True)


def _convert(workbook: Workbook, path: Path, copy: Path, sheet: str | None, warnings: list[str]) -> Iterator[bytes]:
    receiver, sender = os.pipe()
    limits = workbook.limits
    request = {
        "path": str(path),
        "copy": str(copy),
        "sheet": sheet,
        "result": sender,
        "cells": limits.workbook_cells,
        "memory": limits.workbook_memory,
        "expanded_bytes": limits.size,
        "expanded_ratio": limits.ratio,
    }
    with os.fdopen(receiver, "rb") as results:
        try:
            # -P: the current folder may contain another package named `transforms`.
            reader = subprocess.Popen(
                [sys.executable, "-P", "-m", "transforms.landing.workbook_reader", json.dumps(request)],
                stdin=subprocess.PIPE,  # it stops when this process ends and closes the pipe
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a panic of the library may quote a cell
                pass_fds=(sender,),
            )
        finally:
            os.close(sender)
        with reader:
            try:
                while block := reader.stdout.read(READ_BYTES) if reader.stdout else b"":
                    yield block
                result = _result_of(results.read(), reader.wait())
            finally:
                reader.kill()
    if "problem" in result:
        raise _error_for(result, workbook.source, sheet, limits)
    warnings += result["warnings"]


def _result_of(text: bytes, status: int) -> dict[str, Any]:
    """What the child reports, or what the signal that ended it means."""
    if text:
        result: dict[str, Any] = json.loads(text)
        return result
    if status == -signal.SIGXCPU:
        return {"problem": "time"}
    return {"problem": "memory" if -status in _OUT_OF_MEMORY_SIGNALS else "unreadable"}


def _error_for(result: dict[str, Any], source: str, sheet: str | None, limits: ExpansionLimits) -> ContactImportError:
    sheets = tuple(result.get("sheets", ()))
    match result["problem"]:
        case "cells":
            limit = f"{limits.workbook_cells:,} cells (rows times columns)"
            return WorkbookTooLarge(source, limit, "CONTACTS_WORKBOOK_CELLS")
        case "memory":
            limit = f"{limits.workbook_memory:,} bytes of memory"
            return WorkbookTooLarge(source, limit, "CONTACTS_WORKBOOK_MEMORY")
        case "expanded-bytes":
            return WorkbookTooLarge(source, f"{limits.size:,} bytes when expanded", "CONTACTS_EXPANDED_BYTES")
        case "expanded-ratio":
            return WorkbookTooLarge(source, f"{limits.ratio:,} times its own size", "CONTACTS_EXPANDED_RATIO")
        case "several-sheets":
            return WorkbookHasSeveralSheets(source, sheets)
        case "no-such-sheet":
            return MemberNotFound(source, sheet or "", sheets)
        case "empty":
            return SourceEmpty(source)
        case "protected":
            return WorkbookProtected(source)
        case "disk-full":
            return DiskFull("no space left on device")
        case "time":
            return WorkbookUnreadable(source, "it takes more than an hour to read; save the sheet as CSV (UTF-8)")
    return WorkbookUnreadable(source, f"it is damaged, or of a kind that is not known{_ADVICE}")
