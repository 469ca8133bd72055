"""Finds the most similar name, for suggestions only."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process

MAX_COMPARED_LENGTH = 100  # characters


def nearest_name(written: str, names: Iterable[str], at_least: float) -> str | None:
    """The name most similar to `written`; None if its similarity, from 0 to 1, is below `at_least`."""
    found = process.extractOne(
        written[:MAX_COMPARED_LENGTH], list(names), scorer=fuzz.ratio, score_cutoff=100 * at_least
    )
    return found[0] if found else None
