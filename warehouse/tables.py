"""The tables of a warehouse, the same for every backend."""

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    FromClause,
    Index,
    MetaData,
    Numeric,
    Subquery,
    Table,
    Text,
    TypeDecorator,
    func,
    select,
)
from sqlalchemy.types import TypeEngine

from schemas.field_types import Storage
from schemas.fields import Field

CONTACTS = "contacts"
MAX_NAME_LENGTH = 63  # bytes; PostgreSQL cuts longer names
COUNT_COLUMNS = ("read", "accepted", "rejected", "inserted", "updated", "unchanged", "skipped")


class KeyInteger(BigInteger):
    """A number of a row; a backend compiles it where a column that numbers rows needs another type."""


class EmailText(Text):
    """An email that is looked up among others. A backend may choose how texts of this type are compared."""


class StoredDecimal(TypeDecorator[Any]):
    """A decimal; a float, exact for the 15 digits a value may have, where the database has no decimal numbers."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Numeric() if dialect.supports_native_decimal else Numeric(asdecimal=False))


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware and in UTC in Python, whether or not the database stores a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


COLUMN_TYPES: dict[Storage, TypeEngine[Any]] = {
    Storage.TEXT: Text(),
    Storage.DATE: Date(),
    Storage.BIGINT: BigInteger(),
    Storage.NUMERIC: StoredDecimal(),
    Storage.BOOLEAN: Boolean(),
}


def field_columns(fields: Iterable[Field]) -> list[Column[Any]]:
    """A nullable column for each field except the email, which every table defines itself."""
    return [Column(field.id, COLUMN_TYPES[field.storage]) for field in fields if not field.identity]


def before(field: str) -> str:
    """The journal's column of the value that was there."""
    return _journal_column("before", field)


def after(field: str) -> str:
    """The journal's column of the value that was written."""
    return _journal_column("after", field)


def _journal_column(side: str, field: str) -> str:
    name = f"{side}_{field}"
    if len(name) <= MAX_NAME_LENGTH:
        return name
    return f"{name[: MAX_NAME_LENGTH - 9]}_{zlib.crc32(field.encode()):08x}"


def journal_columns(fields: Iterable[Field]) -> list[Column[Any]]:
    """Two nullable columns of the journal for each field except the email."""
    sides = [(side(field.id), field) for field in fields if not field.identity for side in (before, after)]
    return [Column(name, COLUMN_TYPES[field.storage]) for name, field in sides]


class WarehouseTables:
    """The tables as an import with these `fields` needs them; without fields, as the import list does."""

    def __init__(self, schema: str | None, fields: Iterable[Field] = ()) -> None:
        self.metadata = MetaData(schema=schema)
        self.fields = tuple(fields)
        # Made now, so that `metadata` has every table.
        _ = (self.contacts, self.imports, self.import_columns, self.rejections, self.mended_records)
        _ = (self.segments, self.segment_members, self.contact_fields, self.journal, self.journal_members)
        _ = (self.suppressions, self.suppression_key)

    @cached_property
    def contacts(self) -> Table:
        return Table(
            CONTACTS,
            self.metadata,
            Column("contact_id", KeyInteger, primary_key=True),
            Column("email", EmailText, nullable=False, unique=True),
            Column("created_at", UtcDateTime, nullable=False),
            Column("updated_at", UtcDateTime, nullable=False),
            Column("created_by_import", BigInteger, nullable=False),
            Column("updated_by_import", BigInteger),
            *field_columns(self.fields),
            sqlite_autoincrement=True,  # SQLite would give the number of a deleted contact to a new one
        )

    @cached_property
    def contact_fields(self) -> Table:
        """What the last catalogue with the field says of it: its type, which must not change, and its consent list."""
        return Table(
            "contact_fields",
            self.metadata,
            Column("field", Text, primary_key=True),
            Column("type", Text, nullable=False),
            # A JSON list. NULL in a field without one, and in rows of older releases.
            Column("consent", Text),
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
            # What stands for the source where its name differs each time; NULL in rows of older releases.
            Column("series", Text),
            Column("source_day", Text),
            Column("fingerprint", Text),
            Column("source_version", Text),
            Column("repeats", BigInteger),
            Column("waits_until", UtcDateTime),
            Column("first_import", BigInteger),
            # NULL where there is no journal: it was turned off or pruned, or an older release made the import.
            Column("journalled", BigInteger),
            Column("undoes", BigInteger),
            Column("undone_by", BigInteger),
            Column("options", Text),
            Column("inbox", Text),
            # Only one import at a time has a file of an inbox. NULL, which collides with nothing, once it was moved.
            Column("inbox_claim", Text),
            Column("inbox_tries", BigInteger),
            Index("imports_inbox_claim", "inbox_claim", unique=True),
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
        """Records that an import rejected, and the retry that imported them."""
        return Table(
            "mended_records",
            self.metadata,
            Column("first_import", BigInteger, primary_key=True, autoincrement=False),
            Column("record_number", BigInteger, primary_key=True, autoincrement=False),
            Column("import_id", BigInteger, nullable=False),
        )

    @cached_property
    def journal(self) -> Table:
        """What an import or an undo found in a contact and what it wrote; two empty values if a field did not change.

        For a deleted contact, `before` is the whole contact; for one that was inserted again, `after` is.
        """
        return Table(
            "journal",
            self.metadata,
            # In this order the key grows at its end, and a contact's history is one look-up for each import.
            Column("import_id", KeyInteger, primary_key=True, autoincrement=False),
            Column("contact_id", KeyInteger, primary_key=True, autoincrement=False),
            Column("action", Text, nullable=False),
            Column("email", EmailText),
            Column("created_at", UtcDateTime),
            Column("created_by_import", BigInteger),
            Column(before("updated_at"), UtcDateTime),
            Column(before("updated_by_import"), BigInteger),
            Column(after("updated_at"), UtcDateTime),
            Column(after("updated_by_import"), BigInteger),
            *journal_columns(self.fields),
            sqlite_with_rowid=False,  # stored in its key, which saves a second tree
        )

    @cached_property
    def journal_members(self) -> Table:
        """The memberships that an undo removed or added; `member_import` is the import that they are from."""
        return Table(
            "journal_members",
            self.metadata,
            Column("import_id", KeyInteger, primary_key=True, autoincrement=False),
            Column("segment_id", Text, primary_key=True),
            Column("contact_id", KeyInteger, primary_key=True, autoincrement=False),
            Column("action", Text, nullable=False),
            Column("member_import", BigInteger, nullable=False),
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
        # No foreign keys: checking them row by row takes PostgreSQL three times as long as adding a million
        # members. Members are only added from contacts, while the merge has locked both tables.
        return Table(
            "segment_members",
            self.metadata,
            Column("segment_id", Text, primary_key=True),
            Column("contact_id", KeyInteger, primary_key=True, autoincrement=False),
            Column("import_id", KeyInteger, nullable=False),
        )

    @cached_property
    def suppressions(self) -> Table:
        """Addresses that no import may bring back, as HMAC-SHA256 in hex digits."""
        return Table(
            "suppressions",
            self.metadata,
            Column("suppression_id", KeyInteger, primary_key=True),
            Column("email_hash", Text, nullable=False, unique=True),
            Column("suppressed_at", UtcDateTime, nullable=False),
            Column("reason", Text, nullable=False),
            sqlite_autoincrement=True,  # a number that was used again would not look new to a running import
        )

    @cached_property
    def suppression_key(self) -> Table:
        """The key of these hashes, one row in hex digits."""
        return Table("suppression_key", self.metadata, Column("key", Text, primary_key=True))


def emails_of_deleted(journal: FromClause) -> Subquery:
    """The emails of the contacts that were deleted; of others, the journal has no email."""
    deleted = journal.alias("d").c
    emails = select(deleted.contact_id, func.max(deleted.email).label("email")).where(deleted.email.is_not(None))
    return emails.group_by(deleted.contact_id).subquery("deleted")
