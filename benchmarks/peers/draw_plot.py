"""Draw seconds against rows on logarithmic scales; runs in an environment of its own, which has matplotlib."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

COLOURS = {"PostgreSQL": "#31648c", "SQLite": "#c2571a", "DuckDB": "#3d8f58", "Polars": "#8a5fa8"}


def style(name: str) -> dict[str, object]:
    """One colour per database or tool; a dashed line for what is not an import."""
    colour = next((colour for word, colour in COLOURS.items() if word in name), "#555555")
    line = "-" if name.startswith("import") else "--"
    return {"color": colour, "linestyle": line, "marker": "o", "markersize": 4, "linewidth": 1.6}


def draw(points: dict[str, dict[str, float]], image: Path) -> None:
    """One line per program."""
    figure, axes = plt.subplots(figsize=(8.4, 5.2), layout="constrained")
    for name, by_rows in points.items():
        axes.plot([int(rows) for rows in by_rows], list(by_rows.values()), label=name, **style(name))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g} s"))
    axes.set_xlabel("rows")
    axes.set_ylabel("work time, from the file to the commit")
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    mpl.rcParams["svg.hashsalt"] = "contacts"  # the same numbers give the same file
    figure.savefig(image, metadata={"Date": None} if image.suffix == ".svg" else None, dpi=130)


def main() -> None:
    """Read the points from a JSON file and write the image."""
    data, image = map(Path, sys.argv[1:])
    image.parent.mkdir(parents=True, exist_ok=True)
    draw(json.loads(data.read_text()), image)
    print(json.dumps({"image": image.name}))


if __name__ == "__main__":
    main()
