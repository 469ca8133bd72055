"""Every table that is keyed by types or rules has all of them."""

import pytest

from schemas.cells.arrow_columns import ARROW_TYPES
from schemas.field_types import TRAITS, FieldType, Storage
from schemas.validation.pandera_schemas import CHECKS, missing_rule, to_pandera
from schemas.validation.rules import EXPECTED, Rule
from tests.transforms.judge_cells import SPAIN, field_of
from transforms.cells.messages import explain_cell, explain_remaining_code, explain_row
from transforms.cells.normalise import NORMALISERS

ABOUT_ROWS = {rule for rule in Rule if rule.malformed} | {Rule.DUPLICATE_EMAIL, Rule.SUPPRESSED}
ABOUT_CONTEXT = {Rule.PHONE_AMBIGUOUS, Rule.DECIMAL_AMBIGUOUS}  # of the default prefix, and of the whole column


@pytest.mark.parametrize("table", [TRAITS, CHECKS, NORMALISERS], ids=["traits", "checks", "normalisers"])
def test_a_table_has_every_type(table: dict[FieldType, object]) -> None:
    assert set(table) == set(FieldType)


def test_every_storage_has_a_cast() -> None:
    assert set(ARROW_TYPES) == set(Storage)


def test_every_rule_says_what_was_expected() -> None:
    assert set(EXPECTED) == set(Rule)


@pytest.mark.parametrize("rule", sorted(set(Rule) - ABOUT_ROWS))
def test_every_cell_rule_is_explained(rule: Rule) -> None:
    type = "radio" if rule is Rule.OPTION_UNKNOWN else "text"
    assert explain_cell(rule, "?", field_of(type), SPAIN)


@pytest.mark.parametrize("rule", sorted(ABOUT_ROWS))
def test_every_row_rule_is_explained(rule: Rule) -> None:
    assert explain_row(rule, 2, 3) if rule.malformed else explain_remaining_code(rule)


def test_the_checks_cover_every_cell_rule() -> None:
    fields = [field_of(type, gaps="reject-row") for type in FieldType]
    fields.append(field_of("email", id="email", identity=True))
    columns = [to_pandera((field,)).columns[field.id] for field in fields]
    found = {Rule(check.error) for column in columns for check in column.checks}
    assert found | set(map(missing_rule, fields)) == set(Rule) - ABOUT_ROWS - ABOUT_CONTEXT
