"""The root of all errors, and those of the catalogue, of an import's folder and of the program itself.

Rejected rows are data, not errors. An error carries its facts as attributes, has a stable `code`,
survives pickling (task runners send it between processes) and names columns and record numbers,
never a contact's values.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, dataclass_transform

MAX_LISTED_NAMES = 20
MIN_SIMILARITY = 0.6  # from 0 to 1; a name that is less similar is not suggested
MAX_NAME_LENGTH = 300  # characters; a header or a catalogue may hold much longer texts


class Names(tuple[str, ...]):
    """Names in a message: the first twenty, after the words that the format spec holds; nothing if there are none."""

    def __format__(self, words_before: str) -> str:
        return f"{words_before}{self._joined(', ', ' and ')}" if self else ""

    @property
    def number(self) -> int:
        return len(self)

    @property
    def sentences(self) -> str:
        return self._joined("; ", "; and ")

    @property
    def options(self) -> str:
        return self._joined(" ", " and ")

    @property
    def alternatives(self) -> str:
        return self._joined(" or ", " or one of ")

    def _joined(self, separator: str, before_count: str) -> str:
        more = f"{before_count}{len(self) - MAX_LISTED_NAMES} more" if len(self) > MAX_LISTED_NAMES else ""
        return separator.join(map(shortened, self[:MAX_LISTED_NAMES])) + more


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """The part of a message that suggests the most similar known name; nothing if none is similar."""
    from schemas.nearest_name import nearest_name  # only for an error

    by_folded = {_folded(name): name for name in known}
    nearest = nearest_name(_folded(written), by_folded, at_least=MIN_SIMILARITY)
    return f"; did you mean {by_folded[nearest]}?" if nearest else ""


def _folded(name: str) -> str:
    """Without case, and without the dashes that all options have in common."""
    return name.lower().lstrip("-")


def shortened(name: str) -> str:
    """A name, cut where it is too long for a message."""
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[:MAX_NAME_LENGTH]}…"


class _Attributes:
    """What a template is formatted from: the attributes of an error, tuples as `Names`."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getitem__(self, name: str) -> Any:
        value = getattr(self._error, name)
        return Names(value) if isinstance(value, tuple) else value


@dataclass_transform(eq_default=False)
class ContactImportError(Exception):
    """Root of everything that this project raises on purpose; each subclass becomes a dataclass."""

    code: ClassVar[str] = "internal-error"
    template: ClassVar[str] = ""
    __match_args__: ClassVar[tuple[str, ...]] = ()  # the names of the attributes, in the order of the constructor

    def __init_subclass__(cls) -> None:
        dataclass(eq=False)(cls)

    def __str__(self) -> str:
        return self.template.format_map(_Attributes(self))

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, name) for name in self.__match_args__)


_WHAT_STAYS = "what it had completed stays, and 'contacts imports' lists imports, undos and deletions"


class UnexpectedError(ContactImportError):
    """A fault of this project, not of its input; only the exception's type is kept, never its text."""

    code = "internal-error"
    template = (
        "the import stopped at an unexpected {kind}; nothing was merged. CONTACTS_DEBUG=1 shows where: run it again"
    )
    kind: str


class Interrupted(ContactImportError):
    """The import was stopped from outside (Ctrl-C, SIGTERM, a cancelled run), or its process or machine died."""

    PROCESS_DIED: ClassVar[str] = "ended without a report: its process was killed, or its machine or connection failed"

    code = "interrupted"
    template = "the import {how}; nothing was merged. Run it again: it starts from the beginning"
    how: str = "was interrupted"


class CommandStopped(UnexpectedError):
    """A fault of this project stopped a command; it is not known whether its work was done."""

    template = (
        f"the command stopped at an unexpected {{kind}}; {_WHAT_STAYS}. CONTACTS_DEBUG=1 shows where: run it again"
    )


class CommandInterrupted(Interrupted):
    """Ctrl-C stopped a command; it is not known whether its work was done."""

    template = f"the command was interrupted; {_WHAT_STAYS}. Run it again to complete the rest"


class CatalogueError(ContactImportError):
    """The field catalogue cannot be used."""


class CatalogueNotFound(CatalogueError):
    """The catalogue file is not there or cannot be opened."""

    code = "catalogue-not-found"
    template = "the field catalogue {path!r} cannot be read; give the path of a YAML file"
    path: str


class CatalogueInvalid(CatalogueError):
    """The catalogue was read, but breaks a rule; every problem is listed."""

    code = "catalogue-invalid"
    template = "the field catalogue {path!r} is wrong: {problems.sentences}. Correct it, then try again"
    path: str
    problems: tuple[str, ...]


class ImportFolderError(ContactImportError):
    """The files of a running import cannot be written."""


class ImportFolderUnusable(ImportFolderError):
    """The folder of an import cannot be created or written to."""

    code = "import-folder-unusable"
    template = "the import folder {folder!r} cannot be used: {reason}; name another one with CONTACTS_IMPORTS"
    folder: str
    reason: str


class DiskFull(ImportFolderError):
    """The disk has no room for the files of a running import."""

    code = "disk-full"
    template = (
        "there is no room for the import's files ({reason}); free some, or name another disk with CONTACTS_IMPORTS"
    )
    reason: str
