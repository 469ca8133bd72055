"""The fields that have a column in the warehouse, whether or not the catalogue still has them."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, inspect, select
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
    rows: dict[str, Row[Any]] = {row.field: row for row in connection.execute(select(table))}
    rows.pop(IDENTITY, None)
    fields = [
        field if field.type == stored.type else _field(stored)
        for field in known
        if (stored := rows.pop(field.id, None)) is not None
    ]
    return fields + [_field(rows[id]) for id in sorted(rows)]


def _field(stored: Row[Any]) -> Field:
    """Without the options that a catalogue would require."""
    consent = tuple(json.loads(stored.consent)) if stored.consent else ()
    return Field.model_construct(id=stored.field, type=FieldType(stored.type), consent=consent)


def consent_text(field: Field) -> str | None:
    """The consent list of a field as it is stored."""
    return json.dumps(field.consent) if field.consent else None


def contact_columns(connection: Connection, schema: str | None) -> dict[str, TypeEngine[Any]]:
    """The columns of the table of contacts, with their types; none before the first import."""
    found = inspect(connection).get_multi_columns(schema, filter_names=[CONTACTS])
    return {column["name"]: column["type"] for columns in found.values() for column in columns}
