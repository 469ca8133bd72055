"""Suppressions: addresses that no import and no undo may bring back, kept as keyed hashes only."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, inspect, select

from schemas.cells.suppressed_emails import SuppressedEmails, hash_email, hash_emails, new_key
from schemas.errors.changes import NotSuppressed
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.tables import WarehouseTables

HASHES_PER_QUERY = 500


@retry_transient
def load_suppressions(warehouse: Warehouse) -> SuppressedEmails | None:
    """The suppressed addresses; None if there are none, also in a warehouse without tables."""
    tables = WarehouseTables(warehouse.schema)
    with warehouse.read_transaction() as connection:
        if not inspect(connection).has_table(tables.suppressions.name, warehouse.schema):
            return None
        return read_suppressions(connection, tables)


def read_suppressions(connection: Connection, tables: WarehouseTables, after: int = 0) -> SuppressedEmails | None:
    """The suppressions with a number above `after`; None if there are none, which takes one row to find."""
    table = tables.suppressions
    newer = table.c.suppression_id > after
    last = connection.scalar(select(func.max(table.c.suppression_id)).where(newer))
    if last is None:
        return None
    rows = select(table.c.email_hash).where(newer, table.c.suppression_id <= last)
    hashes = connection.execute(rows, execution_options={"yield_per": 10_000}).scalars()
    return SuppressedEmails.of(_key(connection, tables), map(bytes.fromhex, hashes), last)


def lock_suppressions(warehouse: Warehouse, connection: Connection, tables: WarehouseTables) -> None:
    """Let one transaction at a time add suppressions, so that their numbers grow in the order of the commits."""
    warehouse.backend.lock_tables(connection, tables.suppressions)


def suppress(connection: Connection, tables: WarehouseTables, key: bytes, emails: Sequence[str], reason: str) -> int:
    """Suppress these addresses in a transaction that has locked the suppressions; returns how many are new."""
    table, now = tables.suppressions, datetime.now(UTC)
    hashes = list(dict.fromkeys(each.hex() for each in hash_emails(key, emails)))
    added = 0
    for start in range(0, len(hashes), HASHES_PER_QUERY):
        some = hashes[start : start + HASHES_PER_QUERY]
        known = set(connection.scalars(select(table.c.email_hash).where(table.c.email_hash.in_(some))))
        if rows := [{"email_hash": each, "suppressed_at": now, "reason": reason} for each in some if each not in known]:
            connection.execute(insert(table), rows)
            added += len(rows)
    return added


def remove_suppression(warehouse: Warehouse, email: str, *, dry_run: bool) -> None:
    """Let imports bring this address again; NotSuppressed if they may already."""
    with warehouse.write_transaction(dry_run=dry_run) as connection:
        tables = WarehouseTables(warehouse.schema)
        lock_suppressions(warehouse, connection, tables)
        hashed = hash_email(require_key(connection, tables), email).hex()
        table = tables.suppressions
        if not connection.execute(delete(table).where(table.c.email_hash == hashed)).rowcount:
            raise NotSuppressed


def list_suppressions(warehouse: Warehouse, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The last suppressions, newest first, and how many there are."""
    table = WarehouseTables(warehouse.schema).suppressions
    with warehouse.read_transaction() as connection:
        total = connection.scalar(select(func.count()).select_from(table)) or 0
        rows = connection.execute(select(table).order_by(table.c.suppression_id.desc()).limit(limit))
        return [dict(row._mapping) for row in rows], total


def require_key(connection: Connection, tables: WarehouseTables) -> bytes:
    """The key of this warehouse, made when it is needed for the first time; the suppressions are locked."""
    if connection.scalar(select(func.count()).select_from(tables.suppression_key)):
        return _key(connection, tables)
    key = new_key()
    connection.execute(insert(tables.suppression_key).values(key=key.hex()))
    return key


def _key(connection: Connection, tables: WarehouseTables) -> bytes:
    return bytes.fromhex(connection.execute(select(tables.suppression_key.c.key)).scalar_one())
