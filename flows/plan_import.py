"""The flow that plans an import, and shows as an artifact what it would do."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.config.request import ImportRequest
from flows.config.settings import Settings
from flows.import_runs.lifecycle import prefect_services
from flows.import_runs.run_states import final_state, flow_run_name_for
from flows.pipeline.multi_file import needs_one_file, requests_per_file
from flows.pipeline.task_order import thread_runner
from flows.pipeline.temporary_folders import temporary_folder
from flows.planning.plan import PlanOutcome, plan_import
from flows.prefect_lookups import scheduled_day
from flows.publishing.artifacts import publish_plan, publish_rejected_rows, publish_summary
from flows.reports.builder import ImportReportBuilder
from flows.reports.outcomes import RunOutcome


@flow(name="plan-import", flow_run_name=flow_run_name_for("plan"), persist_result=False)
def plan_contacts_import(request: ImportRequest) -> State[dict[str, Any]]:
    """Show what an import would do: every count, and the changes of existing contacts. Nothing is written.

    Args:
        request: The file and the options of the import.
    """
    settings = Settings.load()
    planned = _plan(request, settings)
    result = planned.outcome.report
    if planned.preview:
        publish_plan(result, planned.preview, settings)
    else:
        publish_summary(result)
    return final_state(result)


def _plan(request: ImportRequest, settings: Settings) -> PlanOutcome:
    files, report = requests_per_file(request, settings, scheduled_day), ImportReportBuilder(request)
    if len(files) > 1:
        return PlanOutcome(RunOutcome(report.failed(needs_one_file(request, files)), {}))
    services = prefect_services()._replace(runner=lambda settings: thread_runner(settings.workers))
    with temporary_folder() as path:
        planned = plan_import(report, settings, path, services)
        publish_rejected_rows(report, settings)
    return planned
