"""What the terminal and the artifacts say in the same words."""

from collections.abc import Mapping
from typing import Any

from transforms.mapping.columns import ColumnOutcome
from transforms.parsing.layout import REJECTION_COLUMNS


def counted(number: int, thing: str) -> str:
    """A number and its thing, in the plural but for one."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def unimported_columns(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns that were not imported, but for those that a rejected file adds, which nobody would miss."""
    return [
        column
        for column in report["columns"]
        if column["outcome"] != ColumnOutcome.IMPORTED
        and not (column["outcome"] == ColumnOutcome.IGNORED and column["column"] in REJECTION_COLUMNS)
    ]


def use_of_rejected(report: Mapping[str, Any], retry: str) -> str:
    """What the rejected rows are good for, `retry` being how the reader's face says of which import.

    Of a failed import nothing came in, so that its whole file is due, and not these rows alone.
    """
    if report["status"] == "failed":
        return "to look at"
    again = "to mend and import again"
    if report["status"] == "completed" and report.get("import_id"):
        return f"{again} {retry} {report['import_id']}"
    return f"{again} with --preset {report['preset']}" if report["preset"] else again


def mending(retry: Mapping[str, Any]) -> str:
    """What a retry has brought of its first import."""
    records = counted(retry["mended"], "record")
    return f"{records} of import {retry['first']} mended, {retry['missing']:,} of it still missing"


def kept_reasons_note(row: Mapping[str, Any]) -> str:
    """That the warehouse has not all the reasons for which an import rejected rows; nothing where it has."""
    found, kept = row["rejections_found"], row["rejections_kept"]
    if row["status"] != "completed" or found is None or kept is None or kept >= found:
        return ""
    return f"keeps {kept:,} of {found:,} reasons"
