"""What the terminal and the artifacts say in the same words."""

from collections.abc import Mapping
from typing import Any


def counted(number: int, thing: str) -> str:
    """A number and its thing, in the plural but for one."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def mending(retry: Mapping[str, Any]) -> str:
    """What a retry has brought of its first import."""
    records = counted(retry["mended"], "record")
    return f"{records} of import {retry['first']} mended, {retry['missing']:,} of it still missing"
