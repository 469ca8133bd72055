"""Requests that cannot be met: ask for something else."""

from dataclasses import dataclass
from typing import ClassVar

from schemas.errors.base import RequestError, header_below, one_of


@dataclass(eq=False)
class UsageError(RequestError):
    """The command is wrong, as its own text shows; exit status 2."""

    code: ClassVar[str] = "usage"
    problem: str

    def __str__(self) -> str:
        return self.problem


@dataclass(eq=False)
class SettingsInvalid(RequestError):
    """A setting in the environment has a wrong value, which is not quoted: it may hold a password."""

    code: ClassVar[str] = "settings-invalid"
    variable: str
    expected: str

    def __str__(self) -> str:
        return f"the environment variable {self.variable} is wrong; write {self.expected}"


@dataclass(eq=False)
class NoEmailColumn(RequestError):
    """No column maps to the identity field."""

    code: ClassVar[str] = "no-email-column"
    identity: str
    columns: tuple[str, ...]
    lines_above: int = 0

    def __str__(self) -> str:
        return (
            f"no column maps to {self.identity!r}, which identifies a contact; the columns are: "
            f"{one_of(self.columns)}. Name the one with --map COLUMN={self.identity}{header_below(self.lines_above)}"
        )


@dataclass(eq=False)
class SeveralEmailColumns(RequestError):
    """Two columns map to the identity field."""

    code: ClassVar[str] = "several-email-columns"
    identity: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{len(self.columns)} columns map to {self.identity!r}: {one_of(self.columns)}; "
            "exactly one may. Ignore the others with --map COLUMN= (or --map column_N= by position)"
        )


@dataclass(eq=False)
class DuplicateMapping(RequestError):
    """Two columns map to one field."""

    code: ClassVar[str] = "duplicate-mapping"
    field: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{len(self.columns)} columns map to the field {self.field!r}: {one_of(self.columns)}; "
            "ignore all but one with --map COLUMN= (or --map column_N= by position)"
        )


@dataclass(eq=False)
class UnknownColumn(RequestError):
    """The mapping names a column that the file does not have."""

    code: ClassVar[str] = "unknown-column"
    column: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"the mapping names the column {self.column!r}; the file has: {one_of(self.columns)}"


@dataclass(eq=False)
class UnknownField(RequestError):
    """A field is named that the catalogue does not have."""

    code: ClassVar[str] = "unknown-field"
    field: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return f"there is no field {self.field!r} in the catalogue; it has: {one_of(self.fields)}"


@dataclass(eq=False)
class MappingInvalid(RequestError):
    """The mapping file cannot be read as `column: field` lines."""

    code: ClassVar[str] = "mapping-invalid"
    path: str
    problem: str

    def __str__(self) -> str:
        return f"the mapping file {self.path!r} {self.problem}; write one 'Column: field' a line (YAML)"


@dataclass(eq=False)
class UnknownPreset(RequestError):
    """The request names a preset, or a part of one, that there is not."""

    code: ClassVar[str] = "unknown-preset"
    preset: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"there is no preset {self.preset!r}; write one of: {one_of(self.known)}, or the path of a YAML file "
            "with a / in it or .yaml at its end"
        )


@dataclass(eq=False)
class PresetInvalid(RequestError):
    """The preset cannot be used as it is written; every breach is listed."""

    code: ClassVar[str] = "preset-invalid"
    path: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"the preset {self.path!r} is wrong: " + "; ".join(self.problems)


@dataclass(eq=False)
class PresetNotFound(RequestError):
    """The header has the columns of no preset, or those of several."""

    code: ClassVar[str] = "preset-not-found"
    fitting: tuple[str, ...]

    def __str__(self) -> str:
        if self.fitting:
            return f"the file's header fits several presets: {one_of(self.fitting)}; name one of them with --preset"
        return (
            "the file's header fits no preset; name one with --preset, or leave the option out "
            "('contacts mapping list' shows them)"
        )


@dataclass(eq=False)
class PresetExists(RequestError):
    """A preset was to be saved under a name that is taken."""

    code: ClassVar[str] = "preset-exists"
    preset: str
    path: str

    def __str__(self) -> str:
        if not self.path:
            return f"{self.preset!r} is the name of a built-in preset; choose another"
        return (
            f"there is a preset {self.preset!r} already ({self.path}); choose another name, or write over it: --force"
        )


@dataclass(eq=False)
class ColumnNeverRead(RequestError):
    """The request maps a column that the preset never reads."""

    code: ClassVar[str] = "column-never-read"
    column: str
    preset: str

    def __str__(self) -> str:
        return (
            f"the preset {self.preset!r} never reads the column {self.column!r}, so it cannot go to a field; "
            "take it out of the mapping, or use another preset"
        )


@dataclass(eq=False)
class UnknownSegment(RequestError):
    """The request names a segment that does not exist."""

    code: ClassVar[str] = "unknown-segment"
    segment: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"there is no segment {self.segment!r}; create it first with 'contacts segments create', "
            f"or use one of: {one_of(self.known)}"
        )


@dataclass(eq=False)
class UnknownImport(RequestError):
    """The import list has no such import."""

    code: ClassVar[str] = "unknown-import"
    import_id: int

    def __str__(self) -> str:
        return f"there is no import {self.import_id}; 'contacts imports' lists them"


@dataclass(eq=False)
class ImportNotCompleted(RequestError):
    """The import to retry has merged nothing, so a mended part of its file would not do."""

    code: ClassVar[str] = "import-not-completed"
    import_id: int
    status: str

    def __str__(self) -> str:
        return (
            f"import {self.import_id} is {self.status}, not completed: none of its rows is in the warehouse. "
            "Import its whole file again, without --retry-of"
        )


@dataclass(eq=False)
class RejectedFileGone(RequestError):
    """The import is known, but its rejected file is not there."""

    code: ClassVar[str] = "rejected-file-gone"
    import_id: int

    def __str__(self) -> str:
        return (
            f"the rejected file of import {self.import_id} is not there: "
            "the import failed before it was written, or its folder was removed"
        )


@dataclass(eq=False)
class SourceAddressInvalid(RequestError):
    """The address of the source cannot be used as it is written; what is shown of it holds no secret."""

    code: ClassVar[str] = "source-address-invalid"
    source: str
    problem: str

    def __str__(self) -> str:
        return f"the source {self.source!r} {self.problem}"


@dataclass(eq=False)
class SourceNotAllowed(RequestError):
    """The settings do not let imports read from there."""

    code: ClassVar[str] = "source-not-allowed"
    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source!r} may not be read: {self.reason}"


@dataclass(eq=False)
class ExtraMissing(RequestError):
    """The source needs an optional part of this project that is not installed."""

    code: ClassVar[str] = "extra-missing"
    source: str
    extra: str

    def __str__(self) -> str:
        install = f".venv/bin/pip install 'contact-import[{self.extra}]'"
        return f"{self.source!r} needs an extra that is not installed: {install}"


@dataclass(eq=False)
class OutputNotWritable(RequestError):
    """A file that the command was to write cannot be opened."""

    code: ClassVar[str] = "output-not-writable"
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path!r} cannot be written: {self.reason}"


@dataclass(eq=False)
class NeedsDeployment(RequestError):
    """A guided import was called by itself; only a run of a deployment can wait for a person."""

    code: ClassVar[str] = "needs-deployment"

    def __str__(self) -> str:
        return "a guided import waits for a person, which only a run of its deployment can; run 'prefect deploy --all'"


@dataclass(eq=False)
class NoFormAnswer(RequestError):
    """A guided import asked, and nobody answered in time."""

    code: ClassVar[str] = "no-answer"

    def __str__(self) -> str:
        return "nobody answered the form in time; nothing was merged. Start the guided import again"


@dataclass(eq=False)
class StoppedByUser(RequestError):
    """The person who was shown the preview chose to stop."""

    code: ClassVar[str] = "stopped"

    def __str__(self) -> str:
        return "the import was stopped at its preview, as asked; nothing was merged"


@dataclass(eq=False)
class ApprovalOutdated(RequestError):
    """What would be merged is no longer what was approved; a guided import asks again."""

    code: ClassVar[str] = "approval-outdated"

    def __str__(self) -> str:
        return "the import would come to other counts than those that were approved; nothing was merged"
