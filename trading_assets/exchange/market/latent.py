"""The slow, hidden side of the market: regimes, volatility levels and daily anchors, year by year.

All of it is tabulated per calendar year from named noise (`noise`). Each symbol has the price of
its listing at 2024-01-01; from there daily totals lead forwards and backwards, with a weak pull
towards that price (a year's memory) so that levels stay tradable over decades. The intraday path
(`market_model`) is pinned to these anchors, which is what makes the market random-access.

Logarithms of prices are integers of 1e-9 (`nanolog`), rounded once per increment and added exactly:
the same numbers in any order of access, and across processors as far as their floating point agrees
to one part in 1e9 of an increment's rounding step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

import numpy as np

from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.noise import FloatArray, IntArray, normals, wide_normals

NANO = 1e9
HOURS = 24
MARKET = "market"
"""Name of the common factor's noise streams."""

_ANCHOR_YEAR = 2024
_PULL_DAYS = 365
_DRIFT_AT_FULL_STRUCTURE = 0.95  # in hourly standard deviations, at full swing of a regime
_REGIME_HOURS = 2.5
_REGIME_MEMORY = 48
_REGIME_SHARPNESS = 3.0
_REGIME_COMMON = 0.3
_REGIME_DAY_VARIANCE = 5.38  # variance of a day's summed regime over that of 24 unit hours
_VOLATILITY_MEMORY = 90
_VOLATILITY_DECAY = 0.95
_VOLATILITY_SPREAD = 0.28
_VOLATILITY_COMMON = 0.8
_WEEKDAY = np.array([1.05, 1.08, 1.08, 1.08, 1.05, 0.80, 0.82])  # Monday first


@dataclass(frozen=True, slots=True)
class LatentYear:
    """One symbol's hidden state over one calendar year.

    Attributes:
        first_day: days since 1970-01-01 of January 1st.
        level: nanolog price (in ticks) at the start of each day, and of the next year: int64[n+1].
        martingale: nanolog change of each day without drift and pull: int64[n].
        drift: nanolog change of each day from its regimes: int64[n].
        volatility: standard deviation of each day's martingale part: float64[n].
        regime: direction in [-1, 1] at every full hour, both ends: float64[24 n + 1].
    """

    first_day: int
    level: IntArray
    martingale: IntArray
    drift: IntArray
    volatility: FloatArray
    regime: FloatArray


def days_from_epoch(year: int) -> int:
    """Give the days from 1970-01-01 to January 1st of `year`."""
    return date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal()


def year_of_day(day: int) -> int:
    """Give the calendar year of a day counted from 1970-01-01."""
    return datetime.fromtimestamp(day * 86_400, tz=UTC).year


def _days_in(year: int) -> int:
    return days_from_epoch(year + 1) - days_from_epoch(year)


def _moving_average(seed: int, name: str, kind: str, year: int, kernel: FloatArray) -> FloatArray:
    """Filter a year of noise, one number per step, with the strictly past `kernel`.

    Steps are hours when the kernel is the regime's, days otherwise. The result has one entry more
    than the year has steps: its last is the first of the next year, from the same noise.
    """
    per_day = HOURS if kind == "regime" else 1
    memory = len(kernel)
    before = normals(seed, name, kind, year - 1, n=_days_in(year - 1) * per_day)[-memory:]
    now = normals(seed, name, kind, year, n=_days_in(year) * per_day)
    return np.convolve(np.concatenate([before, now]), kernel, mode="valid")


def _unit(kernel: FloatArray) -> FloatArray:
    return kernel / math.sqrt(float((kernel**2).sum()))


_AGE = np.arange(1, _REGIME_MEMORY + 1, dtype=np.float64)
_REGIME_KERNEL = _unit(_AGE * np.exp(-_AGE / _REGIME_HOURS))
_VOLATILITY_KERNEL = _unit(_VOLATILITY_DECAY ** np.arange(_VOLATILITY_MEMORY, dtype=np.float64))


def drift_amplitude(structure: float) -> float:
    """Give the drift at full swing of a regime, in hourly standard deviations of the noise."""
    return _DRIFT_AT_FULL_STRUCTURE * structure


class Latent:
    """Hidden state of all symbols for one seed and one strength of structure."""

    def __init__(self, seed: int, structure: float) -> None:
        self._seed = seed
        self.amplitude = drift_amplitude(structure)
        # What the regimes add to the variance of a day is taken from the noise.
        self.noise_share = 1 / math.sqrt(1 + self.amplitude**2 * _REGIME_DAY_VARIANCE)
        self.year = lru_cache(maxsize=1024)(self._year)
        self._factor = lru_cache(maxsize=64)(self._market_factor)

    def _market_factor(self, year: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        return (
            _moving_average(self._seed, MARKET, "regime", year, _REGIME_KERNEL),
            _moving_average(self._seed, MARKET, "volatility", year, _VOLATILITY_KERNEL),
            wide_normals(self._seed, MARKET, "anchor", year, n=_days_in(year)),
        )

    def _year(self, listing: Listing, year: int) -> LatentYear:
        name = listing.instrument.symbol
        days = _days_in(year)
        common_regime, common_volatility, common_anchor = self._factor(year)
        own_regime = _moving_average(self._seed, name, "regime", year, _REGIME_KERNEL)
        regime = np.tanh(_REGIME_SHARPNESS * _mix(common_regime, own_regime, _REGIME_COMMON))
        own_volatility = _moving_average(self._seed, name, "volatility", year, _VOLATILITY_KERNEL)
        heat = _VOLATILITY_SPREAD * _mix(common_volatility, own_volatility, _VOLATILITY_COMMON)
        weekday = _WEEKDAY[(np.arange(days) + days_from_epoch(year) + 3) % 7]
        volatility = (
            listing.daily_volatility
            * self.noise_share
            * weekday
            * np.exp(heat[:days] - _VOLATILITY_SPREAD**2)
        )
        own_anchor = wide_normals(self._seed, name, "anchor", year, n=days)
        shock = _mix(common_anchor, own_anchor, listing.common)
        # Minus half the variance: the price is to be a martingale, not its logarithm.
        martingale = np.rint((volatility * shock - volatility**2 / 2) * NANO).astype(np.int64)
        hours = (regime[:-1] + regime[1:]).reshape(days, HOURS).sum(axis=1) / 2
        drift = np.rint(self.amplitude * volatility / math.sqrt(HOURS) * hours * NANO)
        drift = drift.astype(np.int64)
        level = self._levels(listing, year, martingale + drift)
        return LatentYear(days_from_epoch(year), level, martingale, drift, volatility, regime)

    def _levels(self, listing: Listing, year: int, changes: IntArray) -> IntArray:
        """Chain the daily changes to the neighbouring year on the side of 2024."""
        home = round(math.log(listing.start_price / listing.instrument.tick) * NANO)
        forwards = year >= _ANCHOR_YEAR
        if year in {_ANCHOR_YEAR, _ANCHOR_YEAR - 1}:
            here = home
        elif forwards:
            here = int(self.year(listing, year - 1).level[-1])
        else:
            here = int(self.year(listing, year + 1).level[0])
        level = [here]
        for change in changes.tolist() if forwards else (-changes[::-1]).tolist():
            here += change - (here - home) // _PULL_DAYS
            level.append(here)
        return np.array(level if forwards else level[::-1], dtype=np.int64)


def _mix(common: FloatArray, own: FloatArray, share: float) -> FloatArray:
    """Join two independent unit processes into one that correlates with the common one by share."""
    mixed: FloatArray = share * common + math.sqrt(1 - share**2) * own
    return mixed
