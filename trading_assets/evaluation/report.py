"""Pictures of a run: equity, drawdown, and a sparkline small enough for a table cell."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINE, _LOSS, _QUIET = "#1f5fa8", "#b3372f", "#8a8f98"
_POINTS = 1200  # more than the picture has pixels
_SPARK_POINTS = 150


def equity_png(equity: pl.DataFrame, *, title: str, oos_start: Any = None) -> bytes:
    """Draw equity over time.

    Args:
        equity: columns `ts` and `equity`, ascending.
        title: stands above the picture.
        oos_start: instant (datetime) from which the run is out of sample; shaded when given.

    Returns:
        A PNG of 1000 x 400 pixels, under 100 kB, the same bytes for the same values.
    """
    drawn = _thinned(equity, pl.col("equity").last())
    return _time_plot(drawn, "equity", title, "equity", _LINE, oos_start)


def drawdown_png(equity: pl.DataFrame, *, title: str, oos_start: Any = None) -> bytes:
    """Draw the fall below the latest peak, in percent, over time; else as `equity_png`.

    Args:
        equity: columns `ts` and `drawdown` (fraction of the peak, 0 or more), ascending.
        title: see `equity_png`.
        oos_start: see `equity_png`.
    """
    drawn = _thinned(equity, pl.col("drawdown").max() * -100)
    return _time_plot(drawn, "drawdown", title, "below peak, %", _LOSS, oos_start)


def sparkline_markdown(values: ArrayLike, *, alt: str = "equity") -> str:
    """Draw a line without axes as a Markdown image that carries its own bytes (below 30 kB)."""
    series = np.asarray(values, dtype=np.float64)
    figure = new_figure(2.4, 0.5)
    axes = figure.add_axes((0.01, 0.04, 0.98, 0.92))
    axes.set_axis_off()
    if series.size:
        picked = series[_places(series.size, _SPARK_POINTS)]
        colour = _LINE if picked[-1] >= picked[0] else _LOSS
        axes.plot(picked, color=colour, linewidth=1.2)
    data = base64.b64encode(png(figure)).decode("ascii")
    return f"![{alt}](data:image/png;base64,{data})"


def thin(values: ArrayLike, points: int) -> list[tuple[int, float]]:
    """Pick at most `points` evenly spread (index, value) pairs, the first and the last included."""
    series = np.asarray(values, dtype=np.float64)
    return [(int(i), float(series[i])) for i in _places(series.size, points)]


def _places(size: int, points: int) -> NDArray[np.int64]:
    if size <= points:
        return np.arange(size)
    return np.unique(np.linspace(0, size - 1, points).round().astype(np.int64))


def _thinned(frame: pl.DataFrame, value: pl.Expr) -> pl.DataFrame:
    """Summarise equal stretches of rows by one value each, with the time of their last row."""
    stretch = max(1, -(-frame.height // _POINTS))
    return frame.group_by(pl.int_range(pl.len()) // stretch, maintain_order=True).agg(
        pl.col("ts").last(), value
    )


def _time_plot(
    frame: pl.DataFrame, column: str, title: str, label: str, colour: str, oos_start: Any
) -> bytes:
    figure = new_figure(10, 4)
    axes = figure.add_axes((0.085, 0.12, 0.865, 0.76))
    if frame.height:
        times = frame["ts"].dt.replace_time_zone(None).to_numpy()
        values = frame[column].to_numpy()
        axes.plot(times, values, color=colour, linewidth=1.1)
        if column == "drawdown":
            axes.fill_between(times, values, 0, color=colour, alpha=0.2, linewidth=0)
        if oos_start is not None:
            start: Any = np.datetime64(oos_start.replace(tzinfo=None))
            axes.axvspan(start, times[-1], color=_QUIET, alpha=0.12, linewidth=0)
            axes.annotate(
                "out of sample",
                (start, 0.03),
                xycoords=("data", "axes fraction"),
                xytext=(4, 0),
                textcoords="offset points",
                fontsize=8,
                color=_QUIET,
            )
        axes.margins(x=0.01)
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_ylabel(label, fontsize=9)
    axes.grid(visible=True, color=_QUIET, alpha=0.25, linewidth=0.5)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return png(figure)


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Make a figure that no screen is needed for."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_inches, height_inches), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """Give a figure as PNG, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
