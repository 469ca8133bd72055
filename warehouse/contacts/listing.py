"""A few contacts as text, for people and scripts: the first of a segment, or one by its email."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, select

from schemas.catalogue import FieldCatalogue
from schemas.cells.decimals import plain_decimal
from schemas.errors.request import UnknownContact
from schemas.field_types import Storage
from warehouse.contacts.export import as_text
from warehouse.contacts.segments import require_segment
from warehouse.database.connection import Warehouse
from warehouse.database.stored_fields import contact_columns
from warehouse.tables import WarehouseTables


def list_contacts(
    warehouse: Warehouse, catalogue: FieldCatalogue, segment: str | None, max_rows: int
) -> tuple[list[dict[str, Any]], int]:
    """The first contacts by `contact_id`, fields as text, and how many there are; `UnknownSegment`."""
    tables = WarehouseTables(warehouse.schema, catalogue.fields)
    contacts, members = tables.contacts, tables.segment_members
    with warehouse.read_transaction() as connection:
        stored = contact_columns(connection, warehouse.schema)
        if segment is not None:
            require_segment(connection, tables, segment)
        if not stored:
            return [], 0
        chosen = _contacts(tables, catalogue, stored)
        counted = select(func.count()).select_from(contacts)
        if segment is not None:
            is_member = contacts.c.contact_id.in_(select(members.c.contact_id).where(members.c.segment_id == segment))
            chosen, counted = chosen.where(is_member), counted.where(is_member)
        rows = connection.execute(chosen.order_by(contacts.c.contact_id).limit(max_rows))
        return [_plain(dict(row._mapping), catalogue) for row in rows], int(connection.scalar(counted) or 0)


def get_contact(warehouse: Warehouse, catalogue: FieldCatalogue, email: str) -> dict[str, Any]:
    """One contact with its `segments`, the moments of its changes, and the imports that made them; `UnknownContact`."""
    tables = WarehouseTables(warehouse.schema, catalogue.fields)
    contacts, members = tables.contacts, tables.segment_members
    life = [contacts.c[name] for name in ("created_at", "updated_at", "created_by_import", "updated_by_import")]
    with warehouse.read_transaction() as connection:
        stored = contact_columns(connection, warehouse.schema)
        statement = _contacts(tables, catalogue, stored).add_columns(*life).where(contacts.c.email == email)
        row = connection.execute(statement).one_or_none() if stored else None
        if row is None:
            raise UnknownContact
        segments = connection.scalars(
            select(members.c.segment_id).where(members.c.contact_id == row.contact_id).order_by(members.c.segment_id)
        )
        return {**_plain(dict(row._mapping), catalogue), "segments": list(segments)}


def _plain(row: dict[str, Any], catalogue: FieldCatalogue) -> dict[str, Any]:
    """The row with decimals as text too."""
    decimals = {field.id for field in catalogue.fields if field.storage is Storage.NUMERIC}
    return {
        name: plain_decimal(value) if name in decimals and value is not None else value for name, value in row.items()
    }


def _contacts(tables: WarehouseTables, catalogue: FieldCatalogue, stored: Collection[str]) -> Select[Any]:
    contacts = tables.contacts
    fields = [as_text(contacts, field).label(field.id) for field in catalogue.fields if field.id in stored]
    return select(contacts.c.contact_id, *fields)
