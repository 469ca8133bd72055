"""A reading that makes cells blank says so where blank cells drop the column."""

import pytest

from flows.reports.models import CheckReport, SuggestionReport
from flows.reports.phrases import COMMAND, gaps_note
from schemas.catalogue import load_catalogue
from transforms.mapping.columns import MappedColumn
from transforms.mapping.suggestions import Suggestion

CATALOGUE = load_catalogue()
BLANKING = {"values": {"-": ""}}


def suggested(field: str, blanks: int, *, allow_gaps: bool = False) -> SuggestionReport:
    column = MappedColumn(1, field.title(), CATALOGUE.adapt(allow_gaps=allow_gaps)[field])
    return SuggestionReport.model_validate(Suggestion(column, BLANKING, 3, 3, blanks, certain=False).as_report())


@pytest.mark.parametrize(
    ("suggestion", "note"),
    [
        pytest.param(
            suggested("birthdate", 3),
            "Readings make cells blank in Birthdate; then the column is dropped unless --gaps allow.",
            id="blanks-that-drop",
        ),
        pytest.param(suggested("birthdate", 0), "", id="no-blank"),
        pytest.param(suggested("vip", 3), "", id="a-field-with-gaps"),
        pytest.param(suggested("birthdate", 3, allow_gaps=True), "", id="gaps-allowed"),
    ],
)
def test_the_columns_that_blank_cells_would_drop_are_named(suggestion: SuggestionReport, note: str) -> None:
    assert gaps_note([suggestion, suggestion], COMMAND.allow_gaps) == note


def test_the_json_of_a_suggestion_has_the_keys_of_the_contract() -> None:
    report = CheckReport(status="completed", source="x.csv", suggestions=[suggested("birthdate", 3)])
    keys = ["position", "column", "field", "translation", "of", "fixes", "blanks", "certain"]
    assert list(report.model_dump()["suggestions"][0]) == keys
