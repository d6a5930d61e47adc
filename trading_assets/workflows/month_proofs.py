"""What is proven of a month's rows before they are published, and what a check says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import polars as pl

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month
from trading_assets.features.anchor import anchor
from trading_assets.features.look_ahead import MIN_CUTS, find_look_ahead
from trading_assets.features.warm_up import ShortWarmUp, find_short_warm_up
from trading_assets.market.bar_frame import instant

Compute = Callable[[pl.DataFrame], pl.DataFrame]
"""Gives one row per bar of an anchored frame, in the same order."""

_PROVEN_DAYS = 7
"""Days of a month whose warm-up is proven; later ones have more history still."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of one check of a partition."""

    name: str
    passed: bool
    detail: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def prove_no_look_ahead(
    compute: Compute, frame: pl.DataFrame, what: str, *, seed: int, fix: str
) -> dict[str, int]:
    """Cut the frame at random bars, change its future, and refuse rows that differ.

    Returns:
        The proof as manifests keep it; 0 cuts in the first hours of a history, where there is
        nothing to cut and no row is warm yet.

    Raises:
        DataError: if a column of `what` knows the future.
    """
    cuts = MIN_CUTS if frame.height >= 2 * MIN_CUTS else 0
    leaks = find_look_ahead(compute, frame, cuts=cuts, seed=seed) if cuts else ()
    if leaks:
        raise DataError(
            f"{what} know the future",
            expected="rows that do not depend on later bars",
            found="; ".join(str(leak) for leak in leaks),
            fix=f"Nothing was published. {fix}",
        )
    return {"cuts": cuts, "seed": seed, "leaks": 0}


def warm_up_proof(
    compute: Compute, frame: pl.DataFrame, month: Month, warm_up: timedelta
) -> tuple[str, tuple[ShortWarmUp, ...]]:
    """Compute the first days of a month with twice the warm-up, if there are bars for it.

    Args:
        compute: of the rows.
        frame: bars from twice the warm-up before the month on, as far as there are.
        month: whose rows are compared.
        warm_up: what is claimed.

    Returns:
        The outcome in words, and what depends on older bars.
    """
    start = anchor(month, 2 * warm_up)
    frame = frame.filter(pl.col("ts") < instant(month.start + _PROVEN_DAYS * DAY))
    if not frame.height or frame["ts"].to_physical()[0] >= start + DAY:
        return "not proven here: history is shorter than twice the warm-up", ()
    if frame["ts"].to_physical()[-1] < month.start:
        return "not proven here: the month has no bars yet", ()
    short = find_short_warm_up(compute, frame, start=month.start, warm_up=warm_up)
    if short:
        return f"too short: {'; '.join(str(defect) for defect in short)}", short
    return "proven: twice the warm-up changes nothing", ()
