"""The two Pandera schemas, generated from the catalogue and the fields that a file brings.

Both judge frames of normalised text, one column a field. Every check works on a whole column and
carries its rule's code as its error. Checks are asked for one failure case only: `check_output`, the
mask of all rows, is all that is read, and gathering the cases costs 27 times the checks themselves
where a fifth of a million rows is bad.
"""

from collections.abc import Iterable
from functools import partial

import pandera.pandas as pa

from schemas.catalogue import Field
from schemas.field_types import Gaps
from schemas.validation.checks import CheckFunction, checks_of, is_filled

INCOMPLETE = "incomplete"


def _column(field: Field, checks: Iterable[tuple[str, CheckFunction]]) -> pa.Column:
    # Blank cells are the checks' own business: Pandera's `ignore_na` would copy the column without them.
    return pa.Column(
        nullable=True,
        title=field.label or field.id,
        checks=[
            pa.Check(partial(passes, field=field), name=code, error=code, ignore_na=False, n_failure_cases=1)
            for code, passes in checks
        ],
    )


def profile_schema(fields: Iterable[Field]) -> pa.DataFrameSchema:
    """No gaps in the fields that must be complete; its failures, over a whole file, drop columns."""
    return pa.DataFrameSchema(
        {field.id: _column(field, [(INCOMPLETE, is_filled)]) for field in fields if field.gaps is Gaps.DROP_COLUMN},
        name="profile",
    )


def row_schema(fields: Iterable[Field]) -> pa.DataFrameSchema:
    """Every cell rule of the fields that are imported; its failures split accepted from rejected."""
    return pa.DataFrameSchema({field.id: _column(field, checks_of(field)) for field in fields}, name="row")
