"""The choices that an import has; the command line, the form and the report use these names."""

from enum import StrEnum


class MergePolicy(StrEnum):
    """What an import does to contacts that exist already, and whether it adds new ones."""

    INSERT_ONLY = "insert-only"
    OVERWRITE = "overwrite"
    FILL_EMPTY = "fill-empty"
    UPDATE_ONLY = "update-only"

    @property
    def inserts(self) -> bool:
        return self is not MergePolicy.UPDATE_ONLY

    @property
    def updates(self) -> bool:
        return self is not MergePolicy.INSERT_ONLY

    @property
    def can_clear(self) -> bool:
        return self in (MergePolicy.OVERWRITE, MergePolicy.UPDATE_ONLY)


class FieldPolicy(StrEnum):
    """What an import that updates existing contacts does to one field of theirs."""

    OVERWRITE = "overwrite"
    FILL_EMPTY = "fill-empty"
    KEEP = "keep"
    APPEND = "append"


class Blanks(StrEnum):
    """What a blank cell does to a stored value."""

    KEEP = "keep"
    CLEAR = "clear"


class Duplicates(StrEnum):
    """Which of several rows with one email is kept."""

    LAST = "last"
    FIRST = "first"
    REJECT = "reject"


class IfSameFile(StrEnum):
    """What happens to a file that was imported before."""

    IMPORT = "import"
    SKIP = "skip"


class GapRule(StrEnum):
    """Whether the catalogue's rules on empty cells apply to this import."""

    CATALOGUE = "catalogue"
    ALLOW = "allow"
