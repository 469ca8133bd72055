"""The summary of an import as markdown: what a person reads first in the Prefect UI."""

from collections.abc import Iterable
from typing import Any

from flows.publishing.charts import rows_chart
from flows.publishing.markdown import code, plain, table
from flows.reports.phrases import counted, mending, unimported_columns, use_of_rejected
from flows.reports.report import Report, describe_dialect
from schemas.validation.rules import EXPECTED, Rule, sort_by_count


def summary(result: Report) -> str:
    """The whole summary; a failed import has the parts it came to."""
    parts = [
        _title(result),
        _source(result),
        *_error(result),
        *_repeated_import(result),
        *_counts(result),
        *reasons_section(result, "did" if is_import(result) else "would"),
        *columns_section(result),
        *translations(result),
        *warnings_section(result),
    ]
    return "\n\n".join(part for part in parts if part)


def summary_line(result: Report) -> str:
    """One line for the card of the summary."""
    if "error" in result:
        return f"failed: {result['error']['code']}"
    if "repeats" in result:
        return f"skipped: the same file as import {result['repeats']}"
    rows = result["rows"]
    return f"{rows['read']:,} rows read, {rows['accepted']:,} accepted, {rows['rejected']:,} rejected"


def is_import(result: Report) -> bool:
    """Whether it is the report of an import, and not of a check."""
    return "import_id" in result


def _title(result: Report) -> str:
    return (
        f"# Import {result['import_id'] or ''} {result['status']}"
        if is_import(result)
        else f"# Check {result['status']}"
    )


def _source(result: Report) -> str:
    read_as = f", read as {code(describe_dialect(result['dialect']))}" if result["dialect"] else ""
    policy = f", with policy **{result['merge']}**" if is_import(result) else ""
    taken = f" ({code(result['source_file'])})" if "source_file" in result else ""
    return f"{code(result['source'])}{taken}{read_as}{policy}, in {result['seconds']:,.1f} seconds"


def _error(result: Report) -> Iterable[str]:
    if "error" in result:
        yield f"**{result['error']['code']}**: {plain(result['error']['message'])}"
        if is_import(result):
            yield "No contact was changed."


def _repeated_import(result: Report) -> Iterable[str]:
    if "repeats" in result:
        yield f"It is the same file as in import {result['repeats']}, with the same catalogue and options."


def _counts(result: Report) -> Iterable[str]:
    if rows := result["rows"]:
        yield rows_chart(rows, result.get("contacts"))
        yield table([f"rows {next(iter(rows))}", *list(rows)[1:]], [rows.values()])
    if not is_import(result):
        return
    if contacts := result["contacts"]:
        yield table([f"contacts {next(iter(contacts))}", *list(contacts)[1:]], [contacts.values()])
    if (retry := result["retry_of"]) and retry["mended"] is not None:
        yield f"{mending(retry)}."
    if segment := result["segment"]:
        yield f"{segment['added']:,} contacts joined the segment **{plain(segment['id'])}**."


def reasons_section(result: Report, verb: str = "did") -> Iterable[str]:
    """Why rows did not, or would not, come in."""
    if codes := result["rejections"]:
        yield f"## Why {counted(result['rows']['rejected'], 'row')} {verb} not come in"
        rows = ((code, number, EXPECTED[Rule(code)]) for code, number in sort_by_count(codes))
        yield table(["reason", "times", "what is expected"], rows)
    if result["rejected_file"]:
        yield f"The rejected rows, {use_of_rejected(result, 'as a retry of import')}: {code(result['rejected_file'])}"


def columns_section(result: Report) -> Iterable[str]:
    """What becomes of each column, and why."""
    if not (columns := result["columns"]):
        return
    yield "## Columns"
    if odd := unimported_columns(result):
        yield "Not imported:\n\n" + "\n".join(f"- **{plain(each['column'])}**: {_why(each)}" for each in odd)
    rows = ((each["column"], each["field"] or "", each["outcome"], each["empty_cells"]) for each in columns)
    yield table(["column", "field", "outcome", "empty cells"], rows)


def translations(result: Report) -> Iterable[str]:
    if changes := result["translations"]:
        yield f"## What the preset {code(result['preset'])} translated"
        rows = ((each["column"] or "(the file)", each["field"], each["translation"], each["cells"]) for each in changes)
        yield table(["column", "field", "translation", "cells"], rows)


def _why(column: dict[str, Any]) -> str:
    if column["outcome"] == "incomplete" and not column["empty_cells"]:
        return "it was incomplete in the import that this is a retry of"
    if column["outcome"] == "incomplete":
        first = ", ".join(f"{number:,}" for number in column["first_empty"])
        records = "record" if column["empty_cells"] == 1 else "records"
        more = " and so on" if column["empty_cells"] > len(column["first_empty"]) else ""
        return f"{counted(column['empty_cells'], 'empty cell')}, in {records} {first}{more}"
    if column["outcome"] == "unknown-field":
        asked = f"; did you mean **{plain(column['suggestion'])}**?" if column["suggestion"] else ""
        return f"the catalogue has no field of this name{asked}"
    return "mapped away by the request or its preset"


def warnings_section(result: Report) -> Iterable[str]:
    if warnings := result["warnings"]:
        yield "## Worth knowing"
        yield "\n".join(f"- {plain(warning)}" for warning in warnings)
