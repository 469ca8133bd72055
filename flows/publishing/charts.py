"""A bar chart of what became of the rows of a file.

It is an SVG in a data URL, so it needs no network. An image cannot know whether the UI is dark or light, so its colours
suit both. Its text is numbers and our own words only.
"""

from base64 import b64encode
from collections.abc import Mapping

from flows.reports.phrases import list_counts

CHART_WIDTH, BAR_HEIGHT, LEGEND_HEIGHT = 720, 26, 22  # pixels
MIN_PART_WIDTH = 3.0  # so that one row in a million is visible
COLOURS = {
    "accepted": "#2f9e5f",
    "inserted": "#2f9e5f",
    "updated": "#3d85c6",
    "unchanged": "#8b95a1",
    "skipped": "#d19a2e",
    "rejected": "#d9534f",
}


def rows_chart(rows: Mapping[str, int], contacts: Mapping[str, int] | None) -> str:
    """The chart as a markdown image, with the counts in its alternative text; empty without rows."""
    parts = {**(contacts or {"accepted": rows["accepted"]}), "rejected": rows["rejected"]}
    shown = {name: count for name, count in parts.items() if count}
    if not shown:
        return ""
    words = list_counts(shown.items())
    return f"![Of {rows['read']:,} rows: {words}](data:image/svg+xml;base64,{b64encode(_svg(shown).encode()).decode()})"


def part_widths(counts: Mapping[str, int]) -> dict[str, float]:
    """The width of each part in pixels, in proportion to its count but never below the minimum."""
    free, total = CHART_WIDTH - MIN_PART_WIDTH * len(counts), sum(counts.values())
    return {name: MIN_PART_WIDTH + free * count / total for name, count in counts.items()}


def _svg(counts: Mapping[str, int]) -> str:
    drawn, left, total = [], 0.0, sum(counts.values())
    for index, (name, width) in enumerate(part_widths(counts).items()):
        drawn.append(f'<rect x="{left:.1f}" width="{width:.1f}" height="{BAR_HEIGHT}" fill="{COLOURS[name]}"/>')
        left += width
        x, y = CHART_WIDTH // 5 * index, BAR_HEIGHT + LEGEND_HEIGHT
        drawn.append(f'<rect x="{x}" y="{y - 10}" width="10" height="10" rx="2" fill="{COLOURS[name]}"/>')
        drawn.append(f'<text x="{x + 15}" y="{y}">{name} {_percentage(counts[name], total)}</text>')
    width, height = CHART_WIDTH, BAR_HEIGHT + LEGEND_HEIGHT + 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="13" font-weight="600" fill="#7d8590">{"".join(drawn)}</svg>'
    )


def _percentage(count: int, total: int) -> str:
    """A percentage; only exact values are shown as 0 or 100."""
    share = 100 * count / total
    if count == total:
        return "100%"
    return "&lt;0.1%" if share < 0.1 else f"{min(share, 99.9):.1f}%"
