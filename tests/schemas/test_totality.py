"""A new type or rule is forgotten nowhere: every table that is keyed by them has them all."""

import pickle
from dataclasses import fields
from typing import get_args

import pytest

from schemas.cells.arrow_columns import ARROW_TYPES
from schemas.errors import base as errors
from schemas.errors.base import ContactImportError
from schemas.field_types import TRAITS, FieldType, Storage
from schemas.validation.checks import CHECKS, checks_of
from schemas.validation.rules import EXPECTED, Rule
from tests.transforms.cells import SPAIN, field_of
from transforms.cells.messages import explain_cell, explain_remaining_code, explain_row
from transforms.cells.normalise import NORMALISERS

ABOUT_ROWS = {rule for rule in Rule if rule.malformed} | {Rule.DUPLICATE_EMAIL}


@pytest.mark.parametrize("table", [TRAITS, CHECKS, NORMALISERS], ids=["traits", "checks", "normalisers"])
def test_every_type_is_in(table: dict[FieldType, object]) -> None:
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


def test_every_cell_rule_can_happen() -> None:
    found = {rule for type in FieldType for rule, _ in checks_of(field_of(type, gaps="reject-row"))}
    found |= {rule for rule, _ in checks_of(field_of("email", id="email", identity=True))}
    assert found == set(Rule) - ABOUT_ROWS


def _concrete(error: type[ContactImportError]) -> list[type[ContactImportError]]:
    return [error, *(each for child in error.__subclasses__() for each in _concrete(child))]


EXAMPLES = {"str": "name", "int": 3, "tuple[str, ...]": ("a", "b"), str: "name", int: 3}


@pytest.mark.parametrize("error", _concrete(ContactImportError), ids=lambda error: error.__name__)
def test_every_error_survives_pickling(error: type[ContactImportError]) -> None:
    values = [EXAMPLES.get(each.type, ("a", "b") if get_args(each.type) else "name") for each in fields(error)]
    raised = error(*values)
    again = pickle.loads(pickle.dumps(raised))
    assert (type(again), str(again), again.code) == (error, str(raised), error.code)


def test_every_error_has_its_own_code() -> None:
    leaves = [error for error in _concrete(ContactImportError) if "code" in vars(error)]
    codes = [error.code for error in leaves if error not in (ContactImportError, errors.UnexpectedError)]
    assert len(codes) == len(set(codes))
