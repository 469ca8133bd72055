"""Archives: their file is landed as if it had been given directly, and their metadata is not trusted."""

import gzip
import hashlib
import io
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from schemas.errors.limits import ArchiveTooLarge
from schemas.errors.source import (
    ArchiveHasSeveralFiles,
    ArchiveRefused,
    ArchiveUnreadable,
    MemberNotFound,
    SourceEmpty,
    SourceError,
    SourceNotFound,
    SourceNotText,
)
from transforms.landing import archives as expand
from transforms.landing.archives import ExpansionLimits, list_members, split_member
from transforms.landing.land import Landed, land
from transforms.work_folder import ImportFolder

TEXT = b"email,name\n" + b"".join(b"a%d@b.com,Ana\n" % number for number in range(400))

# Without the time of packing: it would be in the names of tests, which have to be the same in every process.
gzipped = partial(gzip.compress, mtime=0)


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return sink.getvalue()


def entry(name: str, mode: int = 0, flags: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.flag_bits = flags
    return info


def landed(
    folder: Path, content: bytes, name: str = "export", member: str = "", limits: ExpansionLimits | None = None
) -> Landed:
    (folder / name).write_bytes(content)
    into = folder / "import"
    into.mkdir()
    return land(f"{folder / name}{member}", ImportFolder.local(into), limits=limits or ExpansionLimits())


ONE = zipped(("contacts.csv", TEXT))
THREE = zipped(("a.csv", b"email\n1\n"), ("b.CSV", b"email\n2\n"), ("c.csv", b"email\n3\n"), ("read me.pdf", b"%PDF"))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(TEXT, "plain.zip", id="plain-text-called-zip"),
        pytest.param(gzipped(TEXT), "contacts.csv", id="gzip-called-csv"),
        pytest.param(gzipped(TEXT[:100]) + gzipped(TEXT[100:]), "contacts.csv.gz", id="gzip-of-two-parts"),
        pytest.param(gzipped(TEXT) + bytes(512), "contacts.gz", id="gzip-filled-with-zeros"),
        pytest.param(ONE, "contacts.csv", id="zip-called-csv"),
        pytest.param(zipped(("data", TEXT)), "x.zip", id="one-file-of-another-name"),
        pytest.param(zipped(("a.csv", TEXT), ("LICENCE", b"x")), "x.zip", id="one-csv-among-others"),
        pytest.param(zipped(("a.csv", TEXT), method=zipfile.ZIP_STORED), "x.zip", id="stored"),
        pytest.param(zipped(("a.csv", TEXT), ("__MACOSX/._a.csv", b"x")), "x.zip", id="from-a-mac"),
        pytest.param(zipped((entry("a.csv", stat.S_IFREG | 0o644), TEXT)), "x.zip", id="from-unix"),
        pytest.param(ONE + b"", "with ! in it!.zip", id="exclamation-marks-in-the-name"),
    ],
)
def test_the_file_in_an_archive_is_landed(content: bytes, name: str, tmp_path: Path) -> None:
    found = landed(tmp_path, content, name)
    assert Path(found.path).read_bytes() == TEXT
    assert found.sha256 == hashlib.sha256(content).hexdigest(), "of the source as it was given"
    assert (found.size, found.all_utf8) == (len(TEXT), True)
    assert [path.name for path in (tmp_path / "import").iterdir()] == ["source.csv"]


def test_a_member_is_named_after_an_exclamation_mark(tmp_path: Path) -> None:
    found = landed(tmp_path, THREE, "list.zip", "!b.CSV")
    assert Path(found.path).read_bytes() == b"email\n2\n"
    assert found.source.endswith("list.zip!b.CSV")
    assert list_members(str(tmp_path / "list.zip")) == ["a.csv", "b.CSV", "c.csv"]


def test_a_source_may_come_byte_by_byte(tmp_path: Path) -> None:
    """As from a slow server; what it is, is known by four of them."""
    packed = gzipped(TEXT)
    found = land("there", ImportFolder.local(tmp_path), blocks=iter([packed[n : n + 1] for n in range(len(packed))]))
    assert Path(found.path).read_bytes() == TEXT


def test_the_file_in_an_archive_may_have_any_encoding(tmp_path: Path) -> None:
    found = landed(tmp_path, gzipped("email,name\nx,Íñigo\n".encode("utf-16")))
    assert Path(found.path).read_text(encoding="utf-8") == "email,name\nx,Íñigo\n"
    assert found.encoding == "utf-16"


def with_bytes(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


def forged_directory(times: int = 1) -> bytes:
    """An archive whose directory of entries claims to be larger than what is read at once."""
    size = expand.MAX_READ_BYTES * times + 1
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, size, 4, 0)
    return b"PK\x03\x04" + bytes(size) + end


REFUSED: list[tuple[bytes, str, type[SourceError], str]] = [
    (THREE, "", ArchiveHasSeveralFiles, "a.csv, b.CSV, c.csv"),
    (THREE, "!d.csv", MemberNotFound, "a.csv, b.CSV, c.csv"),
    (gzipped(TEXT), "!a.csv", MemberNotFound, "leave out what follows the '!'"),
    (TEXT, "!a.csv", MemberNotFound, "leave out what follows the '!'"),
    (gzipped(b""), "", SourceEmpty, "empty"),
    (zipped(("a.csv", b"")), "", SourceEmpty, "empty"),
    (zipped(), "", ArchiveUnreadable, "no file"),
    (zipped(("../a.csv", TEXT)), "", ArchiveRefused, "path"),
    (zipped(("/etc/a.csv", TEXT)), "", ArchiveRefused, "path"),
    (zipped(("in/a.csv", TEXT)), "", ArchiveRefused, "path"),
    (zipped(("in\\a.csv", TEXT)), "", ArchiveRefused, "path"),
    (zipped(("C:a.csv", TEXT)), "", ArchiveRefused, "path"),
    (zipped(("..", TEXT)), "", ArchiveRefused, "path"),
    (zipped(("a\n.csv", TEXT)), "", ArchiveRefused, "control"),
    (zipped(("a.csv", TEXT), ("../evil", b"x")), "", ArchiveRefused, "evil"),
    (zipped(("a.csv", TEXT), ("../evil", b"x")), "!a.csv", ArchiveRefused, "evil"),
    (zipped((entry("a.csv", stat.S_IFLNK | 0o777), b"/etc/passwd")), "", ArchiveRefused, "link"),
    (with_bytes(ONE, ONE.rfind(b"PK\x01\x02") + 8, b"\x01"), "", ArchiveRefused, "encrypted"),
    (gzipped(gzipped(TEXT)), "", ArchiveRefused, "again"),
    (zipped(("a.csv", ONE)), "", ArchiveRefused, "again"),
    (gzipped(bytes(257) + b"ustar" + bytes(250)), "", ArchiveRefused, "again"),
    (zipped(("a.csv", TEXT), method=zipfile.ZIP_LZMA), "", ArchiveUnreadable, "deflate"),
    (gzipped(TEXT)[:-9], "", ArchiveUnreadable, "incomplete"),
    (gzipped(TEXT)[:5], "", ArchiveUnreadable, "incomplete"),
    (gzipped(TEXT) + b"more", "", ArchiveUnreadable, "damaged"),
    (with_bytes(gzipped(TEXT), 40, b"\xff\xff\xff"), "", ArchiveUnreadable, "damaged"),
    (ONE[:-30], "", ArchiveUnreadable, "damaged"),
    (with_bytes(ONE, 60, b"\xff\xff\xff"), "", ArchiveUnreadable, "damaged"),
    (b"PK\x03\x04" + bytes(200), "", ArchiveUnreadable, "damaged"),
    (forged_directory(), "", ArchiveUnreadable, "damaged"),
    (zipped(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")), "", SourceNotText, "office"),
    (gzipped(b"%PDF-1.7"), "", SourceNotText, "PDF"),
    (b"BZh91AY&SY" + bytes(50), "", SourceNotText, "bzip2"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "member", "error", "hint"), REFUSED)
def test_a_damaged_or_unsupported_archive_is_an_error(
    content: bytes, member: str, error: type[SourceError], hint: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=hint) as caught:
        landed(tmp_path, content, "list.zip", member)
    assert type(caught.value) is error


def test_two_entries_with_the_same_name_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zipped(("a.csv", TEXT), ("a.csv", b"email\n"))
    with pytest.raises(ArchiveRefused, match="another entry"):
        landed(tmp_path, content)


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: zipped(("a.csv", text))], ids=["gzip", "zip"])
def test_the_limits_count_expanded_bytes(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    bomb = pack(b"email\n" + bytes(expand.ALWAYS_ALLOWED_BYTES + (1 << 20)))
    with pytest.raises(ArchiveTooLarge, match="200 times") as caught:
        landed(tmp_path, bomb)
    assert "CONTACTS_EXPANDED_RATIO" in str(caught.value)
    assert (tmp_path / "import" / "source.csv").stat().st_size <= expand.ALWAYS_ALLOWED_BYTES
    (tmp_path / "import").rename(tmp_path / "first")
    with pytest.raises(ArchiveTooLarge, match="CONTACTS_EXPANDED_BYTES"):
        landed(tmp_path, pack(TEXT), limits=ExpansionLimits(size=len(TEXT) - 1))
    (tmp_path / "import").rename(tmp_path / "second")
    assert landed(tmp_path, pack(TEXT), limits=ExpansionLimits(size=len(TEXT))).size == len(TEXT)


def test_the_size_that_an_archive_claims_is_ignored(tmp_path: Path) -> None:
    """The entry says one byte, and holds more: damaged, not cut in silence."""
    at = ONE.rfind(b"PK\x01\x02") + 24
    with pytest.raises(ArchiveUnreadable):
        landed(tmp_path, with_bytes(ONE, at, struct.pack("<L", 1)))


@pytest.mark.parametrize(
    ("source", "place", "member"),
    [
        pytest.param("list.zip!a.csv", "list.zip", "a.csv", id="member"),
        pytest.param("LIST.ZIP!a.csv", "LIST.ZIP", "a.csv", id="upper-case"),
        pytest.param("a!b.zip!c.csv", "a!b.zip", "c.csv", id="last-mark"),
        pytest.param("https://host/list.zip!a.csv", "https://host/list.zip", "a.csv", id="address"),
        pytest.param("https://host/list?key=a!b", "https://host/list?key=a!b", None, id="a-mark-in-an-address"),
        pytest.param("list.csv", "list.csv", None, id="no-member"),
        pytest.param("wow!.csv", "wow!.csv", None, id="a-mark-in-a-name"),
        pytest.param("list.zip!", "list.zip!", None, id="nothing-after-the-mark"),
        pytest.param("!a.csv", "!a.csv", None, id="nothing-before-the-mark"),
        pytest.param("x" * 5000 + "!a", "x" * 5000 + "!a", None, id="too-long"),
        pytest.param("a\0b!c", "a\0b!c", None, id="no-name-of-a-file"),
    ],
)
def test_the_archive_member_follows_the_last_exclamation_mark(source: str, place: str, member: str | None) -> None:
    assert split_member(source) == (place, member)


def test_an_existing_file_is_read_even_if_its_name_looks_like_an_archive_member(tmp_path: Path) -> None:
    (tmp_path / "export").write_bytes(THREE)
    assert split_member(f"{tmp_path}/export!a.csv") == (f"{tmp_path}/export", "a.csv"), "an archive of any name"
    (tmp_path / "x.zip!a.csv").write_text("email\n")
    assert split_member(f"{tmp_path}/x.zip!a.csv") == (f"{tmp_path}/x.zip!a.csv", None)


def test_a_file_that_is_no_archive_has_no_members(tmp_path: Path) -> None:
    (tmp_path / "plain.zip").write_bytes(TEXT)
    assert list_members(str(tmp_path / "plain.zip")) == []
    with pytest.raises(SourceNotFound):
        land(f"{tmp_path}/gone.zip!a.csv", ImportFolder.local(tmp_path))


def test_a_forged_directory_is_not_read_into_memory(tmp_path: Path) -> None:
    """Neither by the search for a workbook, which is first, nor by the archive's own reader."""
    content = forged_directory(times=8)
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveUnreadable):
            landed(tmp_path, content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * expand.MAX_READ_BYTES
