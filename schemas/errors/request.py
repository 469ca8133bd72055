"""Requests that cannot be met: request something else."""

from schemas.errors.base import ContactImportError, Names, did_you_mean


def skip_lines_hint(lines: int) -> str:
    """The end of a message where the header seems to be below `lines` lines of other text."""
    return f"; or, since the header seems to be below, skip what is above it with --skip-lines {lines}" if lines else ""


class RequestError(ContactImportError):
    """The request cannot be met as it is written."""


class UsageError(RequestError):
    """The command line itself is wrong; exit status 2."""

    code = "usage"
    template = "{problem}"
    problem: str


class SettingsInvalid(RequestError):
    """A setting in the environment has a wrong value, which is not quoted: it may hold a password."""

    code = "settings-invalid"
    template = "the environment variable {variable} is wrong; write {expected}"
    variable: str
    expected: str


class NoEmailColumn(RequestError):
    """No column maps to the identity field."""

    code = "no-email-column"
    template = (
        "no column maps to {identity!r}, which identifies a contact{columns:; the columns are: }. {advice}{skip_lines}"
    )
    identity: str
    columns: tuple[str, ...]
    likely: tuple[str, ...] = ()  # options that map a column that looks like it
    lines_above: int = 0
    wrapped: bool = False

    @property
    def advice(self) -> str:
        """The next step."""
        if self.wrapped:
            return "Every line is one quoted cell with a record in it: use --unwrap-lines"
        if not self.likely:
            return f"Name the right one with --map COLUMN={self.identity}"
        seems = "One column looks" if len(self.likely) == 1 else f"{len(self.likely)} columns look"
        return f"{seems} like it: use {Names(self.likely).alternatives}"

    @property
    def skip_lines(self) -> str:
        return skip_lines_hint(self.lines_above)


class DuplicateMapping(RequestError):
    """Two columns map to one field. `ignoring` has the options that ignore all but the first of each such field."""

    code = "duplicate-mapping"
    template = (
        "{columns.number} columns map to {field!r}: {columns}; ignore all but one, for example with {ignoring.options}"
    )
    field: str
    columns: tuple[str, ...]
    ignoring: tuple[str, ...]


class SeveralEmailColumns(DuplicateMapping):
    """Two columns map to the identity field."""

    code = "several-email-columns"


class ColumnMappedTwice(RequestError):
    """One column is mapped to two fields by requests of the same level: --map, a mapping file, or a preset."""

    code = "column-mapped-twice"
    template = "{requests} are about the same column, {column!r}; write just one"
    column: str
    requests: tuple[str, ...]


class UnknownColumn(RequestError):
    """The mapping names a column that the file does not have."""

    code = "unknown-column"
    template = (
        "the mapping names the column {column!r}, which the file does not have{did_you_mean}{columns:; use one of: }"
    )
    column: str
    columns: tuple[str, ...]

    @property
    def did_you_mean(self) -> str:
        return did_you_mean(self.column, self.columns)


class UnknownField(RequestError):
    """The request names a field that the catalogue does not have."""

    code = "unknown-field"
    template = "there is no field {field!r} in the catalogue{did_you_mean}{fields:; use one of: }"
    field: str
    fields: tuple[str, ...]

    @property
    def did_you_mean(self) -> str:
        return did_you_mean(self.field, self.fields)


class ValueInvalid(RequestError):
    """A `--value` that cannot be applied."""

    code = "value-invalid"
    template = "--value {text!r} {problem}"
    text: str
    problem: str


class UnknownContact(RequestError):
    """No contact has the email that the command names."""

    code = "unknown-contact"
    template = "no contact has this email; 'contacts list' shows the first ones, and 'contacts export' writes all"


class MappingInvalid(RequestError):
    """The mapping file cannot be read as `column: field` lines."""

    code = "mapping-invalid"
    template = "the mapping file {path!r} {problem}; write one 'Column: field' a line (YAML)"
    path: str
    problem: str


class UnknownPreset(RequestError):
    """The request names a preset, or a part of one, that does not exist."""

    code = "unknown-preset"
    template = (
        "there is no preset {preset!r}{did_you_mean}; give the path of a YAML file, as in ./mine.yaml"
        "{known:, or use one of: }"
    )
    preset: str
    known: tuple[str, ...]

    @property
    def did_you_mean(self) -> str:
        return did_you_mean(self.preset, self.known)


class PresetInvalid(RequestError):
    """The preset cannot be used as it is written; every problem is listed."""

    code = "preset-invalid"
    template = "the preset {path!r} is wrong: {problems.sentences}. Correct it, then try again"
    path: str
    problems: tuple[str, ...]


class PresetNotFound(RequestError):
    """The header has the columns of no preset, or those of several."""

    code = "preset-not-found"
    template = (
        "the file's header fits {fitting.number} presets{fitting:: }; {advice} ('contacts presets list' shows all)"
    )
    fitting: tuple[str, ...]

    @property
    def advice(self) -> str:
        """The next step."""
        if self.fitting:
            return "name the right one with --preset, or leave the option out"
        return "leave --preset out, or save a preset with contacts presets suggest FILE --save NAME"


class PresetExists(RequestError):
    """The name of a preset to be saved is taken; `path` is empty for a built-in one."""

    code = "preset-exists"
    template = "there is a preset {preset!r} already ({place}); choose another name{or_overwrite}"
    preset: str
    path: str

    @property
    def place(self) -> str:
        return self.path or "built-in"

    @property
    def or_overwrite(self) -> str:
        return ", or overwrite it with --force" if self.path else ""


class ColumnNeverRead(RequestError):
    """The request maps a column that the preset never reads."""

    code = "column-never-read"
    template = "the preset {preset!r} never reads the column {column!r}; do not map it, or use another preset"
    column: str
    preset: str


class UnknownSegment(RequestError):
    """The request names a segment that does not exist."""

    code = "unknown-segment"
    template = (
        "there is no segment {segment!r}{did_you_mean}; create it with 'contacts segments create'"
        "{known:, or use one of: }"
    )
    segment: str
    known: tuple[str, ...]

    @property
    def did_you_mean(self) -> str:
        return did_you_mean(self.segment, self.known)


class UnknownImport(RequestError):
    """The import list has no such import."""

    code = "unknown-import"
    template = "there is no import {import_id}; 'contacts imports' lists them"
    import_id: int


class ImportNotCompleted(RequestError):
    """The import to retry has no rows in the warehouse, so correcting its rejected rows is not enough.

    `undo_id`: the undo that took them back.
    """

    code = "import-not-completed"
    template = "import {import_id} is {status}: {next_step}"
    import_id: int
    status: str
    undo_id: int | None = None

    @property
    def next_step(self) -> str:
        if self.undo_id is not None:
            return f"bring it back with 'contacts undo {self.undo_id}', or import its whole file again"
        return "it merged no rows. Import its whole file again, without --retry-of"


class RejectedFileOfAnotherImport(RequestError):
    """The rows of the file were rejected by another import than the one to retry, or by several."""

    code = "rejected-file-of-another-import"
    template = "the file has rejected rows of {origin}, not of import {import_id}; {advice}"
    origin: str
    import_id: int
    advice: str


class RejectedFileGone(RequestError):
    """The import is known, but its rejected file is not there. `path`: where the import wrote it."""

    code = "rejected-file-gone"
    template = "the rejected file of import {import_id} {problem}"
    import_id: int
    path: str | None = None

    @property
    def problem(self) -> str:
        if self.path is None:
            return "was never written; import the source again"
        return (
            f"was written as {self.path!r}, which does not exist on this machine; run the command on the machine of "
            "the worker, or, if the file was removed, import the source again"
        )


class SourceAddressInvalid(RequestError):
    """The address of the source cannot be used as it is written; what is shown of it holds no secret."""

    code = "source-address-invalid"
    template = "the source {source!r} {problem}. Correct the address"
    source: str
    problem: str


class SourceNotAllowed(RequestError):
    """The settings do not allow imports from this place."""

    code = "source-not-allowed"
    template = "{source!r} may not be read; to allow it, add {place} to {variable}"
    source: str
    place: str
    variable: str


class ExtraMissing(RequestError):
    """The source needs an optional part of this project that is not installed."""

    code = "extra-missing"
    template = "{source!r} needs an extra; install it with .venv/bin/pip install 'contact-import[{extra}]'"
    source: str
    extra: str


class OutputNotWritable(RequestError):
    """A file that the command should write cannot be opened."""

    code = "output-not-writable"
    template = "{path!r} cannot be written: {reason}; choose another file"
    path: str
    reason: str


class OutputProtected(UsageError):
    """The output is a file that the command or the warehouse needs."""

    code = "output-protected"


class OutputExists(UsageError):
    """The output is an existing file that is not CSV."""

    code = "output-exists"


class NeedsDeployment(RequestError):
    """A guided import was called by itself; only a run of a deployment can wait for a person."""

    code = "needs-deployment"
    template = "a guided import waits for a person, which only a run of its deployment can; run 'prefect deploy --all'"


class NoFormAnswer(RequestError):
    """Nobody answered a form of a guided import in time."""

    code = "no-answer"
    template = "nobody answered the form in time; nothing was merged. Start the guided import again"


class StoppedByUser(RequestError):
    """The person who saw the preview chose to stop."""

    code = "stopped"
    template = "the import was stopped at its preview, as requested; nothing was merged. To merge it, start it again"
