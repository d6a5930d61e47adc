"""A metric over two parameters of a sweep, and how steady its best place is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from trading_assets.evaluation.report import new_figure, png


def heat_map(table: pl.DataFrame, across: str, down: str, metric: str) -> bytes:
    """Draw a metric over two columns of a table of trials, as PNG.

    Where other columns vary too, a place shows the median of its trials.
    """
    known = table.filter(pl.col(metric).is_not_null())
    cells = known.group_by(across, down).agg(pl.col(metric).cast(pl.Float64).median())
    columns, rows = (sorted(table[name].unique().to_list()) for name in (across, down))
    grid = np.full((len(rows), len(columns)), np.nan)
    for x, y, value in cells.iter_rows():
        grid[rows.index(y), columns.index(x)] = value
    figure = new_figure(1.6 + 0.5 * len(columns), 1.2 + 0.4 * len(rows))
    axes = figure.add_subplot()
    image = axes.imshow(grid, origin="lower", aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(columns)), [str(value) for value in columns], rotation=90)
    axes.set_yticks(range(len(rows)), [str(value) for value in rows])
    axes.set_xlabel(across)
    axes.set_ylabel(down)
    axes.set_title(f"{metric} by {across} and {down}", loc="left", fontsize=10)
    figure.colorbar(image, ax=axes)
    figure.tight_layout()
    return png(figure)


def plateau(table: pl.DataFrame, axes: Sequence[str], best: int, metric: str) -> dict[str, Any]:
    """Compare a trial with its neighbours: those one step away along one axis.

    A best place whose neighbours are much worse is chance, not a finding.

    Returns:
        `best`, and of the neighbours `count`, `median`, `worst`, and `values`: one row each with
        the axes and the metric.
    """
    steps = {name: sorted(table[name].unique().drop_nulls().to_list()) for name in axes}
    rows = table.to_dicts()
    here = {name: steps[name].index(rows[best][name]) for name in axes}
    found = []
    for row in rows:
        away = [abs(steps[name].index(row[name]) - here[name]) for name in axes]
        if sum(away) == 1 and row[metric] is not None:
            found.append({**{name: row[name] for name in axes}, metric: row[metric]})
    values = [float(row[metric]) for row in found]
    return {
        "best": {**{name: rows[best][name] for name in axes}, metric: rows[best][metric]},
        "count": len(found),
        "median": float(np.median(values)) if values else None,
        "worst": min(values, default=None),
        "values": found,
    }
