"""Publishes how imports ended: artifacts for people, events for programs."""

from collections.abc import Sequence

from flows.config.settings import Settings
from flows.publishing.artifacts import publish_import_list, publish_summary
from flows.publishing.events import emit_events
from flows.reports.models import ImportReport


def publish_results(results: Sequence[ImportReport], settings: Settings) -> None:
    """Publish the reports of one run, and the import list. A failure here changes nothing about the imports."""
    if all(map(publish_result, results)) and any(result.import_id for result in results):
        publish_import_list(settings)


def publish_result(result: ImportReport) -> bool:
    """Publish one report. False if Prefect's server does not answer: Prefect has waited for it for a minute then."""
    if not publish_summary(result):
        return False
    emit_events(result)
    return True
