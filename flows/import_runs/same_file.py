"""Finds out whether an import would repeat an earlier one. The file is known by its bytes or its strong ETag."""

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
from flows.import_runs.context import ImportContext
from flows.reports.models import ImportReport
from schemas.catalogue import FieldCatalogue
from schemas.choices import IfSameFile
from schemas.presets.loader import is_preset_path, split_preset_name
from transforms.sources.addresses import redacted
from transforms.sources.fetch import ResolvedSource
from warehouse.import_list.entries import record_landing, skip_import
from warehouse.import_list.repeats import RepeatedImport, find_repeated_import

EXCLUDED_OPTIONS = {"source", "date", "if_same_file", "plan"}  # they do not decide how a file is read
DISTRIBUTION = "contact-import"


@dataclass(frozen=True)
class RepeatCheck:
    """A resolved source, and what its import has in common with an earlier one if it repeats that."""

    context: ImportContext
    found: ResolvedSource
    fingerprint: str
    names: frozenset[str]
    archives: frozenset[str]

    @classmethod
    def of(cls, context: ImportContext, found: ResolvedSource, request: ImportRequest | None = None) -> Self:
        """`request` is what decides how the file is read, if that is not the context's request."""
        name, member = PurePosixPath(redacted(found.address.path)).name, found.address.member
        request, origin = request or context.request, context.origin
        preset = request.preset or context.report.first_import.preset
        source = redacted(request.source)
        archives = {source.removesuffix(f"!{member}")} if member else set()
        return cls(
            context,
            found,
            fingerprint(request, context.catalogue, name, context.settings.presets, member, preset),
            frozenset({source, context.report.series}),
            frozenset(archives | ({origin.archive} if origin else set())),
        )

    def find_by_version(self) -> RepeatedImport | None:
        """The import to repeat, if the server says that the file has not changed. Nothing is fetched."""
        return self._find(version=version_of(self.found, etag_of(self.found)))

    def find_by_content(self, sha256: str) -> RepeatedImport | None:
        """The import to repeat, if the bytes are the same."""
        return self._find(sha256=sha256)

    def record_landing(self, sha256: str, etag: str | None) -> None:
        """Store with the import what a later one is compared with."""
        record_landing(
            self.context.warehouse,
            self.context.import_id,
            sha256=sha256,
            fingerprint=self.fingerprint,
            source_version=version_of(self.found, etag),
            source_day=self.found.day,
        )

    def skip(self, repeated: RepeatedImport, *, fetched: bool = True) -> ImportReport:
        """Close the import as skipped, since it would only repeat another."""
        if not fetched:
            self.record_landing(repeated.sha256, etag_of(self.found))
        result = self.context.report.skipped(repeated.import_id, repeated.sha256)
        skip_import(
            self.context.warehouse,
            self.context.import_id,
            repeats=repeated.import_id,
            report=result.model_dump(),
            finished_at=datetime.now(UTC),
        )
        return result

    def _find(self, **file: str | None) -> RepeatedImport | None:
        request = self.context.request
        if request.if_same_file is IfSameFile.IMPORT or request.plan:  # a plan is merged, or is outdated
            return None
        return find_repeated_import(
            self.context.warehouse, names=self.names, fingerprint=self.fingerprint, archives=self.archives, **file
        )


def fingerprint(
    request: ImportRequest,
    catalogue: FieldCatalogue,
    name: str,
    presets: Path,
    member: str | None = None,
    preset: str | None = None,
) -> str:
    """A hash of everything that decides what becomes of a file's rows: catalogue, options, release of this project.

    The files of an archive have the same bytes, those of the archive, so the `member` is included. A preset also
    depends on the file's name, but not on its digits, which may be a date.
    """
    content = {
        "catalogue": catalogue.model_dump(mode="json"),
        "options": request.model_dump(mode="json", exclude=EXCLUDED_OPTIONS),
        "member": member,
        "mapping_file": _content(request.mapping_file),
        "presets": [re.sub("[0-9]+", "", name), *_presets(preset, presets)] if preset else [],
        "release": _release(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _presets(name: str, folder: Path) -> Iterator[str | None]:
    """Hashes of the preset, if it is a path, and of all presets of the user: a name may come to mean another one."""
    path = split_preset_name(name)[0]
    yield _content(path) if is_preset_path(path) else None
    for file in sorted(folder.glob("*.yaml")):
        yield _content(str(file))


def etag_of(found: ResolvedSource) -> str | None:
    """The ETag that the server gave before the file was fetched."""
    return found.stamp.etag if found.stamp else None


def version_of(found: ResolvedSource, etag: str | None) -> str | None:
    """A hash of a remote file's address and strong ETag. An address may hold a secret, hence the hash.

    None without one: a weak ETag does not mean that the bytes are the same.
    """
    if found.address.is_local or not etag or etag.startswith("W/"):
        return None
    key = (found.address.origin, found.address.user, found.address.path, found.address.member, etag)
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()


def _content(path: str | None) -> str | None:
    """A hash of a file. A pipe can be read only once, so it is left alone and never counts as the same."""
    try:
        if path and Path(path).exists() and not Path(path).is_file():
            return token_hex()
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else None
    except OSError:  # reading the mapping reports it
        return None


def _release() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # a checkout that was not installed
        return ""
