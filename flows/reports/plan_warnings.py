"""Warnings about changes that a person should look at before they happen."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.config.request import ImportRequest
from flows.reports.phrases import counted

if TYPE_CHECKING:  # a check needs no warehouse
    from warehouse.merge.dry_run import MergePreview

MANY = 0.5  # a field that is replaced in a greater share of the contacts is unusual
FEW_CELLS = 10  # with fewer changed cells, one value in all of them says nothing


def plan_warnings(preview: "MergePreview", request: ImportRequest) -> Iterator[str]:
    """Fields replaced in most contacts, fields that get one value everywhere, and weaker consents. No values."""
    compared = preview.counts.updated + preview.counts.unchanged
    for field, changes in preview.result.changes.items():
        if changes.replaced > MANY * compared and changes.replaced >= FEW_CELLS:
            yield f"{field} is replaced in {changes.replaced:,} of {counted(compared, 'existing contact')}"
        written = changes.filled + changes.replaced + changes.cleared
        if written >= FEW_CELLS and preview.summary.single_values.get(field) is not None:
            yield f"{field} gets one and the same value in all {written:,} contacts that change"
    if weaker := preview.result.weaker_consents:
        consents = f"the consent in the file is weaker than the stored one in {counted(weaker, 'cell')}"
        if request.loosen_consent is None:
            yield f"{consents}; the stored ones are kept, unless you allow {weaker} weaker ones (--loosen-consent)"
        else:
            yield f"{consents}; the stored ones are replaced, since the request allows it"
