"""Sources that cannot be read as contacts: get another file, or name what is meant in this one."""

from schemas.errors.base import ContactImportError
from schemas.errors.request import skip_lines_hint


class SourceError(ContactImportError):
    """The file cannot be read as contacts."""

    source: str


class SourceNotFound(SourceError):
    """There is no such file."""

    code = "source-not-found"
    template = "there is no file {source!r}; check the {spelling}"
    pattern: bool = False

    @property
    def spelling(self) -> str:
        return "pattern" if self.pattern else "path"


class SourceUnreadable(SourceError):
    """The source exists, but is a folder, or may not be read."""

    code = "source-unreadable"
    template = "{source!r} cannot be read: {reason}. Correct this, or import another file"
    reason: str


class SourceUnavailable(SourceError):
    """The server of the source did not answer, or stopped in the middle; the only source error that is retried."""

    code = "source-unavailable"
    template = "{source!r} could not be fetched in several tries: {reason}. Try again later"
    reason: str


class InboxNotFound(SourceError):
    """The folder of an inbox does not exist."""

    code = "inbox-not-found"
    template = "there is no folder {source!r}; create it, or correct the name of the inbox"


class InboxNotWritable(SourceError):
    """A file of an inbox cannot be moved, or its rejected rows cannot be written beside it."""

    code = "inbox-not-writable"
    template = (
        "{source!r} cannot be written or moved in the inbox: {reason}. Give the worker the right to write there; "
        "the next look makes up for it, and imports nothing twice"
    )
    reason: str


class SourceChanging(SourceError):
    """The file changed while it was copied, in every try."""

    code = "source-changing"
    template = (
        "{source!r} changed while it was copied, {tries} times in a row. Import it once it is complete: "
        "an export should write under another name and rename the file at its end"
    )
    tries: int


class SourceOutOfOrder(SourceError):
    """The file of a later day was imported before; the older file would overwrite its values."""

    code = "source-out-of-order"
    template = (
        "{source!r} of {day} would overwrite what import {import_id} brought for {later_day}; nothing was merged. "
        "To import it anyway, name its day with --date"
    )
    day: str
    later_day: str
    import_id: int


class SourceEmpty(SourceError):
    """The file has no header and no records."""

    code = "source-empty"
    template = "{source!r} is empty{next_step}"
    skipped_lines: int = 0

    @property
    def next_step(self) -> str:
        if self.skipped_lines:
            return f" after its first {self.skipped_lines} lines; write a smaller --skip-lines"
        return "; a CSV file starts with a header or, with --no-header, a record"


class SourceNotText(SourceError):
    """The file's bytes are not text: a spreadsheet, an archive, an image."""

    code = "source-not-text"
    template = "{source!r} is no CSV or workbook, but {kind}; save it as .xlsx or as CSV (UTF-8), and import that"
    kind: str


class ArchiveUnreadable(SourceError):
    """An archive is damaged, cut off, empty, or compressed by a method that is not supported."""

    code = "archive-unreadable"
    template = "the archive {source!r} cannot be read: {reason}"
    reason: str


class ArchiveRefused(SourceError):
    """An archive holds an entry that is not allowed: a path, a link, an encrypted file, another archive."""

    code = "archive-refused"
    template = "the archive {source!r} is not read, since {shown_entry!r} {reason}; pack the CSV file by itself"
    entry: str
    reason: str

    @property
    def shown_entry(self) -> str:
        return self.entry[:100]


class ArchiveHasSeveralFiles(SourceError):
    """An archive holds several CSV files, and none of them is named."""

    code = "archive-has-several-files"
    template = "the archive {source!r} has {members.number} files: {members}; name one of them, such as {example!r}"
    members: tuple[str, ...]

    @property
    def example(self) -> str:
        return f"{self.source}!{self.members[0]}"


class MemberNotFound(SourceError):
    """The source names a file inside an archive that is not there, or inside a file that is no ZIP archive."""

    code = "member-not-found"
    template = "there is no {member!r} in {source!r}; leave out what follows the '!'{members:, or use one of: }"
    member: str
    members: tuple[str, ...]


class WorkbookHasSeveralSheets(SourceError):
    """A workbook has several sheets with cells, or only hidden ones, and none of them is named."""

    code = "workbook-has-several-sheets"
    template = "the workbook {source!r} has several sheets: {sheets}; name one of them, such as {example!r}"
    sheets: tuple[str, ...]

    @property
    def example(self) -> str:
        return f"{self.source}!{self.sheets[0]}"


class WorkbookProtected(SourceError):
    """A workbook is encrypted with a password."""

    code = "workbook-protected"
    template = "the workbook {source!r} has a password; save it without one, and import that"


class WorkbookUnreadable(SourceError):
    """A workbook is damaged, or its reader cannot read it."""

    code = "workbook-unreadable"
    template = "the workbook {source!r} cannot be read: {reason}"
    reason: str


class HeaderLooksLikeData(SourceError):
    """The header has a cell that is itself an email or a phone."""

    code = "header-looks-like-data"
    template = (
        "the first record of {source!r} has a valid {kind} in column {position}, so it "
        "is no header; add one, or use --no-header with --map column_N=FIELD"
    )
    position: int
    kind: str


class HeaderUnreadable(SourceError):
    """The header is malformed, so no column has a reliable name."""

    code = "header-unreadable"
    template = (
        "the first record, at line {line} of {source!r}, cannot be read: its quotes do not match, or it "
        "is not in the file's encoding; correct it, or name the encoding with --encoding{skip_lines}"
    )
    line: int
    lines_above: int = 0

    @property
    def skip_lines(self) -> str:
        return skip_lines_hint(self.lines_above)
