"""The whole difference between a file and the warehouse: as a list of cells, and as a digest that a merge can check."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection

from schemas.field_types import FieldType
from schemas.fields import Field
from warehouse.merge.change_list import FETCHED_ROWS, Change, cell_text, kind_of
from warehouse.merge.execution import MergeCounts, MergeResult
from warehouse.merge.journal import INSERTED
from warehouse.merge.policies import NO_DIFFERENCE, ChangeKind
from warehouse.merge.statements import Comparison

EXAMPLES_PER_KIND = 3
OPTION_TYPES = (FieldType.BOOLEAN, FieldType.RADIO, FieldType.CHECKBOX)
DIGEST_LENGTH = 16  # hex digits
OTHER_VALUE = "(another value)"  # stands for stored values that are no option of the catalogue
BY_POLICY, BY_CONSENT = "kept-by-policy", "kept-by-consent"
KEPT_KINDS: dict[str, str] = {
    ChangeKind.KEPT_BY_POLICY: BY_POLICY,
    ChangeKind.KEPT_BY_CONSENT: BY_CONSENT,
    ChangeKind.BLANK_KEPT_BY_CONSENT: BY_CONSENT,
}


class Transition(NamedTuple):
    """A change of an option field. For a checkbox, one option that is added or removed."""

    field: str
    before: str | None
    after: str | None


def list_changes(connection: Connection, comparison: Comparison, *, with_new: bool = True) -> Iterator[Change]:
    """What the merge would do now; a kept cell has the file's value.

    `with_new`: also the contacts that would be inserted, and everything by email, then in the order of the fields.
    """
    query = comparison.list_query if with_new else comparison.list_known_query
    for email, contact_id, kinds, *values in connection.execute(query, execution_options={"yield_per": FETCHED_ROWS}):
        if kinds is None:
            if comparison.rules.policy.inserts:
                yield Change(email, contact_id, None, INSERTED, None, None)
            continue
        for position, kind in enumerate(kinds):
            if kind == NO_DIFFERENCE:  # most cells
                continue
            before, after = values[2 * position : 2 * position + 2]
            name, kind = comparison.field_ids[position], KEPT_KINDS.get(kind) or kind_of(before, after)
            yield Change(email, contact_id, name, kind, cell_text(before), cell_text(after))


class JoiningMembers(NamedTuple):
    """How many existing contacts join the segment, and a sum of hashes of their numbers."""

    number: int = 0
    checksum: int = 0


@dataclass
class ChangeSummary:
    """Takes every change of a plan once: sums a digest, counts transitions, and keeps a few cells as examples.

    `options` are the fields whose values are options, or true and false. `single_values` has the fields in which all
    changed cells get one value; None in the others.
    """

    options: Mapping[str, Field]
    examples: dict[str, list[Change]] = field(default_factory=dict)
    transitions: Counter[Transition] = field(default_factory=Counter)
    single_values: dict[str, str | None] = field(default_factory=dict)
    _total: int = 0

    def add(self, change: Change) -> None:
        """Take one change. New contacts count by their number alone, which the merge counts."""
        if change.field is None:
            return
        examples = self.examples.setdefault(change.kind, [])
        if len(examples) < EXAMPLES_PER_KIND:
            examples.append(change)
        if change.kind in (BY_POLICY, BY_CONSENT):
            return
        cell = repr((change.contact_id, change.field, change.before, change.after))
        self._total += int.from_bytes(hashlib.sha256(cell.encode()).digest()[:16])
        if field := self.options.get(change.field):
            self.transitions.update(_transitions(field, change))
        if self.single_values.setdefault(change.field, change.after) != change.after:
            self.single_values[change.field] = None

    def digest(self, counts: MergeCounts, joining: JoiningMembers) -> str:
        """Of the counts, the new members and every change of an existing contact, in any order."""
        content = json.dumps([asdict(counts), joining, self._total % (1 << 128)])
        return hashlib.sha256(content.encode()).hexdigest()[:DIGEST_LENGTH]


def _transitions(field: Field, change: Change) -> Iterator[Transition]:
    def known(option: str | None) -> str | None:
        return option if option is None or option in field.option_places else OTHER_VALUE

    if field.type is FieldType.BOOLEAN:
        yield Transition(field.id, change.before, change.after)
    elif field.type is FieldType.RADIO:
        yield Transition(field.id, known(change.before), known(change.after))
    else:
        before, after = (set((text or "").split("|")) - {""} for text in (change.before, change.after))
        yield from (Transition(field.id, known(option), None) for option in before - after)
        yield from (Transition(field.id, None, known(option)) for option in after - before)


def summarise(
    connection: Connection,
    comparison: Comparison,
    result: MergeResult,
    through: Callable[[Iterator[Change]], Iterator[Change]] | None = None,
) -> ChangeSummary:
    """The summary of what the merge would do, which `result` has counted.

    `through` gets every change, also of new contacts, by email, and hands it on. Without it, no row is read if no
    cell differs.
    """
    summary = ChangeSummary(
        {each.field.id: each.field for each in comparison.differences if each.field.type in OPTION_TYPES}
    )
    changes: Iterable[Change] = ()
    if through:
        changes = through(list_changes(connection, comparison))
    elif result.has_differences:
        changes = list_changes(connection, comparison, with_new=False)
    for change in changes:
        summary.add(change)
    return summary
