"""Pictures of stated probabilities against what came, as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any


def draw_reliability(axes: Any, curve: Mapping[str, Any], *, colour: str) -> None:
    """Draw a curve (`Reliability.plain`) on axes of matplotlib: the larger a dot, the more rows."""
    stated, observed, counts = (curve[name] for name in ("stated", "observed", "counts"))
    ends = [min(*stated, *observed, 0.45), max(*stated, *observed, 0.6)]
    axes.plot(ends, ends, color="0.8", lw=1)
    axes.plot(stated, observed, color=colour, lw=1)
    most = max(counts)
    axes.scatter(stated, observed, s=[8 + 40 * count / most for count in counts], color=colour)
    axes.set_xlabel("stated probability")
    axes.set_ylabel("share that was right")


def reliability_picture(
    curves: Mapping[str, Mapping[str, Any]], days: Mapping[str, Sequence[tuple[float, float]]]
) -> bytes:
    """Draw curves side by side, and below them by day the Brier score less the constant one's.

    Args:
        curves: `Reliability.plain` by name, such as the horizon.
        days: by the same names, number of the day and the difference; below 0 is better than
            saying the same of every forecast.

    Returns:
        PNG.
    """
    from matplotlib.figure import Figure

    columns = max(len(curves), 1)
    figure = Figure(figsize=(3.2 * columns, 4.6), dpi=80, layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False, height_ratios=[2, 1])
    for column, (name, curve) in enumerate(curves.items()):
        top, bottom = axes[0][column], axes[1][column]
        draw_reliability(top, curve, colour="C0")
        top.set_title(f"{name}: Brier {curve['brier']:.4f}, ECE {curve['ece']:.3f}", fontsize=9)
        points = days.get(name, ())
        bottom.bar([x for x, _ in points], [y for _, y in points], color="C0", width=0.8)
        bottom.axhline(0, color="0.3", lw=0.8)
        bottom.set_ylabel("Brier - constant", fontsize=8)
        bottom.tick_params(labelsize=7)
    return png(figure)


def importance_picture(shares: Mapping[str, Mapping[str, float]], *, shown: int = 15) -> bytes:
    """Draw the shares of the newest month as bars, and those of all months as a heat map.

    Args:
        shares: by month, ascending, each feature's share of the gain, 0 to 1; at least one month.
        shown: so many features, those with the largest shares of the newest month.

    Returns:
        PNG.
    """
    from matplotlib.figure import Figure

    months = list(shares)
    newest = shares[months[-1]]
    names = sorted(newest, key=lambda name: (-newest[name], name))[:shown]
    figure = Figure(figsize=(8.0, 0.5 + 0.26 * len(names)), dpi=80, layout="constrained")
    bars, map_ = figure.subplots(1, 2, sharey=True, width_ratios=[2, max(len(months), 2) / 4])
    rows = range(len(names))
    bars.barh(rows, [newest[name] for name in names], color="C0")
    bars.set_yticks(rows, names, fontsize=7)
    bars.invert_yaxis()
    bars.set_xlabel(f"share of the gain, {months[-1]}", fontsize=8)
    bars.tick_params(labelsize=7)
    table = [[shares[month].get(name, 0.0) for month in months] for name in names]
    map_.imshow(table, aspect="auto", cmap="Blues", vmin=0.0)
    map_.set_xticks(range(len(months)), months, rotation=90, fontsize=6)
    map_.tick_params(axis="y", length=0)
    return png(figure)


def png(figure: Any) -> bytes:
    """Give a figure of matplotlib as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
