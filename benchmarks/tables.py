"""Rows and cells of the tables in docs/benchmarks.md."""

import statistics
from collections.abc import Sequence


def row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def header(*cells: str) -> str:
    return f"{row(*cells)}\n|{'---|' * len(cells)}"


def median_seconds(values: Sequence[float]) -> str:
    """The median; without decimals from 100 seconds on."""
    median = statistics.median(values)
    return f"{median:.2f} s" if median < 100 else f"{median:.0f} s"


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median of the ratios within a round."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def compare_with_target(value: float, target: float, unit: str = "") -> str:
    return f"≤ {target:g}{unit}, {'met' if value <= target else 'missed'}"
