"""Plans an import: reads and checks the file as the import would, compares it with the contacts, and writes nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from flows.config.settings import Settings, sqlite_url
from flows.import_runs.context import ImportContext, RunServices
from flows.import_runs.same_file import RepeatCheck
from flows.import_runs.tasks import (
    check_names,
    land_source,
    map_landed,
    preview_staged,
    resolve_source,
    staged_file,
)
from flows.pipeline.steps import catalogue_for
from flows.planning.digest import PlanDigest
from flows.reports.builder import ImportReportBuilder, redact_error
from flows.reports.models import ImportReport
from flows.reports.outcomes import RunOutcome
from flows.reports.phrases import counted
from schemas.catalogue import FieldCatalogue
from transforms.work_folder import ImportFolder
from warehouse.database.connection import Warehouse, database_file
from warehouse.database.migrations import check_current, has_contacts, migrate
from warehouse.merge.dry_run import ChangeStream, MergePreview

NO_IMPORT = 0  # a plan is not in the import list


class PlanOutcome(NamedTuple):
    """What an import would do. There is no preview if it would fail."""

    outcome: RunOutcome[ImportReport]
    preview: MergePreview | None = None


def plan_import(
    report: ImportReportBuilder,
    settings: Settings,
    path: Path,
    services: RunServices,
    through: ChangeStream | None = None,
) -> PlanOutcome:
    """Plan the import of one file. `path` is a folder for temporary files. The report gets what becomes known.

    `through` gets every change, also each new contact, by email, and hands it on.
    """
    try:
        catalogue = catalogue_for(report.options, settings)
        with _warehouse_or_empty_one(settings, path, catalogue) as warehouse:
            folder = ImportFolder.local(path)
            context = ImportContext(settings, warehouse, catalogue, folder, NO_IMPORT, report, services)
            try:
                preview, digest = _plan(context, through)
            finally:
                report.rejected_file = None  # it is deleted with the folder
    except Exception as error:
        if os.environ.get("CONTACTS_DEBUG"):
            raise
        return PlanOutcome(RunOutcome(report.failed(redact_error(error)), report.stages))
    return PlanOutcome(RunOutcome(report.planned(preview, str(digest)), report.stages), preview)


def _plan(context: ImportContext, through: ChangeStream | None) -> tuple[MergePreview, PlanDigest]:
    report = context.report
    check_names(context)
    with report.stage("landing"):
        found = resolve_source(context)
        landed, layout = land_source(context, found)
        source = map_landed(context, landed, layout)
    report.log_stage("landing", f"{landed.size:,} bytes")
    with staged_file(context, source) as (checked, staging), report.stage("comparing"):
        preview = preview_staged(context, checked, staging, through)
    report.log_stage("comparing", counted(preview.counts.updated, "contact") + " would change")
    fingerprint = RepeatCheck.of(context, found).fingerprint
    return preview, PlanDigest.of(landed.sha256, fingerprint, preview.digest)


@contextmanager
def _warehouse_or_empty_one(settings: Settings, path: Path, catalogue: FieldCatalogue) -> Iterator[Warehouse]:
    """The warehouse; an empty one in the folder if there are no contacts yet, so that nothing needs to be created."""
    url = settings.warehouse_url.get_secret_value()
    file = database_file(url)
    if file is None or _may_exist(file):
        with Warehouse.open(url, settings.warehouse_schema, create=False) as warehouse:
            if has_contacts(warehouse):
                check_current(warehouse, catalogue)
                yield warehouse
                return
    with Warehouse.open(sqlite_url(path / "empty.db")) as empty:
        migrate(empty, catalogue)
        yield empty


def _may_exist(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # opening the warehouse says what is wrong
        return True
