"""Warnings about the cells of a file: nothing is rejected for them, but a person should know."""

from collections.abc import Iterable, Iterator, Mapping

from flows.reports.consent import consent_warnings
from flows.reports.phrases import counted
from transforms.chunks.file_profile import FileProfile
from transforms.chunks.split import PhoneCounts
from transforms.mapping.columns import ColumnOutcome
from transforms.mapping.suggestions import Suggestion


def file_warnings(profile: FileProfile) -> Iterator[str]:
    """What the whole file shows, apart from counts."""
    yield from consent_warnings(profile.columns)
    for column in profile.with_both_signs:
        yield (
            f"some numbers of {column.name!r} have a decimal comma and some a decimal point, so none is read as "
            "the other; correct the invalid ones"
        )
    if lines := profile.footer_lines:
        these = f"the last {lines} lines look" if lines > 1 else "the last line looks"
        yield f"{these} like text below the records; if so, skip it with --skip-last {lines}"
    if profile.cut_off:
        yield (
            "the file stops inside a quoted cell: it may have been cut off; export it again, or correct its last record"
        )


def count_warnings(profile: FileProfile, rewritten_emails: int, swapped_dates: Mapping[int, int]) -> Iterator[str]:
    """How many lines and cells are not as they should be. `swapped_dates` are by column position."""
    if number := profile.blank_records:
        yield f"{counted(number, 'line')} without any value; such a line is no record"
    if number := profile.guarded_cells:
        yield f"{counted(number, 'cell')} with a ' before a formula sign; the ' was taken off"
    if number := rewritten_emails:
        yield (
            f"{counted(number, 'email')} stored in another spelling of its domain or accents; the warehouse has the "
            "new one"
        )
    names = {each.column.position: each.column.name for each in profile.columns}
    for position, name in names.items():
        if number := swapped_dates.get(position, 0):
            yield (
                f"{name!r} has {counted(number, 'rejected date')} that would exist with day and month exchanged, so "
                "the accepted dates may be exchanged too; check the format of the column"
            )
    for position, (number, record) in sorted(profile.mojibake.items()):
        yield (
            f"{names[position]!r} has {counted(number, 'cell')}, the first in record {record:,}, that look like UTF-8 "
            "decoded in another encoding; if --encoding is right, the text is damaged in the file: correct it there"
        )


def phone_warnings(
    profile: FileProfile, phones: Mapping[int, PhoneCounts], suggestions: Iterable[Suggestion]
) -> Iterator[str]:
    """Phones that got the default country prefix in a column that has phones of other countries too."""
    with_lost_plus = {each.column.position for each in suggestions if "plus" in each.translation}
    for column in (each.column for each in profile.columns if each.outcome is ColumnOutcome.IMPORTED):
        counts = phones.get(column.position)
        if counts and counts.national and (counts.foreign or column.position in with_lost_plus):
            yield (
                f"{column.name!r} has {counted(counts.national, 'phone')} without a country prefix, read with "
                f"{counts.prefix}, and others of another country; if {counts.prefix} is wrong, name the right one with "
                "--default-prefix"
            )
