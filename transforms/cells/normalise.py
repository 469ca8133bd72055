"""Brings cells into the canonical form in which they are validated and stored.

Normalising never rejects: a cell that breaks its type's rule is only trimmed, and the row schema rejects it. What it
changes is valid, and normalising it again changes nothing.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import pandas as pd

from schemas.cells.arrow_columns import map_unique, trim
from schemas.cells.decimals import plain_decimals
from schemas.cells.emails import normalise_emails
from schemas.cells.phone_columns import normalise_phones
from schemas.field_types import FieldType
from schemas.fields import Field


class NormaliseContext(NamedTuple):
    """What the meaning of a cell depends on, besides its field."""

    default_prefix: str


Normaliser: TypeAlias = Callable[[pd.Series, Field, NormaliseContext], pd.Series]


def _as_written(column: pd.Series, field: Field, context: NormaliseContext) -> pd.Series:
    return column


def _email(column: pd.Series, field: Field, context: NormaliseContext) -> pd.Series:
    return normalise_emails(column)


def _phone(column: pd.Series, field: Field, context: NormaliseContext) -> pd.Series:
    return normalise_phones(column, context.default_prefix)


def _decimal(column: pd.Series, field: Field, context: NormaliseContext) -> pd.Series:
    return plain_decimals(column)


def _boolean(column: pd.Series, field: Field, context: NormaliseContext) -> pd.Series:
    words = {"1": "true", "true": "true", "0": "false", "false": "false"}
    return map_unique(column, lambda cell: words.get(cell.lower()))


def _checkbox(column: pd.Series, field: Field, context: NormaliseContext) -> pd.Series:
    def in_catalogue_order(cell: str) -> str | None:
        chosen = set(cell.split("|"))
        if not chosen.issubset(field.option_ids):
            return None
        return "|".join(id for id in field.option_ids if id in chosen)

    return map_unique(column, in_catalogue_order)


NORMALISERS: dict[FieldType, Normaliser] = {
    FieldType.TEXT: _as_written,
    FieldType.EMAIL: _email,
    FieldType.PHONE: _phone,
    FieldType.DATE: _as_written,
    FieldType.INTEGER: _as_written,
    FieldType.DECIMAL: _decimal,
    FieldType.BOOLEAN: _boolean,
    FieldType.RADIO: _as_written,
    FieldType.CHECKBOX: _checkbox,
}


def normalise(contacts: pd.DataFrame, fields: tuple[Field, ...], context: NormaliseContext) -> pd.DataFrame:
    """Raw text cells, one column per field, in the same shape: trimmed, blank as null, in canonical form."""
    return pd.DataFrame(
        {field.id: NORMALISERS[field.type](trim(contacts[field.id]), field, context) for field in fields},
        index=contacts.index,
    )
