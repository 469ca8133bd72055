"""Warnings about consents that an import does not take over: a refusal in the file would have no effect."""

import shlex
from collections.abc import Iterable, Iterator, Sequence

from flows.reports.models import ImportReport
from flows.reports.phrases import counted
from schemas.choices import MergePolicy
from schemas.fields import Field
from transforms.chunks.file_profile import ColumnProfile
from transforms.mapping.columns import ColumnOutcome, map_option
from transforms.mapping.header_names import speaks_of_consent


def consent_warnings(profiles: Sequence[ColumnProfile]) -> Iterator[str]:
    """A warning about each column that is left behind, with the options that import it."""
    sources = {each.column.field.id: each.column.name for each in profiles if each.column.field}
    for profile in profiles:
        column = profile.column
        about_consent = speaks_of_consent(column.name) or (column.field is not None and column.field.is_consent)
        source = sources.get(column.consent_field or "")
        replaced = profile.outcome is ColumnOutcome.IGNORED and source is not None
        if replaced or (about_consent and profile.outcome in (ColumnOutcome.UNKNOWN_FIELD, ColumnOutcome.INCOMPLETE)):
            next_step = _next_step(profile, source)
            yield f"the column {column.name!r} is about consent and is not imported{next_step}"


def _next_step(profile: ColumnProfile, source: str | None) -> str:
    """What to do about a column; `source` is the other column from which its field comes, if any."""
    column = profile.column
    if profile.outcome is ColumnOutcome.INCOMPLETE:
        return ", since some of its cells are empty; import it with --gaps allow"
    if column.consent_field is None:
        return "; the catalogue has no field for it"
    if source is not None:
        return (
            f"; its field {column.consent_field} comes from the column {source!r}, so combine both in the file, or "
            f"ignore this one with {map_option(column, '', unique=True)}"
        )
    options = map_option(column, column.consent_field, unique=True)
    value = shlex.quote(f"{column.name}:WRITTEN=MEANT")
    gaps = " --gaps allow" if profile.empty_cells else ""
    return (
        f"; map it with {options}{gaps}, say what each of its values means with --value {value}, and add "
        "--merge overwrite if some of these contacts exist already"
    )


def kept_consent_warnings(report: ImportReport, imported: Iterable[Field]) -> Iterator[str]:
    """A warning for each consent of existing contacts that the policy keeps, whatever the file says."""
    for field in imported:
        if not field.consent:
            continue
        overwrite = f"--merge-field {field.id}=overwrite"
        if report.merge == MergePolicy.INSERT_ONLY:
            number = report.contacts.skipped if report.contacts else 0
            next_step = f"--merge fill-empty with {overwrite} takes"
        else:
            number = report.changes[field.id].kept_by_policy if field.id in report.changes else 0
            next_step = f"{overwrite} takes"
        if number:
            yield (
                f"{counted(number, 'existing contact')} in the file keep their {field.id}, even where the file has a "
                f"refusal; {next_step} refusals over, and never makes a consent weaker"
            )
