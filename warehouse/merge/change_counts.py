"""How many cells of existing contacts an import filled, replaced, cleared or kept, by field."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from warehouse.merge.policies import WRITTEN, ChangeKind


@dataclass(frozen=True)
class FieldChanges:
    """Counts of the cells of one field in which the file has another value than the contact, or clears it."""

    filled: int = 0
    replaced: int = 0
    cleared: int = 0
    kept_by_policy: int = 0
    kept_by_consent: int = 0


@dataclass(frozen=True)
class ChangeCounts:
    """Cells by field; `absent` rows have no contact; `updated` ones change theirs.

    `weaker_consents` are the cells with a weaker consent than the stored one, kept or not.
    """

    fields: dict[str, FieldChanges]
    absent: int = 0
    updated: int = 0
    weaker_consents: int = 0


def count_changes(fields: Sequence[str], rows: Iterable[tuple[str | None, int]]) -> ChangeCounts:
    """The sums over pairs of a row's letters (see `ChangeKind`) and how many rows have exactly these.

    None stands for the letters of rows without a contact.
    """
    cells: list[Counter[str]] = [Counter() for _ in fields]
    absent = updated = 0
    for kinds, number in rows:
        if kinds is None:
            absent += number
            continue
        updated += number if any(kind in kinds for kind in WRITTEN) else 0
        for counter, kind in zip(cells, kinds, strict=True):
            counter[kind] += number
    return ChangeCounts(
        {field: _field_changes(counter) for field, counter in zip(fields, cells, strict=True)},
        absent,
        updated,
        sum(counter[ChangeKind.LOOSENED] + counter[ChangeKind.KEPT_BY_CONSENT] for counter in cells),
    )


def _field_changes(kinds: Counter[str]) -> FieldChanges:
    return FieldChanges(
        filled=kinds[ChangeKind.FILLED],
        replaced=kinds[ChangeKind.REPLACED] + kinds[ChangeKind.LOOSENED],
        cleared=kinds[ChangeKind.CLEARED],
        kept_by_policy=kinds[ChangeKind.KEPT_BY_POLICY],
        kept_by_consent=kinds[ChangeKind.KEPT_BY_CONSENT] + kinds[ChangeKind.BLANK_KEPT_BY_CONSENT],
    )
