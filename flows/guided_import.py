"""The flow that follows the steps of an import wizard: file and options, columns, preview, and only then the merge.

Between the steps the run is suspended and starts anew with the answer, so waiting takes no worker and no lock. Each
time the file lands again, and what was approved is merged only if it is still what would happen.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from flows.conversation import Asked, Facts, Question, ask, can_ask, last_question
from flows.examine import SourceFile, lay_out
from flows.forms import BACK, GO_ON, STOP, columns_form, mapping_of, preview_form
from flows.import_contacts import show_and_tell
from flows.import_folders import remove_import_folder
from flows.import_life import ready_and_alive, record_failure, run_id, run_import
from flows.import_steps import PATIENTLY, found_in_order, landed_in, load_task, made_ready, opaque, staged
from flows.preview import how_to_match, publish_columns, publish_preview, what_is_wrong, what_would_happen
from flows.report import ImportReport, Report, as_known_error, as_logged_error
from flows.request import ImportRequest
from flows.run_ends import final_state, named_by_file
from flows.same_file import SameFile
from flows.settings import Settings
from flows.task_runs import discreet
from schemas.catalogue import FieldCatalogue
from schemas.request_errors import (
    ApprovalOutdated,
    ColumnNeverRead,
    DuplicateMapping,
    NeedsDeployment,
    NoEmailColumn,
    SeveralEmailColumns,
    Stopped,
)
from schemas.source_errors import RequiredFieldMissing, TooManyRejected
from transforms.folder import ImportFolder, name_of
from transforms.land import Landed
from transforms.layout import Layout
from warehouse.connection import Warehouse
from warehouse.faults import patient
from warehouse.foresee import Foreseen, foresee
from warehouse.imports import take_up, wait_for_answer
from warehouse.staging import Staging

COLUMNS, PREVIEW = "columns", "preview"
FIRST_ROWS = 5
MENDABLE = (
    NoEmailColumn,
    SeveralEmailColumns,
    DuplicateMapping,
    ColumnNeverRead,
    RequiredFieldMissing,
    TooManyRejected,
)


@flow(name="guided-import", flow_run_name=named_by_file("import"), persist_result=False)
def guided_import(request: ImportRequest) -> State[Report]:
    """Import contacts step by step: match the columns, look at what would happen, and only then go on.

    Args:
        request: The file and the options; the columns are matched in the next step.
    """
    settings = Settings.load()
    report = ImportReport(request)
    try:
        if not can_ask():
            raise NeedsDeployment
        url = settings.warehouse_url.get_secret_value()
        with (
            patient(Warehouse.open)(url, settings.warehouse_schema) as warehouse,
            ready_and_alive(warehouse, settings) as key,
        ):
            result = guide(request, settings, warehouse, report, key)
    except Exception as error:  # the warehouse cannot even list the import
        result = report.failed(as_logged_error(error))
    show_and_tell([result], settings)
    if result.get("error", {}).get("code") == Stopped.code:
        return Cancelled(message=str(Stopped()), data=result)
    return final_state(result)


def guide(request: ImportRequest, settings: Settings, warehouse: Warehouse, report: ImportReport, key: int) -> Report:
    """Take the next step from what was asked last; where it is a question, this process ends with it."""
    asked = last_question()
    known = None
    if asked:
        forget_folder(settings, asked.facts)
        known = waiting_import(warehouse, asked.facts, key)
        if known is None and asked.answer == {"decision": STOP}:
            asked = Asked(asked.facts, None)  # it was obeyed; a run that is started again asks again
    step = run_import(request, settings, warehouse, report, key, partial(next_step, asked), known)
    if isinstance(step, Question):
        try:
            until = datetime.now(UTC) + timedelta(seconds=settings.answer_seconds)
            wait_for_answer(warehouse, run_id(report), until)
            ask(step, settings.answer_seconds)
        except Exception as error:
            return record_failure(warehouse, report, as_known_error(error))
    return step


def waiting_import(warehouse: Warehouse, facts: Facts, key: int) -> int | None:
    """The import that waited for this run; None where it has been closed meanwhile."""
    number = int(facts["import_id"])
    return number if take_up(warehouse, number, str(runtime.flow_run.id), key) else None


def forget_folder(settings: Settings, facts: Facts) -> None:
    """What the step before left on this machine is made anew."""
    with suppress(Exception):
        remove_import_folder(settings, name_of(facts["folder"]))


def next_step(
    asked: Asked | None,
    request: ImportRequest,
    settings: Settings,
    warehouse: Warehouse,
    report: ImportReport,
    folder: ImportFolder,
) -> Report | Question:
    """What comes after the last question: another one, or the merge."""
    decision = (asked.answer or {}).get("decision") if asked else None
    if decision == STOP:
        raise Stopped
    mapping = chosen_mapping(asked)
    catalogue = made_ready(request, settings, warehouse, report)
    with report.stage("landing"):  # with the mapping, which is part of what tells the same import again
        found = found_in_order(request, settings, warehouse, report)
        same = SameFile.of(warehouse, with_mapping(request, mapping), settings, catalogue, found, report)
        landed, layout = landed_in(folder, settings, report, catalogue, same)
    file = FileInHand(request, settings, catalogue, landed, layout, folder, report)
    if asked is None:
        return file.ask_columns()
    if asked.facts["header"] != file.header:
        return file.ask_columns(note="The file has another header than before: match its columns again.")
    if decision == BACK or (asked.facts["step"] == COLUMNS and asked.answer is None):
        return file.ask_columns(mapping)
    if repeated := same.known_content(landed.sha256):
        return same.skip(report, repeated)
    return file.go_on(warehouse, mapping, asked.facts["shown"] if decision == GO_ON else None)


def chosen_mapping(asked: Asked | None) -> dict[str, str]:
    """The mapping as it was chosen last; none before the first answer."""
    if asked is None:
        return {}
    if asked.facts["step"] == COLUMNS and asked.answer is not None:
        return mapping_of(asked.answer)
    return dict(asked.facts["mapping"])


def with_mapping(request: ImportRequest, mapping: Mapping[str, str]) -> ImportRequest:
    """The request with a mapping that goes before its own."""
    before = {column: field for column, field in request.mapping.items() if column not in mapping}
    return request.model_copy(update={"mapping": before | dict(mapping)})


@dataclass(frozen=True)
class FileInHand:
    """The file as it is now, and what can be done with it next."""

    request: ImportRequest
    settings: Settings
    catalogue: FieldCatalogue
    landed: Landed
    layout: Layout
    folder: ImportFolder
    report: ImportReport

    @property
    def header(self) -> str:
        """What a mapping was chosen for."""
        return hashlib.sha256("\0".join(self.layout.columns).encode("utf-8", "surrogatepass")).hexdigest()

    def laid_out(self, mapping: Mapping[str, str], *, final: bool) -> SourceFile:
        """The file with the mapping that was chosen, which goes before what the request says itself."""
        return self._laid_out(with_mapping(self.request, self._chosen(mapping)), final=final)

    def _laid_out(self, request: ImportRequest, *, final: bool) -> SourceFile:
        decided, presets = self.report.decided, self.settings.presets
        return lay_out(request, self.catalogue, self.landed, self.layout, decided, presets, final=final)

    def _chosen(self, mapping: Mapping[str, str]) -> dict[str, str]:
        """The mapping, without what an earlier import decided and nobody changed: its dropped columns stay dropped."""
        if not self.report.decided.columns:
            return dict(mapping)
        source = self._laid_out(self.request, final=False)
        before = {column.key: column.field.id if column.field else "" for column in source.mapping.columns}
        return {column: field for column, field in mapping.items() if field != before.get(column)}

    def ask_columns(self, mapping: Mapping[str, str] | None = None, note: str = "") -> Question:
        """The form of the columns, filled with the mapping so far, beside their first values."""
        self.report.source = source = self.laid_out(mapping or {}, final=False)
        publish_columns(source, self.folder, self.settings)
        form = columns_form(source.mapping.columns, self.catalogue, how_to_match(self.report, note), note)
        return Question(form, self._facts(COLUMNS, dict(mapping or {}), None))

    def go_on(self, warehouse: Warehouse, mapping: Mapping[str, str], approved: Facts | None) -> Report | Question:
        """Merge what was approved, if that is still what would happen; else show what would."""
        request, report = self.request, self.report
        try:
            report.source = self.laid_out(mapping, final=True)
            with staged(
                request, self.settings, warehouse, report, self.catalogue.default_prefix, self.folder
            ) as staging:
                foreseen = foresee_task(opaque(staging), request, opaque(report))
                if approved == self._shown(foreseen):
                    with suppress(ApprovalOutdated), report.stage("merging"):
                        return load_task(opaque(warehouse), opaque(staging), request, opaque(report), foreseen.total)
                    foreseen = foresee_task(opaque(staging), request, opaque(report))
        except MENDABLE as error:
            return self.ask_columns(mapping, what_is_wrong(error))
        shown = self._shown(foreseen)
        publish_preview(report, foreseen, self.settings, approved)
        form = preview_form(what_would_happen(report, foreseen, approved))
        return Question(form, self._facts(PREVIEW, dict(mapping), shown))

    def _shown(self, foreseen: Foreseen) -> Facts:
        """What a person approves, by its numbers and by the bytes of the file."""
        return {
            "sha256": self.landed.sha256,
            "rows": self.report.rows,
            "contacts": asdict(foreseen.counts),
            "segment_added": foreseen.segment_added,
        }

    def _facts(self, step: str, mapping: dict[str, str], shown: Facts | None) -> Facts:
        return {
            "step": step,
            "import_id": self.report.import_id,
            "folder": name_of(self.folder.address),
            "header": self.header,
            "mapping": mapping,
            "shown": shown,
        }


@task(name="foresee", cache_policy=NO_CACHE, persist_result=False, **PATIENTLY)
@discreet
def foresee_task(staging: Staging, request: ImportRequest, report: ImportReport) -> Foreseen:
    """Count what the merge would do, and look at the first rows; nothing is written."""
    staging.ensure()
    assert report.rows is not None
    return foresee(
        staging,
        policy=request.merge,
        blanks=request.blanks,
        segment=request.segment,
        accepted=report.rows["accepted"],
        rows=FIRST_ROWS,
    )
