"""A corrected rejected file in an inbox: its rows name the import that they belong to, whose options it gets."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flows.config.request import ImportRequest
from flows.import_runs.context import ImportContext
from flows.pipeline.steps import catalogue_for
from transforms.landing.land import Landed
from transforms.mapping.record_numbers import MARK
from transforms.parsing.first_cells import first_cells
from transforms.parsing.layout import Layout, find_rejection_columns
from transforms.results.retry_file import RejectionMark
from warehouse.import_list.entries import get_import
from warehouse.import_list.retries import get_retried_import, store_as_retry

# Columns, preset and translations of the import are in its report. What limits a whole file is not kept.
KEPT_OPTIONS = {"merge", "merge_fields", "blanks", "segment", "duplicates", "gaps", "default_prefix"}


def kept_options(request: ImportRequest) -> dict[str, Any]:
    """The options of an import that its retries in an inbox get."""
    return request.model_dump(mode="json", include=KEPT_OPTIONS)


def as_retry(context: ImportContext, landed: Landed, layout: Layout) -> ImportContext:
    """The import as the retry of the one that its first row names; as it is where no row names one."""
    mark = _first_mark(landed, layout)
    if mark is None:
        return context
    get_retried_import(context.warehouse, mark.import_id)  # an error unless it can be retried
    options = _options_of(get_import(context.warehouse, mark.import_id))
    request = ImportRequest.model_validate({**options, "source": context.request.source, "retry_of": mark.import_id})
    store_as_retry(
        context.warehouse,
        context.import_id,
        retry_of=mark.import_id,
        merge_policy=str(request.merge),
        options=kept_options(request),
    )
    context.report.options, context.report.series = request, request.source
    return replace(context, catalogue=catalogue_for(request, context.settings))


def _first_mark(landed: Landed, layout: Layout) -> RejectionMark | None:
    position, cells = find_rejection_columns(layout.columns).get(MARK), first_cells(landed, layout)
    if position is None or not cells or not (marks := cells[position - 1]):
        return None
    return RejectionMark.parse(marks[0])


def _options_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of an import by an older release, only these two are known."""
    if row["options"]:
        return dict(json.loads(row["options"]))
    return {"merge": row["merge_policy"], "segment": row["segment"]}
