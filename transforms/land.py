"""Landing: the source is copied once, hashed, and made UTF-8, so that nothing changes under the import."""

import codecs
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from schemas.errors import SourceEmpty, SourceNotFound, SourceNotText, SourceUnreadable
from transforms.folder import inside, read_range, reading, remove, writing

BLOCK = 1 << 20

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_FALLBACK = "cp1252"
_OTHERWISE = ". If letters with accents look wrong, name the encoding with --encoding"


@dataclass(frozen=True)
class Landed:
    """The source as UTF-8 text in the import's folder; `start` skips a byte order mark.

    Bytes that could not be decoded stay in it as bytes that are no UTF-8, for the reader to reject;
    `all_utf8` where it is known that there are none.
    """

    path: str
    source: str
    sha256: str
    size: int
    encoding: str
    start: int = 0
    warnings: tuple[str, ...] = ()
    all_utf8: bool = False


def land(source: str, folder: str, encoding: str | None = None) -> Landed:
    """Copy a local file into `folder`, wherever that is; `SourceError` where it cannot be read as text at all.

    A byte order mark decides the encoding, else the one declared, else UTF-8 if every byte agrees,
    else Windows-1252, with a warning, since every byte is some character there.
    """
    copy = inside(folder, "source.csv")
    sha256, size, utf8 = _copy(source, copy)
    if size == 0:
        raise SourceEmpty(source)
    head = read_range(copy, 0, 1 << 16)
    mark, marked = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", None))
    if marked is None:
        _refuse_binary(source, head, encoding)
    if marked in (None, "utf-8"):
        chosen, warnings = _encoding_of(copy, utf8, encoding if marked is None else "utf-8")
    else:
        chosen, warnings = str(marked), ()
    if marked and encoding and codecs.lookup(encoding).name.split("-")[:2] != str(marked).split("-"):
        warnings = (*warnings, f"the file's byte order mark says {marked}, so --encoding {encoding} was not used")
    if chosen == "utf-8":
        return Landed(copy, source, sha256, size, chosen, len(mark), warnings, all_utf8=utf8)
    text = inside(folder, "source.utf8.csv")
    _transcode(copy, text, chosen)
    remove(copy)
    return Landed(text, source, sha256, size, chosen, 0, warnings)


def _copy(source: str, copy: str) -> tuple[str, int, bool]:
    """Copy and hash in one pass; tell whether every byte is UTF-8."""
    digest, size, utf8 = hashlib.sha256(), 0, True
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(source) as stream, writing(copy) as target:
        while block := stream.read(BLOCK):
            digest.update(block)
            target.write(block)
            size += len(block)
            utf8 = utf8 and _decodes(decoder, block)
    return digest.hexdigest(), size, utf8 and _decodes(decoder, b"", final=True)


def _opened(source: str) -> BinaryIO:
    try:
        return Path(source).open("rb")
    except FileNotFoundError as error:
        raise SourceNotFound(source) from error
    except (IsADirectoryError, PermissionError) as error:
        reason = "it is a folder" if isinstance(error, IsADirectoryError) else "permission is denied"
        raise SourceUnreadable(source, reason) from error


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_binary(source: str, head: bytes, encoding: str | None) -> None:
    for magic, kind in _BINARY:
        if head.startswith(magic):
            raise SourceNotText(source, kind)
    if encoding is None and len(_CONTROLS.findall(head)) > max(8, len(head) // 50):
        raise SourceNotText(source, "binary data (or text without a byte order mark: try --encoding utf-16)")


def _encoding_of(copy: str, utf8: bool, declared: str | None) -> tuple[str, tuple[str, ...]]:
    if declared is not None:
        return _declared(copy, codecs.lookup(declared).name), ()
    if utf8:
        return "utf-8", ()
    good, bad = _utf8_evidence(copy)
    if good > bad:
        damage = f"{bad} damaged place{'s' * (bad != 1)}"
        return "utf-8", (f"the file is UTF-8 with {damage}; the records there are rejected{_OTHERWISE}",)
    return _FALLBACK, (f"the file is not UTF-8, so it was read as Windows-1252{_OTHERWISE}",)


def _declared(copy: str, name: str) -> str:
    """The declared encoding of a file without a mark; UTF-16 and UTF-32 by the order that its first byte shows."""
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return "utf-8"
    if name in ("utf-16", "utf-32"):
        return f"{name}-be" if read_range(copy, 0, 1) == b"\0" else f"{name}-le"
    return name


def _utf8_evidence(copy: str) -> tuple[int, int]:
    """How many characters beyond ASCII are good UTF-8, and in how many places the bytes are none."""
    good = bad = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with reading(copy) as stream:
        while block := stream.read(BLOCK):
            text = decoder.decode(block)
            broken = text.count("\ufffd")
            bad += broken
            good += sum(1 for _ in re.finditer(r"[^\x00-\x7f]", text)) - broken
    return good, bad


def _transcode(copy: str, text: str, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)("contacts.undecodable")
    with reading(copy) as stream, writing(text) as target:
        while block := stream.read(BLOCK):
            target.write(decoder.decode(block).encode("utf-8", "surrogatepass"))
        target.write(decoder.decode(b"", True).encode("utf-8", "surrogatepass"))


def _keep_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Undecodable bytes as lone surrogates, U+DC00 plus the byte: no text has them, and they tell the byte."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("contacts.undecodable", _keep_undecodable)
