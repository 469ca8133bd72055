"""Lines below the records: skipped on request, and suggested where they look like a footer."""

import pytest

from schemas.catalogue import FieldCatalogue
from schemas.errors.source import SourceEmpty
from tests.transforms.pipeline import check

RECORDS = "email,name,points\na@b.com,Ann,1\nb@b.com,Bob,2\n"


@pytest.mark.parametrize(
    ("content", "lines", "kept"),
    [
        pytest.param(RECORDS + "Total,2,\n", 1, 2, id="one-line"),
        pytest.param(RECORDS + "Total,2,", 1, 2, id="without-a-line-break-at-the-end"),
        pytest.param(RECORDS + "\nTotal\n", 2, 2, id="a-blank-line-counts"),
        pytest.param((RECORDS + "Total\nend\n").replace("\n", "\r\n"), 2, 2, id="crlf"),
        pytest.param((RECORDS + "Total\nend\n").replace("\n", "\r"), 2, 2, id="cr"),
        pytest.param(RECORDS + 'the end is "open\n', 1, 2, id="an-open-quote"),
        pytest.param(RECORDS, 1, 1, id="a-record"),
        pytest.param(RECORDS, 2, 0, id="all-records"),
        pytest.param(RECORDS * 30_000 + "x\n" * 3, 3, None, id="more-than-one-read"),
    ],
)
@pytest.mark.parametrize("block_bytes", [20, 1 << 20])
def test_the_last_lines_are_skipped(
    content: str, lines: int, kept: int | None, block_bytes: int, catalogue: FieldCatalogue
) -> None:
    if len(content) > 500_000:
        block_bytes = 1 << 20
    found = check(content, catalogue, block_bytes, skip_last=lines)
    assert "row-too-short" not in {code for _, code in found.codes}
    assert kept is None or (len(found.accepted), found.rejections) == (kept, [])


def test_skipping_all_lines_leaves_an_empty_file(catalogue: FieldCatalogue) -> None:
    with pytest.raises(SourceEmpty):
        check(RECORDS, catalogue, skip_last=9)


@pytest.mark.parametrize(
    ("footer", "lines"),
    [
        pytest.param("Total,,\n", 1, id="one-line"),
        pytest.param("\n,,\nTotal,,\n\nend of report\n", 3, id="blank-lines-between"),
        pytest.param('"two\nlines"\n', 2, id="a-record-of-two-lines"),
        pytest.param("", 0, id="none"),
        pytest.param(",Ann,1\n", 0, id="a-record-that-lacks-its-email"),
        pytest.param("c@b.com\n", 0, id="a-short-record-with-an-email"),
        pytest.param("x\n" * 30, 0, id="too-long-for-a-footer"),
    ],
)
@pytest.mark.parametrize("block_bytes", [10, 40, 1 << 20])
def test_a_footer_is_found_however_the_file_is_cut(
    footer: str, lines: int, block_bytes: int, catalogue: FieldCatalogue
) -> None:
    assert check(RECORDS + footer, catalogue, block_bytes).footer_lines == lines


def test_lines_without_any_record_are_no_footer(catalogue: FieldCatalogue) -> None:
    assert check("email,name,points\nnothing\nhere\n", catalogue).footer_lines == 0
