"""Text as every warehouse can hold it."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

NUL = "\0"


def escape_unstorable(value: str) -> str:
    r"""The text with what PostgreSQL cannot hold made visible: NUL as `\x00`, half a surrogate pair as `\udc80`."""
    return value.replace(NUL, r"\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def escape_unstorable_column(values: "pd.Series[Any]") -> "pa.Array[Any]":
    """A column of texts, each as `storable` has it; by value only where half a pair is among them."""
    try:
        return pc.replace_substring(pa.array(values, pa.string(), from_pandas=True), NUL, r"\x00")
    except UnicodeEncodeError:
        return pa.array([escape_unstorable(value) if isinstance(value, str) else None for value in values], pa.string())
