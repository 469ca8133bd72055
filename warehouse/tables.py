"""The tables of a warehouse, for SQLite and PostgreSQL alike."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    TypeDecorator,
    event,
)
from sqlalchemy.types import TypeEngine

from schemas.catalogue import Field
from schemas.field_types import Storage

# SQLite numbers rows by itself only in a column declared exactly INTEGER PRIMARY KEY.
KeyInteger = BigInteger().with_variant(Integer(), "sqlite")

COLUMN_TYPES: dict[Storage, TypeEngine[Any]] = {
    Storage.TEXT: Text(),
    Storage.DATE: Date(),
    Storage.BIGINT: BigInteger(),
    # SQLite keeps a double, exact for the 15 significant digits a decimal may have.
    Storage.NUMERIC: Numeric().with_variant(Numeric(asdecimal=False), "sqlite"),
    Storage.BOOLEAN: Boolean(),
}

# A changed contact stays in its page, so that no index need be told: half the log for a night that changes little.
SET_FILLFACTOR = DDL("alter table %(fullname)s set (fillfactor = 90)").execute_if(dialect="postgresql")  # type: ignore[no-untyped-call]

COUNT_COLUMNS = ("read", "accepted", "rejected", "inserted", "updated", "unchanged", "skipped")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware and in UTC on our side, whatever the warehouse keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def field_columns(fields: Iterable[Field]) -> list[Column[Any]]:
    """A nullable column for each field but the identity, which every table that needs it has already."""
    return [Column(field.id, COLUMN_TYPES[field.storage]) for field in fields if not field.identity]


class WarehouseTables:
    """The tables as they are once prepared for `fields`; without fields, as the import list needs them."""

    def __init__(self, schema: str | None, fields: Iterable[Field] = ()) -> None:
        self.metadata = MetaData(schema=schema)
        self._fields = tuple(fields)
        _ = (self.contacts, self.imports, self.import_columns, self.rejections, self.mended_records)
        _ = (self.segments, self.segment_members, self.contact_fields)

    @cached_property
    def contacts(self) -> Table:
        contacts = Table(
            "contacts",
            self.metadata,
            Column("contact_id", KeyInteger, primary_key=True),
            Column("email", Text, nullable=False, unique=True),
            Column("created_at", UtcDateTime, nullable=False),
            Column("updated_at", UtcDateTime, nullable=False),
            Column("created_by_import", BigInteger, nullable=False),
            Column("updated_by_import", BigInteger),
            *field_columns(self._fields),
            sqlite_autoincrement=True,  # never a second contact under an old id
        )
        event.listen(contacts, "after_create", SET_FILLFACTOR)
        return contacts

    @cached_property
    def contact_fields(self) -> Table:
        """The catalogue's type of each field that has a column, to notice when it changes."""
        return Table(
            "contact_fields",
            self.metadata,
            Column("field", Text, primary_key=True),
            Column("type", Text, nullable=False),
        )

    @cached_property
    def imports(self) -> Table:
        return Table(
            "imports",
            self.metadata,
            Column("import_id", KeyInteger, primary_key=True),
            Column("source", Text, nullable=False),
            Column("sha256", Text),
            Column("merge_policy", Text, nullable=False),
            Column("status", Text, nullable=False),
            # The lock by which others see whether its process lives; NULL once nothing of it is left to tidy.
            Column("alive_key", BigInteger),
            *(Column(count, BigInteger) for count in COUNT_COLUMNS),
            Column("segment", Text),
            Column("segment_added", BigInteger),
            Column("rejections_found", BigInteger),
            Column("rejections_kept", BigInteger),
            Column("report", Text),
            Column("error_code", Text),
            Column("error_message", Text),
            Column("started_at", UtcDateTime, nullable=False),
            Column("finished_at", UtcDateTime),
            Column("flow_run_id", Text),
            Column("retry_of", BigInteger),
            # What its source is each time, where its own name may differ; NULL before this column came: its source.
            Column("series", Text),
            Column("source_day", Text),
            Column("fingerprint", Text),
            Column("source_version", Text),
            Column("repeats", BigInteger),
            Column("waits_until", UtcDateTime),
            Column("first_import", BigInteger),
            sqlite_autoincrement=True,
        )

    @cached_property
    def import_columns(self) -> Table:
        return Table(
            "import_columns",
            self.metadata,
            Column("import_id", KeyInteger, ForeignKey(self.imports.c.import_id), nullable=False, index=True),
            Column("column_name", Text, nullable=False),
            Column("field", Text),
            Column("outcome", Text, nullable=False),
            Column("empty_cells", BigInteger),
        )

    @cached_property
    def rejections(self) -> Table:
        return Table(
            "rejections",
            self.metadata,
            Column("import_id", KeyInteger, ForeignKey(self.imports.c.import_id), nullable=False, index=True),
            Column("record_number", BigInteger, nullable=False),
            Column("line_number", BigInteger),
            Column("column_name", Text),
            Column("field", Text),
            Column("code", Text, nullable=False),
            Column("message", Text),
            Column("value", Text),
        )

    @cached_property
    def mended_records(self) -> Table:
        """Records that an import rejected, and the retry of it that brought them."""
        return Table(
            "mended_records",
            self.metadata,
            Column("first_import", BigInteger, primary_key=True, autoincrement=False),
            Column("record_number", BigInteger, primary_key=True, autoincrement=False),
            Column("import_id", BigInteger, nullable=False),
        )

    @cached_property
    def segments(self) -> Table:
        return Table(
            "segments",
            self.metadata,
            Column("segment_id", Text, primary_key=True),
            Column("created_at", UtcDateTime, nullable=False),
        )

    @cached_property
    def segment_members(self) -> Table:
        # No foreign keys: PostgreSQL checks them row by row, which takes three times as long as adding
        # a million members itself. Members are only ever added from contacts, under the merge's lock.
        return Table(
            "segment_members",
            self.metadata,
            Column("segment_id", Text, primary_key=True),
            Column("contact_id", KeyInteger, primary_key=True, autoincrement=False),
            Column("import_id", KeyInteger, nullable=False),
        )
