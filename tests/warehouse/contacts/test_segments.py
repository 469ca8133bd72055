"""Segments are made by hand, named as typed, and counted by who is in them."""

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


def test_a_segment_is_new_once(empty: Warehouse) -> None:
    assert [create_segment(empty, name) for name in (" vip ", "vip", "VIP", "ñ 😀'; --")] == [True, False, True, True]
    listed = list_segments(empty)
    assert {segment["segment_id"] for segment in listed} == {"vip", "VIP", "ñ 😀'; --"}
    assert {segment["members"] for segment in listed} == {0}
    assert {segment["created_at"].tzinfo for segment in listed} == {UTC}


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b", "\udc80"])
def test_a_segment_needs_a_printable_name(empty: Warehouse, name: str) -> None:
    with pytest.raises(UsageError):
        create_segment(empty, name)


def test_an_unknown_segment_is_told_with_the_known_ones(empty: Warehouse) -> None:
    create_segment(empty, "vip")
    check_segment(empty, "vip")
    for name in ("VIP", "a\0b", ""):
        with pytest.raises(UnknownSegment) as caught:
            check_segment(empty, name)
        assert caught.value.known == ("vip",)


def test_members_that_left_the_warehouse_are_not_counted(importer: Importer) -> None:
    create_segment(importer.warehouse, "vip")
    importer([{"email": "ann@example.org"}, {"email": "bob@example.org"}], segment="vip")
    contacts = WarehouseTables(importer.warehouse.schema).contacts
    with importer.warehouse.write_transaction() as connection:
        connection.execute(delete(contacts).where(contacts.c.email == "bob@example.org"))
    assert [segment["members"] for segment in list_segments(importer.warehouse)] == [1]
