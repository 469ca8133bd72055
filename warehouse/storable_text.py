"""Text as every database can store it."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

NUL = "\0"


def escape_unstorable(value: str) -> str:
    r"""The text with escapes for what PostgreSQL cannot store: NUL as `\x00`, half a surrogate pair as `\udc80`."""
    return value.replace(NUL, r"\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def escape_unstorable_column(values: "pd.Series[Any]") -> "pa.Array[Any]":
    """A column of texts, escaped; value by value only where one has half a surrogate pair."""
    try:
        return pc.replace_substring(pa.array(values, pa.string(), from_pandas=True), NUL, r"\x00")
    except UnicodeEncodeError:
        return pa.array([escape_unstorable(value) if isinstance(value, str) else None for value in values], pa.string())
