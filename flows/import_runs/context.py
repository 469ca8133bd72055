"""What the steps of one import share."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.pipeline.progress import Progress
from flows.pipeline.sources import ArchiveOrigin, SourceLookups
from flows.pipeline.task_order import ChunkRunner
from flows.reports.builder import ImportReportBuilder
from schemas.catalogue import FieldCatalogue
from transforms.sources.fetch import ResolvedSource
from transforms.work_folder import ImportFolder
from warehouse.database.connection import Warehouse
from warehouse.import_list.claims import InboxClaim


@dataclass(frozen=True)
class InboxFile:
    """A file of an inbox, which was found already. The import's entry in the list is its claim to the file.

    `rejected_name` gives the name that its rejected rows will have in the inbox, by the number of the import.
    """

    found: ResolvedSource
    claim: InboxClaim
    rejected_name: Callable[[int], str]


@dataclass(frozen=True)
class ImportList:
    """The warehouse's list of imports. While the process lives, `liveness_key` is locked in it."""

    warehouse: Warehouse
    settings: Settings
    liveness_key: int


class RunServices(NamedTuple):
    """What a run of Prefect and a command do differently."""

    lookups: SourceLookups
    runner: Callable[[Settings], AbstractContextManager[ChunkRunner]]
    progress: Callable[[], Progress]


@dataclass(frozen=True)
class ImportContext:
    """One import that is in the list, or a plan, which is not. `report` collects what becomes known."""

    settings: Settings
    warehouse: Warehouse
    catalogue: FieldCatalogue
    folder: ImportFolder
    import_id: int
    report: ImportReportBuilder
    services: RunServices
    origin: ArchiveOrigin | None = None
    inbox: InboxFile | None = None

    @property
    def request(self) -> ImportRequest:
        return self.report.options
