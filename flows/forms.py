"""The forms of a guided import, made at run time: one drop-down for each column of this file, then a decision."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, cast

from prefect.input import RunInput
from pydantic import Field, create_model

from flows.markdown import one_line
from schemas.catalogue import FieldCatalogue
from transforms.layout import REJECTION_COLUMNS
from transforms.mapping import MappedColumn

NOT_IMPORTED = "do not import"
MOST_COLUMNS = 500  # in one form; the page of a wider one would take minutes
TITLE_LENGTH = 80


class Decision(StrEnum):
    """What a person says to a preview."""

    GO_ON = "go on"
    BACK = "back to the columns"
    STOP = "stop"


class PreviewForm(RunInput):
    """No choice is made beforehand: nothing is merged by a click too many."""

    decision: Decision = Field(title="What now?")


def preview_form(description: str) -> type[RunInput]:
    """The decision, under what the preview comes to."""
    form = cast(type[RunInput], create_model("WhatNow", __base__=PreviewForm))
    form._description = description
    return form


def columns_form(columns: Sequence[MappedColumn], catalogue: FieldCatalogue, description: str) -> type[RunInput]:
    """A drop-down of the catalogue's fields for each column, its header as the title, filled with the suggestion.

    Headers may be anything, so the boxes are named by position. Columns after the first 500 go where their names
    say, as do the columns of our own in a rejected file.
    """
    choices = {field: field for field in catalogue.ids} | {"": NOT_IMPORTED}
    field = StrEnum("Field", {f"choice_{number}": choice for number, choice in enumerate(choices.values())})  # type: ignore[misc]
    suggested = suggestions(columns)
    titles = _titles(columns)
    boxes: dict[str, Any] = {
        column.key: (field, Field(field(choices[suggested[column.key]]), title=title))
        for column, title in zip(columns, titles, strict=True)
        if column.name not in REJECTION_COLUMNS
    }
    most = dict(list(boxes.items())[:MOST_COLUMNS])
    form = cast(type[RunInput], create_model("Columns", __base__=RunInput, **most))
    form._description = description
    return form


def suggestions(columns: Sequence[MappedColumn]) -> dict[str, str]:
    """A field for each column, none for most that are unknown: what its name says, else what it nearly says."""
    said = [column.field.id if column.field else "" for column in columns]
    taken: set[str] = set()
    suggested: dict[str, str] = {}
    for column, field in zip(columns, said, strict=True):
        nearly = "" if column.ignored else column.suggestion or ""
        wanted = field or ("" if nearly in said else nearly)
        suggested[column.key] = "" if wanted in taken else wanted
        taken.add(wanted)
    return suggested


def mapping_of(answer: Mapping[str, str]) -> dict[str, str]:
    """The form's answer as a mapping of columns to fields."""
    return {column: "" if choice == NOT_IMPORTED else choice for column, choice in answer.items()}


def _titles(columns: Sequence[MappedColumn]) -> list[str]:
    """The headers, cut where they are long, with their position where they repeat."""
    texts = [one_line(column.name) for column in columns]
    short = [text if len(text) <= TITLE_LENGTH else f"{text[:TITLE_LENGTH]}…" for text in texts]
    times = Counter(short)
    return [
        f"{title} (column {column.position})" if times[title] > 1 else title
        for column, title in zip(columns, short, strict=True)
    ]
