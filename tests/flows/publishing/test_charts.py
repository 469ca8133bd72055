"""The chart has a part for each outcome with rows, and the same counts in its alternative text."""

from base64 import b64decode
from xml.etree import ElementTree

import pytest

from flows.publishing.charts import CHART_WIDTH, MIN_PART_WIDTH, part_widths, rows_chart

ROWS = {"read": 1000, "accepted": 944, "rejected": 56}


def drawn(markdown: str) -> tuple[str, dict[str, str]]:
    """The alternative text of the chart, and its legend."""
    words, data = markdown.removeprefix("![").removesuffix(")").split("](data:image/svg+xml;base64,")
    svg = ElementTree.fromstring(b64decode(data))
    texts = [each.text or "" for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    return words, dict(text.split(" ") for text in texts)


@pytest.mark.parametrize(
    ("rows", "contacts", "words", "legend"),
    [
        pytest.param(
            ROWS,
            {"inserted": 900, "updated": 0, "unchanged": 44, "skipped": 0},
            "Of 1,000 rows: 900 inserted, 44 unchanged, 56 rejected",
            {"inserted": "90.0%", "unchanged": "4.4%", "rejected": "5.6%"},
            id="an import",
        ),
        pytest.param(
            ROWS,
            None,
            "Of 1,000 rows: 944 accepted, 56 rejected",
            {"accepted": "94.4%", "rejected": "5.6%"},
            id="one that failed after the check",
        ),
        pytest.param(
            {"read": 9_000_000, "accepted": 8_999_999, "rejected": 1},
            None,
            "Of 9,000,000 rows: 8,999,999 accepted, 1 rejected",
            {"accepted": "99.9%", "rejected": "<0.1%"},
            id="one row in millions",
        ),
        pytest.param(
            {"read": 3, "accepted": 0, "rejected": 3}, None, "Of 3 rows: 3 rejected", {"rejected": "100%"}, id="all"
        ),
    ],
)
def test_the_chart_has_the_counts_in_its_text_and_shares_in_its_legend(
    rows: dict[str, int], contacts: dict[str, int] | None, words: str, legend: dict[str, str]
) -> None:
    assert drawn(rows_chart(rows, contacts)) == (words, legend)


def test_no_rows_give_no_chart() -> None:
    assert rows_chart({"read": 0, "accepted": 0, "rejected": 0}, None) == ""


def test_every_part_is_visible_and_all_parts_fill_the_bar() -> None:
    found = part_widths({"inserted": 1_000_000, "updated": 1, "rejected": 1_000_000})
    assert found["updated"] >= MIN_PART_WIDTH
    assert found["inserted"] == found["rejected"]
    assert sum(found.values()) == pytest.approx(CHART_WIDTH)
