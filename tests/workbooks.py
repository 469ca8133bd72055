"""Makes workbooks for tests, with several programs."""

import atexit
import io
import shutil
import struct
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest

SPANISH = "es-ES"


def book(sheets: Mapping[str, Sequence[Sequence[Any]]], hidden: Iterable[str] = ()) -> bytes:
    """A workbook of these sheets, by openpyxl, which stores no values of formulas."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name in hidden:
            sheet.sheet_state = "hidden"
    sink = io.BytesIO()
    workbook.save(sink)
    return sink.getvalue()


def with_part(content: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """The workbook with a text of one part replaced wherever it occurs."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.namelist():
            part = source.read(entry)
            target.writestr(entry, part.replace(old, new) if entry == name else part)
    return sink.getvalue()


def with_rows(rows: Iterable[str], size: int | None = None) -> bytes:
    """A workbook whose sheet has these `<row>` elements, written as a stream; much faster than openpyxl.

    `size` is the size that the archive claims for the sheet, if it should be wrong.
    """
    empty = io.BytesIO(book({"Sheet": []}))
    sink = io.BytesIO()
    with zipfile.ZipFile(empty) as source, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for entry in source.namelist():
            if entry != "xl/worksheets/sheet1.xml":
                target.writestr(entry, source.read(entry))
        with target.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for row in rows:
                part.write(row.encode())
            part.write(b"</sheetData></worksheet>")
    content = sink.getvalue()
    if size is None:
        return content
    real = zipfile.ZipFile(io.BytesIO(content)).getinfo("xl/worksheets/sheet1.xml").file_size
    return content.replace(real.to_bytes(4, "little"), size.to_bytes(4, "little"))


def text_row(number: int, cells: Iterable[str]) -> str:
    """A `<row>` of texts without characters that XML escapes."""
    inside = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f'<row r="{number}">{inside}</row>'


def binary_book(*rows: Sequence[str | float]) -> bytes:
    """An `.xlsb` of one sheet with the few records that a reader needs; no free program writes this format."""
    sheet = _record(148, struct.pack("<4I", 0, len(rows) - 1, 0, len(rows[0]) - 1)) + _record(145)
    for number, row in enumerate(rows):
        sheet += _record(0, struct.pack("<I", number) + bytes(13))
        for column, value in enumerate(row):
            place = struct.pack("<II", column, 0)
            if isinstance(value, str):
                sheet += _record(6, place + _wide(value))
            elif isinstance(value, bool):
                sheet += _record(4, place + bytes([value]))
            else:
                sheet += _record(5, place + struct.pack("<d", value))
    listed = _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("Sheet1"))
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Target="worksheets/sheet1.bin"/></Relationships>'
    )
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.bin", _record(131) + _record(143) + listed + _record(144) + _record(132))
        archive.writestr("xl/_rels/workbook.bin.rels", relation)
        archive.writestr("xl/worksheets/sheet1.bin", _record(129) + sheet + _record(146) + _record(130))
    return sink.getvalue()


def _record(kind: int, data: bytes = b"") -> bytes:
    name = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    assert len(data) < 128
    return name + bytes([len(data)]) + data


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


@cache
def _profile(language: str) -> Path:
    """A profile of LibreOffice for this process: two that run at once cannot share one."""
    folder = Path(tempfile.mkdtemp(prefix="contacts-libreoffice-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = folder / "user" / "registrymodifications.xcu"
    settings.parent.mkdir()
    settings.write_text(
        '<?xml version="1.0"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">'
        f"<value>{language}</value></prop></item></oor:items>"
    )
    return folder


def convert_with_libreoffice(path: Path, extension: str, *, filter_name: str = "", language: str = "en-US") -> Path:
    """The file as LibreOffice saves it in another format, in a folder of its own."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("NO LIBREOFFICE: install it, for example with apt-get install libreoffice-calc")
    saved = path.parent / f"saved-{extension}"
    subprocess.run(
        [
            program,
            f"-env:UserInstallation={_profile(language).as_uri()}",
            "--headless",
            "--convert-to",
            f"{extension}:{filter_name}" if filter_name else extension,
            "--outdir",
            saved,
            path,
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    return saved / f"{path.stem}.{extension}"
