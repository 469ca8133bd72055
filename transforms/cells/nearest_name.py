"""What somebody may have meant: the name most like another, as a suggestion and never as a decision."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process

LONGEST = 100  # characters of what was written that are compared


def nearest_name(written: str, names: Iterable[str], at_least: float) -> str | None:
    """The name most like what was written, if it is alike enough: 1 is the same, 0 has no letter in common."""
    found = process.extractOne(written[:LONGEST], list(names), scorer=fuzz.ratio, score_cutoff=100 * at_least)
    return found[0] if found else None
