"""The form *How to read them*: for each column with rejected cells, what would make them valid."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, islice
from typing import Any, cast

from prefect.input import RunInput
from pydantic import Field, create_model

from flows.guided.forms import ColumnsForm, truncated_header
from flows.publishing.form_words import in_form_words
from flows.publishing.markdown import MAX_SHOWN_COLUMNS
from flows.reports.phrases import COMMAND, counted, drops_column
from schemas.presets.model import PRESET_NAME
from schemas.presets.writer import UnmatchedValues
from transforms.cells.translate import titles
from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.mapping.suggestions import Suggestion

REJECT, BLANK = "(reject)", "blank"
_DROPS_COLUMN = in_form_words(drops_column(COMMAND.allow_gaps))
SAVE_AS = "save_as"


@dataclass(frozen=True)
class Offer:
    """One drop-down: its name in the form, its title, and the translation that each choice means."""

    name: str
    column: str
    title: str
    choices: Mapping[str, Mapping[str, Any]]
    default: str

    def as_state(self) -> dict[str, Any]:
        return {"name": self.name, "column": self.column, "choices": dict(self.choices)}


def offers_for(
    mapping: ColumnMapping, suggestions: Sequence[Suggestion], unmatched: Mapping[int, UnmatchedValues]
) -> list[Offer]:
    """A drop-down for each column that has suggestions, then one for each value that is no option."""
    readings = {
        position: _reading_offer(list(found))
        for position, found in groupby(suggestions, key=lambda each: each.column.position)
    }
    offers = (
        offer
        for column in mapping.columns
        for offer in (
            *([readings[column.position]] if column.position in readings else []),
            *_value_offers(column, unmatched.get(column.position, UnmatchedValues())),
        )
    )
    return list(islice(offers, MAX_SHOWN_COLUMNS))


def _reading_offer(suggestions: Sequence[Suggestion]) -> Offer:
    column, rejected = suggestions[0].column, suggestions[0].of
    leave = f"leave as it is, {rejected:,} rejected"
    choices: dict[str, Mapping[str, Any]] = {leave: {}}
    default = leave
    for each in suggestions:
        blanks = f", {each.blanks:,} of them blank" if each.blanks else ""
        blanks += _DROPS_COLUMN if each.drops_column else ""
        label = f"{'; '.join(titles(each.as_rule()))} (fixes {each.fixes:,}{blanks})"
        choices[label] = each.translation
        default = label if each.certain else default
    return Offer(f"reading_{column.position}", column.key, truncated_header(column.name), choices, default)


def _value_offers(column: MappedColumn, unmatched: UnmatchedValues) -> Iterator[Offer]:
    options = column.field.option_ids if column.field else ()
    between = {"separator": unmatched.separator} if unmatched.separator else {}
    for number, (value, cells) in enumerate(unmatched.cells.items(), 1):
        choices: dict[str, Mapping[str, Any]] = {
            REJECT: {},
            **{option: {**between, "values": {value: option}} for option in options},
            f"({BLANK}{_DROPS_COLUMN if column.is_dropped_with_gaps else ''})": {**between, "values": {value: ""}},
        }
        title = f"{truncated_header(column.name)}: {truncated_header(value)} ({counted(cells, 'cell')})"
        yield Offer(f"value_{column.position}_{number}", column.key, title, choices, REJECT)


def readings_form(offers: Sequence[Offer], description: str) -> type[RunInput]:
    """The drop-downs, and a box for the name of a preset."""
    fields: dict[str, Any] = {}
    for offer in offers:
        choice = StrEnum("Choice", {f"choice_{number}": label for number, label in enumerate(offer.choices)})  # type: ignore[misc]
        fields[offer.name] = (choice, Field(choice(offer.default), title=offer.title))
    fields[SAVE_AS] = (
        str,
        Field(
            "",
            title="Save as preset",
            description="A name, to read the next file of this kind in the same way. Empty: it is not saved.",
            json_schema_extra={"pattern": f"^(?:{PRESET_NAME.pattern})?$"},
        ),
    )
    form = cast(type[RunInput], create_model("HowToReadThem", __base__=ColumnsForm, **fields))
    form._description = description
    return form


def readings_from_answer(offers: Sequence[Mapping[str, Any]], answer: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The translations that were chosen, by the key of the column, in the keys of a preset's column.

    Readings are offered before values, so their separator counts.
    """
    readings: dict[str, dict[str, Any]] = {}
    for offer in offers:
        chosen = offer["choices"].get(answer.get(offer["name"], ""), {})
        if chosen:
            known = readings.get(offer["column"], {})
            values = known.get("values", {}) | chosen.get("values", {})
            readings[offer["column"]] = {**chosen, **known, **({"values": values} if values else {})}
    return readings
