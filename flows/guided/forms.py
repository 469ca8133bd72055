"""The forms of a guided import, made at run time: one drop-down for each column of this file, then a decision."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, cast

from prefect.input import RunInput
from pydantic import ConfigDict, Field, create_model

from flows.publishing.markdown import one_line
from schemas.catalogue import FieldCatalogue
from transforms.mapping.columns import MappedColumn
from transforms.parsing.layout import REJECTION_COLUMNS

NOT_IMPORTED = "do not import"
MAX_FORM_COLUMNS = 500  # in one form; the page of a wider one would take minutes
TITLE_LENGTH = 50


MERGE, BACK_TO_COLUMNS, STOP = "go on", "back to the columns", "stop"


def _require_all(schema: dict[str, Any]) -> None:
    """Boxes with a default are to be sent all the same, so that nobody agrees to a form by not seeing it."""
    schema["required"] = list(schema["properties"])


class ColumnsForm(RunInput):
    """The base of each file's form."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_require_all)


class PreviewForm(RunInput):
    """No choice is made beforehand: nothing is merged by a click too many."""

    decision: Literal["go on", "back to the columns", "stop"] = Field(
        title="What now?", description="Going on merges what the preview shows, if that is still what would happen."
    )


def preview_form(description: str) -> type[RunInput]:
    """The decision, under what the preview comes to."""
    form = cast(type[RunInput], create_model("WhatNow", __base__=PreviewForm))
    form._description = description
    return form


def columns_form(
    columns: Sequence[MappedColumn], catalogue: FieldCatalogue, description: str, note: str = ""
) -> type[RunInput]:
    """A drop-down of the catalogue's fields for each column, its header as the title, filled with the suggestion.

    Headers may be anything, so the boxes are named by position. Columns after the first 500 go where their names
    say, as do the columns of our own in a rejected file, and those that a preset never reads.
    """
    choices = {field: field for field in catalogue.ids} | {"": NOT_IMPORTED}
    field = StrEnum("Field", {f"choice_{number}": choice for number, choice in enumerate(choices.values())})  # type: ignore[misc]
    suggested = suggested_fields(columns)
    titles = _field_titles(columns)
    asked = [
        (column, title)
        for column, title in zip(columns, titles, strict=True)
        if column.name not in REJECTION_COLUMNS and not column.never_read
    ]
    # The UI leaves no room for the form's own description once there are many boxes, so the first one has the note.
    most: dict[str, Any] = {
        column.key: (field, Field(field(choices[suggested[column.key]]), title=title, description=hint or None))
        for number, (column, title) in enumerate(asked[:MAX_FORM_COLUMNS])
        for hint in ("" if number else note,)
    }
    form = cast(type[RunInput], create_model("Columns", __base__=ColumnsForm, **most))
    form._description = description
    return form


def suggested_fields(columns: Sequence[MappedColumn]) -> dict[str, str]:
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


def mapping_from_answer(answer: Mapping[str, str]) -> dict[str, str]:
    """The form's answer as a mapping of columns to fields."""
    return {column: "" if choice == NOT_IMPORTED else choice for column, choice in answer.items()}


def truncated_header(text: str) -> str:
    """Any header on one line that fits."""
    line = one_line(text)
    return line if len(line) <= TITLE_LENGTH else f"{line[:TITLE_LENGTH]}…"


def _field_titles(columns: Sequence[MappedColumn]) -> list[str]:
    """The headers, cut where they are long, with their position where they repeat."""
    short = [truncated_header(column.name) for column in columns]
    times = Counter(short)
    return [
        f"{title} (column {column.position})" if times[title] > 1 else title
        for column, title in zip(columns, short, strict=True)
    ]
