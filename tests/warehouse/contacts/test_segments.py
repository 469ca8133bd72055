"""Segments are created by a person, keep their exact name and count their members."""

from datetime import UTC

import pytest
from sqlalchemy import delete

from schemas.errors.request import UnknownSegment, UsageError
from tests.warehouse.conftest import Importer
from warehouse.contacts.segments import check_segment, create_segment, list_segments
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables
from warehouse.tables import WarehouseTables


@pytest.fixture
def empty(warehouse: Warehouse) -> Warehouse:
    create_tables(warehouse)
    return warehouse


def test_creating_a_segment_twice_says_that_it_exists(empty: Warehouse) -> None:
    assert [create_segment(empty, name) for name in (" vip ", "vip", "VIP", "ñ 😀'; --")] == [True, False, True, True]
    listed = list_segments(empty)
    assert {segment["segment_id"] for segment in listed} == {"vip", "VIP", "ñ 😀'; --"}
    assert {segment["members"] for segment in listed} == {0}
    assert {segment["created_at"].tzinfo for segment in listed} == {UTC}


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b", "\udc80"])
def test_a_segment_needs_a_printable_name(empty: Warehouse, name: str) -> None:
    with pytest.raises(UsageError):
        create_segment(empty, name)


def test_the_error_for_an_unknown_segment_lists_the_known_ones(empty: Warehouse) -> None:
    create_segment(empty, "vip")
    check_segment(empty, "vip")
    for name in ("VIP", "a\0b", ""):
        with pytest.raises(UnknownSegment) as caught:
            check_segment(empty, name)
        assert caught.value.known == ("vip",)


def test_members_whose_contact_was_deleted_are_not_counted(importer: Importer) -> None:
    create_segment(importer.warehouse, "vip")
    importer([{"email": "ann@example.org"}, {"email": "bob@example.org"}], segment="vip")
    contacts = WarehouseTables(importer.warehouse.schema).contacts
    with importer.warehouse.write_transaction() as connection:
        connection.execute(delete(contacts).where(contacts.c.email == "bob@example.org"))
    assert [segment["members"] for segment in list_segments(importer.warehouse)] == [1]
