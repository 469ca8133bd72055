"""What the terminal and the artifacts say in the same words."""

from typing import Any

import pytest

from flows.reports.phrases import use_of_rejected


@pytest.mark.parametrize(
    ("report", "said"),
    [
        pytest.param(
            {"import_id": 7, "status": "completed", "preset": "Mailchimp:cleaned"},
            "to mend and import again with --retry-of 7",
            id="completed, whose preset is kept",
        ),
        pytest.param({"import_id": 7, "status": "failed", "preset": None}, "to look at", id="nothing came in"),
        pytest.param(
            {"status": "completed", "preset": "My:Part"}, "to mend and import again with --preset My:Part", id="check"
        ),
        pytest.param({"status": "completed", "preset": None}, "to mend and import again", id="check without preset"),
    ],
)
def test_what_rejected_rows_are_good_for(report: dict[str, Any], said: str) -> None:
    assert use_of_rejected(report, "with --retry-of") == said
