"""What an import would do, as markdown: counts, warnings, changes by field, transitions and a few examples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flows.publishing.markdown import MASKED_VALUE, code, table
from flows.publishing.summary import (
    changes_section,
    columns_section,
    counts_section,
    reasons_section,
    suggestions_section,
    translations_section,
    warnings_section,
)
from flows.reports.models import ImportReport
from flows.reports.phrases import EXAMPLES_HEADER, TRANSITIONS_HEADER, transition_rows
from warehouse.merge.change_list import Change, cell_text

if TYPE_CHECKING:
    from warehouse.merge.dry_run import MergePreview


def plan_markdown(result: ImportReport, preview: "MergePreview", masked: bool) -> str:
    """The whole artifact of a plan."""
    parts = [
        "# What an import of this file would do",
        *plan_sections(result, preview, masked),
        f"To merge exactly this, run *import* with the same options and this *Plan*: {code(result.plan or '')}",
    ]
    return "\n\n".join(filter(None, parts))


def plan_sections(result: ImportReport, preview: "MergePreview", masked: bool) -> Iterator[str]:
    """The parts of a plan, for any artifact. Warnings come first, since they say what to look at."""
    yield f"{code(result.source)} with policy **{result.merge}**. Nothing has been written yet."
    yield from counts_section(result, "would be added")
    yield from warnings_section(result)
    yield from changes_section(result)
    if transitions := transition_rows(preview.summary):
        yield "## Most frequent changes of options"
        yield table(TRANSITIONS_HEADER, transitions)
    yield from _examples(preview.summary.examples, masked)
    yield from _first_rows(preview.first_rows, masked)
    yield from reasons_section(result)
    yield from columns_section(result)
    yield from translations_section(result)
    yield from suggestions_section(result)


def _examples(examples: Mapping[str, Sequence[Change]], masked: bool) -> Iterator[str]:
    """A few cells of each kind, with the stored value and the one that would be stored, or that the file has."""
    if not examples:
        return

    def shown(text: str | None) -> str | None:
        return MASKED_VALUE if masked and text is not None else text

    yield "## Examples of cells of existing contacts"
    changes = (change for of_kind in examples.values() for change in of_kind)
    yield table(
        EXAMPLES_HEADER,
        ((shown(each.email), each.field, each.kind, shown(each.before), shown(each.after)) for each in changes),
    )


def _first_rows(first: Sequence[Mapping[str, Any]], masked: bool) -> Iterable[str]:
    def shown(value: object) -> str | None:
        return MASKED_VALUE if masked and value is not None else cell_text(value)

    if first:
        yield "## The first new contacts as they would be stored"
        yield table(list(first[0]), (map(shown, row.values()) for row in first))
