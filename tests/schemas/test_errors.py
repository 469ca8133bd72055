"""Every error has a code of its own, a complete message and survives pickling."""

import pickle
from typing import Any, get_type_hints

import pytest

from schemas.errors.base import CommandInterrupted, CommandStopped, ContactImportError, UnexpectedError
from schemas.errors.changes import NothingChanged
from schemas.errors.request import UnknownSegment

EXAMPLES: dict[Any, Any] = {
    str: "name",
    int: 3,
    bool: True,
    tuple[str, ...]: ("a", "b"),
    int | None: 3,
    str | None: "name",
}
EMPTY: dict[Any, Any] = {str: "name", int: 0, bool: False, tuple[str, ...]: (), int | None: None, str | None: None}


def subclasses(error: type[ContactImportError]) -> list[type[ContactImportError]]:
    return [each for child in error.__subclasses__() for each in (child, *subclasses(child))]


NEEDS_NAMES = ("ArchiveHasSeveralFiles", "WorkbookHasSeveralSheets")
ERRORS = [error for error in subclasses(ContactImportError) if error.template]


def example(error: type[ContactImportError], values: dict[Any, Any]) -> ContactImportError:
    types = get_type_hints(error)
    return error(*(values[types[name]] for name in error.__match_args__))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_survives_pickling(error: type[ContactImportError]) -> None:
    raised = example(error, EXAMPLES)
    again = pickle.loads(pickle.dumps(raised))
    assert (type(again), str(again), again.code) == (error, str(raised), error.code)


@pytest.mark.parametrize(
    "error", [error for error in ERRORS if not error.__name__.endswith(NEEDS_NAMES)], ids=lambda error: error.__name__
)
def test_a_message_without_names_or_counts_is_complete(error: type[ContactImportError]) -> None:
    message = str(example(error, EMPTY))
    assert not message.endswith((":", ";", ": ", ", "))
    assert "one of" not in message


def test_two_errors_never_share_a_code() -> None:
    # An undo has a retry's code, and a command that of its import.
    shared = (UnexpectedError, NothingChanged, CommandInterrupted, CommandStopped)
    codes = [error.code for error in ERRORS if error not in shared]
    assert len(codes) == len({*codes, "internal-error"}) - 1


@pytest.mark.parametrize(
    ("known", "says"),
    [
        pytest.param((), "'contacts segments create'", id="none"),
        pytest.param(("a", "b"), "'contacts segments create', or use one of: a, b", id="two"),
        pytest.param(tuple(map(str, range(22))), ", 18, 19 and 2 more", id="more-than-twenty"),
        pytest.param(("x" * 1_000,), f", or use one of: {'x' * 300}…", id="a-long-one"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(known: tuple[str, ...], says: str) -> None:
    assert str(UnknownSegment("s", known)).endswith(says)
