"""Suppresses the addresses of a list, whether or not they are contacts."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from sqlalchemy import func, select

from warehouse.contacts.suppressions import lock_suppressions, require_key, suppress
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.import_list.entries import COMPLETED, PLANNED
from warehouse.removal.chosen_contacts import email_table
from warehouse.tables import WarehouseTables


def suppress_addresses(
    warehouse: Warehouse, emails: Iterable[pa.RecordBatch], *, reason: str, dry_run: bool = False
) -> dict[str, Any]:
    """Suppress the addresses of these batches with the column `email`; contacts that have one stay as they are.

    The report counts these contacts as `found`, and the addresses that were not suppressed before as `suppressed`.
    """
    create_tables(warehouse)
    tables = WarehouseTables(warehouse.schema)
    contacts = tables.contacts
    with warehouse.write_transaction(dry_run=dry_run) as connection:
        lock_suppressions(warehouse, connection, tables)
        key = require_key(connection, tables)
        listed = email_table(warehouse, connection)
        added = 0
        for batch in emails:
            warehouse.backend.append_batch(connection, listed, batch)
            added += suppress(connection, tables, key, batch["email"].to_pylist(), reason)
        known = select(func.count()).where(contacts.c.email.in_(select(listed.c.email)))
        found = connection.scalar(known) or 0
        listed.drop(connection)
    status = PLANNED if dry_run else COMPLETED
    return {"import_id": None, "status": status, "found": found, "deleted": 0, "members": 0, "suppressed": added}
