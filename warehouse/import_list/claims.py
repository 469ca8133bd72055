"""Claims: which import has a file of an inbox. The entry of the import in the list is the claim."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from schemas.errors.base import DiskFull, ImportFolderUnusable, Interrupted
from schemas.errors.source import SourceChanging, SourceUnavailable
from schemas.errors.warehouse import TransientWarehouseError, WarehouseUnusable
from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.import_list.entries import FAILED
from warehouse.storable_text import escape_unstorable
from warehouse.tables import WarehouseTables

MAX_TRIES = 3
# Failures that are mostly not the file's, such as a full disk. The same file may be imported at the next look.
TEMPORARY_FAILURES = frozenset(
    error.code
    for error in (
        Interrupted,
        SourceUnavailable,
        SourceChanging,
        TransientWarehouseError,
        WarehouseUnusable,
        ImportFolderUnusable,
        DiskFull,
    )
)


class FileClaimed(Exception):
    """Another import has this version of the file."""


@dataclass(frozen=True)
class ClaimsBefore:
    """What the list had before the files were listed: another worker may have moved one since, and ended its claim."""

    last_import: int = 0
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class InboxClaim:
    """One version of a file of an inbox, or of a file in an archive there; `source` is its name in the import list."""

    inbox: str
    source: str
    version: str
    listed: ClaimsBefore

    @property
    def key(self) -> str:
        """Unique for place, name and version; short, as PostgreSQL indexes no long texts."""
        return f"{self.version} {hashlib.sha256(escape_unstorable(self.source).encode()).hexdigest()[:32]}"

    def take(self, warehouse: Warehouse, connection: Connection) -> dict[str, Any]:
        """The columns of the import's entry.

        FileClaimed if another import has the file, or had it since the look. A failed import that may be repeated
        gives it up.
        """
        imports = WarehouseTables(warehouse.schema).imports
        warehouse.backend.lock_migrations(connection)  # else two would insert one key, and one of them fail
        before = connection.execute(select(imports).where(imports.c.inbox_claim == self.key)).one_or_none()
        if before is None:
            same_file = (
                imports.c.inbox == escape_unstorable(self.inbox),
                imports.c.source == escape_unstorable(self.source),
            )
            since = select(imports.c.import_id).where(*same_file, imports.c.import_id > self.listed.last_import)
            if self.key in self.listed.keys or connection.execute(since.limit(1)).first():
                raise FileClaimed
        else:
            if not may_be_repeated(before._asdict()):
                raise FileClaimed
            connection.execute(update(imports).where(imports.c.import_id == before.import_id).values(inbox_claim=None))
        tries = before.inbox_tries + 1 if before is not None else 1
        return {"inbox": escape_unstorable(self.inbox), "inbox_claim": self.key, "inbox_tries": tries}


def may_be_repeated(row: Mapping[str, Any]) -> bool:
    """Whether the claimed file is imported again: its import failed for another reason than the file."""
    return row["status"] == FAILED and row["error_code"] in TEMPORARY_FAILURES and row["inbox_tries"] < MAX_TRIES


@retry_transient
def claims_before_listing(warehouse: Warehouse, inbox: str) -> ClaimsBefore:
    """To be called before the files are listed."""
    imports = WarehouseTables(warehouse.schema).imports
    claims = select(imports.c.inbox_claim).where(imports.c.inbox == escape_unstorable(inbox))
    with warehouse.read_transaction() as connection:
        last = connection.scalar(select(func.max(imports.c.import_id)))
        keys = connection.scalars(claims.where(imports.c.inbox_claim.is_not(None)))
        return ClaimsBefore(last or 0, frozenset(keys))


@retry_transient
def list_claims(warehouse: Warehouse, inbox: str, keys: Collection[str] | None = None) -> list[dict[str, Any]]:
    """The entries that have a file of the inbox, or one of these claims, with their reports as objects."""
    imports = WarehouseTables(warehouse.schema).imports
    claims = imports.c.inbox_claim
    claimed = select(imports).where(
        imports.c.inbox == escape_unstorable(inbox), claims.is_not(None) if keys is None else claims.in_(keys)
    )
    with warehouse.read_transaction() as connection:
        rows = connection.execute(claimed.order_by(imports.c.import_id))
        return [{**row._mapping, "report": json.loads(row.report) if row.report else None} for row in rows]


@retry_transient
def release_claims(warehouse: Warehouse, import_ids: Collection[int]) -> None:
    """Store that these files have left the inbox: another one with the same name, size and time is a new file."""
    imports = WarehouseTables(warehouse.schema).imports
    with warehouse.write_transaction() as connection:
        connection.execute(update(imports).where(imports.c.import_id.in_(import_ids)).values(inbox_claim=None))
