"""A field of a contact and its options, and the form in which names are compared."""

import re
import unicodedata
from collections import Counter
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator, model_validator

from schemas.choices import FieldPolicy
from schemas.field_types import TRAITS, TYPE_SYNONYMS, FieldType, Gaps, Storage, TypeTraits

# No warehouse changes lower-case ASCII names; PostgreSQL cuts names at 63 bytes.
SAFE_ID = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
# Columns that the warehouse adds to the contacts table, and that the frames of contacts have.
RESERVED_IDS = frozenset(
    {"contact_id", "created_at", "updated_at", "created_by_import", "updated_by_import", "record_number"}
)


# Signs with which programs and people separate several values of a cell, beside `|`.
_BETWEEN_OPTIONS = (",", ";", "/", "\n", " & ")
_FOLDED_SCRIPTS = ("LATIN ", "GREEK ", "CYRILLIC ")
_BETWEEN_WORDS = re.compile(
    r"[-_.*:'\u2019()\[\]{}<>]+|(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ0-9])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Z])"
)


def header_key(name: str) -> str:
    """The form in which names are compared: without case, accents, outer or repeated space, invisible characters.

    Marks are removed only from Latin, Greek and Cyrillic letters: in other scripts they make other words.
    """
    kept, is_foreign = [], False
    for char in unicodedata.normalize("NFKD", name.casefold()):
        category = unicodedata.category(char)
        if category == "Cf" or (unicodedata.combining(char) and not is_foreign):
            continue
        kept.append(char)
        if not category.startswith("M"):
            is_letter = category.startswith("L") and not char.isascii()
            is_foreign = is_letter and not unicodedata.name(char, "").startswith(_FOLDED_SCRIPTS)
    return " ".join("".join(kept).split())


def folded_key(name: str) -> str:
    """The form in which headers of programs are compared: `header_key` of the words of `first_name` or `FirstName`."""
    return re.sub(r"\be mail", "email", header_key(_BETWEEN_WORDS.sub(" ", name)))


def _known_type(value: Any) -> Any:
    name = str(value).strip().lower()
    name = TYPE_SYNONYMS.get(name, name)
    if name not in set(FieldType):
        raise ValueError(f"{value!r} is not a type; write one of: {', '.join(FieldType)}")
    return name


class Option(BaseModel):
    """One choice of a radio or checkbox field; files hold the ID, the label is for people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    label: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_bare_id(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str | bool | int | float) else value

    @field_validator("id", mode="before")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"the option ID {value!r} is read as {type(value).__name__}; put it in quotes")
        if not value.strip() or value != value.strip() or "|" in value or "\0" in value:
            raise ValueError(f"the option ID {value!r} is empty, has outer space or a '|'; write plain text")
        return value


class Field(BaseModel):
    """One field of a contact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    type: Annotated[FieldType, BeforeValidator(_known_type)]
    identity: bool = False
    label: str = ""
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    gaps: Gaps = Gaps.ALLOW
    merge: FieldPolicy | None = None
    consent: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _default_gaps(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("gaps") is not None or "type" not in value:
            return value
        traits = TRAITS[FieldType(_known_type(value["type"]))]
        return {**value, "gaps": Gaps.DROP_COLUMN if traits.dropped_with_gaps else Gaps.ALLOW}

    @field_validator("id")
    @classmethod
    def _is_a_column_name(cls, value: str) -> str:
        if not SAFE_ID.fullmatch(value):
            better = re.sub(r"[^a-z0-9]+", "_", header_key(value)).strip("_")
            better = (better if better[:1].isalpha() else f"field_{better}")[:63]
            raise ValueError(f"is not a safe column name; write for example {better!r} (a-z, 0-9, _; a letter first)")
        if value in RESERVED_IDS or value.startswith("rejection_"):
            raise ValueError("is a name that the warehouse uses itself; choose another")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.traits.has_options and not self.options:
            raise ValueError(f"is a {self.type} without options; list them under 'options:'")
        if self.options and not self.traits.has_options:
            raise ValueError(f"has options, but {self.type} takes none; make it radio or checkbox")
        counts = Counter(option.id for option in self.options)
        if repeated := sorted(id for id, count in counts.items() if count > 1):
            raise ValueError(f"has the option ID {repeated[0]!r} twice; remove one")
        if self.identity and self.type is not FieldType.EMAIL:
            raise ValueError(f"is the identity, but of type {self.type}; make it an email")
        if self.identity and self.gaps is Gaps.DROP_COLUMN:
            raise ValueError("is the identity, so its column is never dropped; take 'gaps: drop-column' out")
        if self.merge and self.identity:
            raise ValueError("is the identity, which no import changes; take 'merge:' out")
        if self.merge is FieldPolicy.APPEND and self.type is not FieldType.CHECKBOX:
            raise ValueError(f"is a {self.type}, and only a checkbox takes 'merge: append'; write another policy")
        self._check_consent()
        return self

    def _check_consent(self) -> None:
        if self.consent and self.type is not FieldType.RADIO:
            raise ValueError(f"has 'consent:', but is a {self.type}; make it a radio, or take 'consent:' out")
        if self.consent and sorted(self.consent) != sorted(self.option_ids):
            raise ValueError(
                "has another list in 'consent:' than its options; write every option ID once, the weakest consent first"
            )

    @property
    def traits(self) -> TypeTraits:
        return TRAITS[self.type]

    @property
    def is_consent(self) -> bool:
        """Whether it says what the contact agreed to receive; an older catalogue has no `consent:`."""
        by_options = self.type is FieldType.RADIO and {"subscribed", "unsubscribed"} <= set(self.option_ids)
        return bool(self.consent) or by_options

    @property
    def storage(self) -> Storage:
        return self.traits.storage

    @property
    def names(self) -> tuple[str, ...]:
        """Every name a header may use for this field, the id first."""
        return (self.id, *((self.label,) if self.label else ()), *self.aliases)

    @cached_property
    def option_ids(self) -> tuple[str, ...]:
        return tuple(option.id for option in self.options)

    @cached_property
    def option_places(self) -> dict[str, int]:
        """The place of each option's ID in the order of the catalogue."""
        return {id: place for place, id in enumerate(self.option_ids)}

    @cached_property
    def options_by_key(self) -> dict[str, Option]:
        """The first option with each label or ID, in the form of `header_key`."""
        pairs = ((header_key(name), option) for option in self.options for name in (option.label, option.id))
        return dict(reversed(list(pairs)))

    @cached_property
    def signs_in_no_option(self) -> tuple[str, ...]:
        """The signs between several values that are a part of no option's ID or label."""
        names = [name for option in self.options for name in (option.id, option.label)]
        return tuple(sign for sign in _BETWEEN_OPTIONS if not any(sign in name for name in names))

    @cached_property
    def bare(self) -> "Field":
        """A field with this type and these options only. Equal ones share what is computed from them."""
        return Field(id="bare", type=self.type, options=self.options)
