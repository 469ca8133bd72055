"""A column of emails is normalised and validated as each address is by the library."""

import sys
import unicodedata

import email_validator
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cells.arrow_columns import TEXT_DTYPE, trim
from schemas.cells.emails import INVISIBLE, count_rewritten, explain_invalid_email, normalise_emails, valid_emails

RESERVED = ["test", "localhost", "invalid", "local", "example.test", "arpa", "onion"]
EDGES = [
    pytest.param("a@example.com", id="plain"),
    pytest.param("A.B+C_d-e@Sub.Example.CO.UK", id="upper"),
    pytest.param("-a@example.com", id="hyphen-first"),
    pytest.param("a-@example.com", id="hyphen-last"),
    pytest.param("a--b@example.com", id="hyphens-in-local"),
    pytest.param("a@ex--ample.com", id="hyphens-in-label"),
    pytest.param("a@xn--bcher-kva.example.com", id="punycode"),
    pytest.param("a@xn--zzzzzz.com", id="wrong-punycode"),
    pytest.param("a@-example.com", id="label-hyphen-first"),
    pytest.param("a@example-.com", id="label-hyphen-last"),
    pytest.param("a@1.2.3.4", id="numbers"),
    pytest.param("a@123.com", id="digits-in-label"),
    pytest.param("a@example.c", id="one-letter-tld"),
    pytest.param("a@example.c0m", id="digit-in-tld"),
    pytest.param("a@example.com.", id="dot-last"),
    pytest.param(f"{'a' * 63}@example.com", id="local-63"),
    pytest.param(f"{'a' * 64}@example.com", id="local-64"),
    pytest.param(f"{'a' * 65}@example.com", id="local-65"),
    pytest.param(f"a@{'b' * 63}.com", id="label-63"),
    pytest.param(f"a@{'b' * 64}.com", id="label-64"),
    pytest.param(f"a@b.{'c' * 63}", id="tld-63"),
    pytest.param(f"a@b.{'c' * 64}", id="tld-64"),
    pytest.param(f"a@{'b.' * 124}com", id="254"),
    pytest.param(f"a@{'b.' * 125}com", id="255-and-more"),
    pytest.param(f"{'a.' * 30}a@{'b.' * 99}com", id="both-long"),
    pytest.param("ñandú@example.com", id="unicode-local"),
    pytest.param("Ñ@ÉXAMPLE.com", id="unicode-upper"),
    pytest.param("a@bücher.example", id="unicode-domain"),
    pytest.param("ﬁ@example.com", id="ligature"),
    pytest.param("K@example.com", id="kelvin-sign"),
    pytest.param("İ@example.com", id="dotted-capital-i"),
    pytest.param("e\u0301@example.com", id="combining"),
    pytest.param("a\u200b@example.com", id="zero-width"),
    pytest.param("a\u034fb@example.com", id="invisible-joiner"),
    pytest.param("a@example。com", id="ideographic-stop"),
    pytest.param("a@example.com\n", id="line-break-after"),
    pytest.param("x" * 2_000 + "@example.com", id="endless"),
    pytest.param("postmaster@example.com", id="postmaster"),
    pytest.param("POSTMASTER@example.com", id="postmaster-upper"),
]


def by_library(text: str) -> str | None:
    try:
        if INVISIBLE.search(text):
            return None
        return email_validator.validate_email(text, check_deliverability=False, strict=True).normalized.lower()
    except email_validator.EmailNotValidError:
        return None


def by_column(texts: list[str]) -> list[str | None]:
    stored = normalise_emails(pd.Series(texts, dtype=TEXT_DTYPE))
    return [text if valid else None for text, valid in zip(stored, valid_emails(stored), strict=True)]


def stable(text: str) -> str | None:
    """The library's verdict, where its own stored form is an address too (two capitals beyond ASCII are none)."""
    address = by_library(text)
    return address if address is not None and by_library(address) == address else None


@pytest.mark.parametrize("text", EDGES)
def test_an_unusual_address_is_judged_as_by_the_library(text: str) -> None:
    assert by_column([text]) == [stable(text)]


@pytest.mark.parametrize("domain", sorted({*email_validator.SPECIAL_USE_DOMAIN_NAMES, *RESERVED}))
def test_reserved_domains_are_left_to_the_library(domain: str) -> None:
    texts = [f"a@{domain}", f"a@sub.{domain}", f"A@SUB.{domain.upper()}", f"a@x{domain}", f"a@{domain}.com"]
    assert by_column(texts) == [stable(text) for text in texts]


ATOM = st.text("abzAZ019_+-.é'", min_size=0, max_size=8)
LABEL = st.text("abzAZ09-ñ", min_size=0, max_size=6) | st.sampled_from(["test", "xn--a", "b" * 63, "b" * 64, "local"])
TLD = st.sampled_from(["com", "ES", "c", "test", "c0m", "xn--p1ai", "9", "museum", "онлайн", ""])
NEAR = st.builds(
    lambda local, fill, labels, tld: f"{local}{'a' * fill}@{'.'.join([*labels, tld])}",
    ATOM,
    st.sampled_from([0, 0, 1, 55, 62, 63, 64]),
    st.lists(LABEL, min_size=1, max_size=3),
    TLD,
)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=150)
@given(st.lists(NEAR | ANY | st.builds("{}@{}".format, ANY, ANY), max_size=10))
def test_a_column_is_judged_as_each_address_is_by_the_library(texts: list[str]) -> None:
    texts = [text for text in texts if text]
    assert by_column(texts) == [stable(text) for text in texts]


@settings(max_examples=60)
@given(st.lists(NEAR, max_size=10))
def test_normalising_twice_gives_the_same_lower_case_address(texts: list[str]) -> None:
    stored = [text for text in by_column(texts) if text is not None]
    assert by_column(stored) == stored
    assert [text.lower() for text in stored] == stored


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(f"{'a' * 65}@example.com", "too long before the @-sign", id="local-part-of-65-characters"),
        pytest.param("a\u034fb@example.com", "invisible character, U+034F; remove it", id="grapheme-joiner"),
        pytest.param("a\u3164@example.com", "U+3164", id="hangul-filler"),
        pytest.param("a\u2800@example.com", "U+2800", id="blank-braille-pattern"),
        pytest.param("a@exam\ufe0fple.com", "U+FE0F", id="variation-selector-in-the-domain"),
        pytest.param("a@exam\U000e0100ple.com", "U+E0100", id="variation-selector-beyond-16-bits"),
        pytest.param("a@exam\u00adple.com", "U+00AD", id="soft-hyphen"),
    ],
)
def test_an_overlong_or_deceptive_address_is_rejected(text: str, says: str) -> None:
    assert by_column([text]) == [None]
    assert says in explain_invalid_email(text)


def test_every_ignorable_character_is_invisible() -> None:
    characters = map(chr, range(0x80, sys.maxunicode + 1))
    formats = [each for each in characters if unicodedata.category(each) == "Cf" and by_library(f"a{each}@b.com")]
    assert formats == []


@pytest.mark.parametrize(
    ("spellings", "stored"),
    [
        pytest.param(["a@b\u00fccher.com", "a@xn--bcher-kva.com", "a@XN--BCHER-KVA.com"], "a@bücher.com", id="idn"),
        pytest.param(["e\u0301@b.com", "\u00e9@b.com", "\u00c9@b.com"], "\u00e9@b.com", id="composed-accents"),
        pytest.param(["a@\uff45xample.com", "a@example\u3002com"], "a@example.com", id="full-width-domain"),
    ],
)
def test_the_spellings_of_a_mailbox_are_one_address(spellings: list[str], stored: str) -> None:
    assert by_column(spellings) == [stored] * len(spellings)


@pytest.mark.parametrize(
    ("written", "count"),
    [
        pytest.param(["a@b.com", "A@B.com ", "\u00d1@b.com", None, "  "], 0, id="case-and-space"),
        pytest.param(["a@xn--bcher-kva.com", "a@\uff45xample.com", "e\u0301@b.com", "a@c.com"], 3, id="spelling"),
    ],
)
def test_only_addresses_in_another_spelling_count_as_rewritten(written: list[str | None], count: int) -> None:
    cells = pd.Series(written, dtype=TEXT_DTYPE)
    assert count_rewritten(cells, normalise_emails(trim(cells))) == count
