"""Runs a generated Pandera schema over a frame and returns its failures as row positions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa


@dataclass(frozen=True)
class Failure:
    """One rule broken in one column; `rows` are row positions, in order."""

    field: str
    code: str
    rows: np.ndarray


def find_failures(contacts: pd.DataFrame, schema: pa.DataFrameSchema) -> list[Failure]:
    """Every failure of every check, in the schema's order; the frame is neither changed nor coerced.

    TypeError if the frame lacks a column of the schema: that is a programming error.
    """
    try:
        schema.validate(contacts, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return [_failure(error) for error in errors.schema_errors]
    return []


def _failure(error: pa.errors.SchemaError) -> Failure:
    if error.check_output is None:
        raise TypeError(f"the frame does not fit its schema: {error.reason_code}")
    return Failure(str(error.schema.name), str(error.check.error), np.flatnonzero(~error.check_output.to_numpy(bool)))
