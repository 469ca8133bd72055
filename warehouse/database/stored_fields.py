"""The fields that have a column in the warehouse, whether or not the catalogue still has them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, inspect, select
from sqlalchemy.types import TypeEngine

from schemas.field_types import FieldType
from schemas.fields import Field
from warehouse.tables import CONTACTS, WarehouseTables

IDENTITY = "email"


def stored_fields(connection: Connection, schema: str | None, known: Iterable[Field] = ()) -> list[Field]:
    """The fields except the email: first the `known` ones, as the catalogue has them, then the others by name.

    A known field that is stored as another type is given with that type.
    """
    table = WarehouseTables(schema).contact_fields
    types: dict[str, str] = {row.field: row.type for row in connection.execute(select(table.c.field, table.c.type))}
    types.pop(IDENTITY, None)
    fields = [
        field if field.type == stored else _field(field.id, FieldType(stored))
        for field in known
        if (stored := types.pop(field.id, None))
    ]
    return fields + [_field(id, FieldType(type)) for id, type in sorted(types.items())]


def _field(id: str, type: FieldType) -> Field:
    """Without the options that a catalogue would require."""
    return Field.model_construct(id=id, type=type)


def contact_columns(connection: Connection, schema: str | None) -> dict[str, TypeEngine[Any]]:
    """The columns of the table of contacts, with their types; none before the first import."""
    found = inspect(connection).get_multi_columns(schema, filter_names=[CONTACTS])
    return {column["name"]: column["type"] for columns in found.values() for column in columns}
