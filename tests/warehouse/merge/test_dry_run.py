"""A preview counts what the merge would do, without writing or locking."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from schemas.errors.changes import PlanOutdated
from tests.warehouse.conftest import Importer, merge_rules
from warehouse.contacts.segments import create_segment, list_segments
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import get_import
from warehouse.merge.change_list import Change
from warehouse.merge.dry_run import MergePreview, preview_merge
from warehouse.merge.execution import MergeCounts
from warehouse.merge.staging import Staging
from warehouse.tables import WarehouseTables

STORED: list[dict[str, Any]] = [
    {"email": "same@example.org", "name": "Ann", "vip": True},
    {"email": "other@example.org", "name": "Bob"},
    {"email": "gap@example.org", "name": ""},
    {"email": "blank@example.org", "name": "Eve", "spent": 1.5},
    {"email": "absent@example.org", "name": "Joe"},
]
FILE: list[dict[str, Any]] = [
    {"email": "same@example.org", "name": "Ann", "vip": True},
    {"email": "other@example.org", "name": "Rob"},
    {"email": "gap@example.org", "name": "Gus"},
    {"email": "blank@example.org", "name": None, "spent": None},
    {"email": "new@example.org", "name": "Zoe"},
]


def preview(staging: Staging, policy: str, blanks: str = "keep", **more: Any) -> MergePreview:
    staging.ensure_staged()
    return preview_merge(staging, rules=merge_rules(policy, blanks), accepted=len(FILE), rows=2, **more)


def approval_of(planned: str) -> Callable[[MergeCounts, str], None]:
    def check(counts: MergeCounts, digest: str) -> None:
        if digest != planned:
            raise PlanOutdated("the warehouse", f"{counts.inserted} inserted, {counts.updated} updated")

    return check


@pytest.mark.parametrize(
    ("policy", "blanks"),
    [
        *((policy, "keep") for policy in ("insert-only", "overwrite", "fill-empty", "update-only")),
        *((policy, "clear") for policy in ("overwrite", "update-only")),
    ],
)
def test_a_preview_counts_what_the_merge_does(importer: Importer, policy: str, blanks: str) -> None:
    create_segment(importer.warehouse, "vip")
    importer(STORED)
    importer(FILE[:1], segment="vip")
    before = importer.contacts()
    with importer.staging(importer.start(policy)) as staging:
        staging.add(importer.write(FILE))
        previewed = preview(staging, policy, blanks=blanks, segment="vip")
        assert importer.contacts() == before
        loaded = importer.load(
            staging, len(FILE), policy, blanks=blanks, segment="vip", approve=approval_of(previewed.digest)
        )
    assert (loaded.counts, loaded.segment_added) == (previewed.counts, previewed.segment_added)
    assert loaded.report["changes"] == {field: asdict(each) for field, each in previewed.result.changes.items()}
    assert [row["name"] for row in previewed.first_rows] == ([] if policy == "update-only" else ["Zoe"])


def test_a_preview_of_emails_only_changes_no_contact(importer: Importer) -> None:
    importer(STORED)
    with importer.staging(importer.start(), importer.catalogue.fields[:1]) as staging:
        staging.add(importer.write([{"email": row["email"]} for row in FILE]))
        assert preview(staging, "overwrite").counts == MergeCounts(inserted=1, unchanged=4)


def test_nothing_that_a_preview_writes_stays(importer: Importer) -> None:
    contacts = WarehouseTables(importer.warehouse.schema, importer.catalogue.fields).contacts
    importer(STORED)
    before = importer.contacts()
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(FILE))
        with staging.rolled_back_transaction() as connection:
            connection.execute(update(contacts).values(name="x"))
        assert importer.contacts() == before
        assert preview(staging, "overwrite").counts.inserted == 1
        assert importer.load(staging, len(FILE)).counts.inserted == 1


def test_a_writer_and_a_preview_do_not_wait_for_each_other(
    importer: Importer, open_warehouse: Callable[[], Warehouse]
) -> None:
    importer(STORED)
    tables = WarehouseTables(importer.warehouse.schema, importer.catalogue.fields)
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(FILE))
        staging.ensure_staged()
        with open_warehouse().write_transaction() as writer:
            importer.warehouse.backend.lock_tables(writer, tables.contacts, tables.segment_members)
            writer.execute(text("select 1"))
            during = preview(staging, "overwrite")
        with staging.rolled_back_transaction() as reader:
            reader.execute(select(staging.tables.staged)).all()
            with open_warehouse().write_transaction() as writer:
                writer.execute(update(tables.contacts).where(tables.contacts.c.name == "Bob").values(name="Rob"))
        after = preview(staging, "overwrite")
    assert (during.counts.updated, after.counts.updated) == (2, 1)


def test_counts_that_were_not_planned_are_not_merged(importer: Importer) -> None:
    importer(STORED)
    before = importer.contacts()
    number = importer.start()
    with importer.staging(number) as staging:
        staging.add(importer.write(FILE))
        staging.ensure_staged()
        with pytest.raises(PlanOutdated):
            importer.load(staging, len(FILE), approve=approval_of("0" * 16))
        assert importer.contacts() == before
        assert get_import(importer.warehouse, number)["status"] == "running"
        previewed = preview(staging, "overwrite")
        assert importer.load(staging, len(FILE), approve=approval_of(previewed.digest)).counts == previewed.counts


def test_memberships_that_were_not_planned_are_not_added(importer: Importer) -> None:
    """The contacts have not changed, but another import added one to the segment."""
    create_segment(importer.warehouse, "vip")
    importer(STORED)
    number = importer.start()
    with importer.staging(number) as staging:
        staging.add(importer.write(FILE))
        previewed = preview(staging, "overwrite", segment="vip")
        importer(STORED[:1], segment="vip")
        before = importer.contacts()
        assert preview(staging, "overwrite", segment="vip").counts == previewed.counts
        with pytest.raises(PlanOutdated):
            importer.load(staging, len(FILE), segment="vip", approve=approval_of(previewed.digest))
        assert importer.contacts() == before
        assert [segment["members"] for segment in list_segments(importer.warehouse)] == [1]
        again = preview(staging, "overwrite", segment="vip")
        assert again.segment_added == previewed.segment_added - 1
        assert importer.load(staging, len(FILE), segment="vip", approve=approval_of(again.digest)).segment_added == 4


def test_other_members_than_planned_are_not_added_where_their_number_is_the_same(importer: Importer) -> None:
    """The numbers of the members have the same sum, too."""
    create_segment(importer.warehouse, "vip")
    importer(STORED)
    members = WarehouseTables(importer.warehouse.schema).segment_members
    known = {row["email"] for row in FILE}
    first, second, third, fourth = (row["contact_id"] for row in importer.contacts() if row["email"] in known)

    def replace_members(*contact_ids: int) -> None:
        rows = [{"segment_id": "vip", "contact_id": number, "import_id": 1} for number in contact_ids]
        with importer.warehouse.write_transaction() as connection:
            connection.execute(delete(members))
            connection.execute(insert(members), rows)

    assert first + fourth == second + third
    replace_members(second, third)
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(FILE))
        previewed = preview(staging, "overwrite", segment="vip")
        replace_members(first, fourth)
        assert preview(staging, "overwrite", segment="vip").segment_added == previewed.segment_added
        with pytest.raises(PlanOutdated):
            importer.load(staging, len(FILE), segment="vip", approve=approval_of(previewed.digest))


def test_another_change_of_the_same_counts_is_not_merged(importer: Importer) -> None:
    """The same numbers of cells and contacts, but another stored value."""
    importer(STORED)
    contacts = WarehouseTables(importer.warehouse.schema, importer.catalogue.fields).contacts
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(FILE))
        planned = preview(staging, "overwrite")
        with importer.warehouse.write_transaction() as connection:
            connection.execute(update(contacts).where(contacts.c.name == "Bob").values(name="Bo"))
        before = importer.contacts()
        assert preview(staging, "overwrite").counts == planned.counts
        with pytest.raises(PlanOutdated, match="1 inserted, 2 updated"):
            importer.load(staging, len(FILE), approve=approval_of(planned.digest))
        assert importer.contacts() == before


def lister(listed: list[tuple[object, ...]]) -> Callable[[Iterator[Change]], Iterator[Change]]:
    """Collects changes without their contact numbers, and hands them on."""

    def collect(changes: Iterator[Change]) -> Iterator[Change]:
        for change in changes:
            listed.append((change.email, *change[2:]))
            yield change

    return collect


def test_the_whole_difference_is_listed_by_email(importer: Importer) -> None:
    importer(STORED)
    listed: list[tuple[object, ...]] = []
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(FILE))
        found = preview(
            staging,
            "overwrite",
            "clear",
            through=lister(listed),
        )
    assert listed == [
        ("blank@example.org", "name", "cleared", "Eve", None),
        ("blank@example.org", "spent", "cleared", "1.5", None),
        ("gap@example.org", "name", "filled", None, "Gus"),
        ("new@example.org", None, "inserted", None, None),
        ("other@example.org", "name", "replaced", "Bob", "Rob"),
    ]
    numbers = {kind: len(cells) for kind, cells in found.summary.examples.items()}
    assert numbers == {
        "cleared": 2,
        "filled": 1,
        "replaced": 1,
    }


def test_kept_cells_are_listed_with_the_value_of_the_file(importer: Importer) -> None:
    importer(STORED)
    listed: list[tuple[object, ...]] = []
    with importer.staging(importer.start()) as staging:
        staging.add(importer.write(FILE))
        preview(staging, "fill-empty", through=lister(listed))
    assert ("other@example.org", "name", "kept-by-policy", "Bob", "Rob") in listed
