"""Phrases that the terminal and the artifacts share."""

import pytest

from flows.reports.models import CheckReport, DialectReport, ErrorReport, ImportReport
from flows.reports.phrases import describe_dialect, use_of_rejected


@pytest.mark.parametrize(
    ("report", "said"),
    [
        pytest.param(
            ImportReport(import_id=7, status="completed", source="c.csv", preset="Mailchimp:cleaned"),
            "to correct and import again with --retry-of 7",
            id="completed import",
        ),
        pytest.param(
            ImportReport(import_id=7, status="failed", source="c.csv", error=ErrorReport(code="x", message="x")),
            "to look at",
            id="failed import",
        ),
        pytest.param(
            CheckReport(status="completed", source="c.csv", preset="My:Part"),
            "to correct and import again with --preset My:Part",
            id="check with a preset",
        ),
        pytest.param(
            CheckReport(status="completed", source="c.csv"), "to correct and import again", id="check without preset"
        ),
    ],
)
def test_a_report_says_what_to_do_with_rejected_rows(report: CheckReport, said: str) -> None:
    assert use_of_rejected(report, "with --retry-of") == said


@pytest.mark.parametrize(("lines", "said"), [(1, "1 line above the header"), (3, "3 lines above the header")])
def test_one_skipped_line_is_in_the_singular(lines: int, said: str) -> None:
    dialect = DialectReport(encoding="utf-8", delimiter=",", quote='"', skipped_lines=lines)
    assert describe_dialect(dialect).endswith(f", {said}")
