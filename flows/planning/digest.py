"""The digest of a plan: the file, the options and every change, so that an import can merge exactly what was shown."""

from collections.abc import Callable
from dataclasses import asdict
from typing import NamedTuple, Self

from schemas.errors.base import Names
from schemas.errors.changes import PlanOutdated
from warehouse.merge.execution import MergeCounts
from warehouse.merge.plan import DIGEST_LENGTH

KIND = "sha256:"
CONFIGURATION = "the options, the catalogue, the mapping file, the presets or the release of this program"


class PlanDigest(NamedTuple):
    """Three hashes, each of 16 hex digits."""

    file: str  # of the bytes of the source
    options: str  # of what CONFIGURATION names
    changes: str  # of the counts, the new members and the changes of existing contacts

    @classmethod
    def of(cls, sha256: str, fingerprint: str, changes: str) -> Self:
        """`sha256` is that of the source, `fingerprint` that of what decides how it is read and merged."""
        return cls(sha256[:DIGEST_LENGTH], fingerprint[:DIGEST_LENGTH], changes)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The digest that `str` wrote."""
        return cls(*text.removeprefix(KIND).split("."))

    def __str__(self) -> str:
        return KIND + ".".join(self)

    def differing(self, today: Self) -> str:
        """What differs from today's digest. Another file or other options make other changes, so these come first."""
        parts = {"the file": self.file != today.file, CONFIGURATION: self.options != today.options}
        return " and ".join(name for name, differs in parts.items() if differs) or "the warehouse"


def approval_of(planned: str, sha256: str, fingerprint: str) -> Callable[[MergeCounts, str], None]:
    """What the merge asks before it writes: PlanOutdated unless it would do exactly what was planned."""

    def approve(counts: MergeCounts, changes: str) -> None:
        plan, today = PlanDigest.parse(planned), PlanDigest.of(sha256, fingerprint, changes)
        if plan != today:
            numbers = Names(f"{number:,} {name}" for name, number in asdict(counts).items())
            raise PlanOutdated(plan.differing(today), f"{numbers}")

    return approve
