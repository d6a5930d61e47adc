"""Draws how often the gate promotes an edge, over its Sharpe ratio and the years of its market.

Each file is what `gate_study.py edge` has printed: a line per family, and the sum of them last.

    python benchmarks/gate_power.py edge-*.txt --out docs/gate-power.png
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Z = 1.96
"""Of an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Point:
    """What came of one setting.

    Attributes:
        sharpe: mean net Sharpe ratio of the families, of a year.
        low, high: Wilson's interval of the share that was promoted (Wilson 1927).
    """

    years: float
    drift: float
    sharpe: float
    promoted: int
    families: int
    low: float
    high: float


def point_of(path: Path) -> Point:
    """Read the sum of a study, and recount its lines."""
    *lines, last = path.read_text().splitlines()
    total, families = json.loads(last), [json.loads(line) for line in lines]
    promoted = sum(family["promoted"] for family in families)
    if (len(families), promoted) != (total["families"], total["promoted"]):
        raise ValueError(
            f"{path}: {len(families)} lines, {promoted} promoted; the sum says {total}"
        )
    share, n = promoted / len(families), len(families)
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return Point(
        total["years"], total["drift"], total["sharpe"]["mean"], promoted, n,
        float(middle - half), float(middle + half),
    )  # fmt: skip


def picture(points: list[Point]) -> Any:
    """Draw a line per length of history."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    for number, years in enumerate(sorted({point.years for point in points})):
        row = sorted((p for p in points if p.years == years), key=lambda p: p.sharpe)
        x = [p.sharpe for p in row]
        y = [p.promoted / p.families for p in row]
        ends = [[v - p.low for v, p in zip(y, row, strict=True)],
                [p.high - v for v, p in zip(y, row, strict=True)]]  # fmt: skip
        axes.errorbar(
            np.array(x) + 0.015 * number, y, yerr=np.abs(ends), marker="o", capsize=3,
            label=f"{years:g} year{'s' if years != 1 else ''}",
        )  # fmt: skip
    axes.set(xlabel="net Sharpe ratio of the edge, of a year (mean of the markets)",
             ylabel="share promoted", ylim=(-0.03, 1.03))  # fmt: skip
    axes.axhline(0.8, color="0.7", lw=0.8, ls="--")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", title="history")
    return figure


def main() -> None:
    """Print the table and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    points = sorted(map(point_of, arguments.files), key=lambda p: (p.years, p.sharpe))
    for p in points:
        print(f"{p.years:g} years  drift {p.drift:g}  Sharpe {p.sharpe:5.2f}  "
              f"{p.promoted} of {p.families}  [{p.low:.2f}, {p.high:.2f}]")  # fmt: skip
    picture(points).savefig(arguments.out, metadata={"Software": None})


if __name__ == "__main__":
    main()
