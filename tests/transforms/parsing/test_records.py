"""Reading files of many forms: records, line numbers, and encodings."""

import pytest

from schemas.catalogue import FieldCatalogue
from schemas.errors.base import ContactImportError
from schemas.errors.source import (
    HeaderLooksLikeData,
    HeaderUnreadable,
    SourceEmpty,
    SourceNotFound,
    SourceNotText,
    SourceUnreadable,
)
from tests.transforms.pipeline import check

BOM = b"\xef\xbb\xbf"
TWO = [{"email": "a@b.com", "name": "Ana"}, {"email": "c@d.com", "name": "Íñigo"}]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n", None, id="lf"),
        pytest.param("email,name\r\na@b.com,Ana\r\nc@d.com,Íñigo\r\n", None, id="crlf"),
        pytest.param("email,name\ra@b.com,Ana\rc@d.com,Íñigo\r", None, id="cr"),
        pytest.param("email,name\na@b.com,Ana\r\nc@d.com,Íñigo", None, id="mixed-and-no-last-break"),
        pytest.param("email;name\na@b.com;Ana\nc@d.com;Íñigo\n", None, id="semicolon"),
        pytest.param("email\tname\na@b.com\tAna\nc@d.com\tÍñigo\n", None, id="tab"),
        pytest.param('"email","name"\n"a@b.com","Ana"\n"c@d.com","Íñigo"\n', None, id="all-quoted"),
        pytest.param(BOM + "email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode(), None, id="utf-8-bom"),
        pytest.param(BOM + '"email",name\na@b.com,Ana\nc@d.com,Íñigo\n'.encode(), None, id="bom-before-a-quote"),
        pytest.param(BOM + "email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode(), "cp1252", id="bom-beats-declared"),
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode("cp1252"), None, id="cp1252-found"),
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode("cp1252"), "windows-1252", id="cp1252-given"),
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode("latin-1"), "latin-1", id="latin-1"),
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode("utf-16"), None, id="utf-16-bom"),
        pytest.param(
            b"\xfe\xff" + "email,name\na@b.com,Ana\nc@d.com,Íñigo".encode("utf-16-be"), None, id="utf-16-be-bom"
        ),
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode("utf-16-le"), "utf-16-le", id="utf-16-no-bom"),
        pytest.param("email,name\r\na@b.com,Ana\r\nc@d.com,Íñigo\r\n".encode("utf-32"), None, id="utf-32"),
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode("utf-16-le"), "utf-16", id="utf-16-le"),
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode("utf-16-be"), "utf-16", id="utf-16-be"),
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode("utf-32-be"), "utf-32", id="utf-32-no-mark"),
        pytest.param("email,name\na@b.com,Ana\nc@d.com,Íñigo\n".encode("gb18030"), "gb18030", id="gb18030"),
        pytest.param("\n\nemail,name\na@b.com,Ana\n\n\nc@d.com,Íñigo\n\n", None, id="blank-lines"),
        pytest.param(" , \nemail,name\na@b.com,Ana\nc@d.com,Íñigo\n", None, id="blank-cells-above-the-header"),
        pytest.param("EMAIL , Full Name\na@b.com,Ana\nc@d.com,Íñigo\n", None, id="label-case-and-space"),
        pytest.param("Correo Electronico,NOMBRE\na@b.com,Ana\nc@d.com,Íñigo\n", None, id="alias-without-accent"),
        pytest.param('"email\n",name\na@b.com,Ana\nc@d.com,Íñigo\n', None, id="line-break-in-the-header"),
    ],
)
def test_one_file_reads_alike_in_many_forms(
    content: str | bytes, encoding: str | None, catalogue: FieldCatalogue
) -> None:
    found = check(content, catalogue, encoding=encoding)
    assert found.accepted == TWO
    assert (found.read, found.rejections) == (2, [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":", "'", "=", "^"])
def test_any_named_delimiter_is_used(delimiter: str, catalogue: FieldCatalogue) -> None:
    text = f'email{delimiter}name\na@b.com{delimiter}"A{delimiter}B"\nc@d.com{delimiter}x\n'
    found = check(text, catalogue, delimiter=delimiter)
    assert found.column("name") == [f"A{delimiter}B", "x"]


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        pytest.param("email;name\na@b.com;a,b,c\n", ";", id="commas-in-cells"),
        pytest.param("email,name\na@b.com,x;y;z\nc@d.com,x;y;z\n", ",", id="semicolons-in-cells"),
        pytest.param("x,y,z;email;w\n1;a@b.com;2\n", ";", id="known-names-decide"),
        pytest.param("email\na@b.com\n", ",", id="one-column"),
        pytest.param("email;name,vip,points\na@b.com;x,1,2\n", ";", id="the-identity-decides"),
        pytest.param("email\na@b.com;x\n", ",", id="one-column-in-the-header"),
        pytest.param('"email";"x,y";"z,w"\n"a@b.com";"1";"2"\n', ";", id="commas-in-quotes"),
    ],
)
def test_the_delimiter_is_detected(content: str, delimiter: str, catalogue: FieldCatalogue) -> None:
    assert check(content, catalogue).delimiter == delimiter


RECORDS = '''email,name
a@b.com,"two
lines"

bad
" c@d.com","say ""hi"""

,
"",""
x@y,z
"q@r.com",",;"
last
'''


def test_record_and_line_numbers_after_breaks_and_blank_lines(catalogue: FieldCatalogue) -> None:
    found = check(RECORDS, catalogue)
    assert found.accepted == [
        {"email": "a@b.com", "name": "two\nlines"},
        {"email": "c@d.com", "name": 'say "hi"'},
        {"email": "q@r.com", "name": ",;"},
    ]
    assert found.codes == [(2, "row-too-short"), (4, "email-invalid"), (6, "row-too-short")]
    assert found.lines == [(2, 5), (4, 10), (6, 12)]
    assert (found.read, found.blank_records) == (6, 2)


@pytest.mark.parametrize("size", [1, 7, 16, 40])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_numbers_are_the_same_in_blocks_of_any_size(size: int, line_break: str, catalogue: FieldCatalogue) -> None:
    content = RECORDS.replace("\n", line_break)
    assert check(content, catalogue, size) == check(content, catalogue)
    assert check(content, catalogue, size).lines == [(2, 5), (4, 10), (6, 12)]


@pytest.mark.parametrize(
    ("line", "blank"),
    [
        pytest.param("", 0, id="blank-line"),
        pytest.param(",", 1, id="empty-cells"),
        pytest.param(" ,\t", 1, id="white-space"),
        pytest.param("\u00a0,\u3000", 1, id="unicode-space"),
        pytest.param('"",""', 1, id="quoted-empties"),
        pytest.param('" ","\n"', 1, id="quoted-white-space"),
        pytest.param(",,,", 1, id="too-many-empty-cells"),
        pytest.param('"","",""', 1, id="too-many-quoted-empties"),
        pytest.param(" ", 1, id="one-space-is-too-few-empty-cells"),
        pytest.param('""', 1, id="one-quoted-empty"),
        pytest.param(',"", ," "', 1, id="quoted-and-not"),
    ],
)
def test_blank_lines_are_not_records(line: str, blank: int, catalogue: FieldCatalogue) -> None:
    found = check(f"email,name\na@b.com,1\n{line}\nx,2\n", catalogue)
    assert (found.read, found.blank_records) == (2, blank)
    assert found.codes == [(2, "email-invalid")]
    assert found.lines == [(2, 4 + line.count("\n"))]


@pytest.mark.parametrize("line", ['\t\t""', '""\t\t', ' \t"\t"\t""', "\t\t\t\t"])
def test_blank_lines_of_tabs_are_not_records(line: str, catalogue: FieldCatalogue) -> None:
    """A quoted tab is white space too, and so is a tab where it separates nothing."""
    found = check(f"email\tname\na@b.com\t1\n{line}\n", catalogue)
    assert (found.read, found.blank_records, found.rejections) == (1, 1, [])


@pytest.mark.parametrize("line", ['"""",,', '",",,', "-,,"])
def test_lines_of_a_wrong_width_that_are_not_blank_are_rejected(line: str, catalogue: FieldCatalogue) -> None:
    found = check(f"email,name\na@b.com,1\n{line}\n", catalogue)
    assert (found.blank_records, found.codes) == (0, [(2, "row-too-long")])


@pytest.mark.parametrize(
    ("row", "rule", "cells"),
    [
        pytest.param("x", "row-too-short", 1, id="short"),
        pytest.param('"x"', "row-too-short", 1, id="short-quoted"),
        pytest.param("x,y,z", "row-too-long", 3, id="long"),
        pytest.param("x,y,", "row-too-long", 3, id="long-by-an-empty-cell"),
        pytest.param('x,"y\nz",w', "row-too-long", 3, id="long-over-two-lines"),
        pytest.param('"x"y,z', "row-bad-quoting", None, id="text-after-quote"),
        pytest.param('"x" ,z', "row-bad-quoting", None, id="space-after-quote"),
        pytest.param('"x,z', "row-bad-quoting", None, id="never-closed"),
        pytest.param('x,"z', "row-bad-quoting", None, id="never-closed-last"),
        pytest.param('x,"a "b" c"', "row-bad-quoting", None, id="quotes-inside-not-doubled"),
        pytest.param("x," + '"' * 3, "row-bad-quoting", None, id="three-quotes"),
        pytest.param('Bob"Smith, Jr"', "row-bad-quoting", None, id="a-delimiter-between-quotes-inside-cells"),
        pytest.param('12",14"', "row-bad-quoting", None, id="two-cells-that-end-with-a-quote"),
        pytest.param('Bob"Smith, Jr",z', "row-bad-quoting", None, id="quotes-inside-cells-and-a-cell-more"),
    ],
)
def test_a_malformed_row_is_rejected_alone(row: str, rule: str, cells: int | None, catalogue: FieldCatalogue) -> None:
    before = "".join(f"a{number}@b.com,x\n" for number in range(3))
    after = "".join(f'b{number}@b.com,"y"\n' for number in range(3))
    found = check(f"email,name\n{before}{row}\n{after}", catalogue)
    assert found.codes == [(4, rule)]
    assert found.lines == [(4, 5)]
    assert found.rejections[0][6] == row
    assert cells is None or f"has {cells} cell" in found.messages[0]
    assert (found.read, len(found.accepted)) == (7, 6)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param('5" pipe', '5" pipe', id="inches"),
        pytest.param('John "Johnny" Smith', 'John "Johnny" Smith', id="a-quoted-word-inside"),
        pytest.param(' "quoted"', '"quoted"', id="space-before-quote"),
        pytest.param('say "hi"', 'say "hi"', id="quoted-word"),
        pytest.param('x""', 'x""', id="two-quotes"),
        pytest.param('""', None, id="quoted-empty"),
        pytest.param('""""', '"', id="a-quote"),
        pytest.param('"a\r\nb"', "a\r\nb", id="crlf-inside"),
        pytest.param('"a\rb"', "a\rb", id="cr-inside"),
    ],
)
def test_quotes_inside_cells_are_text(cell: str, value: str | None, catalogue: FieldCatalogue) -> None:
    found = check(f"name,email\nx,a@b.com\n{cell},c@d.com\ny,e@f.com\n", catalogue)
    assert found.rejections == []
    assert found.column("name") == ["x", value or "", "y"]


@pytest.mark.parametrize(
    ("content", "encoding", "raw"),
    [
        pytest.param("é@b.com,ñ\n".encode() * 3 + b"x@b.com,\xff\n", None, "x@b.com,\\xff", id="damaged-utf-8"),
        pytest.param("a@b.com,é�é�é��\n".encode() + b"x@b.com,\xff\n", None, "x@b.com,\\xff", id="marks-in-the-text"),
        pytest.param(b"x@b.com,\xe9\n", "utf-8", "x@b.com,\\xe9", id="declared-utf-8"),
        pytest.param(b"x@b.com,\x81\n", "cp1252", "x@b.com,\\x81", id="cp1252"),
        pytest.param(b'x@b.com,"\x81\n"\n', "cp1252", 'x@b.com,"\\x81\n"', id="cp1252-in-quotes"),
        pytest.param(b"x@b.com,\x81,z\n", "cp1252", "x@b.com,\\x81,z", id="undecodable-comes-first"),
    ],
)
def test_undecodable_bytes_reject_their_record(
    content: bytes, encoding: str | None, raw: str, catalogue: FieldCatalogue
) -> None:
    found = check(b"email,name\n" + content + b"good@b.com,Ana\n", catalogue, encoding=encoding)
    assert [code for _, code in found.codes if code != "duplicate-email"] == ["row-undecodable"]
    assert raw in [each[6] for each in found.rejections]
    assert "good@b.com" in found.column("email")


def test_half_a_utf_16_character_rejects_its_record(catalogue: FieldCatalogue) -> None:
    content = "email,name\na@b.com,Ana\nc@d.com,".encode("utf-16") + b"\x00\xd8" + "\ne@f.com,x\n".encode("utf-16-le")
    found = check(content, catalogue)
    assert found.codes == [(2, "row-undecodable")]
    assert found.lines == [(2, 3)]
    assert found.column("email") == ["a@b.com", "e@f.com"]


def test_what_was_guessed_or_damaged_is_a_warning(catalogue: FieldCatalogue) -> None:
    guessed = check("email,name\na@b.com,Íñigo\n".encode("cp1252"), catalogue)
    assert guessed.encoding == "cp1252"
    assert "Windows-1252" in guessed.warnings[0]
    damaged = check("email,name\né@b.com,ñ\n".encode() + b"x@b.com,\xff\n", catalogue)
    assert damaged.encoding == "utf-8"
    assert "1 damaged place, " in damaged.warnings[0]


def test_without_header_the_first_record_sets_the_width(catalogue: FieldCatalogue) -> None:
    found = check("a@b.com,Ana\nx,y,z\nc@d.com,B\n", catalogue, header=False, mapping={"column_1": "email"})
    assert found.codes == [(2, "row-too-long")]
    assert found.lines == [(2, 2)]
    assert found.accepted == [{"email": "a@b.com"}, {"email": "c@d.com"}]
    assert found.outcomes == {"column_1": "imported", "column_2": "unknown-field"}


def test_header_alone_is_a_file_of_no_rows(catalogue: FieldCatalogue) -> None:
    for content in ("email,name", "email,name\n", "email,name\n\n,\n"):
        found = check(content, catalogue)
        assert (found.read, found.accepted, found.rejections) == (0, [], [])
        assert set(found.outcomes.values()) == {"imported"}


def test_file_that_stops_inside_a_quote_is_cut_off(catalogue: FieldCatalogue) -> None:
    assert check('email,name\na@b.com,Ana\nc@d.com,"B', catalogue).cut_off
    assert not check('email,name\na@b.com,"Ana\nc@d.com,B\n', catalogue).cut_off


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r", " \t\n", ";;;\n"])
def test_any_number_of_blank_lines_may_be_above_the_header(line: str, catalogue: FieldCatalogue) -> None:
    blank = (1 << 20) // len(line) + 1
    line_break = line.strip(" \t;")
    found = check(f"{line * blank}email;name{line_break}bad;x{line_break}", catalogue)
    assert found.lines == [(1, blank + 2)]


def test_a_file_of_many_blank_lines_is_empty(catalogue: FieldCatalogue) -> None:
    with pytest.raises(SourceEmpty):
        check("\n" * (1 << 20) + "  ", catalogue)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", SourceEmpty, id="empty"),
        pytest.param(BOM, SourceEmpty, id="bom-alone"),
        pytest.param(b"\n\r\n\n", SourceEmpty, id="blank-lines"),
        pytest.param(b", ,\n", SourceEmpty, id="blank-cells"),
        pytest.param(b"%PDF-1.7" + bytes(100), SourceNotText, id="pdf"),
        pytest.param(bytes(range(256)) * 10, SourceNotText, id="binary"),
        pytest.param("email,name\na@b.com,Ana\n".encode("utf-16-le"), SourceNotText, id="utf-16-undeclared"),
        pytest.param(b"a@b.com,Ana\nc@d.com,B\n", HeaderLooksLikeData, id="header-is-an-email"),
        pytest.param(b"Ana,+34651234567\nB,+34651234568\n", HeaderLooksLikeData, id="header-is-a-phone"),
        pytest.param(b"email,651234567\nB,651234568\n", HeaderLooksLikeData, id="header-is-a-local-phone"),
        pytest.param(b'email,"na"me\na@b.com,x\n', HeaderUnreadable, id="header-badly-quoted"),
        pytest.param(b"email,\xff\na@b.com,x\n\xc3\xa9,\xc3\xa9\n", HeaderUnreadable, id="header-undecodable"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_without_its_text(
    content: bytes, error: type[ContactImportError], catalogue: FieldCatalogue
) -> None:
    with pytest.raises(error) as raised:
        check(content, catalogue)
    assert "651234" not in str(raised.value)
    assert "a@b.com" not in str(raised.value)


def test_a_missing_file_and_a_folder_are_errors(catalogue: FieldCatalogue, tmp_path: object) -> None:
    from pathlib import Path

    from transforms.landing.land import land
    from transforms.work_folder import ImportFolder

    folder = Path(str(tmp_path))
    (folder / "import").mkdir()
    with pytest.raises(SourceNotFound):
        land(str(folder / "no.csv"), ImportFolder.local(folder / "import"))
    with pytest.raises(SourceUnreadable, match="folder"):
        land(str(folder), ImportFolder.local(folder / "import"))


@pytest.mark.parametrize("size", [1, 30, 1 << 20])
def test_a_byte_order_mark_within_the_file_is_text_wherever_a_block_starts(
    size: int, catalogue: FieldCatalogue
) -> None:
    """Found by the fuzzer: Arrow takes a byte order mark off whatever it is given to read."""
    found = check("name,email\n\ufeffAna,a@b.com\n\ufeffÍñigo,c@d.com\n", catalogue, size)
    assert found.column("name") == ["\ufeffAna", "\ufeffÍñigo"]


def test_carriage_returns_before_a_line_break_belong_to_it(catalogue: FieldCatalogue) -> None:
    found = check("email,name\na@b.com,'\r\r\nc@d.com,x\r\r\n", catalogue)
    assert (found.column("name"), found.guarded_cells) == (["'", "x"], 0)


def test_a_guarded_carriage_return_in_quotes_is_blank(catalogue: FieldCatalogue) -> None:
    found = check('email,name\na@b.com,"\'\r"\nc@d.com,x\n', catalogue)
    assert (found.column("name"), found.guarded_cells) == (["", "x"], 1)


@pytest.mark.parametrize("size", [1, 13, 1 << 20])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "names", "codes"),
    [
        pytest.param("a@b.com,A\rb@b.com,B", ["A", "B", "Z"], [], id="between-two-records"),
        pytest.param('a@b.com,"A"\r"b@b.com",B', ["A", "B", "Z"], [], id="between-two-quoted-records"),
        pytest.param("a@b.com,A\rb@b.com,B\rc@b.com,C", ["A", "B", "C", "Z"], [], id="between-three-records"),
        pytest.param("a@b.com,A\r", ["A", "Z"], [], id="before-the-line-break"),
        pytest.param("\ra@b.com,A", ["A", "Z"], [], id="before-the-record"),
        pytest.param('a@b.com,"A\rna"', ["A\rna", "Z"], [], id="in-quotes"),
        pytest.param("a@b.com,A\rna", ["Z"], [(1, "row-bad-quoting")], id="in-a-name"),
        pytest.param("A\rna,a@b.com", ["Z"], [(1, "row-bad-quoting")], id="in-the-first-cell"),
        pytest.param("a@b.com,A\rx\rb@b.com,B", ["Z"], [(1, "row-bad-quoting")], id="around-a-short-record"),
        pytest.param('a@b.com,A\r"b@b.com"x,B', ["Z"], [(1, "row-bad-quoting")], id="before-a-broken-record"),
    ],
)
def test_a_lone_cr_ends_a_record_only_between_two_records_and_is_never_text(
    text: str, names: list[str], codes: list[tuple[int, str]], line_break: str, size: int, catalogue: FieldCatalogue
) -> None:
    found = check(f"email,name{line_break}{text}{line_break}z@b.com,Z{line_break}", catalogue, size)
    assert (found.column("name"), found.codes) == (names, codes)
    assert all(line == 2 for _, line in found.lines)
    assert found.rejections == [] or "carriage return" in found.messages[0]


@pytest.mark.parametrize("size", [1, 13, 1 << 20])
def test_a_lone_cr_between_two_records_is_no_line_break_for_line_numbers(size: int, catalogue: FieldCatalogue) -> None:
    content = "email,name\na@b.com,A\rb@b.com,B\rc@b.com,C\nbad,x\n"
    assert check(content, catalogue, size).lines == [(4, 3)]


def test_a_quote_inside_a_cell_is_text_beside_a_quoted_cell(catalogue: FieldCatalogue) -> None:
    found = check('name,other,email\n5" pipe,"a, b",a@b.com\n', catalogue)
    assert (found.rejections, found.column("name")) == ([], ['5" pipe'])
