"""Publishes how imports ended: artifacts for people, events for programs."""

from collections.abc import Sequence

from flows.config.settings import Settings
from flows.publishing.artifacts import publish_import_list, publish_summary
from flows.publishing.events import emit_events
from flows.reports.models import ImportReport


def publish_results(results: Sequence[ImportReport], settings: Settings) -> None:
    """Publish the reports of one run. A failure here changes nothing about the imports."""
    if not all(map(publish_summary, results)):
        return  # Prefect has waited for its server for a minute already
    if any(result.import_id for result in results):
        publish_import_list(settings)
    for result in results:
        emit_events(result)
