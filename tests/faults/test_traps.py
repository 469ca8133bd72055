"""The traps are set in functions that exist: most of their tests run with `make faults` only."""

from pkgutil import resolve_name

import pytest

from tests.faults.traps import POINTS, TRANSACTIONS


@pytest.mark.parametrize("place", [*POINTS.values(), *TRANSACTIONS])
def test_every_trap_is_set_in_a_function_that_exists(place: str) -> None:
    assert callable(resolve_name(place))
