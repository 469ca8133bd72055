"""Phrases that the terminal and the artifacts share."""

from typing import Any

import pytest

from flows.publishing.summary import summary, undo_summary
from flows.reports.models import (
    CheckReport,
    ColumnReport,
    DialectReport,
    ErrorReport,
    ImportReport,
    SuggestionReport,
    TranslationReport,
    UndoReport,
)
from flows.reports.phrases import KEPT_CAUSES, describe_dialect, undo_line, undo_sentences, use_of_rejected


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


def test_the_summary_of_a_wide_file_shows_the_first_columns_with_short_names() -> None:
    names = ["x" * 100_000, *(f"c{number}c" for number in range(1, 20_000))]
    columns = [
        ColumnReport(position=position, column=name, field=None, outcome="unknown-field", empty_cells=0, first_empty=[])
        for position, name in enumerate(names, 1)
    ]
    change = TranslationReport(column=names[0], field="name", translation="x", cells=1)
    text = summary(CheckReport(status="completed", source="a.csv", columns=columns, translations=[change]))
    assert text.count("x" * 300 + "…") == 3
    assert (text.count("c499c"), text.count("c500c"), text.count("\n\nand 19,500 more\n\n")) == (2, 0, 2)
    assert len(text) < 100_000


@pytest.mark.parametrize(("lines", "said"), [(1, "1 line above the header"), (3, "3 lines above the header")])
def test_one_skipped_line_is_in_the_singular(lines: int, said: str) -> None:
    dialect = DialectReport(encoding="utf-8", delimiter=",", quote='"', skipped_lines=lines)
    assert describe_dialect(dialect).endswith(f", {said}")


def test_the_next_steps_in_an_artifact_name_fields_of_the_form_and_no_options() -> None:
    column = ColumnReport(
        position=1, column="Points", field="points", outcome="incomplete", empty_cells=1, first_empty=[1]
    )
    suggestion = SuggestionReport(
        position=2, column="Born", field="birthdate", translation={"date": "d/m/yyyy"}, of=2, fixes=2, blanks=0,
        certain=True,
    )  # fmt: skip
    uncertain = suggestion.model_copy(update={"certain": False})
    report = ImportReport(status="completed", source="a.csv", columns=[column], suggestions=[suggestion, uncertain])
    text = summary(report)
    assert "Empty cells" in text
    assert "--" not in text.replace("---", "")


def undo_report(contacts: dict[str, int], cells: dict[str, int], kept: dict[str, int], **more: Any) -> UndoReport:
    """Of an undo with these numbers; the others are 0."""
    report: dict[str, Any] = {"import_id": 9, "undoes": 7, "status": "completed", **more}
    return UndoReport(
        contacts=dict.fromkeys(("deleted", "restored", "reinserted", "kept", "gone"), 0) | contacts,
        cells=dict.fromkeys(("restored", "kept", "gone"), 0) | cells,
        members={"removed": 0, "added": 0},
        kept=dict.fromkeys(KEPT_CAUSES, 0) | kept,
        **report,
    )


@pytest.mark.parametrize(
    ("more", "journalled", "said"),
    [
        pytest.param({"import_id": None, "status": "planned"}, True, "undo that import first.", id="dry run"),
        pytest.param({"import_id": None, "status": "planned"}, False, "undo that import first.", id="no journal yet"),
        pytest.param({}, True, "undo import 9, then that import, then import 7 again.", id="done"),
        pytest.param({}, False, "", id="done without a journal"),
    ],
)
def test_an_undo_that_keeps_cells_for_a_later_import_says_what_to_undo_first(
    more: dict[str, Any], journalled: bool, said: str
) -> None:
    report = undo_report({"kept": 1}, {"kept": 1}, {"later-import": 1}, **more)
    for text in ("\n".join(undo_sentences(report, journalled=journalled)), undo_summary(report, journalled=journalled)):
        assert said in text
        assert bool(said) == ("contacts history EMAIL" in text)
    others = undo_report({"kept": 1}, {"kept": 1}, {"edited": 1}, **more)
    assert "contacts history" not in undo_summary(others, journalled=journalled)


@pytest.mark.parametrize(
    ("numbers", "line", "why"),
    [
        pytest.param(
            ({"kept": 50, "deleted": 850}, {}, {}),
            "0 cells restored, 0 kept; 50 contacts kept, 850 contacts deleted, 0 brought back",
            "50 contacts: inserted, but changed since or in a segment through something else",
            id="inserted contacts",
        ),
        pytest.param(
            ({"kept": 2, "restored": 1}, {"kept": 1, "restored": 1}, {"edited": 1}),
            "1 cell restored, 1 kept; 2 contacts kept, 0 contacts deleted, 0 brought back",
            "2 contacts: no cell restored; or inserted, but changed since",
            id="updated ones, and perhaps inserted ones",
        ),
        pytest.param(
            ({"kept": 1, "reinserted": 3}, {"kept": 1}, {"email-taken": 1}),
            "0 cells restored, 1 kept; 1 contact kept, 0 contacts deleted, 3 brought back",
            "",
            id="one that cannot be inserted again, which is listed by its cell",
        ),
        pytest.param(
            ({"deleted": 900}, {}, {}), "0 cells restored, 0 kept; 900 contacts deleted, 0 brought back", "", id="none"
        ),
    ],
)
def test_an_undo_says_how_many_contacts_it_keeps_and_why(numbers: Any, line: str, why: str) -> None:
    report = undo_report(*numbers)
    assert undo_line(report) == f"import 7: {line}"
    said = "\n".join(undo_sentences(report, journalled=True))
    assert why in said
    assert ("in a segment" in said) == ("Contacts that stay" in undo_summary(report, journalled=True)) == bool(why)
