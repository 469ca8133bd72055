"""Detects a file's encoding, and transcodes it to UTF-8."""

import codecs
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from transforms.work_folder import open_for_reading

READ_BYTES = 1 << 20
_ARROW_MIN_BYTES = 1 << 12  # below, Python's decoder is faster than Arrow

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FALLBACK = "cp1252"
_UNDEFINED_IN_FALLBACK = b"\x81\x8d\x8f\x90\x9d"
_WRITTEN_MARK = "\ufffd".encode()  # the mark of a damaged place, in a file of a program that wrote it as text
_ENCODING_ADVICE = "; if letters with accents look wrong, name the encoding with --encoding"
_OTHER_ENCODING_ADVICE = (
    ", in which some of its bytes are no letters; name the right encoding with --encoding, such as mac-roman or cp850"
)
# Codecs for escapes in source code, host names and old mail; no CSV is written in them.
_NOT_FILE_ENCODINGS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
# Only rejected files have a column of these names; transforms.parsing.layout names all columns that they add.
REJECTED_FILE_COLUMNS = ("rejection_record", "rejection_of")
_REJECTED_FILE_HEADER = re.compile(rf"[\r\n]*[^\r\n]*(?<!\w)(?:{'|'.join(REJECTED_FILE_COLUMNS)})(?!\w)".encode())


class EncodingCertainty(StrEnum):
    """How the encoding was determined."""

    MARK = "byte order mark"
    DECLARED = "declared"
    EVERY_BYTE = "every byte agrees"
    GUESSED = "guessed"


@dataclass(frozen=True)
class Encoding:
    """A file's encoding, how it was determined, and warnings for the report."""

    name: str
    certainty: EncodingCertainty
    warnings: tuple[str, ...] = ()


def usable_encoding(name: str) -> str | None:
    """The codec's own name for an encoding of files; None if it is not one."""
    try:
        b"a,\xe9\n".decode(name, "replace")  # codecs that are not for text (rot13) or for bytes (base64) fail here
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    ours = codec.name.replace("_", "-") not in _NOT_FILE_ENCODINGS
    return codec.name if ours else None


def bom_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark at the start of the file names."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), None)


def find_encoding(address: str, head: bytes, utf8: bool, declared: str | None) -> Encoding:
    """A byte order mark decides, then the declared encoding, then UTF-8 if every byte agrees, else Windows-1252.

    The declared encoding is that of the source; a program may save its corrected rejected file as UTF-8 without a mark.
    Windows-1252 is a guess: nearly every byte is a character in it. A file stays UTF-8 if fewer places are damaged
    than valid characters beyond ASCII are in it.
    """
    if mark := bom_encoding(head):
        other = declared and codecs.lookup(declared).name.split("-")[:2] != mark.split("-")
        ignored = f"the file's byte order mark says {mark}, so --encoding {declared} was not used"
        return Encoding(mark, EncodingCertainty.MARK, (ignored,) if other else ())
    if declared is not None:
        name = _declared(head, codecs.lookup(declared).name)
        if name == "utf-8" or not (utf8 and _is_rejected_file_in_utf8(address, head)):
            return Encoding(name, EncodingCertainty.DECLARED)
        ignored = f"the file is a rejected file that was saved as UTF-8, so --encoding {declared} was not used"
        return Encoding("utf-8", EncodingCertainty.EVERY_BYTE, (ignored,))
    if utf8:
        return Encoding("utf-8", EncodingCertainty.EVERY_BYTE)
    good, bad = _count_utf8(address)
    if good > bad:
        damage = f"{bad} damaged place{'s' * (bad != 1)}"
        warning = f"the file is UTF-8 with {damage}, whose records are rejected{_ENCODING_ADVICE}"
        return Encoding("utf-8", EncodingCertainty.GUESSED, (warning,))
    advice = _OTHER_ENCODING_ADVICE if any(byte in head for byte in _UNDEFINED_IN_FALLBACK) else _ENCODING_ADVICE
    warning = f"the file is not UTF-8, so it was read as Windows-1252{advice}"
    return Encoding(_FALLBACK, EncodingCertainty.GUESSED, (warning,))


def _is_rejected_file_in_utf8(address: str, head: bytes) -> bool:
    """Whether this valid UTF-8 is a rejected file with a character beyond ASCII; pure ASCII may be another encoding."""
    return _REJECTED_FILE_HEADER.match(head) is not None and _count_utf8(address)[0] > 0


def _declared(head: bytes, name: str) -> str:
    """The declared encoding of a file without a byte order mark; the first byte shows the order of UTF-16 and -32."""
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return "utf-8"
    if name in ("utf-16", "utf-32"):
        return f"{name}-be" if head.startswith(b"\0") else f"{name}-le"
    return name


def _count_utf8(address: str) -> tuple[int, int]:
    """How many characters beyond ASCII are valid UTF-8, and how many places are invalid."""
    good = bad = 0
    end = b""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with open_for_reading(address) as stream:
        while block := stream.read(READ_BYTES):
            text = decoder.decode(block)
            data = end + block  # a character may begin in the block before
            broken = text.count("\ufffd") - data.count(_WRITTEN_MARK)
            end = data[1 - len(_WRITTEN_MARK) :]
            bad += broken
            good += sum(1 for _ in re.finditer(r"[^\x00-\x7f]", text)) - broken
    bad += len(decoder.decode(b"", True))  # a character that the end of the file cuts off
    return good, bad


def transcode(source: BinaryIO, target: BinaryIO, encoding: str) -> None:
    """Write the text as UTF-8. Bytes that cannot be decoded become bytes that are not UTF-8 and name the byte."""
    decoder = codecs.getincrementaldecoder(encoding)("contacts.undecodable")
    while block := source.read(READ_BYTES):
        target.write(decoder.decode(block).encode("utf-8", "surrogatepass"))
    target.write(decoder.decode(b"", True).encode("utf-8", "surrogatepass"))


def count_bom_bytes(text: bytes) -> int:
    """The length of the UTF-8 byte order marks before the text; programs that append files write more than one."""
    return len(text) - len(re.sub(rb"\A(?:\xef\xbb\xbf)+", b"", text))


def _keep_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Undecodable bytes as lone surrogates, U+DC00 plus the byte, which valid text never has."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("contacts.undecodable", _keep_undecodable)


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are valid UTF-8."""
    if data.isascii():
        return True
    try:
        if len(data) < _ARROW_MIN_BYTES:
            data.decode("utf-8")
        else:
            _as_text(data).validate(full=True)  # four times as fast as to decode
    except (UnicodeDecodeError, pa.ArrowInvalid):
        return False
    return True


def _as_text(data: bytes) -> pa.LargeStringArray:
    """The bytes as a column of one cell, without a copy."""
    ends = pa.py_buffer(np.array([0, len(data)], np.int64))
    array: pa.LargeStringArray = pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(data)])
    return array


class Utf8Checker:
    """Checks whether bytes that come in blocks are UTF-8; a block may end within a character."""

    def __init__(self) -> None:
        self._valid = True
        self._rest = b""

    def add(self, block: bytes) -> None:
        if self._valid:
            data = self._rest + block
            whole = len(data) - _partial_character_bytes(data)
            self._valid, self._rest = is_utf8(data[:whole]), data[whole:]

    def is_valid(self) -> bool:
        return self._valid and is_utf8(self._rest)


def _partial_character_bytes(data: bytes) -> int:
    """How many bytes at the end belong to a character of several bytes, which may be incomplete."""
    for count, byte in enumerate(reversed(data[-4:]), start=1):
        if byte >= 0xC0:
            return count
        if byte < 0x80:
            break
    return 0
