"""One step of a guided import: it ends with a question about the file, or merges what was approved."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

from flows.config.request import ImportRequest
from flows.guided.forms import columns_form, preview_form
from flows.guided.preview import (
    columns_instructions,
    mapping_error_text,
    preview_instructions,
    publish_columns,
    publish_preview,
)
from flows.guided.suspension import Question, RunState
from flows.import_runs.context import ImportContext
from flows.import_runs.tasks import merge_staged, staged_file
from flows.pipeline.steps import CheckedFile, SourceFile, map_source_columns
from flows.reports.models import ImportReport
from schemas.errors.limits import RequiredFieldMissing, TooManyRejected
from schemas.errors.request import (
    ApprovalOutdated,
    ColumnNeverRead,
    DuplicateMapping,
    NoEmailColumn,
    SeveralEmailColumns,
)
from transforms.landing.land import Landed
from transforms.parsing.layout import Layout
from transforms.work_folder import name_of
from warehouse.errors import retry_transient
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
    """The request with a mapping that takes precedence over its own."""
    before = {column: field for column, field in request.mapping.items() if column not in mapping}
    return request.model_copy(update={"mapping": before | dict(mapping)})


@dataclass(frozen=True)
class GuidedSession:
    """The landed file and its import."""

    context: ImportContext
    landed: Landed
    layout: Layout

    @property
    def header(self) -> str:
        """A hash of the header. A mapping was chosen for this header."""
        return hashlib.sha256("\0".join(self.layout.columns).encode("utf-8", "surrogatepass")).hexdigest()

    def map_columns(self, mapping: Mapping[str, str], *, final: bool) -> SourceFile:
        """Map the columns as chosen in the form. The choice takes precedence over the request's mapping."""
        return self._map(self._changed(mapping), final=final)

    def _map(self, answer: Mapping[str, str], *, final: bool) -> SourceFile:
        context, first_import = self.context, self.context.report.first_import
        presets = context.settings.presets
        return map_source_columns(
            context.request, context.catalogue, self.landed, self.layout, first_import, presets, answer, final=final
        )

    def _changed(self, mapping: Mapping[str, str]) -> dict[str, str]:
        """The mapping without what the retried import decided already: its dropped columns stay dropped."""
        if not self.context.report.first_import.columns:
            return dict(mapping)
        source = self._map({}, final=False)
        before = {column.key: column.field.id if column.field else "" for column in source.mapping.columns}
        return {column: field for column, field in mapping.items() if field != before.get(column)}

    def ask_columns(self, mapping: Mapping[str, str] | None = None, note: str = "") -> Question:
        """The form of the columns, with the mapping so far and the first values of each column."""
        source = self.map_columns(mapping or {}, final=False)
        self.context.report.mapping = source.mapping
        publish_columns(source, self.context.settings)
        instructions = columns_instructions(self.context.report, note)
        form = columns_form(source.mapping.columns, self.context.catalogue, instructions, note)
        return Question(form, self._state(COLUMNS, dict(mapping or {}), None))

    def preview_or_merge(self, mapping: Mapping[str, str], approved: RunState | None) -> ImportReport | Question:
        """Merge if the preview is still what was approved; otherwise ask with the new preview."""
        report = self.context.report
        try:
            source = self.map_columns(mapping, final=True)
            with staged_file(self.context, source) as (checked, staging):
                preview = self._preview(checked, staging)
                if approved == self._approval(preview):
                    with suppress(ApprovalOutdated):
                        return merge_staged(self.context, checked, staging, preview.totals)
                    preview = self._preview(checked, staging)
        except CORRECTABLE_ERRORS as error:
            return self.ask_columns(mapping, mapping_error_text(error))
        publish_preview(report, preview, self.context.settings, approved)
        form = preview_form(preview_instructions(report, preview, approved))
        return Question(form, self._state(PREVIEW, dict(mapping), self._approval(preview)))

    def _preview(self, checked: CheckedFile, staging: Staging) -> MergePreview:
        """Count what the merge would do, and read the first rows. Nothing is written."""

        def preview() -> MergePreview:
            staging.ensure_staged()
            return preview_merge(
                staging,
                policy=self.context.request.merge,
                blanks=self.context.request.blanks,
                segment=self.context.request.segment,
                accepted=checked.accepted,
                rows=PREVIEW_ROWS,
            )

        return retry_transient(preview)()

    def _approval(self, preview: MergePreview) -> RunState:
        """What a person approves: the bytes of the file and all counts."""
        rows = self.context.report.rows
        return {
            "sha256": self.landed.sha256,
            "rows": rows.model_dump() if rows else None,
            "contacts": asdict(preview.counts),
            "segment_added": preview.segment_added,
        }

    def _state(self, step: str, mapping: dict[str, str], shown: RunState | None) -> RunState:
        return {
            "step": step,
            "import_id": self.context.import_id,
            "folder": name_of(self.context.folder.address),
            "header": self.header,
            "mapping": mapping,
            "shown": shown,
        }
