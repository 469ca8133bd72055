"""Sources that cannot be imported: get another file, or name what is meant in this one."""

from dataclasses import dataclass
from typing import ClassVar

from schemas.errors.base import SourceError, header_below, one_of


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
            f"is not in the file's encoding{header_below(self.lines_above)}"
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
