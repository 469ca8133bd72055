"""The reports of checks and imports. Their JSON is the public contract; the docs list its keys.

Reports in the import list may come from another release. So keys may be missing, and unknown ones are ignored.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer


class RowCounts(BaseModel):
    read: int
    accepted: int
    rejected: int


class ContactCounts(BaseModel):
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0


class FieldChangesReport(BaseModel):
    """Cells of one field of existing contacts in which the file has another value, or clears it."""

    filled: int = 0
    replaced: int = 0
    cleared: int = 0
    kept_by_policy: int = 0
    kept_by_consent: int = 0


class DialectReport(BaseModel):
    encoding: str
    encoding_certainty: str | None = None
    delimiter: str
    delimiter_certainty: str | None = None
    quote: str
    escape: str | None = None
    header: bool = True
    skipped_lines: int = 0


class AddedRuleReport(BaseModel):
    """A translation that was added to the preset's: by --value, --fix or a form, in a preset's keys."""

    by: str
    translation: dict[str, Any]


class ColumnReport(BaseModel):
    position: int
    column: str
    field: str | None
    outcome: str
    empty_cells: int = 0
    first_empty: list[int] = []
    suggestion: str | None = None
    readings: list[AddedRuleReport] = []


class TranslationReport(BaseModel):
    """A translation, who asked for it, and how many cells it changed. The column of a constant is None."""

    column: str | None
    field: str
    translation: str
    cells: int
    by: str = "preset"


class SuggestionReport(BaseModel):
    """A translation of a column, in a preset's keys, and how many of its rejected cells it makes valid or blank.

    `drops_column` is no key of the JSON: a catalogue and a request decide it, which the report does not have.
    """

    position: int
    column: str
    field: str
    translation: dict[str, Any]
    of: int
    fixes: int
    blanks: int
    certain: bool
    drops_column: bool = Field(default=False, exclude=True)


class ReasonReport(BaseModel):
    """A reason for rejections: its code, the column (null for a malformed record), how often, and where first."""

    code: str
    column: str | None
    cells: int
    first_record: int


class RetryReport(BaseModel):
    """The import that this one retries. Records are counted against `first`, where the chain of retries began."""

    id: int
    first: int | None = None
    mended: int | None = None
    missing: int | None = None


class SegmentReport(BaseModel):
    id: str
    added: int


class ErrorReport(BaseModel):
    code: str
    message: str


class CheckReport(BaseModel):
    """The report of a check. A value that never became known is null in the JSON."""

    status: str
    source: str
    source_file: str | None = None
    sha256: str | None = None
    merge: str | None = None
    rows: RowCounts | None = None
    dialect: DialectReport | None = None
    preset: str | None = None
    columns: list[ColumnReport] = []
    translations: list[TranslationReport] = []
    suggestions: list[SuggestionReport] = []
    rejections: dict[str, int] = {}
    reasons: list[ReasonReport] = []
    rejected_file: str | None = None
    warnings: list[str] = []
    seconds: float = 0.0
    error: ErrorReport | None = None
    imports: Sequence["CheckReport"] | None = None

    @property
    def failed(self) -> bool:
        return self.error is not None

    @model_serializer(mode="wrap")
    def _in_order_of_keys(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values = serialize(self)
        return {key: values[key] for key in KEYS if key in values and (values[key] is not None or key not in OMITTED)}


class ImportReport(CheckReport):
    """The report of an import."""

    import_id: int | None = None
    retry_of: RetryReport | None = None
    contacts: ContactCounts | None = None
    changes: dict[str, FieldChangesReport] = {}
    plan: str | None = None
    rejections_kept: int = 0
    segment: SegmentReport | None = None
    repeats: int | None = None
    imports: Sequence["ImportReport"] | None = None


class UndoReport(BaseModel):
    """The report of an undo. `kept` counts cells by the cause for which they stay."""

    import_id: int | None
    undoes: int
    status: str
    contacts: dict[str, int]
    cells: dict[str, int]
    members: dict[str, int]
    kept: dict[str, int]


class RemovalReport(BaseModel):
    """The report of a delete or an erase; a dry run counts the same."""

    import_id: int | None
    status: str
    found: int
    deleted: int
    members: int


KEYS = (
    "import_id",
    "status",
    "source",
    "source_file",
    "sha256",
    "merge",
    "retry_of",
    "rows",
    "contacts",
    "changes",
    "plan",
    "dialect",
    "preset",
    "columns",
    "translations",
    "suggestions",
    "rejections",
    "reasons",
    "rejections_kept",
    "rejected_file",
    "segment",
    "warnings",
    "seconds",
    "error",
    "repeats",
    "imports",
)
OMITTED = {"source_file", "plan", "error", "repeats", "imports"}  # when None; other keys are then null
