"""Regimes of a live book: its own bars made into hours, filtered from a month's anchor on.

The parameters are those that a release pins, whatever the month. Where a table of regimes was made
with the same ones, its rows have these very bits: the hours are cut by the same function, the
filter begins at the same anchor, and an hour is computed in one run from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.features.anchor import anchor
from trading_assets.features.regime import BAR, WARM_UP, RegimeParameters, regimes_of
from trading_assets.market.bar_frame import between, instant
from trading_assets.market.resample import resample
from trading_assets.market.sessions import Sessions


def first_hour(month: Month) -> Micros:
    """Give the first hour that rows of a month look at.

    Bars of a month's first hour know the last hour of the month before, and that one has been
    filtered from the anchor of its own month on.
    """
    return anchor(month.shift(-1), WARM_UP)


@dataclass(frozen=True, slots=True)
class _Filtered:
    """A month of regimes up to the hour that has closed last."""

    newest: Micros
    rows: pl.DataFrame


class LiveRegimes:
    """The hours of several symbols, and their regimes; a month is filtered once an hour."""

    def __init__(
        self,
        parameters: Mapping[Symbol, RegimeParameters],
        timeframe: Timeframe,
        sessions: Mapping[Symbol, Sessions],
    ) -> None:
        """Begin without hours.

        Args:
            parameters: of each symbol.
            timeframe: of the bars that hours are made of.
            sessions: of the symbols whose markets close.

        Raises:
            ConfigurationError: if no bar of that size lies inside an hour.
        """
        if timeframe.micros > BAR.micros:
            raise ConfigurationError(
                "A live book cannot see regimes on such bars",
                expected=f"bars of at most {BAR.value}",
                found=timeframe.value,
                fix="Promote a spec of smaller bars, or one without a filter by regime.",
            )
        self._parameters = parameters
        self._size = timeframe
        self._sessions = sessions
        self._hours: dict[Symbol, pl.DataFrame] = {}
        self._filtered: dict[tuple[Symbol, Month], _Filtered] = {}

    @property
    def bar_size(self) -> timedelta:
        """Length of the bars that hours are made of."""
        return timedelta(minutes=self._size.minutes)

    def known(self, symbol: Symbol, bars: pl.DataFrame, instants: Sequence[Micros]) -> pl.DataFrame:
        """Give the regimes of the hours that bars of a symbol can know.

        Args:
            symbol: one of those with parameters.
            bars: all that is held of it (RESAMPLED_SCHEMA, ascending), from its history's start on.
            instants: open times of some of these bars.

        Returns:
            REGIME_COLUMNS, ascending: hours that have closed by the close of the last bar held, and
            among them each that is the newest one at one of the bars.
        """
        hours = self._closed(symbol, bars)
        # The newest hour that a bar can know opened less than two hours before the bar's close.
        first = Month.of(min(instants) + self._size.micros - 2 * BAR.micros)
        months = months_between(first, Month.of(max(instants)))
        return pl.concat([self._month(symbol, month, hours) for month in months])

    def forget_before(self, start: Micros) -> None:
        """Drop the hours before an instant, and the months that have none left."""
        for symbol, hours in self._hours.items():
            self._hours[symbol] = hours.filter(pl.col("ts") >= instant(start))
        for symbol, month in [key for key in self._filtered if key[1].end <= start]:
            del self._filtered[symbol, month]

    def _closed(self, symbol: Symbol, bars: pl.DataFrame) -> pl.DataFrame:
        """Give the hours that have closed; only the last one held can have got bars since."""
        held = self._hours.get(symbol)
        if held is not None and held.height:
            last = held["ts"][-1]
            held = held.filter(pl.col("ts") < last)
            bars = bars.filter(pl.col("ts") >= last)
        made = resample(bars, BAR, sessions=self._sessions.get(symbol))
        self._hours[symbol] = made if held is None else pl.concat([held, made])
        close = bars["ts"][-1] + self.bar_size
        return self._hours[symbol].filter(pl.col("ts") + timedelta(minutes=BAR.minutes) <= close)

    def _month(self, symbol: Symbol, month: Month, hours: pl.DataFrame) -> pl.DataFrame:
        """Filter a month up to now, unless no hour has closed since that was done."""
        anchored = hours.filter(between(anchor(month, WARM_UP), month.end))
        newest = int(anchored["ts"].to_physical()[-1]) if anchored.height else 0
        held = self._filtered.get((symbol, month))
        if held is None or held.newest < newest:
            rows = regimes_of(anchored, self._parameters[symbol])
            held = _Filtered(newest, rows.filter(between(month.start, month.end)))
            self._filtered[symbol, month] = held
        return held.rows
