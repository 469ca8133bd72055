"""The report of an import: one JSON object, the same on the command line, in the list and in the artifacts."""

import datetime
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from flows.config.request import ImportRequest, ReadingOptions
from schemas.errors.base import ContactImportError, DiskFull, UnexpectedError
from transforms.chunks.file_profile import FileProfile
from transforms.chunks.split import ChunkResult
from transforms.landing.land import DISK_FULL_ERRNOS, Landed
from transforms.mapping.columns import ColumnMapping
from transforms.mapping.record_numbers import NUMBER, rejection_column
from transforms.parsing.dialect import QUOTE
from transforms.parsing.layout import Layout
from transforms.results.rejected_file import RejectedRows
from transforms.results.retry_file import NO_FIRST_IMPORT, FirstImport
from transforms.sources.addresses import redacted

if TYPE_CHECKING:  # `contacts check` needs no warehouse, nor the half second to load SQLAlchemy
    from warehouse.import_list.retries import RetriedImport, RetryCounts
    from warehouse.merge.execution import MergeCounts

Report = dict[str, Any]


@dataclass(frozen=True)
class ArchiveOrigin:
    """Where a file of an archive comes from. `series` is the same every night; `archive` is as it was requested."""

    series: str
    archive: str
    day: datetime.date | None


@dataclass
class ReportBuilder:
    """Gathers what becomes known as an import goes on; what never did stays null in the JSON."""

    options: ReadingOptions
    import_id: int | None = None
    landed: Landed | None = None
    layout: Layout | None = None
    mapping: ColumnMapping | None = None
    profile: FileProfile | None = None
    rejected: RejectedRows | None = None
    verdicts: Sequence[ChunkResult] = ()
    earlier: "RetriedImport | None" = None
    origin: ArchiveOrigin | None = None
    rejected_file: str | None = None
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds of a stage to what it took before; stages may lie within others."""
        self.stages.setdefault(name, 0.0)  # before those within it
        began = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] += time.monotonic() - began

    @property
    def rows(self) -> dict[str, int] | None:
        if self.profile is None or self.rejected is None:
            return None
        read = self.profile.records
        return {"read": read, "accepted": read - self.rejected.rows, "rejected": self.rejected.rows}

    @property
    def request(self) -> ImportRequest | None:
        """What was asked for, where it is an import and no check."""
        return self.options if isinstance(self.options, ImportRequest) else None

    def checked(self) -> Report:
        """The report of `contacts check`: no import, no contacts, no segment."""
        return self._json("completed", {})

    @property
    def earlier_decisions(self) -> FirstImport:
        """What the import that this is a retry of has decided about columns."""
        return FirstImport(self.earlier.columns, self.earlier.preset) if self.earlier else NO_FIRST_IMPORT

    @property
    def series(self) -> str:
        """What earlier imports of the same source are known by, such as those of other nights."""
        return self.origin.series if self.origin else redacted(self.options.source)

    @property
    def first_import(self) -> int | None:
        """The import whose records the rows of a mended file are numbered by; None where they have no such numbers."""
        numbered = self.earlier and self.mapping and rejection_column(self.mapping)
        return self.earlier.first if self.earlier and numbered else None

    def completed(self, counts: "MergeCounts", added: int, mended: "RetryCounts | None") -> Report:
        """The report of an import that is about to be committed."""
        assert self.request is not None
        segment = self.request.segment
        return self._json(
            "completed",
            {
                "contacts": asdict(counts),
                "segment": {"id": segment, "added": added} if segment else None,
                "mended": mended,
            },
        )

    def skipped(self, repeats: int, sha256: str) -> Report:
        """The report of an import that left everything to the one it would repeat."""
        return {**self._json("skipped", {"contacts": None, "segment": None, "repeats": repeats}), "sha256": sha256}

    def failed(self, error: ContactImportError) -> Report:
        """The report of an import that changed no contact, as far as it came."""
        more: Report = {"error": {"code": error.code, "message": str(error)}}
        if self.request:
            more |= {"contacts": None, "segment": None}
        return self._json("failed", more)

    def _json(self, status: str, more: Mapping[str, Any]) -> Report:
        source = redacted(self.options.source)
        return {
            **({"import_id": self.import_id} if self.request else {}),
            "status": status,
            "source": source,
            **({"source_file": self.landed.source} if self.landed and self.landed.source != source else {}),
            "sha256": self.landed.sha256 if self.landed else None,
            "merge": str(self.request.merge) if self.request else None,
            **({"retry_of": self._retry(self.request, more.get("mended"))} if self.request else {}),
            "rows": self.rows,
            **({"contacts": more["contacts"]} if "contacts" in more else {}),
            "dialect": self.layout.dialect.as_report() if self.layout else None,
            "preset": self.mapping.preset if self.mapping else None,
            "columns": self._columns(),
            "translations": [asdict(each) for each in self.profile.translations] if self.profile else [],
            "rejections": self.rejected.codes if self.rejected else {},
            **({"rejections_kept": self._kept(status)} if self.request else {}),
            "rejected_file": self.rejected_file,
            **({"segment": more["segment"]} if "segment" in more else {}),
            "warnings": self.warnings(status == "completed"),
            "seconds": round(time.monotonic() - self.started, 3),
            **({"error": more["error"]} if "error" in more else {}),
            **({"repeats": more["repeats"]} if "repeats" in more else {}),
        }

    def _retry(self, request: ImportRequest, mended: "RetryCounts | None") -> Report | None:
        if not request.retry_of:
            return None
        counts = (
            {"mended": mended.records, "missing": mended.outstanding} if mended else {"mended": None, "missing": None}
        )
        return {"id": request.retry_of, "first": self.first_import, **counts}

    def _kept(self, status: str) -> int:
        """How many rejections are in the warehouse, which has those of a completed import alone."""
        return self.rejected.kept if self.rejected and status == "completed" else 0

    def _columns(self) -> list[dict[str, object]]:
        return [column.as_report() for column in self.profile.columns] if self.profile else []

    def warnings(self, completed: bool) -> list[str]:
        """What is no error and nobody should miss."""
        found = [*(self.landed.warnings if self.landed else ()), *(self.layout.warnings if self.layout else ())]
        found += self.mapping.notes if self.mapping else ()
        if self.profile:
            found += _count(
                self.profile.blank_records,
                "line has only empty cells and is no record",
                "lines have only empty cells and are no records",
            )
            found += _count(
                self.profile.guarded_cells,
                "cell had a ' before a formula sign; it was taken off",
                "cells had a ' before a formula sign; it was taken off",
            )
            if self.profile.cut_off:
                found.append("the file stops inside a quoted cell: it may have been cut off")
        if self.layout and self.layout.rejected_file and self.request and not self.request.retry_of:
            found.append(
                "this is a rejected file, and it is not known of which import; with --retry-of and that import's "
                "number, its columns are read as they were then, and its rows count as mended"
            )
        if self.earlier and self.mapping and self.first_import is None:
            found.append(
                f"the file has no column {NUMBER}, so it is not known which rows of import {self.earlier.import_id} "
                "it mends"
            )
        if completed and self.import_id is not None and self.rejected and self.rejected.kept < self.rejected.found:
            found.append(
                f"the warehouse keeps the first {self.rejected.kept:,} of {self.rejected.found:,} rejections; "
                "the rejected file has all"
            )
        return found + self.notes


_CHARACTERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "space", "\\": "backslash"}


def describe_dialect(dialect: Mapping[str, Any]) -> str:
    """The encoding and the dialect, and how sure they are, in a line; reports of old say less."""

    def sure(name: str) -> str:
        return f" ({dialect[f'{name}_certainty']})" if f"{name}_certainty" in dialect else ""

    def called(char: str) -> str:
        return _CHARACTERS.get(char, char)

    parts = [
        f"{dialect['encoding']}{sure('encoding')}",
        f"delimiter {called(dialect['delimiter'])}{sure('delimiter')}",
        f"quote {dialect['quote']}" if dialect["quote"] != QUOTE else "",
        f"escape {called(dialect['escape'])}" if dialect.get("escape") else "",
        "" if dialect["header"] else "no header",
        f"{dialect['skipped_lines']} lines above the header" if dialect.get("skipped_lines") else "",
    ]
    return ", ".join(filter(None, parts))


def _count(number: int, one: str, many: str) -> list[str]:
    return [f"{number:,} {one if number == 1 else many}"] if number else []


def redact_error(error: BaseException) -> ContactImportError:
    """Any exception as one of ours; a foreign one gives only its type away, since its text may quote a contact.

    What the operating system says (no space left on device) quotes nobody, and is what a person needs.
    """
    if isinstance(error, ContactImportError):
        return error
    if isinstance(error, OSError) and error.errno in DISK_FULL_ERRNOS:
        return DiskFull(os.strerror(error.errno).lower())
    reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    return UnexpectedError(f"{type(error).__name__}{reason}")


class RunOutcome(NamedTuple):
    """How an import ended, and the seconds of its stages."""

    report: Report
    stages: dict[str, float]


outcomes: ContextVar[list[RunOutcome]] = ContextVar("outcomes")
"""Where the command finds the outcome although Prefect may fail after the commit; set before the flow is called."""


def record_outcome(outcome: RunOutcome) -> None:
    """Leave the outcome where the command looks for it. The flow itself, which Dask pickles, holds no ContextVar."""
    outcomes.get([]).append(outcome)
