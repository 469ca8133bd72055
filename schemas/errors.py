"""Every exception that stops a run, grouped by what the caller does next.

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


def _header_below(lines: int) -> str:
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

    DIED: ClassVar[str] = "ended without a word: its process was killed, or its machine or connection went away"

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
            f"{one_of(self.columns)}. Name the one with --map COLUMN={self.identity}{_header_below(self.lines_above)}"
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
class PresetUnknown(RequestError):
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
        return f"{self.source!r} needs an extra that is not installed: pip install 'contact-import[{self.extra}]'"


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
class NoAnswer(RequestError):
    """A guided import asked, and nobody answered in time."""

    code: ClassVar[str] = "no-answer"

    def __str__(self) -> str:
        return "nobody answered the form in time; nothing was merged. Start the guided import again"


@dataclass(eq=False)
class Stopped(RequestError):
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


# --- the source is wrong: get another file --------------------------------------------------------


class SourceError(ContactImportError):
    """The file cannot be read as contacts."""


@dataclass(eq=False)
class SourceNotFound(SourceError):
    """There is no such file."""

    code: ClassVar[str] = "source-not-found"
    source: str
    pattern: bool = False

    def __str__(self) -> str:
        if self.pattern:
            return f"no file matches {self.source!r}; check the pattern"
        return f"there is no file {self.source!r}; check the path"


@dataclass(eq=False)
class SourceUnreadable(SourceError):
    """The source exists, but is a folder, or may not be read."""

    code: ClassVar[str] = "source-unreadable"
    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source!r} cannot be read: {self.reason}"


@dataclass(eq=False)
class SourceUnavailable(SourceError):
    """The place of the source did not answer, or stopped in the middle; the only fault of sources that is retried."""

    code: ClassVar[str] = "source-unavailable"
    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source!r} could not be fetched: {self.reason}; tried several times, so try again later"


@dataclass(eq=False)
class SourceChanging(SourceError):
    """The file went on changing while it was copied, each time it was tried."""

    code: ClassVar[str] = "source-changing"
    source: str
    tries: int

    def __str__(self) -> str:
        return (
            f"{self.source!r} changed while it was copied, {self.tries} times in a row; is it still being written? "
            "Import it once it is done, or have it written under another name and renamed"
        )


@dataclass(eq=False)
class SourceOutOfOrder(SourceError):
    """A later day's file came in before; the older one would write its values over the newer ones."""

    code: ClassVar[str] = "source-out-of-order"
    source: str
    day: str
    later: str
    import_id: int

    def __str__(self) -> str:
        return (
            f"{self.source!r} of {self.day} would be written over what import {self.import_id} brought for "
            f"{self.later}; nothing was merged. If it shall be, name its day with --date"
        )


@dataclass(eq=False)
class SourceTooLarge(SourceError):
    """The source is larger than the settings allow."""

    code: ClassVar[str] = "source-too-large"
    source: str
    limit: int

    def __str__(self) -> str:
        return f"{self.source!r} is larger than {self.limit:,} bytes, the limit that CONTACTS_SOURCE_LIMIT sets"


@dataclass(eq=False)
class SourceEmpty(SourceError):
    """The file has no header and no records."""

    code: ClassVar[str] = "source-empty"
    source: str
    skipped_lines: int = 0

    def __str__(self) -> str:
        if self.skipped_lines:
            return f"{self.source!r} is empty after its first {self.skipped_lines} lines; write a smaller --skip-lines"
        return f"{self.source!r} is empty; a CSV file starts with a header or, with --no-header, a record"


@dataclass(eq=False)
class SourceNotText(SourceError):
    """The file's bytes are no text: a spreadsheet, an archive, an image."""

    code: ClassVar[str] = "source-not-text"
    source: str
    kind: str

    def __str__(self) -> str:
        return f"{self.source!r} is no CSV text but {self.kind}; export it as CSV (UTF-8) and import that"


@dataclass(eq=False)
class ArchiveUnreadable(SourceError):
    """An archive is damaged, cut off, empty, or packed in a way that is not read."""

    code: ClassVar[str] = "archive-unreadable"
    source: str
    reason: str

    def __str__(self) -> str:
        return f"the archive {self.source!r} cannot be read: {self.reason}"


@dataclass(eq=False)
class ArchiveRefused(SourceError):
    """An archive holds what none of ours may hold: a path, a link, an encrypted file, another archive."""

    code: ClassVar[str] = "archive-refused"
    source: str
    entry: str
    reason: str

    def __str__(self) -> str:
        return f"the archive {self.source!r} is not read, since {self.entry[:100]!r} {self.reason}"


@dataclass(eq=False)
class ArchiveTooLarge(SourceError):
    """More comes out of an archive than the settings allow."""

    code: ClassVar[str] = "archive-too-large"
    source: str
    limit: str
    variable: str

    def __str__(self) -> str:
        return (
            f"the archive {self.source!r} expands to more than {self.limit}; if it is to be trusted, "
            f"raise {self.variable}"
        )


@dataclass(eq=False)
class ArchiveHasSeveralFiles(SourceError):
    """An archive holds several CSV files, and none of them is named."""

    code: ClassVar[str] = "archive-has-several-files"
    source: str
    members: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"the archive {self.source!r} has {len(self.members)} files: {one_of(self.members)}; "
            f"name one of them after an exclamation mark, such as {f'{self.source}!{self.members[0]}'!r}"
        )


@dataclass(eq=False)
class MemberNotFound(SourceError):
    """The source names a file inside an archive that is not there, or inside a file that is no ZIP archive."""

    code: ClassVar[str] = "member-not-found"
    source: str
    member: str
    members: tuple[str, ...]

    def __str__(self) -> str:
        return f"there is no {self.member!r} in {self.source!r}; it has: {one_of(self.members, 'no named files')}"


@dataclass(eq=False)
class HeaderLooksLikeData(SourceError):
    """The header has a cell that is itself an email or a phone."""

    code: ClassVar[str] = "header-looks-like-data"
    source: str
    position: int
    kind: str

    def __str__(self) -> str:
        return (
            f"the first record of {self.source!r} has a valid {self.kind} in column {self.position}, so it "
            "is no header; add one, or use --no-header with --map column_N=FIELD"
        )


@dataclass(eq=False)
class HeaderUnreadable(SourceError):
    """The header is malformed, so no column has a name to trust."""

    code: ClassVar[str] = "header-unreadable"
    source: str
    line: int
    lines_above: int = 0

    def __str__(self) -> str:
        return (
            f"the first record, at line {self.line} of {self.source!r}, cannot be read: its quotes do not match, or it "
            f"is not in the file's encoding{_header_below(self.lines_above)}"
        )


@dataclass(eq=False)
class TooManyColumns(SourceError):
    """The header has more columns than anybody means."""

    code: ClassVar[str] = "too-many-columns"
    source: str
    columns: int
    most: int

    def __str__(self) -> str:
        return (
            f"the header of {self.source!r} has {self.columns:,} columns, and at most {self.most:,} are read; "
            "is this the right delimiter, and a CSV file?"
        )


@dataclass(eq=False)
class TooManyRejected(SourceError):
    """More rows were rejected than the request puts up with; the rejected file is there to look at."""

    code: ClassVar[str] = "too-many-rejected"
    rejected: int
    read: int
    limit: str

    def __str__(self) -> str:
        return (
            f"{self.rejected:,} of {self.read:,} rows were rejected, and at most {self.limit} may be; nothing was "
            "merged. Look at the rejected file, and mend the source or raise --max-rejected"
        )


@dataclass(eq=False)
class TooFewRows(SourceError):
    """The file is much smaller than it should be."""

    code: ClassVar[str] = "too-few-rows"
    read: int
    least: str
    last: int | None

    def __str__(self) -> str:
        before = f" of the {self.last:,} of the last import" if self.least.endswith("%") and self.last else ""
        return (
            f"the file has {self.read:,} rows, and at least {self.least}{before} are expected; nothing was merged. "
            "Was the export cut off? If not, lower --min-rows"
        )


@dataclass(eq=False)
class RequiredFieldMissing(SourceError):
    """A field that the request depends on could not be imported."""

    code: ClassVar[str] = "required-field-missing"
    field: str
    outcome: str

    def __str__(self) -> str:
        why = "no column maps to it" if self.outcome == "no column" else f"its column is {self.outcome}"
        return f"the field {self.field!r} is required, and was not imported: {why}; nothing was merged"


@dataclass(eq=False)
class RecordTooLarge(SourceError):
    """One record is larger than a chunk may ever be; reading it would not be bounded."""

    code: ClassVar[str] = "record-too-large"
    source: str
    line: int
    limit: int

    def __str__(self) -> str:
        return (
            f"the record at line {self.line} of {self.source!r} is larger than {self.limit:,} bytes; "
            "is this the right delimiter, and a CSV file?"
        )


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
