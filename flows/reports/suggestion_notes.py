"""What a person should know before applying a reading: a blank cell may drop its whole column."""

from collections.abc import Iterable

from flows.reports.models import SuggestionReport
from schemas.errors.base import Names

DROPS_COLUMN = "then the column is dropped unless --gaps allow"  # after a semicolon, in the terminal


def gaps_note(suggestions: Iterable[SuggestionReport], allow_gaps: str) -> str:
    """The columns that readings with blank cells would drop; `allow_gaps` is how the reader allows gaps."""
    columns = Names(dict.fromkeys(each.column for each in suggestions if each.drops_column))
    return f"Readings make cells blank in {columns}; then the column is dropped unless {allow_gaps}." if columns else ""
