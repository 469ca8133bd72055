"""Finds the cells of a workbook that its reader shows as empty: errors, and formulas whose value no program has stored.

It searches the bytes of the file, in the reader's process, and can turn errors into texts, which the reader shows.
"""

import os
import posixpath
import re
import shutil
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import olefile

READ_BYTES = 1 << 20

_ERROR_CELLS = {  # what a match is replaced with makes the error a text
    ".xlsx": (re.compile(rb"""(<(?:\w+:)?c\s(?:[^<>]*?\s)?t=)(?:"e"|'e')"""), rb'\1"str"'),
    ".ods": (re.compile(rb'office:string-value=""\s+(calcext:value-type="error")'), rb"\1"),
}
_EMPTY_FORMULA = re.compile(
    rb"""<(?:\w+:)?c(?=[\s>])(?![^<>]*\st=["']str["'])(?:[^<>]*?\sr=["']([A-Z]+[0-9]+)["'])?[^<>]*>\s*"""
    rb"""<(?:\w+:)?f(?:\s[^<>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)


@dataclass
class CellScan:
    """What the file says about cells that the library reads as empty.

    `part` is the sheet's XML, in which errors can become texts; in an `.xls` they are in `texts`, by row and column.
    `whole_workbook`: the part has all sheets, and the errors of all are counted.
    """

    part: str = ""
    whole_workbook: bool = False
    errors: int = 0
    formulas: int = 0
    first_formula: str = ""
    texts: dict[int, dict[int, str]] = field(default_factory=dict)

    def warnings(self) -> Iterator[str]:
        if self.errors:
            cells, has = ("1 cell", "has") if self.errors == 1 else (f"{self.errors:,} cells", "have")
            where = " of all sheets" if self.whole_workbook else ""
            yield f"{cells}{where} {has} an error such as #N/A instead of a value; its text was kept"
        if self.formulas:
            cells = "1 formula has" if self.formulas == 1 else f"{self.formulas:,} formulas have"
            first = f", the first in {self.first_formula}" if self.first_formula else ""
            yield (
                f"{cells} no stored value{first}; such cells were read as empty. Open the workbook in a spreadsheet "
                "program and save it, so that it stores the values"
            )


def scan_cells(path: Path, sheet: str) -> CellScan:
    """Count errors, and in `.xlsx` formulas without a value; in other formats the library shows neither."""
    scan = CellScan()
    if path.suffix == ".xls":
        scan.texts = _errors_in_xls(path, sheet)
        scan.errors = sum(map(len, scan.texts.values()))
    if path.suffix not in _ERROR_CELLS:
        return scan
    with zipfile.ZipFile(path) as archive:
        part = "content.xml" if path.suffix == ".ods" else _part_of(archive, sheet)
        if part is None:
            return scan
        scan.part, scan.whole_workbook = part, path.suffix == ".ods"
        with archive.open(scan.part) as stream:
            for block in _whole_cells(stream):
                if b'e"' in block or b"e'" in block:
                    scan.errors += len(_ERROR_CELLS[path.suffix][0].findall(block))
                if path.suffix == ".xlsx" and (b"<f" in block or b":f" in block):
                    found = _EMPTY_FORMULA.findall(block)
                    scan.first_formula = scan.first_formula or (found[0].decode() if found else "")
                    scan.formulas += len(found)
    return scan


_XLS_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_BOUND_SHEET, _FORMULA, _BOOLEAN_OR_ERROR, _BEGIN, _END = 0x85, 0x06, 0x205, 0x809, 0x0A


def _errors_in_xls(path: Path, sheet: str) -> dict[int, dict[int, str]]:
    """The errors of a sheet in an `.xls` of Excel 97 or later, by row and column."""
    with olefile.OleFileIO(path) as document:
        if not document.exists("Workbook"):
            return {}
        stream = document.openstream("Workbook").read()
    start = next((each[0] for each in _sheets_in_xls(stream) if each[1] == sheet), len(stream))
    found: dict[int, dict[int, str]] = {}
    depth = 0
    for kind, data in _xls_records(stream, start):
        depth += (kind == _BEGIN) - (kind == _END)
        if depth == 0:
            break
        code = None
        if kind == _BOOLEAN_OR_ERROR and data[7]:
            code = data[6]
        elif kind == _FORMULA and data[12:14] == b"\xff\xff" and data[6] == 2:  # the stored value is an error
            code = data[8]
        if code is not None and depth == 1:
            row, column = struct.unpack_from("<HH", data)
            found.setdefault(row, {})[column] = _XLS_ERRORS.get(code, "#N/A")
    return found


def _sheets_in_xls(stream: bytes) -> Iterator[tuple[int, str]]:
    """Where each sheet starts, and its name."""
    for kind, data in _xls_records(stream, 0):
        if kind == _END:
            return
        if kind == _BOUND_SHEET:
            length, wide = data[6], data[7] & 1
            name = data[8 : 8 + length * (1 + wide)].decode("utf-16-le" if wide else "latin-1")
            yield struct.unpack_from("<I", data)[0], name


def _xls_records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    while start + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, start)
        yield kind, stream[start + 4 : start + 4 + length]
        start += 4 + length


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The name of a sheet's XML in an `.xlsx`; None if it is named in a way that only the library understands."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    ids = [
        value
        for each in book.iter()
        if each.tag.endswith("}sheet") and each.get("name") == sheet
        for key, value in each.attrib.items()
        if key.endswith("}id")
    ]
    part = posixpath.normpath(posixpath.join("/xl", targets.get(ids[0], "") if ids else "")).lstrip("/")
    return part if part in archive.namelist() else None


def _whole_cells(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in blocks that end after a cell, or at least before a tag."""
    rest = b""
    while block := stream.read(READ_BYTES):
        block = rest + block
        end = max(block.rfind(b"</c>") + 4, block.rfind(b":c>") + 3)
        if end <= 4:
            end = max(block.rfind(b"<"), 0)
        rest = block[end:]
        yield block[:end]
    yield rest


def write_errors_as_text(path: Path, copy: Path, part: str) -> Path:
    """A copy of the workbook in which the errors of the sheet are texts."""
    pattern, replacement = _ERROR_CELLS[path.suffix]
    with (
        zipfile.ZipFile(path) as source,
        open(copy, "wb", opener=partial(os.open, mode=0o600)) as stream_of_copy,
        zipfile.ZipFile(stream_of_copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        for entry in source.infolist():
            if entry.filename != part and entry.filename.startswith("xl/worksheets/"):
                continue  # another sheet
            with source.open(entry) as stream, target.open(entry.filename, "w", force_zip64=True) as written:
                if entry.filename == part:
                    for block in _whole_cells(stream):
                        written.write(pattern.sub(replacement, block))
                else:
                    shutil.copyfileobj(stream, written)
    return copy
