"""PostgreSQL: a server for a team, with COPY, unlogged staging tables and advisory locks."""

import re
import secrets
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import psycopg
import pyarrow as pa
import pyarrow.csv
import sqlalchemy
from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    MetaData,
    Select,
    SelectBase,
    Table,
    Text,
    create_engine,
    delete,
    event,
    inspect,
    literal,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import AddConstraint, CreateSchema, CreateTable, DropTable, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler, SQLCompiler

from schemas.fields import Field
from warehouse.backends.base import Backend, CreateView, SortedOptions, StagingTables, build_staging_tables
from warehouse.tables import CONTACTS, EmailText, WarehouseTables

LOCK_SECONDS = 60
# Keepalives and the connection check let the server notice within minutes that this machine is gone, and within
# seconds that this process is; otherwise a dead import's locks would keep others waiting for hours.
SESSION_SETTINGS = f"""
set datestyle to iso;
set timezone to 'UTC';
set tcp_keepalives_idle to 60;
set tcp_keepalives_interval to 10;
set tcp_keepalives_count to 6;
select set_config(name, '{LOCK_SECONDS}s', false) from pg_settings where name = 'lock_timeout' and setting = '0';
select set_config(name, '2s', false) from pg_settings
where name = 'client_connection_check_interval' and setting = '0' and version() like '%linux%';
"""
# A staging transaction is open while the file is read and checked, that of an erase while rejected files are written.
NO_TRANSACTION_TIMEOUTS = """
select set_config(name, '0', true) from pg_settings
where name in ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""
# The default work_mem of 4 MB is for small queries. The default random_page_cost is for disks with moving heads, and
# makes the server read all staged rows again to change one contact in a hundred.
MERGE_SETTINGS = (
    "select set_config('work_mem', '64MB', true) where pg_size_bytes(current_setting('work_mem')) < 64 * 1024 * 1024",
    "select set_config('random_page_cost', '1.1', true) where current_setting('random_page_cost')::float > 1.1",
)
EMAIL_COLLATION = text("""
select collname from pg_attribute
join pg_class on pg_class.oid = attrelid
join pg_namespace on pg_namespace.oid = relnamespace
join pg_collation on pg_collation.oid = attcollation
where nspname = coalesce(:schema, current_schema()) and relname = :table and attname = 'email'
""")
# A changed contact then stays in its page, and its indexes stay as they are: half the WAL where few contacts change.
SET_FILLFACTOR = "alter table {} set (fillfactor = 90)"

# Connection failure; serialization failure and deadlock; lock not available; too many connections;
# the server shuts down, crashed, or is starting up; the session was idle for too long.
TRANSIENT_SQLSTATES = ("08", "40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03", "57P05", "25P03")
# Messages of these classes are about tables, rights and the server. All others may quote a value.
SAFE_MESSAGE_SQLSTATES = ("08", "0A", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58")
# A failed connection attempt has no SQLSTATE. These messages are of a server that is not ready yet.
NOT_READY = re.compile("starting up|shutting down|recovery|too many clients|connection slots|too many connections")
# The address itself is wrong, so another attempt would fail too.
WRONG_ADDRESS = re.compile("not known|no address|invalid|SSL|certificate|password|pg_hba.conf|missing")

# A row is stored in one page of 8 kB. A row of the journal has two cells for each changed field.
ROW_TOO_BIG = "54000"
TOO_WIDE = "import fewer columns at once; without a journal (CONTACTS_JOURNAL=off), about twice as many are possible"
ADVISORY_LOCK_CLASS = 0x434F4E54  # "CONT", so that no other program's advisory locks look like ours
MIGRATION_LOCK_KEY = 0x636F6E74616374  # every release must use the same number
LIVENESS_CHECK_SECONDS = 1.0


class PostgresBackend(Backend):
    """A schema of a server's database."""

    url_schemes = ("postgresql", "postgres")
    driver_errors = (psycopg.Error,)
    adopts_staged = True
    liveness_grace_seconds = 3.0  # a lock whose session was cut is taken again within about a second

    @classmethod
    def display_name(cls, url: URL) -> str:
        host = url.host or next(iter(url.normalized_query.get("host", ())), "")
        port = f":{url.port}" if url.port else ""
        return f"postgresql://{host}{port}/{url.database or ''}"

    def create_engine(self, url: URL) -> Engine:
        options: dict[str, Any] = {
            "connect_timeout": 10,
            "application_name": "contact-import",
            "keepalives_idle": 60,
            "tcp_user_timeout": 120_000,
        }
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            connect_args={k: v for k, v in options.items() if k not in url.query} | {"client_encoding": "utf8"},
        )

        @event.listens_for(engine, "connect")
        def set_up(connection: Any, _: Any) -> None:
            connection.execute(SESSION_SETTINGS)
            connection.commit()

        return engine

    def prepare(self, *, create: bool) -> None:
        """Find the collation of emails: an index serves no comparison in another. Older releases took the default."""
        with self.translate_errors(), self.engine.connect() as connection:
            found = connection.scalar(EMAIL_COLLATION, {"schema": self.schema, "table": CONTACTS})
        dialect: Any = self.engine.dialect
        dialect.email_collation = found or "C"

    def is_transient(self, error: BaseException) -> bool:
        if not isinstance(error, psycopg.Error):
            return False
        if error.sqlstate:
            return error.sqlstate.startswith(TRANSIENT_SQLSTATES)
        return isinstance(error, psycopg.OperationalError) and _may_connect_later(str(error))

    def reason(self, error: BaseException) -> str:
        """The server's message where it cannot quote a contact, otherwise the names of table, column and constraint."""
        if not isinstance(error, psycopg.Error):
            return type(error).__name__
        if not error.sqlstate:
            return " ".join(str(error).split())
        if error.sqlstate.startswith(SAFE_MESSAGE_SQLSTATES):
            message = error.diag.message_primary or type(error).__name__
            return f"{message}; {TOO_WIDE}" if error.sqlstate == ROW_TOO_BIG else message
        names = {"table": error.diag.table_name, "column": error.diag.column_name, "by": error.diag.constraint_name}
        places = "".join(f", {what} {name}" for what, name in names.items() if name)
        return f"{type(error).__name__} ({error.sqlstate}{places})"

    def create_tables(self, connection: Connection, tables: WarehouseTables) -> None:
        if self.schema and not inspect(connection).has_schema(self.schema):
            connection.execute(CreateSchema(self.schema))
        super().create_tables(connection, tables)

    def create_contacts(self, connection: Connection, contacts: Table) -> None:
        super().create_contacts(connection, contacts)
        connection.exec_driver_sql(SET_FILLFACTOR.format(_quoted(connection, contacts)))

    def replace_view(self, connection: Connection, name: str, query: SelectBase) -> None:
        """Views of other programs may depend on it, so it cannot be dropped."""
        connection.execute(CreateView(name, self.schema, query, replace=True))

    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        names = ", ".join(_quoted(connection, table) for table in tables)
        connection.exec_driver_sql(f"lock table {names} in share row exclusive mode")

    def lock_migrations(self, connection: Connection) -> None:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK_KEY})

    def wait_briefly(self, connection: Connection) -> None:
        connection.execute(text("set local lock_timeout to '1s'"))

    def take_liveness_lock(self) -> "SessionLock":
        return SessionLock(self)

    def find_unlocked_keys(self, keys: Collection[int]) -> set[int]:
        held = text(
            "select objid::bigint from pg_locks where locktype = 'advisory' and objsubid = 2 and granted "
            "and classid = :class and database = (select oid from pg_database where datname = current_database())"
        )
        if not keys:
            return set()
        with self.translate_errors(), self.engine.connect() as connection:
            return set(keys) - set(connection.scalars(held, {"class": ADVISORY_LOCK_CLASS}))

    def tune_for_merge(self, connection: Connection) -> None:
        for setting in (NO_TRANSACTION_TIMEOUTS, *MERGE_SETTINGS):
            connection.exec_driver_sql(setting)

    def append_batch(self, connection: Connection, table: Table, batch: pa.RecordBatch) -> None:
        """By COPY, which takes a fifth of the time of INSERT; most of that is the check of the foreign key."""
        copy_batches(connection, table, iter([batch]))

    def create_table_as(self, connection: Connection, table: Table, query: Select[Any]) -> None:
        """PostgreSQL plans parallel workers only for CREATE TABLE AS; without ANALYZE, the next statement scans it."""
        connection.execute(CreateTableAs(table, query))
        connection.exec_driver_sql(f"analyze {_quoted(connection, table)}")

    def returns_old_values(self, connection: Connection) -> bool:
        return (connection.dialect.server_version_info or (0,)) >= (18,)

    def work_table(self, name: str, *columns: Column[Any]) -> Table:
        return Table(f"{name}_{secrets.token_hex(4)}", MetaData(schema=self.schema), *columns)

    def staging_tables(self, fields: Sequence[Field], *, becomes_contacts: bool = False) -> StagingTables:
        """Unlogged tables, unless the rows are to stay.

        Their names are new: whoever creates a table waits for the open transaction that created one of the same name.
        """
        schema, suffix = MetaData(schema=self.schema), f"_{secrets.token_hex(4)}"
        prefixes = () if becomes_contacts else ("UNLOGGED",)
        tables = build_staging_tables(fields, schema, schema, keyed=False, suffix=suffix, prefixes=prefixes)
        staged, _, changes = tables
        # Inserting takes less time where an index grows at its end: contacts 40 %, the journal 20 %.
        return StagingTables(
            *tables,
            insert_order=staged.c.email,
            journal_order=changes.c.contact_id,
            becomes_contacts=becomes_contacts,
        )

    def open_staging(self, tables: StagingTables, folder: Path) -> "PostgresStagingStore":
        return PostgresStagingStore(self, tables)

    def adopt(self, connection: Connection, staged: Table, contacts: Table, values: Mapping[str, Any]) -> None:
        """Rows are not written again: a column with a constant is added without touching them."""
        names, run = connection.dialect.identifier_preparer, connection.exec_driver_sql
        table, sequence = names.format_table(contacts), names.format_sequence(_number_sequence(contacts))
        run(f"alter table {names.format_table(staged)} rename to {names.quote(contacts.name)}")
        run(f"alter table {table} rename column record_number to contact_id")
        for column in contacts.columns:
            if column.name in values:
                value = literal(values[column.name], column.type)
                constant = value.compile(connection, compile_kwargs={"literal_binds": True})
                run(f"alter table {table} add column {_column_type(connection, column)} not null default {constant}")
                run(f"alter table {table} alter column {names.quote(column.name)} drop default")
            elif column.name not in staged.columns and not column.primary_key:
                run(f"alter table {table} add column {_column_type(connection, column)}")
        run(f"alter table {table} alter column email set not null")
        for constraint in (contacts.primary_key, *contacts.constraints - {contacts.primary_key}):
            connection.execute(AddConstraint(constraint, isolate_from_table=False))
        run(f"create sequence {sequence} owned by {table}.contact_id")
        run(f"alter table {table} alter column contact_id set default nextval('{sequence}')")
        run(f"select setval('{sequence}', max(contact_id)) from {table} having max(contact_id) is not null")


def _number_sequence(contacts: Table) -> sqlalchemy.Sequence:
    """With the name that PostgreSQL gives to the sequence of a serial column."""
    return sqlalchemy.Sequence(f"{contacts.name}_contact_id_seq", schema=contacts.schema)


def _column_type(connection: Connection, column: Column[Any]) -> str:
    name = connection.dialect.identifier_preparer.quote(column.name)
    return f"{name} {column.type.compile(connection.dialect)}"


def _may_connect_later(message: str) -> bool:
    return bool(NOT_READY.search(message)) if "FATAL" in message else not WRONG_ADDRESS.search(message)


def _quoted(connection: Connection, table: Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)


# Liveness


class SessionLock:
    """An advisory lock of a session of its own; a thread takes it again when the session is lost."""

    def __init__(self, backend: PostgresBackend) -> None:
        self._engine = backend.engine
        self.key = secrets.randbits(31)
        self._ended = threading.Event()
        with backend.translate_errors():
            self._connection = self._take()
        self._thread = threading.Thread(target=self._keep, name="liveness-lock", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join(2 * LIVENESS_CHECK_SECONDS)  # a thread that waits for a lost server ends when it is answered

    def _take(self) -> Connection | None:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            # The session is idle for as long as the import takes.
            connection.exec_driver_sql(
                "select set_config(name, '0', false) from pg_settings where name = 'idle_session_timeout'"
            )
            lock = text("select pg_try_advisory_lock(:class, :key)")
            if connection.scalar(lock, {"class": ADVISORY_LOCK_CLASS, "key": self.key}):
                return connection
        except BaseException:
            _end_session(connection)
            raise
        _end_session(connection)
        return None

    def _keep(self) -> None:
        while not self._ended.wait(LIVENESS_CHECK_SECONDS):
            try:
                if self._connection is None:
                    self._connection = self._take()
                else:
                    self._connection.exec_driver_sql("select 1")
            except SQLAlchemyError:
                self._release()
        self._release()

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _end_session(connection)


def _end_session(connection: Connection) -> None:
    """Close the session, which frees its lock; returned to the pool, it would keep it."""
    with suppress(SQLAlchemyError):
        connection.invalidate()
        connection.close()


# COPY

# Every text is quoted and a null is not, which keeps an empty text apart from a blank cell.
CSV_OPTIONS = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
ROWS_PER_WRITE = 2_000  # about as much as a socket holds: the server reads these rows while we write the next


def copy_batches(connection: Connection, table: Table, batches: Iterator[pa.RecordBatch], options: str = "") -> None:
    """Append record batches, whose columns are named as the table's are, by COPY."""
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    names = connection.dialect.identifier_preparer
    for batch in batches:
        columns = ", ".join(names.quote(column) for column in batch.schema.names)
        statement = f"copy {names.format_table(table)} ({columns}) from stdin (format csv{options})"
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for start in range(0, batch.num_rows, ROWS_PER_WRITE):
                copy.write(_as_csv(batch.slice(start, ROWS_PER_WRITE)))


def _as_csv(rows: pa.RecordBatch) -> memoryview:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(rows, sink, CSV_OPTIONS)
    return memoryview(sink.getvalue())


# Statements


@compiles(EmailText, "postgresql")
def _email_type(_: EmailText, compiler: Any, **options: Any) -> str:
    """Compared byte by byte ("C"), whatever the database's language: the index of emails is built in half the time."""
    return str(compiler.process(Text(collation=compiler.dialect.email_collation), **options))


@compiles(SortedOptions, "postgresql")
def _sorted_options(element: SortedOptions, compiler: SQLCompiler, **options: Any) -> str:
    text, catalogue = (compiler.process(clause, **options) for clause in element.clauses)
    return (
        "(select string_agg(option, '|' order by nullif(place, 0), number) from ("
        f"select option, strpos({catalogue}, '|' || option || '|') as place, min(number) as number "
        f"from unnest(string_to_array({text}, '|')) with ordinality as split (option, number) "
        "where option <> '' group by option) as options)"
    )


class CreateTableAs(ExecutableDDLElement):
    """Create an unlogged table of the result of a query, with its column names and types."""

    def __init__(self, table: Table, query: Select[Any]) -> None:
        self.table, self.query = table, query


@compiles(CreateTableAs, "postgresql")
def _create_table_as(element: CreateTableAs, compiler: DDLCompiler, **_: Any) -> str:
    name = compiler.preparer.format_table(element.table)
    return f"create unlogged table {name} as {compiler.sql_compiler.process(element.query, literal_binds=True)}"


# Staging


class PostgresStagingStore:
    """Tables created, merged from and dropped in one transaction: no other session sees them, and none remain.

    They are not temporary tables, since PostgreSQL reads those with a single process.
    """

    def __init__(self, backend: PostgresBackend, tables: StagingTables) -> None:
        self._staged, self._excluded = tables.staged, tables.excluded
        # The rows of contacts then need no second write when they are first read, and no vacuum later.
        self._copy_options = ", freeze" if tables.becomes_contacts else ""
        self._connection = backend.connect_for_writing()
        try:
            self._connection.begin()
            self._connection.exec_driver_sql(NO_TRANSACTION_TIMEOUTS)
            self._connection.execute(CreateTable(self._staged))
            if tables.becomes_contacts:
                self._connection.exec_driver_sql(SET_FILLFACTOR.format(_quoted(self._connection, self._staged)))
            self._connection.execute(CreateTable(self._excluded))
        except BaseException:
            self.close()
            raise

    def add(self, batches: Iterator[pa.RecordBatch]) -> None:
        copy_batches(self._connection, self._staged, batches, self._copy_options)

    def exclude(self, numbers: pa.RecordBatch) -> None:
        copy_batches(self._connection, self._excluded, iter([numbers]))
        excluded = select(self._excluded.c.record_number)
        self._connection.execute(delete(self._staged).where(self._staged.c.record_number.in_(excluded)))
        self._connection.execute(delete(self._excluded))

    def is_alive(self) -> bool:
        """Whether the transaction can go on: it has not failed or ended, and its session is not lost."""
        try:
            self._connection.execute(select(self._staged.c.record_number).limit(0))
        except SQLAlchemyError:
            return False
        return True

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        """Commit at the end; after a failure the staged rows are still there, so the merge can be repeated."""
        with self._connection.begin_nested():
            yield self._connection
            for table in (self._staged, self._excluded):
                self._connection.execute(DropTable(table, if_exists=True))
        self._connection.commit()

    @contextmanager
    def rolled_back_transaction(self) -> Iterator[Connection]:
        with self._connection.begin_nested() as savepoint:
            yield self._connection
            savepoint.rollback()

    def close(self) -> None:
        """End the session, and with it the transaction and its tables."""
        self._connection.invalidate()
        self._connection.close()
