"""A catalogue may have hundreds of fields: databases limit the columns and the terms of one statement."""

from pathlib import Path

import pytest
from sqlalchemy import func, select, table

from schemas.catalogue import FieldCatalogue
from schemas.errors.warehouse import WarehouseUnusable
from tests.warehouse.conftest import Importer, merge_rules, on_postgres
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate
from warehouse.merge.dry_run import preview_merge
from warehouse.undo.undo import undo_import

NAMES = [f"field_{number}" for number in range(700)]
CATALOGUE = FieldCatalogue.model_validate(
    {
        "fields": [
            {"id": "email", "type": "email", "identity": True},
            *({"id": name, "type": "text"} for name in NAMES),
        ]
    }
)


def test_hundreds_of_fields_are_planned_imported_listed_and_undone(warehouse: Warehouse, tmp_path: Path) -> None:
    migrate(warehouse, CATALOGUE)
    people = Importer(warehouse, CATALOGUE, tmp_path)
    people([{"email": "ann@example.org", **dict.fromkeys(NAMES, "old")}])
    changed = [{"email": "ann@example.org", **dict.fromkeys(NAMES, "new")}]
    with people.staging(people.start()) as staging:
        staging.add(people.write(changed))
        staging.ensure_staged()
        preview = preview_merge(staging, rules=merge_rules("overwrite"), accepted=1, rows=0)
    assert preview.result.counts.updated == 1
    people(changed)
    with warehouse.read_transaction() as connection:
        view = table("contact_changes", schema=warehouse.schema)
        assert connection.scalar(select(func.count()).select_from(view)) == len(NAMES)
    undo_import(warehouse, 3, CATALOGUE)
    [ann] = people.contacts()
    assert {ann[name] for name in NAMES} == {"old"}


@on_postgres
def test_more_changes_than_a_row_of_the_journal_takes_are_an_error(warehouse: Warehouse, tmp_path: Path) -> None:
    migrate(warehouse, CATALOGUE)
    people = Importer(warehouse, CATALOGUE, tmp_path)
    people([{"email": "ann@example.org", **dict.fromkeys(NAMES[:350], "a text of twenty one")}])
    changed = [{"email": "ann@example.org", **dict.fromkeys(NAMES[:350], "another of twenty one")}]
    with pytest.raises(WarehouseUnusable, match=r"row is too big.*fewer columns at once.*CONTACTS_JOURNAL=off"):
        people(changed)
    assert people.contacts()[0]["field_0"] == "a text of twenty one"
    assert people(changed, journal=False).counts.updated == 1
