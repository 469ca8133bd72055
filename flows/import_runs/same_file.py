"""The same file again: known by its content, or by what a server calls its version, and then left out if so asked."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import Self

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.reports.report import Report, ReportBuilder
from schemas.catalogue import FieldCatalogue
from schemas.choices import IfSameFile
from schemas.presets.loader import split_preset_name
from transforms.sources.addresses import redacted
from transforms.sources.fetch import ResolvedSource
from warehouse.database.connection import Warehouse
from warehouse.import_list.entries import record_landing, skip_import
from warehouse.import_list.repeats import RepeatedImport, find_repeated_import

EXCLUDED_OPTIONS = {"source", "date", "if_same_file"}  # which file it is, and what to do about it; not how it is read
DISTRIBUTION = "contact-import"


@dataclass(frozen=True)
class RepeatCheck:
    """A file that was found, and what its import must have in common with an earlier one to repeat it."""

    warehouse: Warehouse
    request: ImportRequest
    found: ResolvedSource
    fingerprint: str
    names: frozenset[str]
    archives: frozenset[str]

    @classmethod
    def of(
        cls,
        warehouse: Warehouse,
        request: ImportRequest,
        settings: Settings,
        catalogue: FieldCatalogue,
        found: ResolvedSource,
        report: ReportBuilder,
    ) -> Self:
        name, member = PurePosixPath(redacted(found.address.path)).name, found.address.member
        preset = request.preset or report.earlier_decisions.preset
        source = redacted(request.source)
        archives = {source.removesuffix(f"!{member}")} if member else set()
        return cls(
            warehouse,
            request,
            found,
            fingerprint(request, catalogue, name, settings.presets, member, preset),
            frozenset({source, report.series}),
            frozenset(archives | ({report.origin.archive} if report.origin else set())),
        )

    def find_by_version(self) -> RepeatedImport | None:
        """The import to leave this file for, by what its server says alone; nothing of it is fetched."""
        return self._known(version=version_of(self.found, etag_of(self.found)))

    def find_by_content(self, sha256: str) -> RepeatedImport | None:
        """The import to leave these bytes for."""
        return self._known(sha256=sha256)

    def note(self, import_id: int, sha256: str, etag: str | None) -> None:
        """Remember with the import what a later one would have to have in common with it."""
        version = version_of(self.found, etag)
        record_landing(
            self.warehouse,
            import_id,
            sha256=sha256,
            fingerprint=self.fingerprint,
            source_version=version,
            source_day=self.found.day,
        )

    def skip(self, report: ReportBuilder, repeated: RepeatedImport, *, fetched: bool = True) -> Report:
        """Close the import as one that only repeats another."""
        assert report.import_id is not None
        if not fetched:
            self.note(report.import_id, repeated.sha256, etag_of(self.found))
        result = report.skipped(repeated.import_id, repeated.sha256)
        moment = datetime.now(UTC)
        skip_import(self.warehouse, report.import_id, repeats=repeated.import_id, report=result, finished_at=moment)
        return result

    def _known(self, **file: str | None) -> RepeatedImport | None:
        if self.request.if_same_file is IfSameFile.IMPORT:
            return None
        names, archives = self.names, self.archives
        return find_repeated_import(
            self.warehouse, names=names, fingerprint=self.fingerprint, archives=archives, **file
        )


def fingerprint(
    request: ImportRequest,
    catalogue: FieldCatalogue,
    name: str,
    presets: Path,
    member: str | None = None,
    preset: str | None = None,
) -> str:
    """A hash of all that decides what becomes of a file's rows: catalogue, options, the release of this project.

    The bytes of an archive are the same for each file in it, so the `member` tells these apart.
    A preset, be it of the import that this is a retry of, also goes by the file's name; its digits may be a date and
    say nothing.
    """
    told = {
        "catalogue": catalogue.model_dump(mode="json"),
        "options": request.model_dump(mode="json", exclude=EXCLUDED_OPTIONS),
        "member": member,
        "mapping_file": _content(request.mapping_file),
        "presets": [re.sub("[0-9]+", "", name), *_presets(preset, presets)] if preset else [],
        "release": _release(),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _presets(asked: str, folder: Path) -> Iterator[str | None]:
    """The content of a preset at a path, and of all of the user's own, since a name may come to mean another."""
    yield _content(split_preset_name(asked)[0])
    for path in sorted(folder.glob("*.yaml")):
        yield _content(str(path))


def etag_of(found: ResolvedSource) -> str | None:
    """What the file's server calls the version that it has now."""
    return found.stamp.etag if found.stamp else None


def version_of(found: ResolvedSource, etag: str | None) -> str | None:
    """A remote file and its strong ETag, as a hash, since an address may hold a secret; None where there is none.

    A weak ETag says that two versions mean the same, not that they are the same bytes.
    """
    if found.address.is_local or not etag or etag.startswith("W/"):
        return None
    told = (found.address.origin, found.address.user, found.address.path, found.address.member, etag)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _content(path: str | None) -> str | None:
    """A hash of a file; a pipe is left to be read, once, by who needs it, and is never the same again."""
    try:
        if path and Path(path).exists() and not Path(path).is_file():
            return token_hex()
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else None
    except OSError:  # reading the mapping will say so
        return None


def _release() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # a checkout that was not installed
        return ""
