"""A picture of what fills cost against their share of the volume, beside what is charged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trading_assets.evaluation.report import new_figure, png

_SHOWN = (2.0, 98.0)
_MARGIN = 0.2


def cost_picture(
    share: NDArray[np.float64],
    worse: NDArray[np.float64],
    lines: Mapping[str, tuple[float, float]],
    title: str,
) -> bytes:
    """Draw orders as dots and models as lines, as PNG.

    Args:
        share: shape (N,), of the bar's volume, 0 to 1.
        worse: shape (N,), basis points that each price was worse by; the outermost 2 % on each side
            may lie outside of the picture.
        lines: half spread and impact in basis points, by what they are.
        title: of the picture.
    """
    figure = new_figure(6.0, 3.6)
    axes = figure.add_subplot()
    if len(share):
        axes.scatter(share * 100.0, worse, s=6, alpha=0.4, color="0.4", linewidths=0)
        low, high = np.percentile(worse, _SHOWN)
        margin = _MARGIN * ((high - low) or 1.0)
        axes.set_ylim(low - margin, high + margin)
    ends = np.array([0.0, float(share.max(initial=0.0))])
    for place, (name, (half_spread, impact)) in enumerate(lines.items()):
        axes.plot(
            ends * 100.0, half_spread + impact * ends, color=f"C{place}", label=name, linewidth=1.5
        )
    axes.axhline(0.0, color="0.8", linewidth=0.8)
    axes.set_xlabel("share of the bar's volume, percent")
    axes.set_ylabel("worse than touched, bps")
    axes.set_title(title, loc="left", fontsize=10)
    if lines:
        axes.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    return png(figure)
