"""Segments: named groups of contacts, created by a person and filled by imports."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from schemas.errors.request import UnknownSegment, UsageError
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.tables import WarehouseTables


def create_segment(warehouse: Warehouse, name: str) -> bool:
    """Create a segment; False when it existed before."""
    segment = name.strip()
    if not segment:
        raise UsageError("a segment needs a name; write for example: contacts segments create vip")
    if not segment.isprintable():
        raise UsageError("a segment's name is one line of printable text")
    segments = WarehouseTables(warehouse.schema).segments
    with warehouse.write_transaction() as connection:
        warehouse.backend.lock_tables(connection, segments)
        if connection.scalar(select(segments.c.segment_id).where(segments.c.segment_id == segment)) is not None:
            return False
        connection.execute(insert(segments).values(segment_id=segment, created_at=datetime.now(UTC)))
        return True


def list_segments(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Every segment by name, with the number of its `members` that are still contacts."""
    tables = WarehouseTables(warehouse.schema)
    segments, members, contacts = tables.segments, tables.segment_members, tables.contacts
    counts = (
        select(members.c.segment_id, func.count().label("members"))
        .join(contacts, contacts.c.contact_id == members.c.contact_id)
        .group_by(members.c.segment_id)
        .subquery()
    )
    statement = (
        select(segments.c.segment_id, segments.c.created_at, func.coalesce(counts.c.members, 0).label("members"))
        .outerjoin(counts, counts.c.segment_id == segments.c.segment_id)
        .order_by(segments.c.segment_id)
    )
    with warehouse.read_transaction() as connection:
        return [dict(row._mapping) for row in connection.execute(statement)]


@retry_transient
def check_segment(warehouse: Warehouse, name: str) -> None:
    """Raise UnknownSegment, which lists the existing names, unless the segment exists."""
    with warehouse.read_transaction() as connection:
        require_segment(connection, WarehouseTables(warehouse.schema), name)


def require_segment(connection: Connection, tables: WarehouseTables, name: str) -> None:
    """The same as `check_segment`, inside a transaction."""
    known = tuple(connection.scalars(select(tables.segments.c.segment_id).order_by(tables.segments.c.segment_id)))
    if name not in known:
        raise UnknownSegment(name, known)
