"""Fields as a Pandera schema, and the failures of a frame against it.

The schema is for normalised text: nothing is coerced, since accepted cells are cast after the split. Checks are
Pandera's own where it has them, else ours, registered as methods of `Check`. Each carries the code of its rule as
its error. Only the masks of the checks are read. Collecting failure cases would take 27 times as long as the checks
where a fifth of a million rows is bad.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.api.extensions import register_check_method

from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.field_types import FieldType, Gaps
from schemas.fields import Field
from schemas.validation import checks
from schemas.validation.rules import EXPECTED, Rule

Schema: TypeAlias = pa.DataFrameSchema

for _check in (
    checks.is_plain_text,
    checks.has_no_spaces,
    checks.is_phone_or_spaced,
    checks.is_integer,
    checks.is_decimal,
    checks.is_email,
):
    register_check_method(_check)
register_check_method(checks.known_options, statistics=["options"])


def _own(name: str, rule: Rule, **statistics: Any) -> pa.Check:
    # Ours pass blank cells; to leave them out, Pandera would copy the column.
    check: pa.Check = getattr(pa.Check, name)(**statistics, error=rule.value, ignore_na=False)
    return check


def _is_in(values: tuple[str, ...], rule: Rule) -> pa.Check:
    return pa.Check.isin(values, error=rule.value)


CHECKS: dict[FieldType, Callable[[Field], list[pa.Check]]] = {
    FieldType.TEXT: lambda field: [_own("is_plain_text", Rule.TEXT_INVALID)],
    FieldType.EMAIL: lambda field: [_own("is_email", Rule.EMAIL_INVALID)],
    FieldType.PHONE: lambda field: [
        _own("has_no_spaces", Rule.PHONE_HAS_SPACES),
        _own("is_phone_or_spaced", Rule.PHONE_INVALID),
    ],
    FieldType.DATE: lambda field: [pa.Check.str_matches(checks.DATE, error=Rule.DATE_INVALID.value)],
    FieldType.INTEGER: lambda field: [_own("is_integer", Rule.INTEGER_INVALID)],
    FieldType.DECIMAL: lambda field: [_own("is_decimal", Rule.DECIMAL_INVALID)],
    FieldType.BOOLEAN: lambda field: [_is_in(("true", "false"), Rule.BOOLEAN_INVALID)],
    FieldType.RADIO: lambda field: [_is_in(field.option_ids, Rule.OPTION_UNKNOWN)],
    FieldType.CHECKBOX: lambda field: [_own("known_options", Rule.OPTION_UNKNOWN, options=field.option_ids)],
}


def missing_rule(field: Field) -> Rule | None:
    """The rule that an empty cell breaks; none where cells may be empty, or where a gap drops the whole column."""
    if field.identity:
        return Rule.EMAIL_MISSING
    return Rule.VALUE_MISSING if field.gaps is Gaps.REJECT_ROW else None


@lru_cache(maxsize=64)
def to_pandera(fields: tuple[Field, ...]) -> Schema:
    """The schema of a frame with these fields, built once for each set of fields."""
    return pa.DataFrameSchema({field.id: _column(field) for field in fields}, name="contacts")


def _column(field: Field) -> pa.Column:
    missing, found = missing_rule(field), CHECKS[field.type](field)
    options = f": {', '.join(field.option_ids)}" if field.option_ids else ""
    return pa.Column(
        TEXT_DTYPE,
        found,
        nullable=missing is None,
        title=field.label or field.id,
        description=f"{field.type}: {EXPECTED[Rule(str(found[-1].error))]}{options}",
        metadata={"missing": missing.value if missing else None},
    )


@dataclass(frozen=True)
class Failure:
    """One rule broken in one column: the positions of the rows, in order."""

    field: str
    code: str
    rows: np.ndarray


def find_failures(contacts: pd.DataFrame, fields: tuple[Field, ...]) -> list[Failure]:
    """Every rule that the frame breaks, in the order of the fields; the frame is neither changed nor coerced."""
    columns = to_pandera(fields).columns
    return [failure for id, column in columns.items() for failure in _failures(contacts[id], column)]


def _failures(cells: pd.Series, column: pa.Column) -> Iterator[Failure]:
    """The mask of each check as Pandera computes it. `validate` would build a frame of errors for every broken one."""
    if cells.dtype != TEXT_DTYPE:
        raise TypeError(f"the frame does not fit its schema: {column.name} has the type {cells.dtype}")
    blank = cells.isna().to_numpy(bool)
    if blank.any() and not column.nullable:
        yield Failure(str(column.name), column.metadata["missing"], np.flatnonzero(blank))
    for check in column.checks:
        result = check(cells)
        if not result.check_passed:
            broken = np.flatnonzero(~result.check_output.to_numpy(bool))
            if check.ignore_na:  # Pandera leaves blank cells out of the mask
                broken = np.flatnonzero(~blank)[broken]
            yield Failure(str(column.name), str(check.error), broken)
