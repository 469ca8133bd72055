"""Dialects: as named, as detected, and the warnings in case of doubt."""

import gzip
from typing import Any

import pytest

from schemas.catalogue import FieldCatalogue
from schemas.errors.base import ContactImportError
from schemas.errors.limits import RecordTooLarge, TooManyColumns
from schemas.errors.request import NoEmailColumn
from schemas.errors.source import HeaderUnreadable, SourceEmpty
from tests.transforms.pipeline import check
from transforms.landing.encoding import usable_encoding
from transforms.parsing import head as sample
from transforms.parsing import layout
from transforms.parsing.dialect import detect_delimiter

TWO = [{"email": "a@b.com", "name": "Ana"}, {"email": "c@d.com", "name": "Íñigo"}]


@pytest.mark.parametrize(
    ("content", "asked", "names"),
    [
        pytest.param("email,name\na,'x,''y'''\nb,z\n", {"quote": "'"}, ["x,'y'", "z"], id="single-quotes"),
        pytest.param('email,name\na,"x"\nb,y\n', {"quote": "'"}, ['"x"', "y"], id="double-quotes-are-text-then"),
        pytest.param("email;name\na;|x;\ny|\n", {"quote": "|"}, ["x;\ny"], id="pipe-as-quote"),
        pytest.param('email,name\na,"say \\"hi\\""\n', {"escape": "\\"}, ['say "hi"'], id="escaped-quotes"),
        pytest.param('email,name\na,"say ""hi"""\n', {"escape": "\\"}, ['say "hi"'], id="doubled-quotes-too"),
        pytest.param("email,name\na,x\\,y\n", {"escape": "backslash"}, ["x,y"], id="escaped-delimiter"),
        pytest.param("email,name\na,x\\\ny\nb,z\n", {"escape": "\\"}, ["x\ny", "z"], id="escaped-break"),
        pytest.param("email,name\r\na,x\\\r\ny\r\n", {"escape": "\\"}, ["x\r\ny"], id="escaped-crlf"),
        pytest.param("email,name\na,x\\\\\nb,y\n", {"escape": "\\"}, ["x\\", "y"], id="escaped-escape"),
        pytest.param("email,name\na,x\\", {"escape": "\\"}, ["x\\"], id="escape-at-the-end"),
        pytest.param("email,name\na,\\é\n", {"escape": "\\"}, ["é"], id="escaped-letter"),
        pytest.param('email,name\na,\\"x\\"\n', {"escape": "\\"}, ['"x"'], id="escaped-quotes-outside"),
        pytest.param("email name\na x\n", {"delimiter": "space"}, ["x"], id="space"),
        pytest.param("email|name\na|x\n", {"delimiter": "pipe"}, ["x"], id="pipe"),
        pytest.param("email,name\na,~x~~y~\n", {"quote": "~", "escape": "^"}, ["x~y"], id="both-odd"),
    ],
)
def test_named_quotes_escapes_and_delimiters_are_used(
    content: str, asked: dict[str, Any], names: list[str], catalogue: FieldCatalogue
) -> None:
    for block_bytes in (1, 1 << 20):
        found = check(content.replace("\na", "\na@b.com").replace("\nb", "\nb@b.com"), catalogue, block_bytes, **asked)
        assert (found.column("name"), found.rejections) == (names, [])


@pytest.mark.parametrize(
    ("row", "asked", "code"),
    [
        pytest.param("a@b.com,'x'y", {"quote": "'"}, "row-bad-quoting", id="text-after-the-quote"),
        pytest.param("a@b.com,'x", {"quote": "'"}, "row-bad-quoting", id="never-closed"),
        pytest.param('a@b.com,"x\\"', {"escape": "\\"}, "row-bad-quoting", id="closing-quote-escaped"),
        pytest.param("a@b.com,x,\\,", {"escape": "\\"}, "row-too-long", id="too-long-with-an-escape"),
        pytest.param("a@b.com\\,x", {"escape": "\\"}, "row-too-short", id="too-short-by-an-escape"),
    ],
)
def test_a_malformed_record_is_rejected_alone_in_any_dialect(
    row: str, asked: dict[str, Any], code: str, catalogue: FieldCatalogue
) -> None:
    found = check(f"email,name\nq@b.com,1\n{row}\nx@b.com,2\ny@b.com,3\n", catalogue, **asked)
    assert found.codes == [(2, code)]
    assert found.column("name") == ["1", "2", "3"]
    assert found.lines == [(2, 3)]


def test_a_delimiter_is_not_detected_where_it_is_the_quote(catalogue: FieldCatalogue) -> None:
    assert check("email,name\na@b.com,;x,y;\n", catalogue, quote=";").column("name") == ["x,y"]


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        pytest.param("sep=;\r\nemail;name\r\na@b.com;x\r\nbad;y\r\n", {}, id="semicolon"),
        pytest.param("SEP=,\nemail,name\na@b.com,x\nbad,y\n", {}, id="upper-case"),
        pytest.param('"sep=|"\nemail|name\na@b.com|x\nbad|y\n', {}, id="quoted-and-unusual"),
        pytest.param("sep=\t\nemail\tname\na@b.com\tx\nbad\ty\n", {}, id="tab"),
        pytest.param("sep=;\remail;name\ra@b.com;x\rbad;y\r", {}, id="lone-cr"),
        pytest.param("sep=;\nemail;name\na@b.com;x\nbad;y\n", {"skip_lines": 1}, id="skipped-as-a-line-too"),
        pytest.param("email of all\nemail;name\na@b.com;x\nbad;y\n", {"skip_lines": 1}, id="line-skipped"),
        pytest.param('"open\nemail;name\na@b.com;x\nbad;y\n', {"skip_lines": 1}, id="open-quote-skipped"),
        pytest.param("\nemail;name\na@b.com;x\nbad;y\n", {"skip_lines": 1}, id="blank-line-skipped"),
    ],
)
def test_lines_above_the_header_are_not_records_but_count_as_lines(
    content: str, asked: dict[str, Any], catalogue: FieldCatalogue
) -> None:
    found = check(content, catalogue, **asked)
    assert found.codes == [(2, "email-invalid")]
    assert found.lines == [(2, 4)]
    assert found.warnings == ()


def test_lines_of_any_size_are_skipped(catalogue: FieldCatalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    for line_break in ("\n", "\r\n", "\r"):
        for block in (2, 3, 1 << 20):
            monkeypatch.setattr(sample, "READ_BYTES", block)
            text = f"x{line_break}" * 3 + f'"{line_break}{line_break}email,name{line_break}bad,x{line_break}'
            assert check(text, catalogue, skip_lines=5).lines == [(1, 7)]


def test_skipping_all_lines_is_an_error(catalogue: FieldCatalogue) -> None:
    with pytest.raises(SourceEmpty, match="--skip-lines"):
        check("email\na@b.com\n", catalogue, skip_lines=9)


@pytest.mark.parametrize(
    ("content", "asked", "says"),
    [
        pytest.param("sep=;\nemail,name\na@b.com,x\n", {"delimiter": ","}, "sep=';'", id="sep-and-given-differ"),
        pytest.param("sep=a\nemail,name\na@b.com,x\n", {}, "sep='a'", id="sep-that-is-none"),
        pytest.param("name;email,vip\n" + "a;b@c.com,1\n" * 3, {"mapping": {"column_1": "name", "column_2": "email"}},
                     "in doubt", id="two-delimiters-fit"),
        pytest.param("email,name\n" + "b@c.com,x,y\n" * 3, {}, "3 of the first 3 records", id="rows-disagree"),
        pytest.param("email;name\na@b.com;x\n", {"delimiter": ",", "mapping": {"column_1": "email"}}, "--delimiter ';'",
                     id="given-makes-one-column"),
        pytest.param("email|name\na@b.com|x\n", {"mapping": {"column_1": "email"}}, "--delimiter '|'",
                     id="unusual-makes-columns"),
        pytest.param("email,name,\n" + "b@c.com,x\n" * 3, {}, "take the delimiter off the header",
                     id="trailing-delimiter-in-the-header"),
        pytest.param("email,name\n" + "b@c.com,x,\n" * 3, {}, "put a delimiter at the end of the header",
                     id="trailing-delimiter-in-the-records"),
        pytest.param("Our list\n" + "b@c.com,x\n" * 3, {"mapping": {"column_1": "email"}}, "--skip-lines 1",
                     id="a-title-above-columns"),
    ],
)  # fmt: skip
def test_doubtful_readings_are_warnings(
    content: str, asked: dict[str, Any], says: str, catalogue: FieldCatalogue
) -> None:
    assert any(says in warning for warning in check(content, catalogue, **asked).warnings)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("email\na@b.com\n", id="one-column"),
        pytest.param("email,name\na@b.com,x;y\nc@d.com,z;w\n", id="other-delimiter-in-cells"),
        pytest.param("email;name\na@b.com;x, y\nc@d.com;z, w\n", id="commas-in-cells"),
        pytest.param("email,name\n" + "a@b.com,x\n" * 9 + "bad\n", id="one-short-row"),
        pytest.param("email,name,\n" + "a@b.com,x,\n" * 9, id="trailing-delimiters-everywhere"),
        pytest.param("email,name\n", id="header-alone"),
        pytest.param("\n\nemail,name\na@b.com,x\n", id="blank-lines-above"),
        pytest.param("Client,Source\na@b.com,Email\n", id="a-cell-says-email"),
    ],
)
def test_a_regular_file_has_no_warning(content: str, catalogue: FieldCatalogue) -> None:
    mapping = {"Client": "email"} if "Client" in content else {}
    found = check(content, catalogue, mapping=mapping)
    assert found.warnings == ()
    assert found.dialect["delimiter_certainty"] == "detected"


ABOVE = "Contacts of our shop, exported by hand\nJanuary;2024;;\n\nemail,name\na@b.com,x\n"


@pytest.mark.parametrize(
    ("content", "asked", "error", "lines"),
    [
        pytest.param(ABOVE, {}, NoEmailColumn, 2, id="a-title-and-a-date"),
        pytest.param("Contacts,\n,\nemail,name\na@b.com,x\n", {}, NoEmailColumn, 2, id="a-title-in-a-spreadsheet"),
        pytest.param("sep=,\n" + ABOVE, {}, NoEmailColumn, 3, id="below-a-sep-line"),
        pytest.param("\n" + ABOVE, {"skip_lines": 1}, NoEmailColumn, 3, id="some-skipped-already"),
        pytest.param('"Contacts\nemail,name\na@b.com,x\n', {}, HeaderUnreadable, 1, id="a-quote-that-stays-open"),
        pytest.param("who,what\na,b\n", {}, NoEmailColumn, 0, id="no-header-below"),
    ],
)
def test_the_error_suggests_how_many_lines_to_skip(
    content: str, asked: dict[str, Any], error: type[ContactImportError], lines: int, catalogue: FieldCatalogue
) -> None:
    with pytest.raises(error) as caught:
        check(content, catalogue, **asked)
    assert (f"--skip-lines {lines}" in str(caught.value)) == bool(lines)
    if lines:
        assert check(content, catalogue, **{**asked, "skip_lines": lines}).column("email") == ["a@b.com"]


def test_an_old_prestashop_list_with_a_delimiter_at_each_end_is_read(catalogue: FieldCatalogue) -> None:
    """Header and records end with a delimiter: a column of no name, with nothing in it."""
    header = "ID;Title;Last name;First Name;Email address;Age;Enabled;News.;Opt.;Registration;Last visit;"
    content = f"{header}\n1;Mr;Ruiz;Ana;a@b.com;30;1;0;0;2012-01-01;;\n2;Ms;Gil;Eva;c@d.com;31;1;0;0;2012-01-01;;\n"
    found = check(content, catalogue, mapping={"Email address": "email", "First Name": "name"})
    assert found.accepted == [{"name": "Ana", "email": "a@b.com"}, {"name": "Eva", "email": "c@d.com"}]
    assert (found.warnings, found.outcomes["column_12"]) == ((), "unknown-field")


def test_repeated_headers_are_separate_columns(catalogue: FieldCatalogue) -> None:
    found = check("email,Last Name,Last Name,,\na@b.com,1,2,3,4\n", catalogue, mapping={"column_3": "name"})
    assert found.accepted == [{"email": "a@b.com", "name": "2"}]
    assert [each["column"] for each in found.columns] == ["email", "Last Name", "Last Name", "column_4", "column_5"]


@pytest.mark.parametrize(
    ("content", "asked", "encoding", "certainty"),
    [
        pytest.param("\ufeffemail\na@b.com\n".encode(), {}, "utf-8", "byte order mark", id="mark"),
        pytest.param("\ufeff\ufeffemail\na@b.com\n".encode(), {}, "utf-8", "byte order mark", id="two-marks"),
        pytest.param("\ufeffemail\na@b.com\n".encode("utf-16"), {}, "utf-16", "byte order mark", id="two-in-utf-16"),
        pytest.param(b"email\na@b.com\n", {}, "utf-8", "every byte agrees", id="utf-8"),
        pytest.param(b"email\na@b.com\n", {"encoding": "ascii"}, "utf-8", "declared", id="declared"),
        pytest.param("email\na@b.com\né\n".encode("latin-1"), {}, "cp1252", "guessed", id="neither"),
        pytest.param("email\na@b.com\né€\n".encode("mac-roman"), {"encoding": "mac-roman"}, "mac-roman", "declared",
                     id="mac-roman"),
        pytest.param("email\na@b.com\né€\n".encode("iso-8859-15"), {"encoding": "iso-8859-15"}, "iso8859-15",
                     "declared", id="latin-9"),
        pytest.param("éé\nemail\na@b.com\n".encode() + b"\xff", {"skip_lines": 1}, "utf-8", "guessed", id="damaged"),
    ],
)  # fmt: skip
def test_the_report_has_the_encoding_and_how_it_was_determined(
    content: bytes, asked: dict[str, Any], encoding: str, certainty: str, catalogue: FieldCatalogue
) -> None:
    found = check(content, catalogue, **asked)
    assert (found.dialect["encoding"], found.dialect["encoding_certainty"]) == (encoding, certainty)
    assert found.column("email") == ["a@b.com"]


@pytest.mark.parametrize("header", ["\u200bemail", "em\u200bail", "email\u2060\ufeff", "\u200e E\u00admail \u200f"])
def test_invisible_characters_in_a_header_are_ignored(header: str, catalogue: FieldCatalogue) -> None:
    assert check(f"{header},name\na@b.com,x\n", catalogue).column("email") == ["a@b.com"]
    assert check(f"\u200b,{header}\nx,a@b.com\n", catalogue).columns[0]["column"] == "column_1"


@pytest.mark.parametrize("codec", ["base64", "rot13", "idna", "punycode", "utf_7", "undefined", "hex", "zip", "x"])
def test_a_codec_that_is_not_for_files_is_refused_as_encoding(codec: str) -> None:
    assert usable_encoding(codec) is None


def test_every_codec_that_is_taken_reads_by_increments() -> None:
    import codecs
    from encodings.aliases import aliases

    data = b'email;name\r\na@b.com;"x\xe9\xff\x81\x1b$B~{\\u00e9+AOk-"\x00\n' * 3
    for name in sorted({usable_encoding(alias) for alias in aliases.values()} - {None, "utf-16", "utf-32"}, key=str):
        whole, parts = (codecs.getincrementaldecoder(str(name))("contacts.undecodable") for _ in range(2))
        by_byte = "".join(parts.decode(data[place : place + 1]) for place in range(len(data))) + parts.decode(b"", True)
        assert whole.decode(data, True) == by_byte, name


def test_a_header_longer_than_a_record_may_be_is_an_error(
    catalogue: FieldCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "SAMPLE_BYTES", 1 << 10)
    monkeypatch.setattr(sample, "MAX_RECORD_BYTES", 1 << 12)
    with pytest.raises(RecordTooLarge) as caught:
        check("\nemail," + "x" * 10_000, catalogue)
    assert caught.value.line == 2
    with pytest.raises(RecordTooLarge):
        check(gzip.compress(b"email," + b"x," * 10_000), catalogue)


def test_too_many_columns_are_an_error(catalogue: FieldCatalogue) -> None:
    with pytest.raises(TooManyColumns):
        check("email," + "," * layout.MAX_COLUMNS, catalogue)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"quote": "'", "escape": "\\", "skip_lines": 2}, id="quote-escape-and-lines"),
        pytest.param({"delimiter": "|"}, id="delimiter"),
    ],
)
def test_a_rejected_file_is_read_in_its_own_dialect(asked: dict[str, Any], catalogue: FieldCatalogue) -> None:
    """It is ours, so what was said of its source does not apply."""
    text = "email,name\nbad,'it\\'s, \"so\"'\n'open,x\n".replace(",", asked.get("delimiter", ","))
    first = check("above\nabove\n" * ("quote" in asked) + text, catalogue, **asked)
    again = check(first.rejected_file, catalogue, **asked)
    assert (again.read, again.rejected_rows) == (2, 2)
    without = check(first.rejected_file, catalogue)
    assert (without.rejections, without.columns) == (again.rejections, again.columns)
    assert again.dialect["quote"] == '"'


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
def test_an_escaped_quote_hides_no_line_break(line_break: str, catalogue: FieldCatalogue) -> None:
    """Found by the fuzzer: the lone CRs of such a file were taken for quoted ones."""
    text = line_break.join(["'O\\'Hara','a@b.com'", "'Ann','c@d.com'", ""])
    mapping = {"column_1": "name", "column_2": "email"}
    found = check(text, catalogue, delimiter=",", quote="'", escape="\\", header=False, mapping=mapping)
    assert found.accepted == [{"name": "O'Hara", "email": "a@b.com"}, {"name": "Ann", "email": "c@d.com"}]


def test_the_only_delimiter_that_is_left_is_taken() -> None:
    assert detect_delimiter(lambda _: [2, 2], lambda _: 1, ("\t",)) == ("\t", None)
