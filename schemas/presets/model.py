"""Presets: saved mappings, with the translations that an export's cells need to satisfy the rules.

A preset is YAML, read as text, so that `yes` stays the word `yes`. It is validated here without a catalogue;
`transforms.mapping.preset_fit` adapts it to the file and its catalogue.
"""

import re
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.cells.dates import date_pattern
from schemas.choices import FieldPolicy
from schemas.fields import header_key

AUTO = "auto"
PRESET_NAME = re.compile(r"[^\W_][\w-]{0,99}")
DEFAULT_THOUSANDS = {",": ".", ".": ","}  # the thousands sign for each decimal sign, where the preset names none
_OTHER_KEYS = ("field", "gaps", "merge")  # of a column, beside those that translate its cells


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnRule(_Strict):
    """The field that one column goes to (none: ignored), and how its cells are translated."""

    field: str = ""
    values: dict[str, str] = Field(default_factory=dict)
    date: str | None = None
    decimal: Literal[",", "."] | None = None
    thousands: Literal[",", ".", " ", "'", ""] | None = None
    separator: str | None = Field(None, min_length=1)
    take: Literal["first"] | None = None
    phone: Literal["plain"] | None = None
    extension: Literal["remove"] | None = None
    plus: Literal["add"] | None = None
    email: Literal["address"] | None = None
    currency: Literal["remove"] | None = None
    point_zero: Literal["remove"] | None = None
    time: Literal["midnight", "drop"] | None = None
    yearless: Literal["blank"] | None = None
    formula: Literal["remove"] | None = None
    invisible: Literal["remove"] | None = None
    apostrophe: Literal["remove"] | None = None
    gaps: Literal["allow"] | None = None
    merge: FieldPolicy | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_a_bare_field(cls, value: Any) -> Any:
        return {"field": value} if isinstance(value, str) else value

    @field_validator("date")
    @classmethod
    def _is_a_date_format(cls, value: str | None) -> str | None:
        if value is not None:
            date_pattern(value)
        return value

    @field_validator("values")
    @classmethod
    def _is_stable(cls, values: dict[str, str]) -> dict[str, str]:
        """A translated cell must not be translated again, into something else, when a corrected file is imported."""
        read = {key.strip().casefold(): target for key, target in values.items()}
        if len(read) < len(values):
            raise ValueError("names one value twice (upper and lower case are the same here); remove one")
        for key, target in values.items():
            if target and read.get(target.casefold(), target) != target:
                raise ValueError(
                    f"turns {key!r} into {target!r}, and {target!r} into {read[target.casefold()]!r}: a corrected file "
                    "would be translated twice; use each value on one side only"
                )
        return values

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.take and not self.separator:
            raise ValueError("takes the first value without a separator; write 'separator:' too")
        if self.decimal and self.decimal == self.thousands:
            raise ValueError("has one sign for decimals and for thousands; write two different ones")
        if (self.changes_cells or self.gaps or self.merge) and not self.field:
            raise ValueError("says how to read a column that goes to no field; write 'field:' too")
        return self

    @property
    def number_signs(self) -> tuple[str, str]:
        """The decimal sign and the thousands sign of the numbers."""
        decimal = self.decimal or ("," if self.thousands == "." else ".")
        return decimal, DEFAULT_THOUSANDS[decimal] if self.thousands is None else self.thousands

    @property
    def trimmed_separator(self) -> str | None:
        """The separator without white space around it, unless it is white space itself."""
        return self.separator and (self.separator.strip() or self.separator)

    @property
    def translation(self) -> dict[str, Any]:
        """Its keys that translate cells, as a preset's column has them."""
        return self.model_dump(exclude=set(_OTHER_KEYS), exclude_defaults=True)

    def combine(self, more: Self) -> Self | None:
        """Both translations as one; None if they contradict each other. `more` decides about a value in both."""
        mine, theirs = self.translation, more.translation
        if any(mine[key] != theirs[key] for key in mine.keys() & theirs.keys() - {"values"}):
            return None
        again = {key.strip().casefold() for key in more.values}
        values = {key: target for key, target in self.values.items() if key.strip().casefold() not in again}
        try:
            return type(self).model_validate(
                {
                    **mine,
                    **theirs,
                    **{key: getattr(self, key) for key in _OTHER_KEYS},
                    "values": values | more.values,
                }
            )
        except ValueError:
            return None

    @property
    def changes_cells(self) -> bool:
        """Whether it translates cells."""
        return bool(self.translation)


class Part(_Strict):
    """One file of an export of several, recognised by its name, and the values that it implies."""

    file: str = Field(min_length=1)
    constants: dict[str, str] = Field(default_factory=dict)


class Preset(_Strict):
    """A saved mapping; `--preset auto` finds it by its `signature` columns, and `never_read` columns stay blank."""

    name: str = ""
    label: str = ""
    note: str = ""
    signature: tuple[str, ...] = ()
    columns: dict[str, ColumnRule]
    constants: dict[str, str] = Field(default_factory=dict)
    parts: dict[str, Part] = Field(default_factory=dict)
    never_read: tuple[str, ...] = ()

    @field_validator("constants", "parts")
    @classmethod
    def _names_are_names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not PRESET_NAME.fullmatch(name):
                raise ValueError(f"has the name {name!r}; write letters, digits, - and _")
        return value

    @field_validator("columns", "never_read", "signature")
    @classmethod
    def _columns_have_names(cls, value: Any) -> Any:
        if not all(name.strip() for name in value):
            raise ValueError("has an empty column name; write column_N for the Nth column")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        by_key: dict[str, str] = {}
        by_field: dict[str, str] = {}
        for column, rule in self.columns.items():
            if (key := header_key(column)) in by_key:
                raise ValueError(f"columns: {by_key[key]!r} and {column!r} are the same name; remove one")
            if rule.field and rule.field in by_field:
                raise ValueError(
                    f"columns: {by_field[rule.field]!r} and {column!r} both go to {rule.field!r}; ignore one of them"
                )
            by_key[key] = by_field[rule.field] = column
        for name in self.never_read:
            if header_key(name) in by_key:
                raise ValueError(f"never_read: {name!r} is in columns too; remove it from one of them")
        for field in {*self.constants, *(field for part in self.parts.values() for field in part.constants)}:
            if field in by_field:
                raise ValueError(f"constants: {field!r} comes from the column {by_field[field]!r} already; remove one")
        return self

    @cached_property
    def keys(self) -> frozenset[str]:
        """The columns of the signature, in the form in which names are compared."""
        return frozenset(map(header_key, self.signature))
