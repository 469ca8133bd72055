"""Single cells through the way that a column of them goes: normalised, checked, explained, cast."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.fields import Field
from schemas.validation.pandera_schemas import find_failures
from schemas.validation.rules import Rule
from transforms.cells.messages import explain_cell
from transforms.cells.normalise import normalise
from transforms.chunks.split import cast_accepted
from transforms.results.accepted_file import accepted_texts

SPAIN = "+34"


class Verdict(NamedTuple):
    """What became of a cell: its stored text, or the codes and messages it was refused with."""

    stored: str | None
    codes: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


def field_of(type: str, **more: Any) -> Field:
    """A field of a type that is not the identity, with options where the type needs them."""
    if type in ("radio", "radius", "checkbox"):
        options = [{"id": "subscribed", "label": "Subscribed"}, {"id": "music", "label": "Música"}, "none", "007"]
        more.setdefault("options", options)
    return Field.model_validate({"id": "value", "type": type, **more})


def normalised(cells: Sequence[str | None], field: Field, prefix: str = SPAIN) -> list[str | None]:
    frame = pd.DataFrame({field.id: pd.Series(list(cells), dtype=TEXT_DTYPE)})
    return [None if pd.isna(cell) else str(cell) for cell in normalise(frame, (field,), prefix)[field.id]]


def judge(cells: Sequence[str | None], field: Field, prefix: str = SPAIN) -> list[Verdict]:
    """The verdict on each cell; what is accepted is cast and written as the accepted file has it."""
    frame = pd.DataFrame({field.id: pd.Series(list(cells), dtype=TEXT_DTYPE)})
    contacts = normalise(frame, (field,), prefix)
    codes: list[list[str]] = [[] for _ in cells]
    for failure in find_failures(contacts, (field,)):
        for row in failure.rows:
            codes[row].append(failure.code)
    good = contacts[np.array([not each for each in codes], bool)]
    texts = accepted_texts(cast_accepted(good, (field,)), (field,))[field.id]
    stored = iter([None if pd.isna(text) else str(text) for text in texts])
    return [
        _refused((cell or "").strip(), each, field, prefix) if each else Verdict(next(stored))
        for cell, each in zip(cells, codes, strict=True)
    ]


def _refused(cell: str, codes: Sequence[str], field: Field, prefix: str) -> Verdict:
    return Verdict(None, tuple(codes), tuple(explain_cell(Rule(code), cell, field, prefix) for code in codes))
