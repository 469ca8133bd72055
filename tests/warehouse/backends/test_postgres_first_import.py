"""Without a table of contacts, the staged rows of the first import become that table, on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from schemas.catalogue import FieldCatalogue
from schemas.errors.changes import PlanOutdated
from schemas.errors.warehouse import WarehouseError
from tests.warehouse.conftest import NOON, Importer, merge_rules
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables, has_contacts, migrate
from warehouse.merge.dry_run import preview_merge
from warehouse.merge.execution import MergeCounts
from warehouse.merge.staging import Staging

ROWS: list[dict[str, Any]] = [{"email": f"{letter}@example.org", "name": letter} for letter in "cabed"]
EMAILS = [row["email"] for row in ROWS]


@pytest.fixture(params=["postgres"])
def warehouse_url(postgres_url: str) -> str:
    """Only PostgreSQL does this."""
    return postgres_url


@pytest.fixture
def importer(importer: Importer) -> Importer:
    """A warehouse as an import finds it the first time: every table but `contacts`."""
    with importer.warehouse.write_transaction() as connection:
        connection.execute(text(f"drop table {importer.warehouse.schema}.contacts cascade"))
    migrate(importer.warehouse, importer.catalogue, contacts=False)
    assert not has_contacts(importer.warehouse)
    return importer


@contextmanager
def staged(importer: Importer, rows: list[dict[str, Any]] = ROWS, only: tuple[str, ...] = ()) -> Iterator[Staging]:
    """The rows, staged by an import that found no contacts."""
    fields = [field for field in importer.catalogue.fields if not only or field.id in only]
    with importer.staging(importer.start(), fields) as staging:
        staging.add(importer.write(rows, fields))
        yield staging


def structure(warehouse: Warehouse) -> list[Any]:
    """Columns, keys, indexes, options and the owned sequence of the contacts; the order of columns may differ."""
    query = """
        select conname, contype, pg_get_constraintdef(oid) from pg_constraint where conrelid = {};
        select pg_get_indexdef(indexrelid), indisvalid, indisready from pg_index where indrelid = {};
        select attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), collname
        from pg_attribute left join pg_collation on pg_collation.oid = attcollation
        left join pg_attrdef on adrelid = attrelid and adnum = attnum where attrelid = {} and attnum > 0;
        select reloptions, relpersistence from pg_class where oid = {};
        select pg_get_serial_sequence({}::regclass::text, 'contact_id');
        select table_name from information_schema.view_column_usage where view_name = 'contact_changes'
    """.replace("{}", f"'{warehouse.schema}.contacts'::regclass")
    with warehouse.read_transaction() as connection:
        return [sorted(map(tuple, connection.execute(text(each))), key=str) for each in query.split(";")]


def test_the_new_table_is_the_one_that_create_tables_makes(importer: Importer) -> None:
    with staged(importer, only=("email", "name")) as staging:
        importer.load(staging, len(ROWS))
    made = structure(importer.warehouse)
    assert ("email", "text", True, None, "C") in made[2]  # compared by bytes, whatever the database's language
    with importer.warehouse.write_transaction() as connection:
        connection.execute(text(f"drop table {importer.warehouse.schema}.contacts cascade"))
    create_tables(importer.warehouse)
    assert made == structure(importer.warehouse)


def test_contacts_have_the_numbers_of_their_records(importer: Importer) -> None:
    with staged(importer) as staging:
        staging.exclude([2])
        assert importer.load(staging, 4).counts == MergeCounts(inserted=4)
        import_id = importer.import_ids[staging]
    contacts = importer.contacts()
    assert [(each["contact_id"], each["email"]) for each in contacts] == [
        (number, email) for number, email in enumerate(EMAILS, start=1) if number != 2
    ]
    assert {(each["created_at"], each["updated_at"]) for each in contacts} == {(NOON, NOON)}
    assert {(each["created_by_import"], each["updated_by_import"]) for each in contacts} == {(import_id, None)}


def test_the_next_import_goes_on_after_the_last_number(importer: Importer) -> None:
    with staged(importer) as staging:
        importer.load(staging, len(ROWS))
    new = {"email": "new@example.org", "name": "n"}
    changed = {**ROWS[0], "name": "changed"}
    assert importer([changed, *ROWS[1:], new]).counts == MergeCounts(inserted=1, updated=1, unchanged=4)
    by_email = {each["email"]: each for each in importer.contacts()}
    assert by_email["new@example.org"]["contact_id"] > len(ROWS)
    assert by_email[EMAILS[0]]["name"] == "changed"


def test_an_empty_first_import_leaves_a_table_for_the_next_one(importer: Importer) -> None:
    with staged(importer, []) as staging:
        assert importer.load(staging, 0).counts == MergeCounts()
    assert importer(ROWS).counts == MergeCounts(inserted=5)


def test_nobody_sees_the_table_before_the_commit_nor_after_a_failure(importer: Importer) -> None:
    def fail(*_: Any) -> Any:
        assert not has_contacts(importer.warehouse)
        raise RuntimeError("no report")

    with staged(importer) as staging:
        with pytest.raises(RuntimeError):
            importer.load(staging, len(ROWS), report=fail)
        assert not has_contacts(importer.warehouse)
        assert importer.load(staging, len(ROWS)).counts == MergeCounts(inserted=5)
    assert [each["email"] for each in importer.contacts()] == EMAILS


def test_two_rows_with_one_email_are_refused(importer: Importer) -> None:
    with staged(importer, [*ROWS, ROWS[0]]) as staging, pytest.raises(WarehouseError, match="contacts_email_key"):
        importer.load(staging, len(ROWS) + 1)
    assert not has_contacts(importer.warehouse)


def test_an_import_merges_if_the_table_was_created_meanwhile(importer: Importer) -> None:
    with staged(importer) as staging:
        create_tables(importer.warehouse)
        before = structure(importer.warehouse)
        assert importer(ROWS[:2]).counts == MergeCounts(inserted=2)
        assert importer.load(staging, len(ROWS)).counts == MergeCounts(inserted=3, unchanged=2)
    assert structure(importer.warehouse) == before


def test_the_second_of_two_first_imports_merges(importer: Importer) -> None:
    others = [{**ROWS[0], "name": "later"}, {"email": "z@example.org", "name": "z"}]
    with staged(importer) as one, staged(importer, others) as two:
        assert importer.load(one, len(ROWS)).counts == MergeCounts(inserted=5)
        assert importer.load(two, len(others)).counts == MergeCounts(inserted=1, updated=1)
    assert sorted(each["email"] for each in importer.contacts()) == sorted([*EMAILS, "z@example.org"])


def test_a_policy_without_inserts_creates_an_empty_table(importer: Importer) -> None:
    with staged(importer) as staging:
        assert importer.load(staging, len(ROWS), "update-only").counts == MergeCounts(skipped=5)
    assert importer.contacts() == []


def test_a_plan_is_compared_with_what_the_first_import_would_do(importer: Importer) -> None:
    seen: list[MergeCounts] = []

    def refuse(counts: MergeCounts, digest: str) -> None:
        seen.append(counts)
        raise PlanOutdated("the file", "5 inserted")

    with staged(importer) as staging:
        with pytest.raises(PlanOutdated):
            importer.load(staging, len(ROWS), approve=refuse)
        assert not has_contacts(importer.warehouse)
        importer.load(staging, len(ROWS), approve=lambda counts, digest: seen.append(counts))
    assert seen == [MergeCounts(inserted=5)] * 2
    assert len(importer.contacts()) == len(ROWS)


def test_members_of_a_segment_are_added_in_the_same_import(importer: Importer) -> None:
    with importer.warehouse.write_transaction() as connection:
        schema = importer.warehouse.schema
        connection.execute(text(f"insert into {schema}.segments (segment_id, created_at) values ('all', now())"))
    with staged(importer) as staging:
        assert importer.load(staging, len(ROWS), segment="all").segment_added == len(ROWS)


def test_a_field_that_another_import_announced_has_its_column(
    importer: Importer, small_catalogue: FieldCatalogue
) -> None:
    """That import failed before it merged, so the catalogue's field is known and `contacts` was not there."""
    more = small_catalogue.fields[1].model_copy(update={"id": "later_field"})
    with staged(importer) as staging:
        catalogue = small_catalogue.model_copy(update={"fields": (*small_catalogue.fields, more)})
        migrate(importer.warehouse, catalogue, contacts=False)
        importer.load(staging, len(ROWS))
    with importer.warehouse.read_transaction() as connection:
        query = text(f"select count(*) - count(later_field) from {importer.warehouse.schema}.contacts")
        assert connection.scalar(query) == len(ROWS)


def test_an_updated_contact_stays_in_its_page(importer: Importer) -> None:
    """While its page has room, no index has to change."""
    many = [{"email": f"{number:03}@example.org", "name": "x" * 100} for number in range(500)]
    place = text(f"select email, (ctid::text::point)[0] from {importer.warehouse.schema}.contacts order by email")
    with staged(importer, many) as staging:
        importer.load(staging, len(many))
    with importer.warehouse.read_transaction() as connection:
        before = connection.execute(place).all()
    assert importer([{**row, "name": "y" * 100} for row in many[::50]]).counts == MergeCounts(updated=10)
    with importer.warehouse.read_transaction() as connection:
        assert connection.execute(place).all() == before
    assert len({page for _, page in before}) > 5


def test_a_preview_before_the_first_import_says_what_it_would_do(importer: Importer) -> None:
    with importer.warehouse.write_transaction() as connection:
        schema = importer.warehouse.schema
        connection.execute(text(f"insert into {schema}.segments (segment_id, created_at) values ('all', now())"))
    with staged(importer) as staging:
        staging.ensure_staged()
        previewed = preview_merge(staging, rules=merge_rules("overwrite"), segment="all", accepted=len(ROWS), rows=2)
        assert not has_contacts(importer.warehouse)
        loaded = importer.load(staging, len(ROWS), segment="all")
    assert (loaded.counts, loaded.segment_added) == (previewed.counts, previewed.segment_added)
    assert [row["email"] for row in previewed.first_rows] == EMAILS[:2]
