"""How far forecasts were off, as it was known when a month began: a band around its forecasts.

A model's card keeps no distribution of its errors, so the band is of the forecasts themselves: all
errors (what came less what was said) of a symbol's published forecasts whose returns were known
before the month, over `risk_factor.calibration_months`. Between their quantiles 0.1 and 0.9 lay
four of five. It promises that of the next only as far as markets stay as they were; it does not
widen with the volatility of the day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from trading_assets.domain.ids import Month, Symbol, months_between
from trading_assets.forecasting.horizons import BASE, horizon_bars, horizon_micros
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.forecast_month import FORECASTS
from trading_assets.workflows.held_out import is_open
from trading_assets.workflows.market_tables import bars_table

LOW, HIGH = 0.1, 0.9
LEAST_BLOCKS = 50
"""Errors of overlapping returns are not independent: that many horizons have to have passed, or
five or fewer of them make up a tail."""
_KEPT = 500

Band = tuple[float, float]
"""What is added to a prediction for its lower and its upper end."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a symbol when a month begins; equal ones give equal bands."""

    symbol: Symbol
    first: Month
    month: Month
    versions: tuple[tuple[str, str], ...]
    desk: Desk = field(compare=False)
    parts: tuple[tuple[Manifest, Manifest], ...] = field(compare=False)


def error_bands(desk: Desk, symbol: Symbol, month: Month) -> Mapping[str, Band]:
    """Give the band of each horizon of which enough was known; nothing of months held out.

    Raises:
        CorruptFile: if a file is damaged.
    """
    first = month.shift(-desk.settings.risk_factor.calibration_months)
    parts = tuple(_forecasts_and_bars(desk, symbol, first, month))
    versions = tuple((part.address, part.version) for pair in parts for part in pair)
    return _bands(_Known(symbol, first, month, versions, desk, parts))


def _forecasts_and_bars(
    desk: Desk, symbol: Symbol, first: Month, month: Month
) -> Iterator[tuple[Manifest, Manifest]]:
    """Give both of the open months from the one before `first`, whose last returns are known in it.

    It ends before `month`.
    """
    for each in months_between(first.shift(-1), month.shift(-1)):
        if is_open(desk.settings, each):
            forecasts = desk.tables.current(FORECASTS, symbol, each)
            bars = desk.tables.current(bars_table(BASE), symbol, each)
            if forecasts is not None and bars is not None:
                yield forecasts, bars


@lru_cache(maxsize=_KEPT)
def _bands(known: _Known) -> Mapping[str, Band]:
    import polars as pl

    from trading_assets.forecasting.outcome import known_outcomes

    if not known.parts:
        return {}
    tables = known.desk.tables
    forecasts = pl.concat([tables.read_mapped(said) for said, _ in known.parts])
    bars = pl.concat([tables.read_mapped(own).select("ts", "close") for _, own in known.parts])
    found: dict[str, Band] = {}
    for horizon in sorted(forecasts["horizon"].unique(), key=horizon_micros):
        came = known_outcomes(
            forecasts, bars, horizon, {}, start=known.first.start, end=known.month.start
        )
        if came.height < LEAST_BLOCKS * horizon_bars(horizon):
            continue
        errors = came["came"] - came["prediction"]
        low, high = errors.quantile(LOW, "linear"), errors.quantile(HIGH, "linear")
        if low is not None and high is not None:
            found[horizon] = (low, high)
    return found
