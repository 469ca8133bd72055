"""One step of a guided import: it ends with a question about the file, or merges what was approved."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from flows.config.preset_files import path_of_new_preset, write_preset
from flows.config.request import ImportRequest
from flows.guided.forms import columns_form, preview_form, suggested_fields
from flows.guided.preview import (
    change_note,
    columns_instructions,
    first_values,
    mapping_error_text,
    preview_instructions,
    publish_columns,
    publish_preview,
    readings_instructions,
    shown_in,
)
from flows.guided.readings_form import Offer, offers_for, readings_form
from flows.guided.suspension import Question, RunState
from flows.import_runs.context import ImportContext
from flows.import_runs.same_file import RepeatCheck
from flows.import_runs.tasks import check_limits, map_landed, merge_staged, preview_staged, staged_file
from flows.pipeline.steps import CheckedFile, SourceFile
from flows.planning.digest import PlanDigest, approval_of
from flows.reports.models import ImportReport
from flows.reports.phrases import counted
from schemas.errors.changes import PlanOutdated
from schemas.errors.limits import NotAllAccepted, RequiredFieldMissing, TooManyRejected
from schemas.errors.request import ColumnNeverRead, DuplicateMapping, NoEmailColumn, RequestError
from schemas.presets.writer import dump_preset
from transforms.landing.land import Landed
from transforms.mapping.saved_preset import preset_from_mapping
from transforms.parsing.first_cells import first_cells
from transforms.parsing.layout import Layout
from transforms.results.unmatched_values import count_unmatched
from transforms.sources.fetch import ResolvedSource
from transforms.work_folder import name_of
from warehouse.contacts.suppressions import load_suppressions
from warehouse.errors import retry_transient

COLUMNS, READINGS, PREVIEW = "columns", "readings", "preview"
CORRECTABLE_ERRORS = (
    NoEmailColumn,
    DuplicateMapping,
    ColumnNeverRead,
    RequiredFieldMissing,
    TooManyRejected,
    NotAllAccepted,
)


Readings: TypeAlias = Mapping[str, Mapping[str, Any]]  # translations chosen in the form, by the key of the column


@dataclass(frozen=True)
class Choices:
    """What a person has chosen so far: the fields of the columns, and how to read them."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    readings: Readings = field(default_factory=dict)


def with_choices(request: ImportRequest, choices: Choices) -> ImportRequest:
    """The request with a mapping that takes precedence over its own.

    The readings are added as text. So the same file with other readings does not count as the same import.
    """
    before = {column: field for column, field in request.mapping.items() if column not in choices.mapping}
    readings = [json.dumps(choices.readings, sort_keys=True)] if choices.readings else []
    return request.model_copy(
        update={"mapping": before | dict(choices.mapping), "values": [*request.values, *readings]}
    )


@dataclass(frozen=True)
class GuidedSession:
    """The landed file and its import."""

    context: ImportContext
    found: ResolvedSource
    landed: Landed
    layout: Layout

    @property
    def header(self) -> str:
        """A hash of the header. A mapping was chosen for this header."""
        return hashlib.sha256("\0".join(self.layout.columns).encode("utf-8", "surrogatepass")).hexdigest()

    def map_columns(self, choices: Choices, *, final: bool) -> SourceFile:
        """Map the columns as chosen in the forms. The choice takes precedence over the request's mapping."""
        answer = self._changed(choices.mapping)
        return map_landed(self.context, self.landed, self.layout, answer, choices.readings, final=final)

    def _changed(self, mapping: Mapping[str, str]) -> dict[str, str]:
        """The mapping without what the retried import decided already: its dropped columns stay dropped."""
        if not self.context.report.first_import.columns:
            return dict(mapping)
        source = map_landed(self.context, self.landed, self.layout, final=False)
        before = {column.key: column.field.id if column.field else "" for column in source.mapping.columns}
        return {column: field for column, field in mapping.items() if field != before.get(column)}

    def ask_columns(self, choices: Choices | None = None, note: str = "") -> Question:
        """The form of the columns, with the mapping so far and the first values of each column."""
        choices = Choices(choices.mapping) if choices else Choices()
        source = self.map_columns(choices, final=False)
        self.context.report.mapping = source.mapping
        columns, catalogue = source.mapping.columns, self.context.catalogue
        suggested = suggested_fields(columns, catalogue, first_cells(self.landed, self.layout))
        masked = self.context.settings.artifact_values == "masked"
        values = {} if masked else first_values(source, load_suppressions(self.context.warehouse))
        publish_columns(source, suggested, values)
        instructions = columns_instructions(self.context.report, note, masked=masked)
        form = columns_form(columns, catalogue, suggested, values, instructions, note)
        return Question(form, self._state(COLUMNS, choices), f"Press Resume: match {counted(len(columns), 'column')}")

    def preview_or_merge(
        self, choices: Choices, approved: RunState | None, *, ask_readings: bool = False
    ) -> ImportReport | Question:
        """Merge if the preview is still what was approved; otherwise ask with the new preview.

        With `ask_readings`, ask first how to read the cells that would be rejected, if there is anything to choose. The
        limits on rejected rows apply to what is left of them.
        """
        report = self.context.report
        try:
            source = self.map_columns(choices, final=True)
            with staged_file(self.context, source, limited=not ask_readings) as (checked, staging):
                if ask_readings and (offers := self._offers(checked)):
                    return self._ask_readings(choices, offers)
                check_limits(self.context, checked)
                options = self._fingerprint(choices)
                if approved:
                    with suppress(PlanOutdated):
                        check = approval_of(approved["plan"], self.landed.sha256, options)
                        return merge_staged(self.context, checked, staging, check)
                preview = retry_transient(preview_staged)(self.context, checked, staging)
        except CORRECTABLE_ERRORS as error:
            return self.ask_columns(choices, mapping_error_text(error))
        report.rejected_file = None  # the next step begins with another folder
        plan = PlanDigest.of(self.landed.sha256, options, preview.digest)
        result = report.planned(preview, str(plan))
        note = change_note(approved, plan)
        publish_preview(result, preview, self.context.settings, note)
        form = preview_form(preview_instructions(result, note))
        what_to_do = "Look at the artifact import-preview, then press Resume and decide"
        return Question(form, self._state(PREVIEW, choices, shown_in(result)), what_to_do)

    def _fingerprint(self, choices: Choices) -> str:
        """What decides how the file is read and merged, with a preset that was saved in this step."""
        return RepeatCheck.of(self.context, self.found, with_choices(self.context.request, choices)).fingerprint

    def _offers(self, checked: CheckedFile) -> list[Offer]:
        """What can be chosen about rejected cells. Nothing if nobody may see the values of the file."""
        if self.context.settings.artifact_values == "masked":
            return []
        unmatched = count_unmatched(checked.results, checked.mapping)
        return offers_for(checked.mapping, self.context.report.suggestions, unmatched)

    def _ask_readings(self, choices: Choices, offers: Sequence[Offer]) -> Question:
        rejected = rows.rejected if (rows := self.context.report.rows) else 0
        form = readings_form(offers, readings_instructions(rejected))
        state = {**self._state(READINGS, choices), "offers": [offer.as_state() for offer in offers]}
        return Question(form, state, f"Press Resume: choose how to read {counted(rejected, 'rejected row')}")

    def save_preset(self, name: str, choices: Choices) -> None:
        """Save the columns and readings as a preset; the preview says how it went."""
        report, settings = self.context.report, self.context.settings
        try:
            path = path_of_new_preset(name, settings.presets)
            mapping = self.map_columns(choices, final=True).mapping
            preset = preset_from_mapping(name, mapping, self.context.request.header, settings.presets)
            write_preset(path, dump_preset(preset))
        except RequestError as error:
            report.notes.append(f"the preset was not saved: {error}")
        else:
            report.notes.append(f"the columns and readings are saved as the preset {name!r}")

    def _state(self, step: str, choices: Choices, shown: RunState | None = None) -> RunState:
        return {
            "step": step,
            "import_id": self.context.import_id,
            "folder": name_of(self.context.folder.address),
            "header": self.header,
            "mapping": dict(choices.mapping),
            "readings": dict(choices.readings),
            "shown": shown,
        }
