"""Trials of a sweep in and out of sample: did what was good before stay good after?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from trading_assets.domain.ids import Micros
from trading_assets.evaluation.metrics import sharpe_ratio
from trading_assets.evaluation.rank_correlation import rank_correlation
from trading_assets.evaluation.report import new_figure, png
from trading_assets.market.bar_frame import instant


@dataclass(frozen=True, slots=True)
class TriedTwice:
    """One trial on both parts of its days.

    Attributes:
        trial: its number in the sweep.
        params: what it sets, by short name.
        before: annual Sharpe ratio in sample; None when it is not defined.
        after: the same out of sample.
    """

    trial: int
    params: Mapping[str, Any]
    before: float | None
    after: float | None


def tried_twice(
    table: pl.DataFrame,
    daily_returns: pl.DataFrame,
    axes: Sequence[str],
    *,
    start: Micros,
    per_year: float,
) -> tuple[TriedTwice, ...]:
    """Measure every trial that made a run on the days before and from an instant on.

    Args:
        table: of the trials; has `trial` and the axes.
        daily_returns: `day`, and a column per trial named by its number.
        axes: what varies.
        start: first instant out of sample.
        per_year: days of a year that have a return.
    """
    inside = daily_returns.filter(pl.col("day") < instant(start))
    outside = daily_returns.filter(pl.col("day") >= instant(start))
    return tuple(
        TriedTwice(
            row["trial"],
            {name: row[name] for name in axes},
            *(sharpe_ratio(part[str(row["trial"])], per_year) for part in (inside, outside)),
        )
        for row in table.iter_rows(named=True)
        if str(row["trial"]) in daily_returns.columns
    )


def measured(trials: Sequence[TriedTwice]) -> list[tuple[TriedTwice, float, float]]:
    """Give the trials that have both figures, with them."""
    return [
        (trial, trial.before, trial.after)
        for trial in trials
        if trial.before is not None and trial.after is not None
    ]


def rank_correlation_of(trials: Sequence[TriedTwice]) -> float | None:
    """Give Spearman's rho between both figures: near 0 or below, choosing was chance.

    None for fewer than three trials, or when one of the figures never varies.
    """
    both = measured(trials)
    return rank_correlation([row[1] for row in both], [row[2] for row in both])


def chosen_in_sample(trials: Sequence[TriedTwice]) -> TriedTwice | None:
    """Give the trial that somebody who sees only the first part would take; the first of equals."""
    known = measured(trials)
    return max(known, key=lambda row: (row[1], -row[0].trial))[0] if known else None


def scatter_png(trials: Sequence[TriedTwice], *, title: str) -> bytes:
    """Draw out of sample against in sample; the one chosen in sample is ringed.

    Args:
        trials: at least one has both figures.
        title: stands above the picture.
    """
    both = measured(trials)
    best = max(both, key=lambda row: (row[1], -row[0].trial))
    figure = new_figure(6.4, 5.2)
    axes = figure.add_subplot()
    axes.axhline(0, color="#8a8f98", linewidth=0.8)
    low = min(min(before, after) for _, before, after in both)
    high = max(max(before, after) for _, before, after in both)
    axes.plot([low, high], [low, high], color="#8a8f98", linewidth=0.8, linestyle="--")
    axes.scatter([row[1] for row in both], [row[2] for row in both], s=18, color="#1f5fa8")
    axes.scatter([best[1]], [best[2]], s=110, facecolors="none", edgecolors="#b3372f")
    axes.set_xlabel("Sharpe ratio in sample")
    axes.set_ylabel("Sharpe ratio out of sample")
    axes.set_title(title, loc="left", fontsize=10)
    figure.tight_layout()
    return png(figure)
