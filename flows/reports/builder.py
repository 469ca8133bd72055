"""Builds the report of a check or an import from what becomes known on the way."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from flows.config.request import ImportRequest, ReadingOptions
from flows.reports.consent import kept_consent_warnings
from flows.reports.file_warnings import count_warnings, file_warnings, phone_warnings
from flows.reports.models import (
    CheckReport,
    ColumnReport,
    ContactCounts,
    DialectReport,
    ErrorReport,
    FieldChangesReport,
    ImportReport,
    ReasonReport,
    RetryReport,
    RowCounts,
    SegmentReport,
    SuggestionReport,
    TranslationReport,
)
from flows.reports.phrases import counted
from flows.reports.plan_warnings import plan_warnings
from flows.reports.stage_log import stage_log
from schemas.errors.base import ContactImportError, DiskFull, UnexpectedError
from transforms.chunks.file_profile import FileProfile
from transforms.chunks.split import ChunkResult, PhoneCounts
from transforms.landing.land import DISK_FULL_ERRNOS, Landed
from transforms.mapping.columns import ColumnMapping
from transforms.mapping.record_numbers import MARK, NUMBER, rejection_column
from transforms.mapping.suggestions import Suggestion, suggest_for_file
from transforms.parsing.layout import Layout
from transforms.results.rejected_file import RejectedRows
from transforms.results.retry_file import NO_FIRST_IMPORT, FirstImport, RejectionMark
from transforms.sources.addresses import redacted

if TYPE_CHECKING:  # importing the warehouse takes half a second, and a check does not need it
    from warehouse.import_list.retries import RetriedImport, RetryCounts
    from warehouse.merge.dry_run import MergePreview
    from warehouse.merge.transaction import MergeNumbers


@dataclass
class ReportBuilder:
    """What is known so far about the file of a check."""

    options: ReadingOptions
    landed: Landed | None = None
    layout: Layout | None = None
    mapping: ColumnMapping | None = None
    profile: FileProfile | None = None
    rejected: RejectedRows | None = None
    rejected_file: str | None = None
    suggestions: Sequence[Suggestion] = ()
    rewritten_emails: int = 0
    swapped_dates: Counter[int] = field(default_factory=Counter)
    phones: dict[int, PhoneCounts] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds that the block takes to the stage. Stages may be nested."""
        self.stages.setdefault(name, 0.0)  # so that it is listed before the stages inside it
        began = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] += time.monotonic() - began

    def add_results(self, mapping: ColumnMapping, profile: FileProfile, results: Sequence[ChunkResult]) -> None:
        """Take what the chunks of the whole file found, for suggestions and warnings."""
        self.profile = profile
        readings = (each.readings for each in results)
        self.suggestions = suggest_for_file(mapping.columns, readings, profile.with_both_signs)
        for result in results:
            self.rewritten_emails += result.rewritten_emails
            self.swapped_dates.update(result.swapped_dates)
            for position, counts in result.phones.items():
                self.phones[position] = counts.plus(self.phones[position]) if position in self.phones else counts

    def log_stage(self, name: str, counts: str) -> None:
        """Log that a stage has ended."""
        stage_log.info("%s: %s, %.2f s", name, counts, self.stages[name])

    @property
    def rows(self) -> RowCounts | None:
        if self.profile is None or self.rejected is None:
            return None
        read, rejected = self.profile.records, self.rejected.rows
        return RowCounts(read=read, accepted=read - rejected, rejected=rejected)

    def completed_check(self) -> CheckReport:
        return CheckReport(**self._common("completed"))

    def failed(self, error: ContactImportError) -> CheckReport:
        """The report of a check that stopped with an error, with what was known by then."""
        return CheckReport(**self._common("failed"), error=_error(error))

    def _common(self, status: str) -> dict[str, Any]:
        source = redacted(self.options.source)
        columns, translations = (self.profile.columns, self.profile.translations) if self.profile else ((), ())
        return {
            "status": status,
            "source": source,
            "source_file": self.landed.source if self.landed and self.landed.source != source else None,
            "sha256": self.landed.sha256 if self.landed else None,
            "rows": self.rows,
            "dialect": DialectReport.model_validate(self.layout.dialect.as_report()) if self.layout else None,
            "preset": self.mapping.preset if self.mapping else None,
            "columns": [ColumnReport.model_validate(each.as_report()) for each in columns],
            "translations": [TranslationReport(**asdict(each)) for each in translations],
            "suggestions": [SuggestionReport.model_validate(each.as_report()) for each in self.suggestions],
            "rejections": self.rejected.codes if self.rejected else {},
            "reasons": [ReasonReport(**asdict(each)) for each in self.rejected.reasons] if self.rejected else [],
            "rejected_file": self.rejected_file,
            "warnings": [*self._warnings(status), *self.notes],
            "seconds": round(time.monotonic() - self.started, 3),
        }

    def _warnings(self, status: str) -> Iterator[str]:
        yield from self.landed.warnings if self.landed else ()
        yield from self.layout.warnings if self.layout else ()
        yield from self.mapping.notes if self.mapping else ()
        if self.profile:
            yield from file_warnings(self.profile)
            yield from count_warnings(self.profile, self.rewritten_emails, self.swapped_dates)
            if not self.options.default_prefix:
                yield from phone_warnings(self.profile, self.phones, self.suggestions)


@dataclass
class ImportReportBuilder(ReportBuilder):
    """What is known so far about an import. `series` identifies its source on every night."""

    options: ImportRequest
    import_id: int | None = None
    series: str = ""
    retried: "RetriedImport | None" = None

    def __post_init__(self) -> None:
        self.series = self.series or redacted(self.options.source)

    @property
    def first_import(self) -> FirstImport:
        """What the retried import decided about the columns and the preset."""
        retried = self.retried
        return FirstImport(retried.columns, retried.preset, retried.import_id) if retried else NO_FIRST_IMPORT

    @property
    def first_import_id(self) -> int | None:
        """The import whose record numbers the file has. None if it is no retry, or has no such numbers."""
        if self.retried and self.mapping and rejection_column(self.mapping):
            return self.retried.first
        return None

    def completed(self, merged: "MergeNumbers") -> ImportReport:
        """The report of an import that is about to be committed."""
        return self._merged("completed", merged)

    def planned(self, preview: "MergePreview", plan: str) -> ImportReport:
        """The report of what an import would do. `plan` is its digest."""
        report = self._merged("planned", preview.numbers, plan=plan)
        return report.model_copy(update={"warnings": [*plan_warnings(preview, self.options), *report.warnings]})

    def _merged(self, status: str, merged: "MergeNumbers", **more: Any) -> ImportReport:
        segment = self.options.segment
        report = self._report(
            status,
            merged.retry,
            contacts=ContactCounts(**asdict(merged.counts)),
            changes={field: FieldChangesReport(**asdict(each)) for field, each in merged.changes.items()},
            segment=SegmentReport(id=segment, added=merged.segment_added) if segment else None,
            rejections_kept=self.rejected.kept if self.rejected else 0,
            **more,
        )
        imported = self.profile.imported if self.profile else ()
        more_warnings = (*kept_consent_warnings(report, imported), *self._skipped_by_retry(merged.counts.skipped))
        return report.model_copy(update={"warnings": [*report.warnings, *more_warnings]})

    def skipped(self, repeats: int, sha256: str) -> ImportReport:
        """The report of an import that would only repeat another one."""
        return self._report("skipped", repeats=repeats).model_copy(update={"sha256": sha256})

    def failed(self, error: ContactImportError) -> ImportReport:
        """The report of an import that changed no contact, with what was known by then."""
        return self._report("failed", error=_error(error))

    def _report(self, status: str, retry: "RetryCounts | None" = None, **more: Any) -> ImportReport:
        return ImportReport(
            **self._common(status),
            import_id=self.import_id,
            merge=str(self.options.merge),
            retry_of=self._retry(retry),
            **more,
        )

    def _retry(self, counts: "RetryCounts | None") -> RetryReport | None:
        if not self.options.retry_of:
            return None
        report = RetryReport(id=self.options.retry_of, first=self.first_import_id)
        return report.model_copy(update={"mended": counts.records, "missing": counts.outstanding}) if counts else report

    def _warnings(self, status: str) -> Iterator[str]:
        yield from super()._warnings(status)
        if self.options.merge_fields and not self.options.merge.updates:
            yield f"the policies of fields have no effect with {self.options.merge}, which changes no existing contact"
        if self.layout and self.layout.rejected_file and not self.options.retry_of:
            yield self._rejected_file_warning()
        if self.retried and self.mapping and self.first_import_id is None:
            yield (
                f"the file has no column {NUMBER}, so it is not known which rows of import {self.retried.import_id} "
                "it corrects"
            )
        elif self.retried and self.profile and self.profile.records and not self.profile.marks:
            yield (
                f"no row names its import in a column {MARK}, so it is not known whether they are rows of import "
                f"{self.retried.import_id}"
            )
        if status == "completed" and self.import_id is not None and self.rejected:
            kept, found = self.rejected.kept, self.rejected.found
            if kept < found:
                yield f"the warehouse keeps the first {kept:,} of {found:,} rejections; the rejected file has all"

    def _skipped_by_retry(self, skipped: int) -> Iterator[str]:
        """Corrected rows that the policy of a retry leaves out, although their records count as corrected."""
        if not self.retried or not skipped:
            return
        policy, earlier = str(self.options.merge), self.retried.merge_policy
        cause = "which have no contact" if self.options.merge.updates else "whose contacts exist"
        had, option = ("it too", "another --merge") if earlier == policy else (earlier, f"--merge {earlier}")
        yield (
            f"{policy} skips {counted(skipped, 'row')}, {cause}, and import {self.retried.import_id} had {had}; "
            f"to store these rows, import the file once more with {option}"
        )

    def _rejected_file_warning(self) -> str:
        marks = [RejectionMark.parse(text) for text in self.profile.marks] if self.profile else []
        imports = sorted({mark.import_id for mark in marks if mark})
        origin = f"the rejected file of import {imports[0]}" if len(imports) == 1 else "a rejected file"
        number = str(imports[0]) if len(imports) == 1 else "and the number of its import"
        return (
            f"this is {origin}, imported as a new file; with --retry-of {number}, its columns are read as they were "
            "then and its rows count as corrected"
        )


def _error(error: ContactImportError) -> ErrorReport:
    return ErrorReport(code=error.code, message=str(error))


def redact_error(error: BaseException) -> ContactImportError:
    """Any exception as one of ours. Of a foreign one only the type is kept, since its text may quote a contact.

    What the operating system says (such as "no space left on device") is kept: it quotes nothing from a file.
    """
    if isinstance(error, ContactImportError):
        return error
    if isinstance(error, OSError) and error.errno in DISK_FULL_ERRNOS:
        return DiskFull(os.strerror(error.errno).lower())
    reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    return UnexpectedError(f"{type(error).__name__}{reason}")
