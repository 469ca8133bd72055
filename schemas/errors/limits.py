"""Limits that a file or an import exceeds: those of the settings, of the request and of the program."""

from schemas.errors.base import ContactImportError


class LimitError(ContactImportError):
    """A limit is exceeded; nothing is merged."""


class SourceTooLarge(LimitError):
    """The source is larger than the settings allow."""

    code = "source-too-large"
    template = "{source!r} is larger than {limit:,} bytes; if it is the right file, raise CONTACTS_SOURCE_LIMIT"
    source: str
    limit: int


class ArchiveTooLarge(LimitError):
    """An archive expands to more than the settings allow."""

    code = "archive-too-large"
    template = "the archive {source!r} expands to more than {limit}; if it is the right file, raise {variable}"
    source: str
    limit: str
    variable: str


class WorkbookTooLarge(LimitError):
    """A workbook expands to more, or needs more cells or memory, than the settings allow."""

    code = "workbook-too-large"
    template = (
        "the workbook {source!r} needs more than {limit}; delete what is far below or right of the data or, "
        "if it is the right file, raise {variable}"
    )
    source: str
    limit: str
    variable: str


class TooManyColumns(LimitError):
    """The header has more columns than the program reads."""

    code = "too-many-columns"
    template = (
        "the header of {source!r} has {columns:,} columns, and {max_columns:,} are the limit; check the delimiter"
    )
    source: str
    columns: int
    max_columns: int


class RecordTooLarge(LimitError):
    """One record is larger than a chunk may be, which bounds the memory of reading."""

    code = "record-too-large"
    template = (
        "the record at line {line} of {source!r} is larger than {limit:,} bytes; check its quotes and the delimiter"
    )
    source: str
    line: int
    limit: int


class TooManyRejected(LimitError):
    """More rows were rejected than the request allows; the rejected file has them."""

    code = "too-many-rejected"
    template = (
        "{rejected:,} of {read:,} rows were rejected, and at most {limit} may be; nothing was merged. "
        "Look at the rejected file, then correct the source or raise --max-rejected"
    )
    rejected: int
    read: int
    limit: str


class NotAllAccepted(LimitError):
    """A row was rejected or a column was dropped, and the request is strict."""

    code = "not-all-accepted"
    template = (
        "{rejected:,} of {read:,} rows were rejected{columns:, and these columns have empty cells: }; "
        "nothing was merged. Correct the file, or leave --strict out"
    )
    rejected: int
    read: int
    columns: tuple[str, ...]


class TooFewRows(LimitError):
    """The file has fewer rows than the request expects; `last` are the rows of the last import."""

    code = "too-few-rows"
    template = (
        "the file has {read:,} rows, and at least {min_rows}{of_last} are expected; nothing was merged. "
        "Was the export cut off? If not, lower --min-rows"
    )
    read: int
    min_rows: str
    last: int | None

    @property
    def of_last(self) -> str:
        return f" of the {self.last:,} of the last import" if self.min_rows.endswith("%") and self.last else ""


class RequiredFieldMissing(LimitError):
    """A field that the request requires could not be imported."""

    code = "required-field-missing"
    template = (
        "the field {field!r} is required, and was not imported: {cause}; nothing was merged. "
        "Correct the source, name its column with --map, or leave out --require"
    )
    field: str
    outcome: str

    @property
    def cause(self) -> str:
        return "no column maps to it" if self.outcome == "no column" else f"its column is {self.outcome}"
