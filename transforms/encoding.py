"""Which encoding a file is in, and how sure that is; and its text as UTF-8, whatever it was."""

import codecs
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from transforms.folder import reading

BLOCK = 1 << 20

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FALLBACK = "cp1252"
_OTHERWISE = ". If letters with accents look wrong, name the encoding with --encoding"
# Text in other text's clothes: programs' escapes, names of hosts, mail of old. No CSV is written so.
_NO_FILES = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})


class Certainty(StrEnum):
    """What the choice of an encoding rests on."""

    MARK = "byte order mark"
    DECLARED = "declared"
    EVERY_BYTE = "every byte agrees"
    GUESSED = "guessed"


@dataclass(frozen=True)
class Encoding:
    """A file's encoding, and what a reader of the report should know about the choice."""

    name: str
    certainty: Certainty
    warnings: tuple[str, ...] = ()


def usable_encoding(name: str) -> str | None:
    """The codec's own name for an encoding that files may be in, or None where there is none."""
    try:
        b"a,\xe9\n".decode(name, "replace")  # refused by codecs of no text (rot13) and of bytes (base64)
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    ours = codec.name.replace("_", "-") not in _NO_FILES
    return codec.name if ours else None


def marked_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark at the file's beginning names."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def find_encoding(place: str, head: bytes, utf8: bool, declared: str | None) -> Encoding:
    """A mark decides, else what is declared, else UTF-8 if every byte agrees, else Windows-1252.

    The last is a guess that reads any file, since nearly every byte is some character there. A few damaged
    places among more good ones leave a file UTF-8.
    """
    if mark := marked_encoding(head):
        other = declared and codecs.lookup(declared).name.split("-")[:2] != mark.split("-")
        ignored = f"the file's byte order mark says {mark}, so --encoding {declared} was not used"
        return Encoding(mark, Certainty.MARK, (ignored,) if other else ())
    if declared is not None:
        return Encoding(_declared(head, codecs.lookup(declared).name), Certainty.DECLARED)
    if utf8:
        return Encoding("utf-8", Certainty.EVERY_BYTE)
    good, bad = _utf8_evidence(place)
    if good > bad:
        damage = f"{bad} damaged place{'s' * (bad != 1)}"
        warning = f"the file is UTF-8 with {damage}; the records there are rejected{_OTHERWISE}"
        return Encoding("utf-8", Certainty.GUESSED, (warning,))
    warning = f"the file is not UTF-8, so it was read as Windows-1252{_OTHERWISE}"
    return Encoding(_FALLBACK, Certainty.GUESSED, (warning,))


def _declared(head: bytes, name: str) -> str:
    """The declared encoding of a file without a mark; UTF-16 and UTF-32 by the order that its first byte shows."""
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return "utf-8"
    if name in ("utf-16", "utf-32"):
        return f"{name}-be" if head.startswith(b"\0") else f"{name}-le"
    return name


def _utf8_evidence(place: str) -> tuple[int, int]:
    """How many characters beyond ASCII are good UTF-8, and in how many places the bytes are none."""
    good = bad = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with reading(place) as stream:
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


def marks_before(text: bytes) -> int:
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
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
