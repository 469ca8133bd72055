"""A first import drops the keys of the contacts and builds them at the end, where nobody uses them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event, text

from schemas.errors.warehouse import WarehouseError
from tests.warehouse.conftest import Importer
from warehouse.merge.execution import MergeCounts

ROWS: list[dict[str, Any]] = [{"email": f"{letter}@example.org", "name": letter} for letter in "cabed"]
FILE_ORDER = [row["email"] for row in ROWS]
DROPS_KEY = "drop constraint"


@pytest.fixture(autouse=True)
def count_five_rows_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.merge.execution.DEFERRED_KEYS_MIN_ROWS", len(ROWS))


@pytest.fixture(params=["postgres"])
def warehouse_url(postgres_url: str) -> str:
    """Only PostgreSQL does this."""
    return postgres_url


@contextmanager
def statements(importer: Importer) -> Iterator[list[str]]:
    """The statements that are executed in the block."""
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        sent.append(arguments[2].lower())

    event.listen(importer.warehouse.engine, "before_cursor_execute", note)
    yield sent
    event.remove(importer.warehouse.engine, "before_cursor_execute", note)


def structure(importer: Importer) -> list[Any]:
    """Keys, indexes and columns of the contacts, with their options and comments."""
    query = """
        select conname, contype, pg_get_constraintdef(oid), obj_description(oid) from pg_constraint where conrelid = {};
        select pg_get_indexdef(indexrelid), indisvalid, indisready, indisclustered from pg_index where indrelid = {};
        select attname, attnotnull, pg_get_expr(adbin, adrelid) from pg_attribute
        left join pg_attrdef on adrelid = attrelid and adnum = attnum where attrelid = {} and attnum > 0
    """.replace("{}", f"'{importer.warehouse.schema}.contacts'::regclass")
    with importer.warehouse.read_transaction() as connection:
        return [sorted(connection.execute(text(question)), key=str) for question in query.split(";")]


def emails(importer: Importer) -> list[str]:
    return [contact["email"] for contact in importer.contacts()]


def test_only_a_first_import_drops_the_keys_and_builds_them_again(importer: Importer) -> None:
    before = structure(importer)
    with statements(importer) as first:
        assert importer(ROWS).counts == MergeCounts(inserted=5)
    with statements(importer) as second:
        assert importer([*ROWS, {"email": "new@example.org"}]).counts == MergeCounts(inserted=1, unchanged=5)
    assert sum(DROPS_KEY in each for each in first) == 2
    assert not any(DROPS_KEY in each for each in second)
    assert emails(importer) == [*FILE_ORDER, "new@example.org"]
    assert structure(importer) == before


def test_a_small_first_import_keeps_the_keys(importer: Importer) -> None:
    with statements(importer) as sent:
        importer(ROWS[1:])
    assert not any(DROPS_KEY in each for each in sent)


def test_a_failed_import_leaves_the_keys_as_they_were(importer: Importer) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("no report")

    before = structure(importer)
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(ROWS))
        staging.ensure_staged()
        with pytest.raises(RuntimeError):
            importer.load(staging, len(ROWS), report=fail)
        assert (structure(importer), emails(importer)) == (before, [])
        assert importer.load(staging, len(ROWS)).counts == MergeCounts(inserted=5)
    assert structure(importer) == before


def test_two_rows_with_one_email_are_refused_while_the_keys_are_dropped(importer: Importer) -> None:
    before = structure(importer)
    with pytest.raises(WarehouseError, match="contacts_email_key"):
        importer([*ROWS, ROWS[0]])
    assert (structure(importer), emails(importer)) == (before, [])


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("create view v as select * from {0}contacts group by contact_id", id="a view depends on a key"),
        pytest.param("create table t (x bigint references {0}contacts)", id="a foreign key depends on a key"),
        pytest.param("comment on constraint contacts_email_key on {0}contacts is 'x'", id="a comment on a key"),
        pytest.param("alter index {0}contacts_pkey set (fillfactor = 70)", id="an option of a key"),
        pytest.param("cluster {0}contacts using contacts_email_key", id="the table is clustered by a key"),
    ],
)
def test_a_key_that_others_use_or_changed_is_not_dropped(importer: Importer, said: str) -> None:
    schema = importer.warehouse.schema
    with importer.warehouse.write_transaction() as connection:
        connection.execute(text(f"set local search_path to {schema}"))
        connection.execute(text(said.format("")))
    before = structure(importer)
    assert importer(ROWS).counts == MergeCounts(inserted=5)
    assert emails(importer) == sorted(FILE_ORDER)
    assert structure(importer) == before


def test_a_first_import_does_not_wait_for_a_reader(importer: Importer, postgres_url: str) -> None:
    before = structure(importer)
    with psycopg.connect(postgres_url) as reader:
        contacts = f"{importer.warehouse.schema}.contacts"
        assert reader.execute(f"select count(*) from {contacts}".encode()).fetchone() == (0,)
        assert importer(ROWS).counts == MergeCounts(inserted=5)
        assert reader.execute(f"select count(*) from {contacts}".encode()).fetchone() == (5,)
    assert emails(importer) == sorted(FILE_ORDER)
    assert structure(importer) == before


def test_contacts_that_another_role_owns_are_imported_with_their_keys(importer: Importer, postgres_url: str) -> None:
    schema = importer.warehouse.schema
    role = f"guest_of_{schema}"

    def as_guest(connection: Connection) -> None:
        connection.exec_driver_sql(f"set role {role}")

    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"create role {role}".encode())
        owner.execute(f"grant usage, create on schema {schema} to {role}".encode())
        for kind in ("tables", "sequences"):
            owner.execute(f"grant all on all {kind} in schema {schema} to {role}".encode())
        before = structure(importer)
        event.listen(importer.warehouse.engine, "begin", as_guest)
        try:
            assert importer(ROWS).counts == MergeCounts(inserted=5)
        finally:
            event.remove(importer.warehouse.engine, "begin", as_guest)
            importer.warehouse.engine.dispose()
            owner.execute(f"drop owned by {role} cascade; drop role {role}".encode())
    assert structure(importer) == before


def test_an_updated_contact_stays_in_its_page(importer: Importer) -> None:
    """While its page has room, no index has to change."""
    many = [{"email": f"{number}@example.org", "name": "x" * 100} for number in range(500)]
    place = text(f"select email, (ctid::text::point)[0] from {importer.warehouse.schema}.contacts order by email")
    importer(many)
    with importer.warehouse.read_transaction() as connection:
        before = connection.execute(place).all()
    assert importer([{**row, "name": "y" * 100} for row in many[::50]]).counts == MergeCounts(updated=10)
    with importer.warehouse.read_transaction() as connection:
        assert connection.execute(place).all() == before
    assert len({page for _, page in before}) > 5
