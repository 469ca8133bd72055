"""One look at an inbox: which files are complete, and what becomes of them, oldest first."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from flows.config.request import InboxRequest
from flows.config.settings import Settings
from flows.import_runs.lifecycle import open_import_list
from flows.inbox.configuration import check_configuration
from flows.inbox.handling import Handled, WaitingFile, handle_file
from flows.inbox.names import waiting_files
from flows.pipeline.sources import SourceLookups, find_folder
from flows.prefect_lookups import source_logins
from transforms.sources.folders import Folder
from transforms.sources.remote.base import FileStamp
from warehouse.database.connection import Warehouse
from warehouse.import_list.claims import claims_before_listing, list_claims, release_claims
from warehouse.import_list.entries import RUNNING

SECONDS_BETWEEN_LOOKS = 2.0  # a file that changes more slowly than this is taken for complete


def look_at_inbox(request: InboxRequest, settings: Settings) -> Iterator[Handled]:
    """Import and move the files that are the same in two looks. An error of the configuration ends the look."""
    folder = find_folder(request, settings, SourceLookups(logins=source_logins))
    before = waiting_files(folder)
    if not before:
        return
    time.sleep(SECONDS_BETWEEN_LOOKS)
    with open_import_list(settings) as imports:
        listed = claims_before_listing(imports.warehouse, folder.name)
        now = waiting_files(folder)
        complete = [name for name, stamp in now.items() if name in before and before[name].version == stamp.version]
        complete.sort(key=lambda name: (now[name].modified or "", name))
        _release_departed(imports.warehouse, folder, now)
        for name in complete:
            check_configuration(imports, request)  # before each file, since it may be edited during a look
            if handled := handle_file(imports, request, WaitingFile(folder, name, now[name], listed)):
                yield handled


def _release_departed(warehouse: Warehouse, folder: Folder, present: Mapping[str, FileStamp]) -> None:
    """End the claims to files that are no longer here: they were moved or deleted, and their worker died."""
    files = defaultdict[str, list[str]](list)
    for name, stamp in present.items():
        files[stamp.version].append(folder.file_name(name))

    def is_here(row: Mapping[str, Any]) -> bool:
        version, source = row["inbox_claim"].rpartition(" ")[0], row["source"]
        return any(source == file or source.startswith(f"{file}!") for file in files.get(version, ()))

    claims = list_claims(warehouse, folder.name)
    departed = [row["import_id"] for row in claims if row["status"] != RUNNING and not is_here(row)]
    if departed:
        release_claims(warehouse, departed)
