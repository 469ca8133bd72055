"""Chunks are staged in order and completely before the merge, and no failure is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from flows.config.request import ReadingOptions
from flows.pipeline.background_staging import MAX_WAITING_CHUNKS, BackgroundStaging
from flows.reports.builder import ReportBuilder
from schemas.catalogue import FieldCatalogue
from tests.warehouse.conftest import Importer
from transforms.chunks.split import ChunkResult
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import migrate

CHUNKS = 3 * MAX_WAITING_CHUNKS


@pytest.fixture
def importer(warehouse: Warehouse, small_catalogue: FieldCatalogue, tmp_path: Path) -> Importer:
    migrate(warehouse, small_catalogue)
    return Importer(warehouse, small_catalogue, tmp_path)


@pytest.fixture
def stager(importer: Importer) -> Iterator[BackgroundStaging]:
    with BackgroundStaging(importer.staging(1), ReportBuilder(ReadingOptions(source="contacts.csv"))) as stager:
        yield stager


def chunk_result(number: int, path: str) -> ChunkResult:
    return ChunkResult(1, 0, path, None, None, first_record=number)


def test_all_chunks_are_staged_in_order(importer: Importer, stager: BackgroundStaging) -> None:
    for number in range(CHUNKS):
        row = {"record_number": 0, "email": f"c{number}@example.org"}
        stager.add(chunk_result(number, importer.write([row])))
    staging = stager.finish()
    with staging.rolled_back_transaction() as connection:
        emails = list(
            connection.scalars(select(staging.tables.staged.c.email).order_by(staging.tables.staged.c.record_number))
        )
    assert emails == [f"c{number}@example.org" for number in range(CHUNKS)]


def test_a_failure_is_raised_while_later_chunks_are_added(stager: BackgroundStaging) -> None:
    def add_all() -> None:
        for number in range(CHUNKS):
            stager.add(chunk_result(number, "is-not-there.arrow"))

    with pytest.raises(FileNotFoundError):
        add_all()


def test_a_failure_of_the_last_chunk_is_raised_before_the_merge(importer: Importer, stager: BackgroundStaging) -> None:
    stager.add(chunk_result(0, importer.write([{"email": "ann@example.org"}])))
    stager.add(chunk_result(1, "is-not-there.arrow"))
    with pytest.raises(FileNotFoundError):
        stager.finish()
