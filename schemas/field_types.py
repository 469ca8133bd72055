"""The types a contact field can have, and what follows from a type before any value is seen."""

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
    """How a warehouse keeps a value; each dialect gives it a column type."""

    TEXT = "text"
    DATE = "date"
    BIGINT = "bigint"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class TypeTraits:
    """`complete` types are dropped with any gap unless the field says otherwise."""

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

# `radius` is how one platform's documentation spells the single choice; it stays readable.
TYPE_SYNONYMS = {"radius": FieldType.RADIO.value}
