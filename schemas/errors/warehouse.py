"""Errors of the warehouse: those that would come back, and the one kind that is retried."""

from schemas.errors.base import ContactImportError


class WarehouseError(ContactImportError):
    """The warehouse refuses, and would refuse again."""


class WarehouseUnusable(WarehouseError):
    """The warehouse's address is wrong, or it may not be read or written."""

    code = "warehouse-unusable"
    template = "the warehouse {warehouse} cannot be used: {reason}. Correct this, then try again"
    warehouse: str
    reason: str


class FieldTypeChanged(WarehouseError):
    """The catalogue gives a field another type than the warehouse stores."""

    code = "field-type-changed"
    template = (
        "the field {field!r} is stored as {stored}, not as {wanted}; restore its type, or give the new one a new id"
    )
    field: str
    stored: str
    wanted: str


class WarehouseOutdated(WarehouseError):
    """An older release made the tables, and a plan changes none."""

    code = "warehouse-outdated"
    template = (
        "the warehouse {warehouse} was made by an older release. Bring its tables up to date with 'contacts imports', "
        "then plan again"
    )
    warehouse: str


class MergeOutOfBalance(WarehouseError):
    """The counts taken in the database do not add up to the accepted rows; the merge is rolled back."""

    code = "merge-out-of-balance"
    template = (
        "{accepted} rows were accepted, but {counted} counted; nothing was merged. Report this fault of the program"
    )
    accepted: int
    counted: int


class TransientWarehouseError(ContactImportError):
    """The warehouse is away or busy; the same work may succeed in a moment. The only kind that is retried."""

    code = "warehouse-unavailable"
    template = "the warehouse {warehouse} did not answer: {reason}. Try again later"
    warehouse: str
    reason: str
