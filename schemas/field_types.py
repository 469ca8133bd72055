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
    complete: bool
    has_options: bool = False


TRAITS: dict[FieldType, TypeTraits] = {
    FieldType.TEXT: TypeTraits(Storage.TEXT, complete=False),
    FieldType.EMAIL: TypeTraits(Storage.TEXT, complete=False),
    FieldType.PHONE: TypeTraits(Storage.TEXT, complete=True),
    FieldType.DATE: TypeTraits(Storage.DATE, complete=True),
    FieldType.INTEGER: TypeTraits(Storage.BIGINT, complete=True),
    FieldType.DECIMAL: TypeTraits(Storage.NUMERIC, complete=True),
    FieldType.BOOLEAN: TypeTraits(Storage.BOOLEAN, complete=False),
    FieldType.RADIO: TypeTraits(Storage.TEXT, complete=True, has_options=True),
    FieldType.CHECKBOX: TypeTraits(Storage.TEXT, complete=False, has_options=True),
}

# `radius` is how one platform's documentation spells the single choice; it stays readable.
TYPE_SYNONYMS = {"radius": FieldType.RADIO.value}
