"""The file of a guided import between two questions: asked about, looked at in advance, or merged as approved."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.guided.forms import columns_form, preview_form
from flows.guided.preview import (
    columns_instructions,
    mapping_error_text,
    preview_instructions,
    publish_columns,
    publish_preview,
)
from flows.guided.suspension import Question, RunState
from flows.import_runs.task_runners import redact_errors
from flows.import_runs.tasks import LOAD_RETRIES, load_task, opaque, staged_file
from flows.pipeline.steps import SourceFile, map_source_columns
from flows.reports.report import Report, ReportBuilder
from schemas.catalogue import FieldCatalogue
from schemas.errors.request import (
    ApprovalOutdated,
    ColumnNeverRead,
    DuplicateMapping,
    NoEmailColumn,
    SeveralEmailColumns,
)
from schemas.errors.source import RequiredFieldMissing, TooManyRejected
from transforms.landing.land import Landed
from transforms.parsing.layout import Layout
from transforms.work_folder import ImportFolder, name_of
from warehouse.database.connection import Warehouse
from warehouse.merge.dry_run import MergePreview, preview_merge
from warehouse.merge.staging import Staging

COLUMNS, PREVIEW = "columns", "preview"
PREVIEW_ROWS = 5
CORRECTABLE_ERRORS = (
    NoEmailColumn,
    SeveralEmailColumns,
    DuplicateMapping,
    ColumnNeverRead,
    RequiredFieldMissing,
    TooManyRejected,
)


def with_mapping(request: ImportRequest, mapping: Mapping[str, str]) -> ImportRequest:
    """The request with a mapping that goes before its own."""
    before = {column: field for column, field in request.mapping.items() if column not in mapping}
    return request.model_copy(update={"mapping": before | dict(mapping)})


@dataclass(frozen=True)
class GuidedSession:
    """The file as it is now, and what can be done with it next."""

    request: ImportRequest
    settings: Settings
    catalogue: FieldCatalogue
    landed: Landed
    layout: Layout
    folder: ImportFolder
    report: ReportBuilder

    @property
    def header(self) -> str:
        """What a mapping was chosen for."""
        return hashlib.sha256("\0".join(self.layout.columns).encode("utf-8", "surrogatepass")).hexdigest()

    def mapped_source(self, mapping: Mapping[str, str], *, final: bool) -> SourceFile:
        """The file with the mapping that was chosen, which goes before what the request says itself."""
        return self._map_columns(with_mapping(self.request, self._changed_mapping(mapping)), final=final)

    def _map_columns(self, request: ImportRequest, *, final: bool) -> SourceFile:
        earlier_decisions, presets = self.report.earlier_decisions, self.settings.presets
        return map_source_columns(
            request, self.catalogue, self.landed, self.layout, earlier_decisions, presets, final=final
        )

    def _changed_mapping(self, mapping: Mapping[str, str]) -> dict[str, str]:
        """The mapping, without what an earlier import decided and nobody changed: its dropped columns stay dropped."""
        if not self.report.earlier_decisions.columns:
            return dict(mapping)
        source = self._map_columns(self.request, final=False)
        before = {column.key: column.field.id if column.field else "" for column in source.mapping.columns}
        return {column: field for column, field in mapping.items() if field != before.get(column)}

    def ask_columns(self, mapping: Mapping[str, str] | None = None, note: str = "") -> Question:
        """The form of the columns, filled with the mapping so far, beside their first values."""
        source = self.mapped_source(mapping or {}, final=False)
        self.report.mapping = source.mapping
        publish_columns(source, self.settings)
        form = columns_form(source.mapping.columns, self.catalogue, columns_instructions(self.report, note), note)
        return Question(form, self._facts(COLUMNS, dict(mapping or {}), None))

    def preview_or_merge(
        self, warehouse: Warehouse, mapping: Mapping[str, str], approved: RunState | None
    ) -> Report | Question:
        """Merge what was approved, if that is still what would happen; else show what would."""
        request, report = self.request, self.report
        try:
            source = self.mapped_source(mapping, final=True)
            with staged_file(
                request, self.settings, warehouse, report, source, self.catalogue.default_prefix, self.folder
            ) as staging:
                foreseen = dry_run_task(opaque(staging), request, opaque(report))
                if approved == self._approval_facts(foreseen):
                    with suppress(ApprovalOutdated), report.stage("merging"):
                        return load_task(opaque(warehouse), opaque(staging), request, opaque(report), foreseen.totals)
                    foreseen = dry_run_task(opaque(staging), request, opaque(report))
        except CORRECTABLE_ERRORS as error:
            return self.ask_columns(mapping, mapping_error_text(error))
        shown = self._approval_facts(foreseen)
        publish_preview(report, foreseen, self.settings, approved)
        form = preview_form(preview_instructions(report, foreseen, approved))
        return Question(form, self._facts(PREVIEW, dict(mapping), shown))

    def _approval_facts(self, foreseen: MergePreview) -> RunState:
        """What a person approves, by its numbers and by the bytes of the file."""
        return {
            "sha256": self.landed.sha256,
            "rows": self.report.rows,
            "contacts": asdict(foreseen.counts),
            "segment_added": foreseen.segment_added,
        }

    def _facts(self, step: str, mapping: dict[str, str], shown: RunState | None) -> RunState:
        return {
            "step": step,
            "import_id": self.report.import_id,
            "folder": name_of(self.folder.address),
            "header": self.header,
            "mapping": mapping,
            "shown": shown,
        }


@task(name="foresee", cache_policy=NO_CACHE, persist_result=False, **LOAD_RETRIES)
@redact_errors
def dry_run_task(staging: Staging, request: ImportRequest, report: ReportBuilder) -> MergePreview:
    """Count what the merge would do, and look at the first rows; nothing is written."""
    staging.ensure_staged()
    assert report.rows is not None
    return preview_merge(
        staging,
        policy=request.merge,
        blanks=request.blanks,
        segment=request.segment,
        accepted=report.rows["accepted"],
        rows=PREVIEW_ROWS,
    )
