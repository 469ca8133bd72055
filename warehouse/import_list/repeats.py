"""Whether an import would repeat a completed one: the same file, read and merged in the same way."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select

from warehouse.database.connection import Warehouse
from warehouse.errors import retry_transient
from warehouse.import_list.entries import COMPLETED, SKIPPED, is_in_effect, series_column
from warehouse.storable_text import escape_unstorable
from warehouse.tables import WarehouseTables


class RepeatedImport(NamedTuple):
    """The completed import that another one would repeat."""

    import_id: int
    sha256: str


@retry_transient
def find_repeated_import(
    warehouse: Warehouse,
    *,
    names: Collection[str],
    fingerprint: str,
    sha256: str | None = None,
    version: str | None = None,
    archives: Collection[str] = (),
) -> RepeatedImport | None:
    """The last completed import of the same bytes, or of the same version of a remote file; None if there is none.

    None also if another import of the same source completed later, since it may have changed the result. `names` are
    the names of the source and of its series. Files of an archive, whose names are in `archives`, may be named
    differently each time, so there every later file with other bytes counts.
    """
    if sha256 is None and version is None:
        return None
    imports = WarehouseTables(warehouse.schema).imports
    file = imports.c.sha256 == sha256 if version is None else imports.c.source_version == version
    with warehouse.read_transaction() as connection:
        repeated = _last_completed(connection, imports, file, fingerprint)
        if repeated is None or _is_superseded(connection, imports, repeated, names, archives):
            return None
        return repeated


def _last_completed(
    connection: Connection, imports: Table, file: ColumnElement[bool], fingerprint: str
) -> RepeatedImport | None:
    """The last completed import of a file; a skipped one stands for the import that it repeats."""
    same = select(func.coalesce(imports.c.repeats, imports.c.import_id)).where(
        file, imports.c.fingerprint == fingerprint, imports.c.status.in_((COMPLETED, SKIPPED))
    )
    last = select(imports.c.import_id, imports.c.sha256).where(
        imports.c.import_id.in_(same), imports.c.status == COMPLETED, is_in_effect(imports)
    )
    row = connection.execute(last.order_by(imports.c.import_id.desc()).limit(1)).one_or_none()
    return RepeatedImport(row.import_id, row.sha256) if row else None


def _is_superseded(
    connection: Connection,
    imports: Table,
    repeated: RepeatedImport,
    names: Collection[str],
    archives: Collection[str],
) -> bool:
    """Whether an import of the same source completed after the repeated one."""
    before = imports.alias()
    name_columns = (imports.c.source, series_column(imports))
    stored_names = [escape_unstorable(name) for name in names]
    same = or_(*(name.in_((*stored_names, before.c.source, series_column(before))) for name in name_columns))
    if archives:
        starts = [f"{escape_unstorable(archive)}!" for archive in archives]
        in_archive = or_(*(name.startswith(start, autoescape=True) for name in name_columns for start in starts))
        same = or_(same, and_(in_archive, imports.c.sha256 != repeated.sha256))
    later = (
        select(imports.c.import_id)
        .join(before, before.c.import_id == repeated.import_id)
        .where(
            imports.c.status == COMPLETED,
            is_in_effect(imports),
            imports.c.import_id != repeated.import_id,
            same,
            or_(imports.c.import_id > repeated.import_id, imports.c.finished_at > before.c.finished_at),
        )
    )
    return connection.execute(later.limit(1)).first() is not None
