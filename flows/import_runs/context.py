"""What the steps of one import share."""

import datetime
from dataclasses import dataclass

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.reports.builder import ImportReportBuilder
from schemas.catalogue import FieldCatalogue
from transforms.sources.fetch import ResolvedSource
from transforms.work_folder import ImportFolder
from warehouse.database.connection import Warehouse
from warehouse.import_list.claims import InboxClaim


@dataclass(frozen=True)
class ArchiveOrigin:
    """Where a file of an archive comes from. `series` is the same every night; `archive` is as it was requested."""

    series: str
    archive: str
    day: datetime.date | None


@dataclass(frozen=True)
class InboxFile:
    """A file of an inbox, which was found already. The import's entry in the list is its claim to the file."""

    found: ResolvedSource
    claim: InboxClaim


@dataclass(frozen=True)
class ImportList:
    """The warehouse's list of imports. While the process lives, `liveness_key` is locked in it."""

    warehouse: Warehouse
    settings: Settings
    liveness_key: int


@dataclass(frozen=True)
class ImportContext:
    """One import that is in the list. `report` collects what becomes known."""

    request: ImportRequest
    settings: Settings
    warehouse: Warehouse
    catalogue: FieldCatalogue
    folder: ImportFolder
    import_id: int
    report: ImportReportBuilder
    origin: ArchiveOrigin | None = None
    inbox: InboxFile | None = None
