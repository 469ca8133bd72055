"""Phrases that the terminal and the artifacts share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.reports.models import (
    CheckReport,
    ColumnReport,
    DialectReport,
    ImportReport,
    RemovalReport,
    RetryReport,
    SuggestionReport,
    UndoReport,
)
from schemas.errors.base import Names, shortened
from schemas.presets.writer import describe_translation
from schemas.validation.rules import EXPECTED, Rule, sort_by_count
from transforms.mapping.columns import ColumnOutcome
from transforms.parsing.dialect import QUOTE
from transforms.parsing.layout import REJECTION_COLUMNS

if TYPE_CHECKING:  # a check needs no warehouse
    from warehouse.merge.plan import ChangeSummary

_CHARACTERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "space", "\\": "backslash"}


def counted(number: int, thing: str, plural: str = "") -> str:
    """A number and its noun, in the plural unless the number is 1."""
    return f"{number:,} {thing if number == 1 else plural or f'{thing}s'}"


def list_counts(counts: Iterable[tuple[str, int]]) -> str:
    """Such as `5 inserted, 2 updated`."""
    return ", ".join(f"{number:,} {name}" for name, number in counts)


def describe_dialect(dialect: DialectReport) -> str:
    """The encoding and the dialect in one line, with how certain they are."""

    def certainty(text: str | None) -> str:
        return f" ({text})" if text else ""

    def name_of(character: str) -> str:
        return _CHARACTERS.get(character, character)

    parts = [
        f"{dialect.encoding}{certainty(dialect.encoding_certainty)}",
        f"delimiter {name_of(dialect.delimiter)}{certainty(dialect.delimiter_certainty)}",
        f"quote {dialect.quote}" if dialect.quote != QUOTE else "",
        f"escape {name_of(dialect.escape)}" if dialect.escape else "",
        "" if dialect.header else "no header",
        f"{counted(dialect.skipped_lines, 'line')} above the header" if dialect.skipped_lines else "",
    ]
    return ", ".join(filter(None, parts))


def unimported_columns(report: CheckReport) -> list[ColumnReport]:
    """The columns that were not imported, without the columns that a rejected file adds."""
    return [
        column
        for column in report.columns
        if column.outcome != ColumnOutcome.IMPORTED
        and not (column.outcome == ColumnOutcome.IGNORED and column.column in REJECTION_COLUMNS)
    ]


def outcome_line(report: CheckReport) -> str:
    """What matters most, in one line: the UI cuts it after about 70 characters."""
    rows = report.rows
    if rows is None:
        return report.status
    dropped = [each.field or each.column for each in report.columns if each.outcome == ColumnOutcome.INCOMPLETE]
    planned = report.status == "planned"
    verb = "in" if isinstance(report, ImportReport) and not planned else "valid"
    if not rows.accepted and rows.read:
        parts = [f"nothing is {verb}: {rows.rejected:,} of {counted(rows.read, 'row')} rejected"]
    else:
        parts = [f"{rows.accepted:,} of {rows.read:,} {verb}", f"{rows.rejected:,} rejected"]
    if dropped:
        parts.append(f"{counted(len(dropped), 'column')} left out ({Names(dropped)})")
    changes = list_counts((report.contacts or ()) if isinstance(report, ImportReport) else ())
    return ", ".join(parts) + (f"; {'would be ' if planned else ''}{changes}" if changes else "")


def reason_rows(report: CheckReport) -> list[tuple[str, str, int, int | None, str]]:
    """A row for each reason and column: the code, the column, the cells, the first record, and what is expected.

    A report of an older release, or of several files, has only the codes.
    """
    reasons: list[tuple[str, str, int, int | None]]
    reasons = [(each.code, each.column or "", each.cells, each.first_record) for each in report.reasons]
    if not reasons:
        reasons = [(code, "", cells, None) for code, cells in sort_by_count(report.rejections)]
    return [(*reason, EXPECTED[Rule(reason[0])]) for reason in reasons]


TRANSLATIONS_HEADER = ("column", "field", "translation", "by", "cells")
SUGGESTIONS_HEADER = ("column", "reading", "fixes", "blanks", "certain")


def translation_rows(report: CheckReport) -> list[tuple[str, str, str, str, int]]:
    """A row for each translation of cells, by a preset or an added reading."""
    return [
        (shortened(each.column or "(the file)"), each.field, each.translation, each.by, each.cells)
        for each in report.translations
        if each.cells
    ]


def suggestion_rows(report: CheckReport) -> list[tuple[str, str, str, int, str]]:
    """A row for each suggested reading: how many rejected cells it fixes, and how many cells would become blank."""
    return [
        (
            shortened(each.column),
            describe_translation(each.translation),
            f"{each.fixes:,} of {each.of:,}",
            each.blanks,
            "yes" if each.certain else "no",
        )
        for each in report.suggestions
    ]


def describe_gaps(column: ColumnReport) -> str:
    """Why a column is incomplete: how many cells are empty, and in which records."""
    if not column.empty_cells:
        return "it was incomplete in the import that this one retries"
    first = ", ".join(f"{number:,}" for number in column.first_empty)
    records = "record" if column.empty_cells == 1 else "records"
    more = " and more" if column.empty_cells > len(column.first_empty) else ""
    return f"{counted(column.empty_cells, 'empty cell')}, in {records} {first}{more}"


@dataclass(frozen=True)
class Interface:
    """How a person names what a next step needs: options of the command, or fields of the form."""

    allow_gaps: str
    fix: str
    choose_readings: str


COMMAND = Interface("--gaps allow", "add --fix", "write a preset with contacts presets suggest FILE --save NAME")
FORM = Interface("*Empty cells*: allow", "set *Apply certain suggestions*", "import the file with *guided-import*")


def use_of_gaps(interface: Interface) -> str:
    """How to import columns with empty cells."""
    return (
        f"An empty cell drops its whole column. With {interface.allow_gaps} such columns are imported: empty cells are "
        "blank, and invalid cells reject their rows."
    )


def use_of_rejected(report: CheckReport, retry: str) -> str:
    """What to do with the rejected rows; `retry` says in the reader's interface how to name the import.

    A failed import imported nothing, so its whole file is needed again, not only these rows.
    """
    if report.failed:
        return "to look at"
    if isinstance(report, ImportReport) and report.status == "completed" and report.import_id:
        return f"to correct and import again {retry} {report.import_id}"
    return f"to correct and import again{f' with --preset {report.preset}' if report.preset else ''}"


CHANGES_HEADER = ("field", "filled", "replaced", "cleared", "kept by policy", "kept by consent")


def changed_fields(report: ImportReport) -> list[tuple[str | int, ...]]:
    """The rows of a table of the fields in which the file and existing contacts differ."""
    rows = ((field, *counts.model_dump().values()) for field, counts in report.changes.items())
    return [row for row in rows if any(row[1:])]


EXAMPLES_HEADER = ("email", "field", "what happens", "stored value", "value of the file")
TRANSITIONS_HEADER = ("field", "from", "to", "contacts")
MAX_TRANSITIONS = 20


def transition_rows(summary: "ChangeSummary") -> list[tuple[str, str, str, int]]:
    """The most frequent changes of options; `(empty)` is no value, and for a checkbox an option that is not chosen."""
    most = summary.transitions.most_common(MAX_TRANSITIONS)
    return [(each.field, each.before or "(empty)", each.after or "(empty)", number) for each, number in most]


NO_JOURNAL = "This cannot be undone: CONTACTS_JOURNAL is off, or its journal was pruned."
KEPT_CAUSES = {
    "later-import": "changed by a later import",
    "edited": "changed by somebody since",
    "consent": "a refusal, which is never taken back",
    "email-taken": "of an email that another contact has now",
    "suppressed": "of an address that is suppressed",
}
INSERTED_AND_KEPT = "inserted, but changed since or in a segment through something else"


def kept_causes(report: UndoReport) -> list[tuple[str, int]]:
    """Why an undo kept cells, and how many."""
    return [(KEPT_CAUSES[cause], number) for cause, number in report.kept.items() if number]


def kept_contacts(report: UndoReport) -> list[tuple[str, int]]:
    """Why an undo kept contacts, and how many, without those that it cannot insert again: `kept_causes` has them.

    The counts do not tell inserted contacts from those of which no cell was restored.
    """
    not_inserted = report.kept["email-taken"] + report.kept["suppressed"]  # one cell for each contact
    number = report.contacts["kept"] - not_inserted
    updated = report.cells["kept"] > not_inserted
    why = f"no cell restored; or {INSERTED_AND_KEPT}" if updated else INSERTED_AND_KEPT
    return [(why, number)] if number else []


def undo_order(report: UndoReport, *, journalled: bool) -> str:
    """How to restore what a later import changed too; empty if nothing is, or without the journal that this takes."""
    if not report.kept["later-import"] or (report.import_id and not journalled):
        return ""
    order = "that import first"
    if report.import_id:
        order = f"import {report.import_id}, then that import, then import {report.undoes} again"
    return f"To restore cells that a later import changed, undo {order}. 'contacts history EMAIL' names that import."


def undo_line(report: UndoReport) -> str:
    """What an undo did, in one line: the UI cuts it after about 70 characters."""
    contacts, cells = report.contacts, report.cells
    verb = "would be " if report.status == "planned" else ""
    kept = f"{counted(contacts['kept'], 'contact')} kept, " if contacts["kept"] else ""
    return (
        f"import {report.undoes}: {counted(cells['restored'], 'cell')} {verb}restored, {cells['kept']:,} kept; "
        f"{kept}{counted(contacts['deleted'], 'contact')} {verb}deleted, {contacts['reinserted']:,} brought back"
    )


def undo_sentences(report: UndoReport, *, journalled: bool) -> list[str]:
    """What an undo restored, and what it kept and why. Without a journal, it cannot be undone."""
    title = f"Undo of import {report.undoes}" + (f" (import {report.import_id})" if report.import_id else "")
    lines = [f"{title}: {report.status}"]
    lines += [
        f"{name + ':':<9} {list_counts(getattr(report, name).items())}" for name in ("contacts", "cells", "members")
    ]
    lines += [f"kept:     {counted(number, 'cell')}: {cause}" for cause, number in kept_causes(report)]
    lines += [f"kept:     {counted(number, 'contact')}: {why}" for why, number in kept_contacts(report)]
    if order := undo_order(report, journalled=journalled):
        lines.append(order)
    if report.import_id:
        back = f"To bring import {report.undoes} back: contacts undo {report.import_id}"
        lines.append(back if journalled else NO_JOURNAL)
    return lines


def deletion_sentences(report: RemovalReport, *, journalled: bool, of_segment: bool = False) -> list[str]:
    """What a delete did, or would do, and the next step. Without a journal, it cannot be undone."""
    what = f"{counted(report.deleted, 'contact')} with {counted(report.members, 'membership')}"
    if report.import_id is None:
        option = f"with --expect {report.found} instead of --dry-run" if of_segment else "without --dry-run"
        next_step = f"To delete them: the same command {option}"
        return [f"{what} would be deleted.", *([] if journalled else [NO_JOURNAL]), next_step]
    back = f"To bring them back: contacts undo {report.import_id}" if journalled else NO_JOURNAL
    return [f"Import {report.import_id}: {what} deleted.", back]


def erasure_sentences(report: RemovalReport, rejected_rows: int, suppressed: int) -> list[str]:
    """What an erase reached, or would reach, and what it does not reach."""
    contacts = f"{counted(report.deleted, 'contact')} with {counted(report.members, 'membership')}"
    what = f"{contacts}, and {counted(rejected_rows, 'rejected row')}"
    addresses = counted(suppressed, "address", "addresses")
    if report.status == "planned":
        return [f"{what} would be erased for good, and {addresses} suppressed."]
    rest = "Copies outside the warehouse and its import folders stay: see 'Erasing a person' in docs/security.md."
    return [f"{what} erased for good, and {addresses} suppressed, so that no import brings them.", rest]


def retry_progress(retry: RetryReport) -> str:
    """What a retry has imported of the first import's rejected records; nothing before that is known."""
    if retry.mended is None or retry.missing is None:
        return ""
    return f"{counted(retry.mended, 'record')} of import {retry.first} corrected, {retry.missing:,} still outstanding"


def kept_reasons_note(row: Mapping[str, Any]) -> str:
    """A note if the warehouse keeps only a part of an import's rejections."""
    found, kept = row["rejections_found"], row["rejections_kept"]
    if row["status"] != "completed" or found is None or kept is None or kept >= found:
        return ""
    return f"keeps {kept:,} of {found:,} reasons"


def drops_column(allow_gaps: str) -> str:
    """What else a reading with blank cells does; `allow_gaps` is how the reader allows gaps."""
    return f"; then the column is dropped unless {allow_gaps}"


def gaps_note(suggestions: Iterable[SuggestionReport], allow_gaps: str) -> str:
    """The columns that readings with blank cells would drop."""
    columns = Names(dict.fromkeys(each.column for each in suggestions if each.drops_column))
    return f"Readings make cells blank in {columns}{drops_column(allow_gaps)}." if columns else ""


def use_of_suggestions(report: CheckReport, interface: Interface) -> str:
    """How to apply the suggestions of this report."""
    certain = any(each.certain for each in report.suggestions)
    others = not all(each.certain for each in report.suggestions)
    parts = [
        f"To apply the certain ones, {interface.fix}." if certain else "",
        f"To choose among those that are not certain, {interface.choose_readings}." if others else "",
    ]
    return " ".join(filter(None, (*parts, gaps_note(report.suggestions, interface.allow_gaps))))
