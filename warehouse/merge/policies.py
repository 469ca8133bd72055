"""The policies as SQL: how a stored contact and the file differ, field by field, and which value a field gets.

It is expressed here only. The merge, the counts, the journal, the dry run and the plan use it. docs/rules.md has the
rules.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, and_, case, func, literal, or_, true
from sqlalchemy.types import Text

from schemas.choices import Blanks, FieldPolicy, MergePolicy
from schemas.fields import Field
from warehouse.backends.base import SortedOptions


class ChangeKind(StrEnum):
    """What the merge does to one cell of an existing contact. The letters are stored, one for each field."""

    FILLED = "f"
    REPLACED = "r"
    LOOSENED = "l"  # replaced by a weaker consent, since the request allows it
    CLEARED = "c"
    KEPT_BY_POLICY = "p"
    KEPT_BY_CONSENT = "s"
    BLANK_KEPT_BY_CONSENT = "b"


NO_DIFFERENCE = "-"
WRITTEN = (ChangeKind.FILLED, ChangeKind.REPLACED, ChangeKind.LOOSENED, ChangeKind.CLEARED)


@dataclass(frozen=True)
class MergeRules:
    """What an import does to contacts that exist. `fields` has the policies that differ by field.

    `loosen_consent` allows weaker consents, if exactly so many would be written; None keeps the stronger ones.
    """

    policy: MergePolicy
    blanks: Blanks = Blanks.KEEP
    fields: Mapping[str, FieldPolicy] = field(default_factory=dict)
    loosen_consent: int | None = None

    def __post_init__(self) -> None:
        if self.blanks is Blanks.CLEAR and not self.policy.can_clear:
            raise ValueError(f"{self.policy} never clears a stored value")

    def policy_of(self, field: Field) -> FieldPolicy:
        """The policy of a field: of the request, else of the preset or the catalogue, else of the whole import."""
        general = FieldPolicy.FILL_EMPTY if self.policy is MergePolicy.FILL_EMPTY else FieldPolicy.OVERWRITE
        return self.fields.get(field.id) or field.merge or general


@dataclass(frozen=True)
class Difference:
    """One field of the file and of the contact: `before` and `after` are the stored values, `kind` is a letter."""

    field: Field
    before: ColumnElement[Any]
    after: ColumnElement[Any]
    cell: ColumnElement[Any]
    may_differ: ColumnElement[bool]
    differs: ColumnElement[bool]
    kind: ColumnElement[str]

    @property
    def written_or_kept(self) -> ColumnElement[Any]:
        """The new value; the cell of the file where the stored value is kept."""
        return case((self.after.is_distinct_from(self.before), self.after), else_=self.cell)


def differences(contacts: FromClause, staged: Table, fields: Iterable[Field], rules: MergeRules) -> list[Difference]:
    """The differences in these fields, where a staged row and the contact of the same email are joined."""
    return [_difference(each, contacts.c[each.id], staged.c[each.id], rules) for each in fields]


def differs_anywhere(found: Sequence[Difference]) -> ColumnElement[bool]:
    """Whether the file says something else in at least one field.

    The first condition follows from the second. It is there because comparing plain columns takes half the time,
    and most rows are equal.
    """
    return and_(or_(*(each.may_differ for each in found)), or_(*(each.differs for each in found)))


def kinds_of(found: Sequence[Difference]) -> ColumnElement[str]:
    """The letters of all fields, in order, as one text."""
    return reduce(lambda left, right: left.concat(right), (each.kind for each in found))


def has_written(kinds: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the merge changes a contact with these letters: something is left without the kept cells."""
    kept = [NO_DIFFERENCE, *(str(kind) for kind in ChangeKind if kind not in WRITTEN)]
    return func.ltrim(kinds, "".join(kept)) != ""


def _difference(field: Field, column: ColumnElement[Any], cell: ColumnElement[Any], rules: MergeRules) -> Difference:
    before = stored_value(column)
    may_differ = cell.is_distinct_from(column)
    differs = cell.is_distinct_from(before)
    if rules.blanks is Blanks.KEEP:  # a cell is never an empty text, so the plain column will do
        differs = and_(cell.is_not(None), may_differ)
    intended = _intended_value(before, cell, field, rules)
    after = _with_consent(before, intended, field, rules)
    return Difference(
        field=field,
        before=before,
        after=after,
        cell=cell,
        may_differ=may_differ,
        differs=differs,
        kind=_kind(before, intended, after, differs, field, rules),
    )


def stored_value(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The stored value; an empty text counts as empty."""
    return func.nullif(column, "") if isinstance(column.type, Text) else column


def _intended_value(
    before: ColumnElement[Any], cell: ColumnElement[Any], field: Field, rules: MergeRules
) -> ColumnElement[Any]:
    """The new value by the policy alone."""
    match rules.policy_of(field):
        case FieldPolicy.KEEP:
            return before
        case FieldPolicy.FILL_EMPTY:
            return func.coalesce(before, cell)
        case FieldPolicy.APPEND:
            return _appended(before, cell, field.option_ids)
    return cell if rules.blanks is Blanks.CLEAR else func.coalesce(cell, before)


def _appended(before: ColumnElement[Any], cell: ColumnElement[Any], options: Sequence[str]) -> ColumnElement[Any]:
    """The stored options with those of the cell. Where none is new, the stored text stays, whatever its order."""
    union = SortedOptions(func.coalesce(before + "|", "") + func.coalesce(cell, ""), options)
    return case((union == SortedOptions(before, options), before), else_=union)


def _with_consent(
    before: ColumnElement[Any], intended: ColumnElement[Any], field: Field, rules: MergeRules
) -> ColumnElement[Any]:
    if not field.consent:
        return intended
    if rules.loosen_consent is not None:
        return func.coalesce(intended, before)
    return case((_is_weaker(intended, before, field.consent), before), else_=intended)


def _is_weaker(one: ColumnElement[Any], other: ColumnElement[Any], consent: Sequence[str]) -> ColumnElement[bool]:
    return _strength(one, consent) < _strength(other, consent)


def is_strongest(value: ColumnElement[Any], consent: Sequence[str]) -> ColumnElement[bool]:
    """Whether the value is as strong as the last one of the list; never for no value."""
    return _strength(value, consent) == len(consent)


def _strength(value: ColumnElement[Any], consent: Sequence[str]) -> ColumnElement[int]:
    """The place in the list. A value that is not in it counts as the strongest, since it may be a refusal."""
    places = [(value == option, place) for place, option in enumerate(consent, 1)]
    return case((value.is_(None), 0), *places, else_=len(consent))


def _kind(
    before: ColumnElement[Any],
    intended: ColumnElement[Any],
    after: ColumnElement[Any],
    differs: ColumnElement[bool],
    field: Field,
    rules: MergeRules,
) -> ColumnElement[str]:
    """The first condition that holds. The policy comes before the consent; what cannot be is not asked."""
    kinds: list[tuple[ColumnElement[bool], str]] = [(~differs, NO_DIFFERENCE)]
    match rules.policy_of(field):
        case FieldPolicy.KEEP:
            kinds.append((true(), ChangeKind.KEPT_BY_POLICY))
        case FieldPolicy.FILL_EMPTY:
            kinds.append((before.is_not(None), ChangeKind.KEPT_BY_POLICY))
        case FieldPolicy.APPEND:
            kinds.append((intended.is_not_distinct_from(before), ChangeKind.KEPT_BY_POLICY))
    if field.consent and rules.blanks is Blanks.CLEAR:
        kinds.append((intended.is_(None), ChangeKind.BLANK_KEPT_BY_CONSENT))
    if field.consent:
        kind = ChangeKind.KEPT_BY_CONSENT if rules.loosen_consent is None else ChangeKind.LOOSENED
        kinds.append((_is_weaker(intended, before, field.consent), kind))
    kinds.append((before.is_(None), ChangeKind.FILLED))
    if rules.blanks is Blanks.CLEAR:
        kinds.append((after.is_(None), ChangeKind.CLEARED))
    letters = [(condition, literal(str(kind))) for condition, kind in kinds]
    return case(*letters, else_=literal(str(ChangeKind.REPLACED)))
