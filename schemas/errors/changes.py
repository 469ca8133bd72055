"""Plans, undos, deletes and erases that cannot be done as requested; nothing was changed."""

from schemas.errors.request import RequestError


class NothingChanged(RequestError):
    """The import to undo or to show has merged nothing. `repeats`: the import that a skipped one repeats."""

    code = "import-not-completed"
    template = "import {import_id} is {status}: {next_step}"
    import_id: int
    status: str
    repeats: int | None = None

    @property
    def next_step(self) -> str:
        if self.status == "running":
            return "it has changed no contact yet; repeat the command when it has ended"
        if self.repeats is not None:
            return f"it changed no contact, since import {self.repeats} did the same before; name that one"
        return "it changed no contact, so there is nothing to undo or to show"


class AlreadyUndone(RequestError):
    """Another undo took the import back."""

    code = "already-undone"
    template = (
        "import {import_id} is undone already, by import {undo_id}; to bring it back, use 'contacts undo {undo_id}'"
    )
    import_id: int
    undo_id: int


class JournalGone(RequestError):
    """The import has no journal."""

    code = "journal-gone"
    template = (
        "import {import_id} has no journal: it was pruned or turned off, or an older release made the import. "
        "Correct its contacts with another import"
    )
    import_id: int


class OtherNumberOfContacts(RequestError):
    """The command would delete another number of contacts than it is expected to."""

    code = "other-number-of-contacts"
    template = (
        "{found:,} contacts would be deleted, not {expected:,}; nothing was deleted. "
        "If these are right, delete them with --expect {found}"
    )
    found: int
    expected: int


class NoEmailInList(RequestError):
    """No row of a list of addresses has a valid email."""

    code = "no-email-in-list"
    template = (
        "no row of {source!r} has a valid email in the column {column!r}; nothing was changed. "
        "Name the right column with --map COLUMN=email"
    )
    source: str
    column: str


class RejectedFileNotErased(RequestError):
    """A rejected file has rows to erase and cannot be read or written."""

    code = "rejected-file-not-erased"
    template = (
        "the rejected file {path!r} cannot be rewritten: {reason}; nothing was erased in the warehouse. "
        "Correct this or delete the file, then repeat the command"
    )
    path: str
    reason: str


class NotSuppressed(RequestError):
    """The address to remove from the suppressions is not among them."""

    code = "not-suppressed"
    template = "this address is not suppressed, so imports may bring it already; check how it is written"


class PlanOutdated(RequestError):
    """The import would do something else than the plan says."""

    code = "plan-outdated"
    template = (
        "the plan is outdated, because of {what}. The import would now do this: {counts}; nothing was merged. "
        "Make a new plan with the same options, look at it, and import with its digest"
    )
    what: str
    counts: str


class PlanNeedsOneFile(RequestError):
    """A plan is of one file, and the source has several."""

    code = "plan-needs-one-file"
    template = "{source!r} has {files.number} files, and a plan is of one: plan each by its name, such as {example!r}"
    source: str
    files: tuple[str, ...]
    example: str


class ConsentLoosening(RequestError):
    """The import would weaken another number of consents than the request allows."""

    code = "consent-loosening"
    template = (
        "{found} stored consents would be replaced by a weaker one, not {expected}; nothing was merged. "
        "If these are right, allow them with --loosen-consent {found}"
    )
    found: int
    expected: int


class PolicyNotForField(RequestError):
    """The request gives a field a policy that its type does not take."""

    code = "policy-not-for-field"
    template = (
        "the policy append is for checkbox fields, and {field!r} is a {type}; write --merge-field {field}=overwrite, "
        "fill-empty or keep"
    )
    field: str
    type: str
