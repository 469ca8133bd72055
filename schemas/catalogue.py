"""The field catalogue: what a contact is, said once, in YAML, and read into models that cannot be wrong."""

import re
import unicodedata
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, field_validator, model_validator

from schemas.cells.phones import DEFAULT_PREFIX, is_country_prefix
from schemas.errors.base import CatalogueInvalid, CatalogueNotFound
from schemas.field_types import TRAITS, TYPE_SYNONYMS, FieldType, Gaps, Storage, TypeTraits

BUILT_IN_CATALOGUE = Path(__file__).with_name("contacts.yaml")

# Lower-case ASCII is the one spelling every warehouse leaves alone; PostgreSQL cuts names at 63 bytes.
SAFE_ID = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
# Columns of the contacts table that are the warehouse's own, and of the frames that carry contacts.
RESERVED_IDS = frozenset(
    {"contact_id", "created_at", "updated_at", "created_by_import", "updated_by_import", "record_number"}
)


def header_key(name: str) -> str:
    """The form in which names are compared: no case, no accents, no outer or repeated space, nothing unseen."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(char for char in decomposed if not _is_unseen(char)).split())


def _is_unseen(char: str) -> bool:
    """Accents by themselves, and characters such as the zero-width space."""
    return bool(unicodedata.combining(char)) or unicodedata.category(char) == "Cf"


def _known_type(value: Any) -> Any:
    name = str(value).strip().lower()
    name = TYPE_SYNONYMS.get(name, name)
    if name not in set(FieldType):
        raise ValueError(f"{value!r} is no type; write one of: {', '.join(FieldType)}")
    return name


class Option(BaseModel):
    """One choice of a radio or checkbox field; files hold the ID, people read the label."""

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

    def __deepcopy__(self, memo: Any = None) -> Self:
        """Itself, since it never changes; Pandera copies the checks of every column for every chunk."""
        return self

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
            raise ValueError(f"is no safe column name; write for example {better!r} (a-z, 0-9, _; a letter first)")
        if value in RESERVED_IDS or value.startswith("rejection_"):
            raise ValueError("is a name the warehouse keeps for itself; choose another")
        return value

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.traits.has_options and not self.options:
            raise ValueError(f"is a {self.type} without options; list them under 'options:'")
        if self.options and not self.traits.has_options:
            raise ValueError(f"has options, but {self.type} takes none; make it radio or checkbox")
        ids = [option.id for option in self.options]
        if repeated := sorted({id for id in ids if ids.count(id) > 1}):
            raise ValueError(f"has the option ID {repeated[0]!r} twice; give each its own")
        if self.identity and self.type is not FieldType.EMAIL:
            raise ValueError(f"is the identity, but of type {self.type}; the identity is an email")
        if self.identity and self.gaps is Gaps.DROP_COLUMN:
            raise ValueError("is the identity, so its column is never dropped; take 'gaps: drop-column' out")
        return self

    @property
    def traits(self) -> TypeTraits:
        return TRAITS[self.type]

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


class FieldCatalogue(BaseModel):
    """All fields of a contact, in the order in which they are stored and exported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: tuple[Field, ...]
    default_prefix: str = DEFAULT_PREFIX

    @field_validator("default_prefix", mode="before")
    @classmethod
    def _is_a_country_prefix(cls, value: Any) -> Any:
        if not is_country_prefix(str(value)):
            raise ValueError(f"{value!r} is no country prefix; write for example '+34', in quotes")
        return str(value)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        identities = [field.id for field in self.fields if field.identity]
        if len(identities) != 1:
            raise ValueError(
                f"{len(identities)} fields are the identity ({', '.join(identities) or 'none'}); "
                "write 'identity: true' at exactly one email field"
            )
        if identities[0] != "email":
            raise ValueError(f"the identity field is {identities[0]!r}; its id must be 'email'")
        owners: dict[str, str] = {}
        for field in self.fields:
            if field.id in owners.values():
                raise ValueError(f"field {field.id!r} is there twice; give one of them another id")
            for name in {header_key(name) for name in field.names}:
                if name in owners:
                    raise ValueError(
                        f"the name {name!r} belongs to {owners[name]!r} and to {field.id!r}; "
                        "a header could mean either: take it from one"
                    )
                owners[name] = field.id
        return self

    @cached_property
    def by_id(self) -> dict[str, Field]:
        return {field.id: field for field in self.fields}

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by every name a header may use, in the form that `header_key` gives."""
        return {header_key(name): field for field in self.fields for name in field.names}

    @cached_property
    def identity(self) -> Field:
        return next(field for field in self.fields if field.identity)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return tuple(field.id for field in self.fields)

    def __getitem__(self, id: str) -> Field:
        return self.by_id[id]

    def adapt(self, *, allow_gaps: bool = False, default_prefix: str | None = None) -> Self:
        """The same catalogue for one import: gaps allowed in every field, another default prefix."""
        fields = self.fields
        if allow_gaps:
            fields = tuple(field.model_copy(update={"gaps": Gaps.ALLOW}) for field in fields)
        return type(self)(fields=fields, default_prefix=default_prefix or self.default_prefix)


def _problem(error: Any, raw: Any) -> str:
    """One sentence for one breach, naming the field by its id rather than its place in the list."""
    location = list(error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "is no known key; take it out"
    elif error["type"] == "missing":
        message = "is missing"
    if location[:1] == ["fields"] and len(location) > 1:
        entry = raw["fields"][location[1]]
        name = entry.get("id") if isinstance(entry, dict) else None
        where = [f"field {name!r}" if name else f"field number {location[1] + 1}"]
        where += [str(part) for part in location[2:] if part != "id"]
        return f"{', '.join(where)}: {message}"
    return f"{'.'.join(map(str, location))}: {message}" if location else message


def load_catalogue(path: str | Path | None = None) -> FieldCatalogue:
    """Read a catalogue from YAML, the built-in one by default; `CatalogueError` says what to mend."""
    path = Path(path) if path else BUILT_IN_CATALOGUE
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueNotFound(str(path)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that does not exist is a ValueError
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise CatalogueInvalid(str(path), (f"it is no YAML{where}",)) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("fields"), list):
        raise CatalogueInvalid(str(path), ("it has no list of 'fields:'",))
    try:
        return FieldCatalogue.model_validate(raw)
    except ValidationError as error:
        raise CatalogueInvalid(str(path), tuple(_problem(each, raw) for each in error.errors())) from error
