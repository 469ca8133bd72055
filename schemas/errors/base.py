"""The exceptions that stop a run, in groups by what the caller does next.

Those of a request and of a source, which are most, have modules of their own.

Bad rows are data, not exceptions. An exception carries its facts as attributes, has a stable
`code`, survives pickling (task runners send it between processes) and never quotes a contact's
values: columns and record numbers only.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar


def one_of(names: tuple[str, ...], none: str = "there is none yet") -> str:
    """List names for a message, the first twenty of them."""
    if not names:
        return none
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more


def header_below(lines: int) -> str:
    """The end of a message, where the header seems to stand below so many lines."""
    return f"; or, since the header seems to be below, skip what is above it with --skip-lines {lines}" if lines else ""


@dataclass(eq=False)
class ContactImportError(Exception):
    """Root of everything this project raises on purpose."""

    code: ClassVar[str] = "internal-error"

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


@dataclass(eq=False)
class UnexpectedError(ContactImportError):
    """A fault of this project, not of its input; only the exception's type is kept, never its text."""

    code: ClassVar[str] = "internal-error"
    kind: str

    def __str__(self) -> str:
        return (
            f"the import stopped at an unexpected {self.kind}; nothing was merged. "
            "Run it again with CONTACTS_DEBUG=1 to see where"
        )


@dataclass(eq=False)
class Interrupted(ContactImportError):
    """The import was stopped from outside: Ctrl-C, SIGTERM, a cancelled run; or its process or machine died."""

    PROCESS_DIED: ClassVar[str] = "ended without a word: its process was killed, or its machine or connection went away"

    code: ClassVar[str] = "interrupted"
    how: str = "was interrupted"

    def __str__(self) -> str:
        return f"the import {self.how}; nothing was merged. Run it again: it starts from the beginning"


# --- the catalogue is wrong: mend it --------------------------------------------------------------


class CatalogueError(ContactImportError):
    """The field catalogue cannot be used."""


@dataclass(eq=False)
class CatalogueNotFound(CatalogueError):
    """The catalogue file is not there or cannot be opened."""

    code: ClassVar[str] = "catalogue-not-found"
    path: str

    def __str__(self) -> str:
        return f"the field catalogue {self.path!r} cannot be read; give the path of a YAML file"


@dataclass(eq=False)
class CatalogueInvalid(CatalogueError):
    """The catalogue was read, but breaks a rule; every breach is listed."""

    code: ClassVar[str] = "catalogue-invalid"
    path: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"the field catalogue {self.path!r} is wrong: " + "; ".join(self.problems)


# --- the request is wrong: ask for something else -------------------------------------------------


class RequestError(ContactImportError):
    """The import was asked for in a way that cannot be met."""


# --- the source is wrong: get another file --------------------------------------------------------


class SourceError(ContactImportError):
    """The file cannot be read as contacts."""


# --- the import's own folder is in trouble: make room, or name another --------------------------------


class ImportFolderError(ContactImportError):
    """What an import writes while it is at work cannot be written."""


@dataclass(eq=False)
class ImportFolderUnusable(ImportFolderError):
    """The folder of an import cannot be made or written to."""

    code: ClassVar[str] = "import-folder-unusable"
    folder: str
    reason: str

    def __str__(self) -> str:
        return f"the import folder {self.folder!r} cannot be used: {self.reason}; CONTACTS_IMPORTS names another"


@dataclass(eq=False)
class DiskFull(ImportFolderError):
    """The disk has no more room for what an import writes while it is at work."""

    code: ClassVar[str] = "disk-full"
    reason: str

    def __str__(self) -> str:
        return (
            f"there is no room for the import's files ({self.reason}); nothing was merged. Make room, "
            "or name another place with CONTACTS_IMPORTS"
        )


# --- the warehouse is in trouble ------------------------------------------------------------------


class WarehouseError(ContactImportError):
    """The warehouse refuses, and would refuse again."""


@dataclass(eq=False)
class WarehouseUnusable(WarehouseError):
    """The warehouse's address is wrong, or it does not let us read or write."""

    code: ClassVar[str] = "warehouse-unusable"
    warehouse: str
    reason: str

    def __str__(self) -> str:
        return f"the warehouse {self.warehouse} cannot be used: {self.reason}"


@dataclass(eq=False)
class FieldTypeChanged(WarehouseError):
    """The catalogue gives a field another type than the warehouse stores."""

    code: ClassVar[str] = "field-type-changed"
    field: str
    stored: str
    wanted: str

    def __str__(self) -> str:
        return (
            f"the field {self.field!r} is stored as {self.stored}, and the catalogue now says {self.wanted}; "
            "give the new type a new id, or put the old type back"
        )


@dataclass(eq=False)
class MergeOutOfBalance(WarehouseError):
    """The counts taken in the database do not add up to the accepted rows; the merge is undone."""

    code: ClassVar[str] = "merge-out-of-balance"
    accepted: int
    counted: int

    def __str__(self) -> str:
        return f"{self.accepted} rows were accepted, but the warehouse counted {self.counted}; the merge was undone"


@dataclass(eq=False)
class TransientWarehouseError(ContactImportError):
    """The warehouse is away or busy; the same work may succeed in a moment. The only kind retried."""

    code: ClassVar[str] = "warehouse-unavailable"
    warehouse: str
    reason: str

    def __str__(self) -> str:
        return f"the warehouse {self.warehouse} did not answer: {self.reason}"
