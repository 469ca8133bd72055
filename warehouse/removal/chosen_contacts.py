"""The contacts that a delete or an erase is about, as a table of its transaction."""

from typing import Any

from sqlalchemy import Column, Connection, Select, Table, func, select
from sqlalchemy.schema import CreateTable

from warehouse.database.connection import Warehouse
from warehouse.tables import EmailText, KeyInteger, WarehouseTables


def email_table(warehouse: Warehouse, connection: Connection) -> Table:
    """A new table of this transaction for emails, which may repeat."""
    table = warehouse.backend.work_table("listed_emails", Column("email", EmailText))
    connection.execute(CreateTable(table))
    return table


def choose_contacts(warehouse: Warehouse, connection: Connection, contact_ids: Select[Any]) -> Table:
    """A table of this transaction with the numbers that a query finds, each once."""
    key = Column("contact_id", KeyInteger, primary_key=True, autoincrement=False)
    table = warehouse.backend.work_table("chosen_contacts", key)
    warehouse.backend.create_table_as(connection, table, contact_ids)
    return table


def count_chosen(connection: Connection, tables: WarehouseTables, chosen: Table) -> tuple[int, int]:
    """How many contacts are chosen and exist, and how many memberships they have."""
    contacts, members = tables.contacts, tables.segment_members
    numbers = []
    for table in (contacts, members):
        joined = table.join(chosen, chosen.c.contact_id == table.c.contact_id)
        numbers.append(connection.scalar(select(func.count()).select_from(joined)) or 0)
    return numbers[0], numbers[1]
