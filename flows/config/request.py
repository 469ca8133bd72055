"""The request of a check or an import. In the Prefect UI, this model is the form."""

import datetime
import re
from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from schemas.cells.phones import is_country_prefix
from schemas.choices import Blanks, Duplicates, FieldPolicy, GapRule, IfSameFile, MergePolicy
from schemas.presets.loader import list_preset_names
from transforms.landing.encoding import usable_encoding
from transforms.parsing.dialect import QUOTE, DialectOptions, parse_delimiter, parse_quote_character
from transforms.sources.addresses import has_date


def _optional_text_box(schema: dict[str, Any]) -> None:
    """A text box that may stay empty, instead of a choice between `str` and `None`."""
    for key in ("anyOf", "default"):
        schema.pop(key, None)
    schema["type"] = "string"


def _pattern_text_box(pattern: str) -> Callable[[dict[str, Any]], None]:
    """A text box with a pattern: the form refuses at once what the run would refuse at its start."""

    def box(schema: dict[str, Any]) -> None:
        _optional_text_box(schema)
        schema["pattern"] = f"^(?:{pattern})?$"

    return box


def _optional_integer_box(schema: dict[str, Any]) -> None:
    """A number box that may stay empty."""
    _optional_text_box(schema)
    schema |= {"type": "integer", "minimum": 1}


def _optional_date_box(schema: dict[str, Any]) -> None:
    """A date box that may stay empty."""
    _optional_text_box(schema)
    schema["format"] = "date"


def _preset_box(schema: dict[str, Any]) -> None:
    """A choice of the built-in presets, or a text box for another one."""
    _optional_text_box(schema)
    del schema["type"]
    schema["anyOf"] = [
        {"title": "Built in", "type": "string", "enum": ["auto", *list_preset_names(None)]},
        {"title": "Your own", "type": "string"},
    ]


# The order of the fields in the form: the file, what happens to contacts, how the file is read, when to stop.
# The command's options for fields with another name.
OPTION_NAMES = {
    "source": "SOURCE",
    "mapping": "--map",
    "mapping_file": "--mapping",
    "values": "--value",
    "merge_fields": "--merge-field",
}
FORM_ORDER = (
    *("source", "preset", "merge", "segment", "blanks", "merge_fields", "retry_of"),
    *("date", "mapping", "mapping_file", "encoding", "delimiter", "quote", "escape", "header"),
    *("skip_lines", "skip_last", "unwrap_lines", "default_prefix", "duplicates", "gaps", "values", "fix"),
    *("max_rejected", "min_rows", "require", "strict", "loosen_consent", "if_same_file", "plan"),
)


def _in_form_order(schema: dict[str, Any]) -> None:
    """Prefect sorts by `position`. The order of the keys is not enough: PostgreSQL does not keep it."""
    order = {name: position for position, name in enumerate(FORM_ORDER)}
    schema["properties"] = dict(sorted(schema["properties"].items(), key=lambda item: order.get(item[0], len(order))))
    for position, field in enumerate(schema["properties"].values()):
        field["position"] = position


def _without_options_of_one_file(schema: dict[str, Any]) -> None:
    """The form of an inbox, whose files have other days and are retries of other imports."""
    for name in ("date", "retry_of", "plan"):
        schema["properties"].pop(name, None)
    _in_form_order(schema)


_ROWS, _ALL = r"[0-9]{1,12}", r"100(?:\.0{1,3})?%"
_SHARE = rf"{_ROWS}|0?[0-9]{{1,2}}(?:\.[0-9]{{1,3}})?%|{_ALL}"
_SHARE_OF_ANOTHER = rf"{_ROWS}|[0-9]{{1,3}}(?:\.[0-9]{{1,3}})?%"  # import, which may have had fewer rows
_CHARACTER = r"[^A-Za-z0-9]|[A-Za-z]{3,9}"  # or its name
_PREFIX = r"\+[1-9][0-9]{0,2}"

_PLAN = r"sha256:[0-9a-f]{16}\.[0-9a-f]{16}\.[0-9a-f]{16}"

# What comes before the path of a server is a host and a port, for sftp also a user. Else an @ anywhere may be the end
# of a password, which may have a / in it. The form refuses it, in JavaScript, before Prefect stores it.
_HOST = r"(?:\[[^\]\/@]*\]|[^\/:@]*)(?::[0-9]*)?(?:/|$)"
_SFTP = r"[Ss][Ff][Tt][Pp]:"
_SFTP_WITH_PASSWORD = rf"{_SFTP}//(?!(?:[^\/:]*@)?{_HOST})[\s\S]*@"
_OTHER_WITH_LOGIN = rf"(?!{_SFTP})[A-Za-z][A-Za-z0-9+.\-]*://(?!{_HOST})[\s\S]*@"
NO_PASSWORD_PATTERN = rf"^(?!{_SFTP_WITH_PASSWORD})(?!{_OTHER_WITH_LOGIN})"


def _optional(check: Callable[[str], str | None], problem: str) -> AfterValidator:
    """An empty text is None, any other what `check` makes of it; `problem` is the error where that is None."""

    def checked(value: str | None) -> str | None:
        if not value:
            return None
        if (found := check(value)) is None:
            raise ValueError(problem.format(value))
        return found

    return AfterValidator(checked)


def _matching(pattern: str) -> Callable[[str], str | None]:
    return lambda value: value if re.fullmatch(pattern, value) else None


Name = Annotated[str | None, AfterValidator(lambda value: (value or "").strip() or None)]
Delimiter = Annotated[
    str | None,
    _optional(parse_delimiter, "the delimiter is one character, but no letter, digit or double quote"),
]
Mark = Annotated[
    str | None,
    _optional(
        parse_quote_character,
        "this is one character, but no letter, digit or white space; write for example ' or backslash",
    ),
]
Encoding = Annotated[
    str | None,
    _optional(usable_encoding, "{!r} is no known encoding; write one such as utf-8 or windows-1252"),
]
Prefix = Annotated[
    str | None,
    _optional(
        lambda value: value if is_country_prefix(value) else None, "{!r} is no country prefix; write for example +34"
    ),
]
RowLimit = Annotated[
    str | None, _optional(_matching(_SHARE_OF_ANOTHER), "{!r} is no number of rows; write for example 100 or 5%")
]
ShareOfFile = Annotated[RowLimit, _optional(_matching(_SHARE), "{!r} is more than the file has; write 100% or less")]
Plan = Annotated[
    str | None,
    _optional(_matching(_PLAN), "{!r} is no digest of a plan; copy the text after 'plan:' that contacts plan prints"),
]


def local_today() -> datetime.date:
    """Today in the local time zone: what `{date}` in the source of a command means."""
    return datetime.datetime.now().astimezone().date()


class ReadingOptions(BaseModel):
    """How a file is read and checked. A check needs no more."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        json_schema_extra=_in_form_order,
    )

    source: str = Field(title="Source file", min_length=1, json_schema_extra={"pattern": NO_PASSWORD_PATTERN})
    """A path that the worker can read, a pattern such as exports/*.csv (the newest is taken), or an address
    (https://, s3://, sftp://) that the settings allow. {date:%Y-%m-%d} is filled with the scheduled day.
    book.xlsx!Sheet 2 names a sheet of a workbook."""
    date: datetime.date | None = Field(None, json_schema_extra=_optional_date_box, title="Day")
    """The day that {date} in the file's name means, to catch up on a missed night. Empty: the run's scheduled day."""
    mapping: dict[str, str] = Field(default_factory=dict, title="Columns to fields")
    """As JSON, such as {"E-mail": "email", "Notes": ""}: column (or column_N) to field, none to ignore it.
    Columns that are not named here are matched by their names."""
    mapping_file: str | None = Field(None, json_schema_extra=_optional_text_box, title="Mapping file")
    """The path of a YAML file with lines 'Column: field'. The columns above take precedence."""
    preset: Name = Field(None, json_schema_extra=_preset_box, title="Preset")
    """Where the file comes from: a platform, or auto to find it out; or the name of a preset that you saved, or the
    path of one (YAML)."""
    delimiter: Delimiter = Field(None, json_schema_extra=_pattern_text_box(_CHARACTER), title="Delimiter")
    """One character, or comma, semicolon, tab, pipe, space. Detected when left empty."""
    quote: Mark = Field(None, json_schema_extra=_pattern_text_box(_CHARACTER), title="Quote")
    """The character around cells that hold delimiters or line breaks; the double quote when left empty."""
    escape: Mark = Field(None, json_schema_extra=_pattern_text_box(_CHARACTER), title="Escape")
    """The character after which the next one is taken literally, such as backslash. None when left empty."""
    skip_lines: int = Field(0, ge=0, le=1_000_000, title="Lines above the header")
    """The number of lines above the header, which are skipped. Line numbers stay those of the file."""
    unwrap_lines: bool = Field(False, title="Each line is one quoted cell")
    """For files in which every record is in quotes as a whole: the quotes around the lines are removed first."""
    skip_last: int = Field(0, ge=0, le=1_000_000, title="Lines below the records")
    """The number of lines at the end, such as totals and report text, which are skipped."""
    header: bool = Field(True, title="The first record is a header")
    """Without a header, the columns are called column_1, column_2, … in the mapping."""
    encoding: Encoding = Field(None, json_schema_extra=_optional_text_box, title="Encoding")
    """Such as utf-8, windows-1252 or utf-16. Detected when left empty."""
    duplicates: Duplicates = Field(Duplicates.LAST, title="Rows with the same email")
    """Which row is kept: the last one, the first one, or none."""
    gaps: GapRule = Field(GapRule.CATALOGUE, title="Empty cells")
    """'catalogue' drops a phone, date, number or radio column with an empty cell; 'allow' imports it."""
    default_prefix: Prefix = Field(None, json_schema_extra=_pattern_text_box(_PREFIX), title="Default phone prefix")
    """For phones without an international prefix, such as +34. The catalogue's when left empty."""

    values: list[str] = Field(default_factory=list, title="Meanings of values")
    """Each as COLUMN:written=meant, such as Status:Activo=active; nothing after the = for blank."""
    strict: bool = Field(False, title="All or nothing")
    """Fail if a row is rejected or a column has gaps; an import then merges nothing."""
    fix: bool = Field(False, title="Apply certain suggestions")
    """Read columns as the report suggests, where one reading alone makes every rejected cell valid."""

    @field_validator("date")
    @classmethod
    def _date_is_used(cls, value: datetime.date | None, info: ValidationInfo) -> datetime.date | None:
        if value and not has_date(info.data.get("source", "{date}")):
            raise ValueError("the source has no {date} for this day; write one, or leave the day out")
        return value

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        quote = self.quote or QUOTE
        if self.escape == quote:
            raise ValueError("a doubled quote in a cell is read as one quote anyway; leave --escape out")
        if self.delimiter in (quote, self.escape) and self.delimiter is not None:
            raise ValueError("delimiter, quote and escape must be different characters; change one of them")
        return self

    @property
    def dialect(self) -> DialectOptions:
        """The parts of the dialect that the request names."""
        quote = self.quote or QUOTE
        return DialectOptions(self.delimiter, quote, self.escape, self.header, self.skip_lines, self.skip_last)


class ImportRequest(ReadingOptions):
    """An import: the file, how to read it, and what to do with the accepted rows."""

    merge: MergePolicy = Field(MergePolicy.INSERT_ONLY, title="Contacts that exist already")
    """insert-only keeps them, overwrite replaces their values, fill-empty fills empty fields, update-only adds none."""
    blanks: Blanks = Field(Blanks.KEEP, title="Blank cells")
    """'keep' keeps the stored value; 'clear' empties it (only with overwrite and update-only)."""
    merge_fields: dict[str, FieldPolicy] = Field(default_factory=dict, title="Policies of fields")
    """As JSON, such as {"city": "fill-empty", "interests": "append"}: overwrite, fill-empty, keep, or append for a
    checkbox. They apply where existing contacts are updated."""
    loosen_consent: int | None = Field(
        None, ge=0, lt=2**63, json_schema_extra=_optional_integer_box, title="Weaker consents"
    )
    """How many stored consents the file may replace by a weaker one. The error consent-loosening has the right number.
    Empty: none are replaced."""
    segment: Name = Field(None, json_schema_extra=_optional_text_box, title="Add to segment")
    """A segment that exists. Every accepted contact that is in the warehouse joins it."""

    if_same_file: IfSameFile = Field(IfSameFile.IMPORT, title="The same file again")
    """'skip' does nothing when file, catalogue and options are those of the last completed import of this source."""
    max_rejected: ShareOfFile = Field(
        None, json_schema_extra=_pattern_text_box(_SHARE), title="At most this many rejected rows"
    )
    """A number or a percentage such as 5%. With more rejected rows the import fails and merges nothing."""
    min_rows: RowLimit = Field(
        None, json_schema_extra=_pattern_text_box(_SHARE_OF_ANOTHER), title="At least this many rows"
    )
    """A number, or a percentage of the last completed import of the same file. With fewer, the import fails."""
    require: list[str] = Field(default_factory=list, title="Required fields")
    """Field IDs. If one of them cannot be imported (no column, or one with gaps), the import fails."""

    plan: Plan = Field(None, json_schema_extra=_pattern_text_box(_PLAN), title="Plan")
    """The digest that a plan of this file ends with: merge exactly what the plan shows, or nothing."""

    retry_of: int | None = Field(None, ge=1, lt=2**63, json_schema_extra=_optional_integer_box, title="Retry of import")
    """For a corrected rejected file: the number of its import. Its columns are read as in that import."""

    @model_validator(mode="after")
    def _clearing_needs_overwriting(self) -> Self:
        if self.blanks is Blanks.CLEAR and not self.merge.can_clear:
            raise ValueError(f"blank cells cannot be cleared with {self.merge}; use overwrite or update-only")
        return self


class InboxRequest(ImportRequest):
    """A look at an inbox: where it is, and how its files are imported."""

    model_config = ConfigDict(json_schema_extra=_without_options_of_one_file)

    source: str = Field(title="Inbox", min_length=1, json_schema_extra={"pattern": NO_PASSWORD_PATTERN})
    """A folder that the worker can read and write, or an address (sftp://, s3://) that the settings allow. Its files
    are imported, oldest first, and moved to its folders done and failed."""

    @field_validator("retry_of")
    @classmethod
    def _retries_name_their_import(cls, value: int | None) -> int | None:
        if value:
            raise ValueError("an inbox finds this out from the column rejection_of of a corrected file; leave it out")
        return value

    @field_validator("plan")
    @classmethod
    def _plans_are_of_one_file(cls, value: str | None) -> str | None:
        if value:
            raise ValueError("a plan is of one file, and an inbox has many; leave it out")
        return value

    def for_file(self, source: str) -> ImportRequest:
        """The import of one of its files."""
        return ImportRequest.model_validate(self.model_dump() | {"source": source})


class UndoRequest(BaseModel):
    """An undo, as the form of its deployment asks for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    import_id: int = Field(ge=1, lt=2**63, title="Import")
    """Its number in the import list. The number of an undo brings back what the undo took away."""
    dry_run: bool = Field(False, title="Only count")
    """Show what the undo would restore and what it would keep, and change nothing."""
