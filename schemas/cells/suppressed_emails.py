"""Suppressed addresses as keyed hashes: finds them without knowing them."""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pandas as pd

from schemas.cells.arrow_columns import TEXT_DTYPE, to_arrow
from schemas.cells.emails import INVISIBLE, normalise_emails

KEY_BYTES = 32
HASH_DTYPE = np.dtype("S32")  # a digest of SHA-256

Mask: TypeAlias = np.ndarray

# No address that our rules accept has one of these signs, except a bar, which separates cells and options.
_SEPARATORS = re.compile(r'[\s<>()\[\],;:\\"|]+')
# Other signs are legal in one too, but more often separate it from the text around it. An apostrophe is either.
_RARE_SIGNS = re.compile(r"[^\w.+\-@']+|\.{2,}")
_SIGNS = re.compile(r"[^\w.+\-@]+|\.{2,}")
AT_SIGNS = "@\uff20\ufe6b"  # and its wide and small forms
# A letter and its accents. Unicode sorts the accents of a letter, in a time that grows with the square of their number.
_PIECES = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]{1,50}")


def new_key() -> bytes:
    """A random key for the hashes of one warehouse."""
    return secrets.token_bytes(KEY_BYTES)


def hash_email(key: bytes, email: str) -> bytes:
    """HMAC-SHA256 of an address in the form in which it is stored."""
    return next(hash_emails(key, [email]))


def hash_emails(key: bytes, emails: Iterable[str | None]) -> Iterator[bytes]:
    """The hashes of many addresses; no bytes for none. Copying a keyed hash takes half the time of a new one."""
    keyed = hmac.new(key, digestmod="sha256")
    for email in emails:
        if not email:
            yield b""
            continue
        one = keyed.copy()
        one.update(email.encode("utf-8", "surrogatepass"))
        yield one.digest()


@dataclass(frozen=True, eq=False)
class SuppressedEmails:
    """The hashes of one warehouse, sorted: 32 bytes of memory for each address.

    `last` is the number of the newest suppression among them.
    """

    key: bytes = field(repr=False)
    hashes: np.ndarray = field(repr=False)
    last: int = 0

    @classmethod
    def of(cls, key: bytes, hashes: Iterable[bytes], last: int = 0) -> "SuppressedEmails":
        return cls(key, np.sort(np.fromiter(hashes, HASH_DTYPE)), last)

    def joined(self, other: "SuppressedEmails | None") -> "SuppressedEmails":
        """Both, of one warehouse."""
        if other is None:
            return self
        return SuppressedEmails(
            self.key, np.sort(np.concatenate([self.hashes, other.hashes])), max(self.last, other.last)
        )

    def contain(self, emails: Iterable[str | None]) -> Mask:
        """Which of these addresses, in their stored form, are suppressed."""
        found = np.fromiter(hash_emails(self.key, emails), HASH_DTYPE)
        if not len(self.hashes):
            return np.zeros(len(found), bool)
        places = np.searchsorted(self.hashes, found).clip(max=len(self.hashes) - 1)
        return np.asarray(self.hashes[places] == found)

    def are_in(self, texts: Sequence[str | None]) -> Mask:
        """Which of these texts contain a suppressed address, in any spelling that the rules of emails accept."""
        rows, words = list[int](), list[str]()
        for row, text in enumerate(texts):
            if text and any(sign in text for sign in AT_SIGNS):
                found = _words(text)
                rows += [row] * len(found)
                words += found
        mask = np.zeros(len(texts), bool)
        if rows:
            stored = to_arrow(normalise_emails(pd.Series(words, dtype=TEXT_DTYPE))).to_pylist()
            mask[np.array(rows)[self.contain(stored)]] = True
        return mask


def _words(text: str) -> set[str]:
    """All that may be an address in a text: between separators or signs, as it is written and folded."""
    return {
        word.strip("'.`*")
        for form in {text, _folded(text)}
        for signs in (_SEPARATORS, _RARE_SIGNS, _SIGNS)
        for word in signs.split(form)
        if "@" in word
    }


def _folded(text: str) -> str:
    """A text without invisible characters, with the ordinary forms of wide and other special characters."""
    if text.isascii():
        return text
    return _PIECES.sub(lambda piece: unicodedata.normalize("NFKC", piece[0]), INVISIBLE.sub("", text))
