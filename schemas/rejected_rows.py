"""A rejected file and its erased rows, as the warehouse names them and transforms find them."""

from typing import NamedTuple


class RejectedFile(NamedTuple):
    """The rejected file that an import's report names; it may be gone, or on another machine."""

    path: str
    delimiter: str


class ErasedRow(NamedTuple):
    """A row of a rejected file that is erased: its place in the file, from 0, and the record number that it shows.

    It is not `new` if it was erased before; the table `rejections` may still have it, if that erase was interrupted.
    """

    place: int
    record: int | None
    new: bool
