"""How the rows of a file split, as a picture: a bar whose parts are as long as their counts.

An SVG in the page itself, so that it shows offline. The Prefect UI has a dark and a light page and tells a picture
neither, so its colours are of the middle; its text is numbers and words of ours alone.
"""

from base64 import b64encode
from collections.abc import Mapping

WIDTH, BAR, LEGEND_HEIGHT = 720, 26, 22
MIN_PART_WIDTH = 3.0  # pixels, so that one row in a million is seen
COLOURS = {
    "accepted": "#2f9e5f",
    "inserted": "#2f9e5f",
    "updated": "#3d85c6",
    "unchanged": "#8b95a1",
    "skipped": "#d19a2e",
    "rejected": "#d9534f",
}


def rows_chart(rows: Mapping[str, int], contacts: Mapping[str, int] | None) -> str:
    """Markdown that shows the split of the rows read, in words too for who cannot see it; nothing for no rows."""
    parts = {**(contacts or {"accepted": rows["accepted"]}), "rejected": rows["rejected"]}
    shown = {name: count for name, count in parts.items() if count}
    if not shown:
        return ""
    words = ", ".join(f"{count:,} {name}" for name, count in shown.items())
    return f"![Of {rows['read']:,} rows: {words}](data:image/svg+xml;base64,{b64encode(_svg(shown).encode()).decode()})"


def part_widths(counts: Mapping[str, int]) -> dict[str, float]:
    """Pixels for each part, together the whole width; no part is too thin to be seen."""
    free, total = WIDTH - MIN_PART_WIDTH * len(counts), sum(counts.values())
    return {name: MIN_PART_WIDTH + free * count / total for name, count in counts.items()}


def _svg(counts: Mapping[str, int]) -> str:
    drawn, left, total = [], 0.0, sum(counts.values())
    for place, (name, width) in enumerate(part_widths(counts).items()):
        drawn.append(f'<rect x="{left:.1f}" width="{width:.1f}" height="{BAR}" fill="{COLOURS[name]}"/>')
        left += width
        x, y = WIDTH // 5 * place, BAR + LEGEND_HEIGHT
        drawn.append(f'<rect x="{x}" y="{y - 10}" width="10" height="10" rx="2" fill="{COLOURS[name]}"/>')
        drawn.append(f'<text x="{x + 15}" y="{y}">{name} {_share(counts[name], total)}</text>')
    height = BAR + LEGEND_HEIGHT + 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="13" font-weight="600" fill="#7d8590">{"".join(drawn)}</svg>'
    )


def _share(count: int, total: int) -> str:
    """A percentage that is 0 or 100 only where that is so."""
    share = 100 * count / total
    if count == total:
        return "100%"
    return "<0.1%".replace("<", "&lt;") if share < 0.1 else f"{min(share, 99.9):.1f}%"
