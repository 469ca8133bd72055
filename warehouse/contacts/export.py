"""All contacts as text that can be imported again without a change."""

from collections.abc import Iterator

import pandas as pd
from sqlalchemy import ColumnElement, Table, func, null, select

from schemas.catalogue import FieldCatalogue
from schemas.cells.decimals import plain_decimal
from schemas.field_types import Storage
from schemas.fields import Field
from warehouse.database.changes_view import column_as_text
from warehouse.database.connection import Warehouse
from warehouse.database.stored_fields import contact_columns
from warehouse.tables import WarehouseTables

ROWS_PER_BATCH = 50_000


def export_batches(
    warehouse: Warehouse, catalogue: FieldCatalogue, rows: int = ROWS_PER_BATCH
) -> Iterator[pd.DataFrame]:
    """Frames of text with every contact by `contact_id`; None where a field is empty.

    All frames are of one state of the warehouse. Without contacts there is one frame without rows.
    """
    contacts = WarehouseTables(warehouse.schema, catalogue.fields).contacts
    with warehouse.read_transaction() as connection:
        stored = contact_columns(connection, warehouse.schema)
        fields = [as_text(contacts, field) if field.id in stored else null() for field in catalogue.fields]
        statement = select(*fields).order_by(contacts.c.contact_id)
        is_empty = True
        batches = connection.execute(statement, execution_options={"yield_per": rows}).partitions() if stored else ()
        for batch in batches:
            is_empty = False
            yield _frame([tuple(row) for row in batch], catalogue)
    if is_empty:
        yield _frame([], catalogue)


def as_text(contacts: Table, field: Field) -> ColumnElement[object]:
    """A field's column as the text that imports again unchanged; a number stays one."""
    column = contacts.c[field.id]
    if field.storage is Storage.NUMERIC:
        return column
    return func.nullif(column_as_text(column, field.storage), "").label(field.id)


def _frame(rows: list[tuple[object, ...]], catalogue: FieldCatalogue) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(catalogue.ids), dtype=object)
    decimals = [field.id for field in catalogue.fields if field.storage is Storage.NUMERIC]
    return frame.assign(**{id: frame[id].map(plain_decimal, na_action="ignore") for id in decimals})
