"""Which encoding a file is in, and how sure that is; and its text as UTF-8, whatever it was."""

import codecs
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from transforms.work_folder import open_for_reading

BLOCK = 1 << 20
_ARROW_MIN_BYTES = 1 << 12  # bytes from which on it pays to ask Arrow

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FALLBACK = "cp1252"
_ENCODING_ADVICE = ". If letters with accents look wrong, name the encoding with --encoding"
# Text in other text's clothes: programs' escapes, names of hosts, mail of old. No CSV is written so.
_NOT_FILE_ENCODINGS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})


class EncodingCertainty(StrEnum):
    """What the choice of an encoding rests on."""

    MARK = "byte order mark"
    DECLARED = "declared"
    EVERY_BYTE = "every byte agrees"
    GUESSED = "guessed"


@dataclass(frozen=True)
class Encoding:
    """A file's encoding, and what a reader of the report should know about the choice."""

    name: str
    certainty: EncodingCertainty
    warnings: tuple[str, ...] = ()


def usable_encoding(name: str) -> str | None:
    """The codec's own name for an encoding that files may be in, or None where there is none."""
    try:
        b"a,\xe9\n".decode(name, "replace")  # refused by codecs of no text (rot13) and of bytes (base64)
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    ours = codec.name.replace("_", "-") not in _NOT_FILE_ENCODINGS
    return codec.name if ours else None


def bom_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark at the file's beginning names."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), None)


def find_encoding(place: str, head: bytes, utf8: bool, declared: str | None) -> Encoding:
    """A mark decides, else what is declared, else UTF-8 if every byte agrees, else Windows-1252.

    The last is a guess that reads any file, since nearly every byte is some character there. A few damaged
    places among more good ones leave a file UTF-8.
    """
    if mark := bom_encoding(head):
        other = declared and codecs.lookup(declared).name.split("-")[:2] != mark.split("-")
        ignored = f"the file's byte order mark says {mark}, so --encoding {declared} was not used"
        return Encoding(mark, EncodingCertainty.MARK, (ignored,) if other else ())
    if declared is not None:
        return Encoding(_declared(head, codecs.lookup(declared).name), EncodingCertainty.DECLARED)
    if utf8:
        return Encoding("utf-8", EncodingCertainty.EVERY_BYTE)
    good, bad = _count_utf8(place)
    if good > bad:
        damage = f"{bad} damaged place{'s' * (bad != 1)}"
        warning = f"the file is UTF-8 with {damage}; the records there are rejected{_ENCODING_ADVICE}"
        return Encoding("utf-8", EncodingCertainty.GUESSED, (warning,))
    warning = f"the file is not UTF-8, so it was read as Windows-1252{_ENCODING_ADVICE}"
    return Encoding(_FALLBACK, EncodingCertainty.GUESSED, (warning,))


def _declared(head: bytes, name: str) -> str:
    """The declared encoding of a file without a mark; UTF-16 and UTF-32 by the order that its first byte shows."""
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return "utf-8"
    if name in ("utf-16", "utf-32"):
        return f"{name}-be" if head.startswith(b"\0") else f"{name}-le"
    return name


def _count_utf8(place: str) -> tuple[int, int]:
    """How many characters beyond ASCII are good UTF-8, and in how many places the bytes are none."""
    good = bad = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with open_for_reading(place) as stream:
        while block := stream.read(BLOCK):
            text = decoder.decode(block)
            broken = text.count("\ufffd")
            bad += broken
            good += sum(1 for _ in re.finditer(r"[^\x00-\x7f]", text)) - broken
    return good, bad


def transcode(source: BinaryIO, target: BinaryIO, encoding: str) -> None:
    """Write the text as UTF-8. Bytes that do not decode stay in it, recognisably, as bytes that are no UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)("contacts.undecodable")
    while block := source.read(BLOCK):
        target.write(decoder.decode(block).encode("utf-8", "surrogatepass"))
    target.write(decoder.decode(b"", True).encode("utf-8", "surrogatepass"))


def count_bom_bytes(text: bytes) -> int:
    """How many bytes of UTF-8 byte order marks stand before the text; programs that append write more than one."""
    return len(text) - len(re.sub(rb"\A(?:\xef\xbb\xbf)+", b"", text))


def _keep_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Undecodable bytes as lone surrogates, U+DC00 plus the byte: no text has them, and they tell the byte."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("contacts.undecodable", _keep_undecodable)


def is_utf8(data: bytes) -> bool:
    """Whether all of some bytes are UTF-8."""
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
    """The bytes as a column of one cell, not copied."""
    ends = pa.py_buffer(np.array([0, len(data)], np.int64))
    array: pa.LargeStringArray = pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(data)])
    return array


class Utf8Checker:
    """Whether bytes that come in blocks are UTF-8; a block may end within a character."""

    def __init__(self) -> None:
        self._so_far = True
        self._rest = b""

    def add(self, block: bytes) -> None:
        if self._so_far:
            data = self._rest + block
            whole = len(data) - _partial_character_bytes(data)
            self._so_far, self._rest = is_utf8(data[:whole]), data[whole:]

    def is_valid(self) -> bool:
        return self._so_far and is_utf8(self._rest)


def _partial_character_bytes(data: bytes) -> int:
    """How many bytes at the end are the last character's, if it is one of several bytes; it may lack some."""
    for count, byte in enumerate(reversed(data[-4:]), start=1):
        if byte >= 0xC0:
            return count
        if byte < 0x80:
            break
    return 0
