"""The whole difference between a file and the warehouse: as a list of cells, and as a digest that a merge can check."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from sqlalchemy import Connection

from warehouse.merge.change_list import FETCHED_ROWS, Change, cell_text, kind_of
from warehouse.merge.differences import NO_DIFFERENCE, WRITTEN, ChangeKind
from warehouse.merge.execution import MergeCounts
from warehouse.merge.statements import MergeStatements

EXAMPLES_PER_KIND = 3
DIGEST_LENGTH = 16  # hex digits
KEPT_KINDS = {
    ChangeKind.KEPT_BY_POLICY: "kept-by-policy",
    ChangeKind.KEPT_BY_CONSENT: "kept-by-consent",
    ChangeKind.BLANK_KEPT_BY_CONSENT: "kept-by-consent",
}


def list_changes(connection: Connection, statements: MergeStatements) -> Iterator[Change]:
    """What the merge would do now by email, then in the order of the fields; a kept cell has the file's value."""
    rows = connection.execute(statements.list_changes, execution_options={"yield_per": FETCHED_ROWS})
    for email, contact_id, kinds, *values in rows:
        if kinds is None:
            if statements.rules.policy.inserts:
                yield Change(email, contact_id, None, "inserted", None, None)
            continue
        for name, kind, before, after, cell in zip(
            statements.fields, kinds, values[::3], values[1::3], values[2::3], strict=True
        ):
            if kind in WRITTEN:
                yield Change(email, contact_id, name, kind_of(before, after), cell_text(before), cell_text(after))
            elif kind != NO_DIFFERENCE:
                kept = KEPT_KINDS[ChangeKind(kind)]
                yield Change(email, contact_id, name, kept, cell_text(before), cell_text(cell))


@dataclass
class ChangeSummary:
    """Takes every change of a plan once: sums a digest, and keeps the first cells of each kind as examples."""

    examples: dict[str, list[Change]] = field(default_factory=dict)
    _total: int = 0

    def add(self, change: Change) -> None:
        if change.field is None:
            return
        kept = self.examples.setdefault(change.kind, [])
        if len(kept) < EXAMPLES_PER_KIND:
            kept.append(change)
        if change.kind not in KEPT_KINDS.values():
            cell = json.dumps([change.contact_id, change.field, change.before, change.after])
            self._total += int.from_bytes(hashlib.sha256(cell.encode()).digest()[:16])

    def digest(self, counts: MergeCounts, segment_added: int) -> str:
        """Of the counts, the new members and every change of an existing contact, in any order."""
        content = json.dumps([asdict(counts), segment_added, self._total % (1 << 128)])
        return hashlib.sha256(content.encode()).hexdigest()[:DIGEST_LENGTH]


def summarise(changes: Iterator[Change]) -> ChangeSummary:
    """The digest and the examples of these changes."""
    summary = ChangeSummary()
    for change in changes:
        summary.add(change)
    return summary
