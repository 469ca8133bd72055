"""Brings cells into the canonical form in which they are validated and stored.

Normalising never rejects: a cell that breaks its type's rule is only trimmed, and the row schema rejects it. What it
changes is valid, and normalising it again changes nothing.
"""

from collections.abc import Callable
from typing import TypeAlias

import pandas as pd

from schemas.cells.arrow_columns import map_unique, trim
from schemas.cells.decimals import plain_decimals
from schemas.cells.emails import normalise_emails
from schemas.cells.phone_columns import normalise_phones
from schemas.field_types import FieldType
from schemas.fields import Field

# The arguments are the column, its field, and the default country prefix of phones.
Normaliser: TypeAlias = Callable[[pd.Series, Field, str], pd.Series]


def _boolean(column: pd.Series) -> pd.Series:
    words = {"1": "true", "true": "true", "0": "false", "false": "false"}
    return map_unique(column, lambda cell: words.get(cell.lower()))


def _checkbox(column: pd.Series, field: Field) -> pd.Series:
    places = field.option_places

    def in_catalogue_order(cell: str) -> str | None:
        chosen = set(cell.split("|"))
        if not chosen <= places.keys():
            return None
        return "|".join(sorted(chosen, key=places.__getitem__))

    return map_unique(column, in_catalogue_order)


NORMALISERS: dict[FieldType, Normaliser] = {
    FieldType.TEXT: lambda column, field, prefix: column,
    FieldType.EMAIL: lambda column, field, prefix: normalise_emails(column),
    FieldType.PHONE: lambda column, field, prefix: normalise_phones(column, prefix),
    FieldType.DATE: lambda column, field, prefix: column,
    FieldType.INTEGER: lambda column, field, prefix: column,
    FieldType.DECIMAL: lambda column, field, prefix: plain_decimals(column),
    FieldType.BOOLEAN: lambda column, field, prefix: _boolean(column),
    FieldType.RADIO: lambda column, field, prefix: column,
    FieldType.CHECKBOX: lambda column, field, prefix: _checkbox(column, field),
}


def normalise(contacts: pd.DataFrame, fields: tuple[Field, ...], prefix: str) -> pd.DataFrame:
    """Raw text cells, one column per field, in the same shape: trimmed, blank as null, in canonical form."""
    return pd.DataFrame(
        {field.id: NORMALISERS[field.type](trim(contacts[field.id]), field, prefix) for field in fields},
        index=contacts.index,
    )
