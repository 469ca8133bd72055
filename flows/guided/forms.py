"""The forms of a guided import, built at run time: a drop-down for each column of the file, then a decision."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Any, Literal, cast

from prefect.input import RunInput
from pydantic import ConfigDict, Field, create_model

from flows.publishing.markdown import MAX_SHOWN_COLUMNS, one_line, plain
from schemas.catalogue import FieldCatalogue
from transforms.mapping.columns import MappedColumn
from transforms.mapping.header_names import cells_of, guess_field
from transforms.parsing.first_cells import FirstCells
from transforms.parsing.layout import REJECTION_COLUMNS

NOT_IMPORTED = "do not import"
TITLE_LENGTH = 50

MERGE, BACK_TO_COLUMNS, STOP = "go on", "back to the columns", "stop"


def _require_all(schema: dict[str, Any]) -> None:
    """Fields with a default must be sent too, so that nobody approves a form without seeing it."""
    schema["required"] = list(schema["properties"])


class ColumnsForm(RunInput):
    """The base of the form of a file."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_require_all)


class PreviewForm(RunInput):
    """Nothing is preselected, so an accidental click merges nothing."""

    decision: Literal["go on", "back to the columns", "stop"] = Field(
        title="What now?",
        description="Going on merges what the preview shows. If something has changed since, it asks again.",
    )


def preview_form(description: str) -> type[RunInput]:
    """The decision, below the description."""
    form = cast(type[RunInput], create_model("WhatNow", __base__=PreviewForm))
    form._description = description
    return form


def columns_form(
    columns: Sequence[MappedColumn],
    catalogue: FieldCatalogue,
    suggested: Mapping[str, str],
    values: Mapping[str, str],
    description: str,
    note: str = "",
) -> type[RunInput]:
    """A drop-down of the catalogue's fields for each column, titled with its header, preset to the `suggested` field.

    Below it are the first `values` of the column. Both are by the keys of the columns.

    Headers may be any text, so the fields of the form are named by position. Left out are columns after the first 500,
    the columns that a rejected file adds, and columns that a preset never reads: these are mapped by their names.
    """
    choices = {field: field for field in catalogue.ids} | {"": NOT_IMPORTED}
    field = StrEnum("Field", {f"choice_{number}": choice for number, choice in enumerate(choices.values())})  # type: ignore[misc]
    titles = {column.key: title for column, title in zip(columns, _field_titles(columns), strict=True)}
    fields: dict[str, Any] = {}
    for column in _listed(columns):
        # With many fields the UI hides the description of the form, so the first field repeats the note.
        below = ("" if fields else plain(note), plain(values.get(column.key, "")))
        hint = " ".join(filter(None, below)) or None
        title = titles[column.key]
        fields[column.key] = (field, Field(field(choices[suggested[column.key]]), title=title, description=hint))
    form = cast(type[RunInput], create_model("Columns", __base__=ColumnsForm, **fields))
    form._description = description
    return form


def _listed(columns: Sequence[MappedColumn]) -> list[MappedColumn]:
    shown = (column for column in columns if column.name not in REJECTION_COLUMNS and not column.never_read)
    return list(islice(shown, MAX_SHOWN_COLUMNS))


def suggested_fields(
    columns: Sequence[MappedColumn], catalogue: FieldCatalogue, first: FirstCells = ()
) -> dict[str, str]:
    """The field that each column maps to, or else a field whose name is similar, or that its first cells tell.

    By the keys of the columns; each field once. The cells of columns that the form does not show are not compared.
    """
    suggested: dict[str, str] = {}
    by_cells = partial(_like_its_cells, catalogue, first)
    for guess, among in ((_matched, columns), (_similar, columns), (by_cells, _listed(columns))):
        for column in among:
            field = guess(column)
            if field and column.key not in suggested and field not in suggested.values():
                suggested[column.key] = field
    return {column.key: suggested.get(column.key, "") for column in columns}


def _matched(column: MappedColumn) -> str | None:
    return column.field.id if column.field else None


def _similar(column: MappedColumn) -> str | None:
    return None if column.ignored else column.suggestion


def _like_its_cells(catalogue: FieldCatalogue, first: FirstCells, column: MappedColumn) -> str | None:
    is_open = not (column.field or column.ignored)
    field = guess_field(cells_of(column.position, first), catalogue) if is_open else None
    return field.id if field else None


def mapping_from_answer(answer: Mapping[str, str]) -> dict[str, str]:
    """The answers of the form as a mapping of columns to fields."""
    return {column: "" if choice == NOT_IMPORTED else choice for column, choice in answer.items()}


def truncated_header(text: str) -> str:
    """A header on one line, cut where it is too long for a title."""
    line = one_line(text)
    return line if len(line) <= TITLE_LENGTH else f"{line[:TITLE_LENGTH]}…"


def _field_titles(columns: Sequence[MappedColumn]) -> list[str]:
    """The headers as titles, with their position where two are equal."""
    headers = [truncated_header(column.name) for column in columns]
    counts = Counter(headers)
    return [
        f"{title} (column {column.position})" if counts[title] > 1 else title
        for column, title in zip(columns, headers, strict=True)
    ]
