"""The field catalogue: the fields of a contact, read from YAML and validated."""

from collections import Counter
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from schemas.cells.phones import DEFAULT_PREFIX, is_country_prefix
from schemas.errors.base import CatalogueInvalid, CatalogueNotFound
from schemas.field_types import Gaps
from schemas.fields import Field, folded_key, header_key
from schemas.yaml_files import explain_yaml_error, load_yaml

if TYPE_CHECKING:
    from schemas.validation.pandera_schemas import Schema

MAX_FOLDED_LENGTH = 200  # characters; a longer header is compared exactly only
BUILT_IN_CATALOGUE = Path(__file__).with_name("contacts.yaml")
# Words beside the name of the identity that do not make it another field, as in `Work Email` and `Email 1`.
_QUALIFIERS = frozenset(
    {"1", "main", "primary", "work", "business", "personal", "principal", "principale", "primaire", "primare"}
    | {"primario", "primaria", "trabajo", "geschaftliche"}
)


class MatchRank(IntEnum):
    """How well a header names a field, the best first."""

    EXACT = 1
    FOLDED = 2
    QUALIFIED = 3


class HeaderMatch(NamedTuple):
    """The field that a header names."""

    field: Field
    rank: MatchRank


class FieldCatalogue(BaseModel):
    """All fields of a contact, in the order in which they are stored and exported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: tuple[Field, ...]
    default_prefix: str = DEFAULT_PREFIX

    @field_validator("default_prefix", mode="before")
    @classmethod
    def _is_a_country_prefix(cls, value: Any) -> Any:
        if not is_country_prefix(str(value)):
            raise ValueError(f"{value!r} is not a country prefix; write for example '+34', in quotes")
        return str(value)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        identities = [field.id for field in self.fields if field.identity]
        if len(identities) != 1:
            raise ValueError(
                f"{len(identities)} fields are the identity ({', '.join(identities) or 'none'}); "
                "write 'identity: true' at exactly one email field"
            )
        if identities[0] != "email":
            raise ValueError(f"the identity field is {identities[0]!r}; name it 'email'")
        owners: dict[str, str] = {}
        ids: set[str] = set()
        for field in self.fields:
            if field.id in ids:
                raise ValueError(f"field {field.id!r} occurs twice; give one of them another id")
            for name in {header_key(name) for name in field.names}:
                if name in owners:
                    raise ValueError(
                        f"the name {name!r} belongs to {owners[name]!r} and to {field.id!r}; remove it from one of them"
                    )
                owners[name] = field.id
            ids.add(field.id)
        return self

    @cached_property
    def by_id(self) -> dict[str, Field]:
        return {field.id: field for field in self.fields}

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by every name that a header may use, in the form of `header_key`."""
        return {header_key(name): field for field in self.fields for name in field.names}

    @cached_property
    def by_folded_name(self) -> dict[str, Field]:
        """Fields by their names in the form of `folded_key`, without names that several fields would have."""
        names = {(folded_key(name), field.id) for field in self.fields for name in field.names}
        owners = Counter(name for name, _ in names)
        return {name: self.by_id[id] for name, id in sorted(names) if owners[name] == 1}

    def match_header(self, header: str) -> HeaderMatch | None:
        """The field that a header names: exactly, else in its folded form, else as an identity with a qualifier."""
        if field := self.by_name.get(header_key(header)):
            return HeaderMatch(field, MatchRank.EXACT)
        if len(header) > MAX_FOLDED_LENGTH:
            return None
        folded = folded_key(header)
        if field := self.by_folded_name.get(folded):
            return HeaderMatch(field, MatchRank.FOLDED)
        bare = " ".join(word for word in folded.split() if word not in _QUALIFIERS)
        if bare != folded and self.by_folded_name.get(bare) is self.identity:
            return HeaderMatch(self.identity, MatchRank.QUALIFIED)
        return None

    @cached_property
    def identity(self) -> Field:
        return next(field for field in self.fields if field.identity)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return tuple(field.id for field in self.fields)

    def to_pandera(self) -> "Schema":
        """The schema of a frame that has all fields, as normalised text."""
        from schemas.validation.pandera_schemas import to_pandera  # not every command needs Pandera, slow to import

        return to_pandera(self.fields)

    def __getitem__(self, id: str) -> Field:
        return self.by_id[id]

    def adapt(self, *, allow_gaps: bool = False, default_prefix: str | None = None) -> Self:
        """The same catalogue for one import: gaps allowed in every field, another default prefix."""
        fields = self.fields
        if allow_gaps:
            fields = tuple(field.model_copy(update={"gaps": Gaps.ALLOW}) for field in fields)
        return type(self)(fields=fields, default_prefix=default_prefix or self.default_prefix)


def _problem(error: Any, raw: Any) -> str:
    """One sentence for one problem, with the field's id instead of its position in the list."""
    location = list(error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "is not a known key; remove it"
    elif error["type"] == "missing":
        message = "is missing; add it"
    if location[:1] == ["fields"] and len(location) > 1:
        entry = raw["fields"][location[1]]
        name = entry.get("id") if isinstance(entry, dict) else None
        where = [f"field {name!r}" if name else f"field number {location[1] + 1}"]
        where += [str(part) for part in location[2:] if part != "id"]
        return f"{', '.join(where)}: {message}"
    return f"{'.'.join(map(str, location))}: {message}" if location else message


def load_catalogue(path: str | Path | None = None) -> FieldCatalogue:
    """Read a catalogue from YAML, the built-in one by default; `CatalogueError` says what to correct."""
    path = Path(path) if path else BUILT_IN_CATALOGUE
    try:
        raw = load_yaml(path, yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueNotFound(str(path)) from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        # All of PyYAML: it lets out what a value raises that is not of its tag, such as 2026-02-30 or `!!bool maybe`.
        raise CatalogueInvalid(str(path), (explain_yaml_error(error),)) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("fields"), list):
        raise CatalogueInvalid(str(path), ("it has no list of 'fields:'; write one",))
    try:
        return FieldCatalogue.model_validate(raw)
    except ValidationError as error:
        raise CatalogueInvalid(str(path), tuple(_problem(each, raw) for each in error.errors())) from error
