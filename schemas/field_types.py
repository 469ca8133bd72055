"""The types of a contact field, and what follows from a type alone."""

from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    """Names as users write them in the catalogue."""

    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    RADIO = "radio"
    CHECKBOX = "checkbox"


class Gaps(StrEnum):
    """What an empty cell does to its column or its row."""

    DROP_COLUMN = "drop-column"
    ALLOW = "allow"
    REJECT_ROW = "reject-row"


class Storage(StrEnum):
    """How a warehouse stores a value; each database has a column type for it."""

    TEXT = "text"
    DATE = "date"
    BIGINT = "bigint"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class TypeTraits:
    """What follows from a type; `dropped_with_gaps` is what a gap does unless the field says otherwise."""

    storage: Storage
    dropped_with_gaps: bool
    has_options: bool = False


TRAITS: dict[FieldType, TypeTraits] = {
    FieldType.TEXT: TypeTraits(Storage.TEXT, dropped_with_gaps=False),
    FieldType.EMAIL: TypeTraits(Storage.TEXT, dropped_with_gaps=False),
    FieldType.PHONE: TypeTraits(Storage.TEXT, dropped_with_gaps=True),
    FieldType.DATE: TypeTraits(Storage.DATE, dropped_with_gaps=True),
    FieldType.INTEGER: TypeTraits(Storage.BIGINT, dropped_with_gaps=True),
    FieldType.DECIMAL: TypeTraits(Storage.NUMERIC, dropped_with_gaps=True),
    FieldType.BOOLEAN: TypeTraits(Storage.BOOLEAN, dropped_with_gaps=False),
    FieldType.RADIO: TypeTraits(Storage.TEXT, dropped_with_gaps=True, has_options=True),
    FieldType.CHECKBOX: TypeTraits(Storage.TEXT, dropped_with_gaps=False, has_options=True),
}

# One platform's documentation calls the single choice `radius`.
TYPE_SYNONYMS = {"radius": FieldType.RADIO.value}
