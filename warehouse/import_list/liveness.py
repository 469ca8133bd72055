"""Which imports are alive: each holds a lock that ends with its process, so one whose lock is free has died.

No process number, clock or heartbeat is used, so neither a reused number nor a slow machine gives a wrong answer.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update

from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.import_list.entries import RUNNING
from warehouse.tables import WarehouseTables


@contextmanager
def liveness_lock(warehouse: Warehouse) -> Iterator[int]:
    """Hold a lock until the block, or the process, ends; gives the key by which others find it."""
    lock = warehouse.backend.take_liveness_lock()
    try:
        yield lock.key
    finally:
        lock.close()


def find_dead_keys(warehouse: Warehouse, keys: list[int]) -> set[int]:
    """The keys whose lock is free, and still free after the time that a live import needs to take a lost lock again."""
    dead = warehouse.backend.find_unlocked_keys(keys)
    if dead and warehouse.backend.liveness_grace_seconds:
        time.sleep(warehouse.backend.liveness_grace_seconds)
        dead &= warehouse.backend.find_unlocked_keys(keys)
    return dead


def find_abandoned_imports(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Imports whose process died, while `running` or before it removed its files; without their reports.

    An import that waits for a person has no process and is not dead. A running one without a key was started by an
    older release; it counts as dead after a day. A closed one is listed for a week; then `imports prune` removes its
    files, as its machine may be gone.
    """
    imports = WarehouseTables(warehouse.schema).imports
    columns = [column for column in imports.columns if column.name != "report"]
    now = datetime.now(UTC)
    running = and_(imports.c.status == RUNNING, imports.c.waits_until.is_(None))
    not_cleaned_up = and_(
        imports.c.status != RUNNING,
        imports.c.alive_key.is_not(None),
        imports.c.finished_at > now - timedelta(days=7),
    )
    with warehouse.read_transaction() as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(*columns).where(or_(running, not_cleaned_up)))]
    keyed = [row for row in rows if row["alive_key"] is not None]
    dead = find_dead_keys(warehouse, [row["alive_key"] for row in keyed if row["status"] == RUNNING])
    dead |= warehouse.backend.find_unlocked_keys([row["alive_key"] for row in keyed if row["status"] != RUNNING])
    a_day_ago = now - timedelta(days=1)

    def is_dead(row: Mapping[str, Any]) -> bool:
        return row["started_at"] < a_day_ago if row["alive_key"] is None else row["alive_key"] in dead

    return [row for row in rows if is_dead(row)]


@retry_transient
def list_live_imports(warehouse: Warehouse) -> list[tuple[int, int]]:
    """The number and the key of every import that runs, or waits for a person."""
    imports = WarehouseTables(warehouse.schema).imports
    live = select(imports.c.import_id, imports.c.alive_key).where(
        imports.c.alive_key.is_not(None), imports.c.status == RUNNING
    )
    with warehouse.read_transaction() as connection:
        return [(row.import_id, row.alive_key) for row in connection.execute(live)]


@retry_transient
def clear_liveness_key(warehouse: Warehouse, import_id: int) -> None:
    """Store that a closed import has removed its files, so that nobody checks whether it is alive."""
    imports = WarehouseTables(warehouse.schema).imports
    closed = update(imports).where(imports.c.import_id == import_id, imports.c.status != RUNNING)
    with warehouse.write_transaction() as connection:
        connection.execute(closed.values(alive_key=None))
