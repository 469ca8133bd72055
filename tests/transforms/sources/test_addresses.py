"""Addresses of sources: parsing, redaction, and the allowed ones."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors.request import SourceAddressInvalid, SourceNotAllowed
from transforms.sources.addresses import AllowedSources, fill_dates, parse, place, redacted

DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        pytest.param("c.csv", "c.csv", id="no date"),
        pytest.param("c-{date}.csv", "c-2026-03-01.csv", id="by itself"),
        pytest.param("{date:%Y/%m}/c-{date:%d%m%y}.csv", "2026/03/c-010326.csv", id="two, with folders"),
        pytest.param("c-{date-1:%Y%m%d}.csv", "c-20260228.csv", id="the day before"),
        pytest.param("c-{date+31:%j}.csv", "c-091.csv", id="the month after, as a day of the year"),
        pytest.param("c-{date:week%V-100%%}.csv", "c-week09-100%.csv", id="words between the directives"),
        pytest.param("{Date}-{}-{dates}.csv", "{Date}-{}-{dates}.csv", id="other braces are part of the name"),
        pytest.param("sftp://h/{date}?.csv", "sftp://h/2026-03-01?.csv", id="elsewhere"),
    ],
)
def test_date_templates_are_filled(source: str, filled: str) -> None:
    assert fill_dates(source, lambda: DAY) == filled


@pytest.mark.parametrize("template", ["{date:%B}", "{date:%Q}", "{date:%}", "{date-9999}", "{date:%H}"])
def test_a_date_that_cannot_be_written_is_refused(template: str) -> None:
    first_day = date(1, 1, 1) if template == "{date-9999}" else DAY
    with pytest.raises(SourceAddressInvalid, match="date template"):
        fill_dates(f"https://u:hush@h/{template}?hush", lambda: first_day)


@pytest.mark.parametrize(
    ("source", "scheme", "origin", "path", "member"),
    [
        pytest.param("in/c.csv", "file", "file://", "in/c.csv", None, id="a path"),
        pytest.param("/in/c d?.csv", "file", "file://", "/in/c d?.csv", None, id="a path as it is"),
        pytest.param("in/c.zip!d.csv", "file", "file://", "in/c.zip", "d.csv", id="in an archive"),
        pytest.param(
            "HTTPS://Ex.org:443/c.csv", "https", "https://ex.org", "HTTPS://Ex.org:443/c.csv", None, id="https"
        ),
        pytest.param("http://h:80/c?a=b", "http", "http://h", "http://h:80/c?a=b", None, id="http"),
        pytest.param("https://h/c.zip!d.csv", "https", "https://h", "https://h/c.zip", "d.csv", id="archive at https"),
        pytest.param("sftp://u@h/c-?.csv", "sftp", "sftp://h", "/c-?.csv", None, id="sftp"),
        pytest.param("sftp://h:2222/~/c#1.csv", "sftp", "sftp://h:2222", "c#1.csv", None, id="from the login's home"),
        pytest.param("sftp://[::1]:22/c.csv", "sftp", "sftp://[::1]", "/c.csv", None, id="IPv6"),
        pytest.param("s3://b/k/*.csv", "s3", "s3://b", "k/*.csv", None, id="s3"),
    ],
)
def test_an_address_is_parsed_into_its_parts(
    source: str, scheme: str, origin: str, path: str, member: str | None
) -> None:
    address = parse(source)
    assert (address.scheme, address.origin, address.path, address.member) == (scheme, origin, path, member)


@pytest.mark.parametrize(
    "source",
    [
        "https://ana:hush@h/c.csv",
        "https://hush@h/c.csv",
        "https://:hush@h/c.csv",
        "sftp://ana:hush@h/c.csv",
        "sftp://ana:hu/sh@h/c.csv",
        "sftp://ana:hu@sh@h/c.csv",
        "sftp://ana:hush?@h/c.csv",
        "s3://key:hush@bucket/c.csv",
        "ftp://ana:hush@h/c.csv",
        "https://h\\@hush/c.csv",
        "https://ana:hush@/c.csv",
        "https://h:port/c.csv?hush",
        "https://h/c-*.csv?hush",
        "https://h/c.zip!d.csv?hush",
        "HTTPS://h/c.xlsx!Sheet#hush",
        "https://h",
        "sftp:///c.csv",
        "file:///etc/passwd",
        "https://h/c\n.csv",
        "zip://c.csv::https://h/c.zip",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_secret(source: str) -> None:
    with pytest.raises(SourceAddressInvalid) as caught:
        parse(source)
    told = f"{caught.value} {redacted(source)}"
    assert "hu" not in told.replace("hush/c.csv", "") and "sh@" not in told and "ana" not in told


def test_a_query_after_the_name_in_an_archive_belongs_before_the_mark() -> None:
    with pytest.raises(SourceAddressInvalid, match=r"'https://h/c\.zip!d\.csv' has a query .* before the !"):
        parse("https://h/c.zip!d.csv?sig=hush")
    assert parse("https://h/c.zip?sig=hush.zip!d.csv").redacted() == "https://h/c.zip!d.csv"
    assert parse("s3://b/c.zip!d#1?.csv").member == "d#1?.csv"


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("in/a@b?c#d.csv", "in/a@b?c#d.csv"),
        ("https://h/c.csv?token=hush#frag", "https://h/c.csv"),
        ("sftp://ana@h/a@b.csv", "sftp://h/a@b.csv"),
        ("sftp://h/a@b?.csv", "sftp://h/a@b?.csv"),
        ("s3://b/a#b@c.csv", "s3://b/a#b@c.csv"),
        ("https://[::1]:8/a@b.csv", "https://[::1]:8/a@b.csv"),
    ],
)
def test_a_redacted_source_loses_only_its_secrets(source: str, seen: str) -> None:
    assert redacted(source) == seen
    assert parse(source).redacted() == seen


ALLOWED = AllowedSources(frozenset(map(place, ["https://h", "sftp://h:2222", "s3://bucket", "http://[::1]:8080"])))


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("https://h/c.csv", True),
        ("https://H:443/c.csv", True),
        ("s3://bucket/c.csv", True),
        ("http://[::1]:8080/c", True),
        ("c.csv", True),
        ("http://h/c.csv", False),
        ("https://h:8443/c.csv", False),
        ("https://h.evil.example/c.csv", False),
        ("https://h./c.csv", False),
        ("sftp://h/c.csv", False),
        ("s3://bucket2/c.csv", False),
    ],
)
def test_scheme_host_and_port_decide_whether_a_server_is_allowed(source: str, allowed: bool) -> None:
    address = parse(source)
    if allowed:
        ALLOWED.check(address)
        return
    with pytest.raises(SourceNotAllowed):
        ALLOWED.check(address)


@pytest.mark.parametrize("text", ["h", "ftp://h", "https://u@h", "https://h/path", "https://", "https://h?x", "*"])
def test_an_allowed_place_is_a_scheme_and_a_host(text: str) -> None:
    with pytest.raises(ValueError, match="no scheme and host"):
        place(text)


def test_local_files_outside_the_folders_are_refused_links_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "c.csv").touch()
    (inside / "link.csv").symlink_to(outside / "c.csv")
    allowed = AllowedSources(folders=(inside,))
    allowed.check_local(inside / ".." / "in" / "c.csv", "x")
    for path in (outside / "c.csv", inside / "link.csv", inside / ".." / "out" / "c.csv", tmp_path / "in2" / "c.csv"):
        with pytest.raises(SourceNotAllowed):
            allowed.check_local(Path(path), str(path))


SCHEMES = st.sampled_from(["", "https://", "HTTP://", "sftp://", "s3://", "ftp://", "x://"])
PARTS = st.text(st.sampled_from("ab1/:@?#[]%!*.\\ \u00e9\x00") | st.characters(codec="utf-8"), max_size=20)


@given(SCHEMES, PARTS)
def test_any_text_is_an_address_or_refused(scheme: str, rest: str) -> None:
    redacted(scheme + rest)
    try:
        address = parse(scheme + rest)
    except SourceAddressInvalid:
        return
    assert address.is_local == (not scheme)
    assert address.redacted() == parse(address.redacted()).redacted()


@given(
    st.sampled_from(["https", "http", "sftp", "s3", "ftp"]),
    st.text(st.characters(exclude_characters="/?#@:"), min_size=1),
    PARTS,
)
def test_no_password_is_ever_in_a_redacted_address(scheme: str, user: str, after: str) -> None:
    source = f"{scheme}://{user}:QX7{after}QX8@host/c.csv"
    told = redacted(source)
    with pytest.raises(SourceAddressInvalid) as caught:
        parse(source)
    assert "QX7" not in told + str(caught.value)
    assert "QX8" not in told + str(caught.value)
