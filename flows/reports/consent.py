"""The warning about a consent that is not imported: people who opted out would be imported as if they had not."""

import shlex

from transforms.chunks.file_profile import ColumnProfile
from transforms.mapping.columns import ColumnOutcome, map_option
from transforms.mapping.header_names import speaks_of_consent


def consent_warning(profile: ColumnProfile) -> str | None:
    """The warning about one column, with the options that import it; None if nothing is left behind."""
    column = profile.column
    about_consent = speaks_of_consent(column.name) or (column.field is not None and column.field.is_consent)
    if not about_consent or profile.outcome not in (ColumnOutcome.UNKNOWN_FIELD, ColumnOutcome.INCOMPLETE):
        return None
    problem = f"the column {column.name!r} is about consent and is not imported"
    if profile.outcome is ColumnOutcome.INCOMPLETE:
        return f"{problem}, since some of its cells are empty; import it with --gaps allow"
    if column.consent_field is None:
        return f"{problem}; the catalogue has no field for it"
    options = map_option(column, column.consent_field, unique=True)
    value = shlex.quote(f"{column.name}:WRITTEN=MEANT")
    gaps = " --gaps allow" if profile.empty_cells else ""
    return (
        f"{problem}; map it with {options}{gaps}, say what each of its values means with --value {value}, and add "
        "--merge overwrite if some of these contacts exist already"
    )
