"""From finished bars to signal rows: the same functions on the same anchored frame as a backtest.

Of each symbol it keeps the bars from the anchor of the month on, and appends; nothing is ever
computed on a trailing window. Forecasts come from one pinned model, whatever the month, and
regimes from pinned parameters. The forecast of a row is computed once and kept, since no later bar
can change it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import polars as pl

from trading_assets.domain.events import SignalRow
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.features.anchor import anchor
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.regime import known_regimes
from trading_assets.live.live_regimes import LiveRegimes, first_hour
from trading_assets.market.bar_frame import between, instant
from trading_assets.strategies.evaluate import month_signals, signal_rows, with_forecasts
from trading_assets.strategies.protocol import Strategy, memory

_MOST_CHUNKS = 16
"""Each bar comes as a piece of memory of its own, and every look costs by the piece: after a day
of minutes a symbol's signals took thirty times as long. Joining at every bar would copy it all."""


class Forecasts(Protocol):
    """A trained model that predicts row by row."""

    def predict(self, features: pl.DataFrame) -> pl.DataFrame:
        """Give `ts, symbol, horizon, prediction, confidence, model_id, forecast_id`."""
        ...


@dataclass(frozen=True, slots=True)
class PinnedModel:
    """The model that a release names, and the features that it was trained on."""

    model: Forecasts
    features: FeatureSet


class Signals(Protocol):
    """What a feed needs of whoever computes signals: `SignalDesk`, or `SharedDesk`."""

    def history_start(self, month: Month) -> Micros:
        """Give the open time of the first bar that rows of a month may depend on."""
        ...

    def append(self, symbol: Symbol, bars: pl.DataFrame) -> None:
        """Add bars that are later than all that are there (RESAMPLED_SCHEMA, ascending)."""
        ...

    def forget_before(self, month: Month) -> None:
        """Drop the bars that rows of this month and of later ones do not depend on."""
        ...

    def rows(
        self, symbol: Symbol, instants: Sequence[Micros]
    ) -> Mapping[Micros, tuple[SignalRow, ...]]:
        """Give the signal rows of a symbol at some of its bars, by open time."""
        ...


def history_start(
    strategy: Strategy, month: Month, features: FeatureSet | None, *, sees_regimes: bool
) -> Micros:
    """Give the open time of the first bar that rows of a month may depend on.

    Args:
        strategy: whose signals.
        month: of the rows.
        features: that its forecasts look at; None where it follows none.
        sees_regimes: whether it is filtered by regimes.
    """
    start = anchor(month, memory(strategy))
    found = [start]
    if features is not None:
        found.append(anchor(Month.of(start), features.warm_up))
    if sees_regimes:
        found.append(first_hour(month))
    return min(found)


class SharedDesk:
    """The signals of several strategies that share a book, each on its own symbols."""

    def __init__(self, members: Sequence[tuple[Sequence[Symbol], SignalDesk]]) -> None:
        """Join desks whose rows carry their strategies' tags.

        Args:
            members: symbols and desk of each strategy, in the order of the engine.
        """
        self._members = members

    def history_start(self, month: Month) -> Micros:
        """Give the open time of the first bar that rows of a month may depend on."""
        return min(desk.history_start(month) for _, desk in self._members)

    def append(self, symbol: Symbol, bars: pl.DataFrame) -> None:
        """Add bars that are later than all that are there (RESAMPLED_SCHEMA, ascending)."""
        for symbols, desk in self._members:
            if symbol in symbols:
                desk.append(symbol, bars)

    def forget_before(self, month: Month) -> None:
        """Drop the bars that rows of this month and of later ones do not depend on."""
        for _, desk in self._members:
            desk.forget_before(month)

    def rows(
        self, symbol: Symbol, instants: Sequence[Micros]
    ) -> Mapping[Micros, tuple[SignalRow, ...]]:
        """Give the rows of all strategies that trade a symbol, in their order, by open time."""
        found: dict[Micros, tuple[SignalRow, ...]] = {}
        for symbols, desk in self._members:
            if symbol in symbols:
                for ts, rows in desk.rows(symbol, instants).items():
                    found[ts] = (*found.get(ts, ()), *rows)
        return found


class SignalDesk:
    """Bars of several symbols and the signals of one strategy on them."""

    def __init__(
        self,
        strategy: Strategy,
        model: PinnedModel | None = None,
        *,
        regimes: LiveRegimes | None = None,
        tag: str = "",
    ) -> None:
        """Begin without bars.

        Args:
            strategy: whose signals.
            model: that its forecasts come from, where it follows any.
            regimes: of its symbols, where it is filtered by them.
            tag: of its rows, where it shares a book with others.
        """
        self._tag = tag
        self._strategy = strategy
        self._model = model if strategy.horizon else None
        self._regimes = regimes
        self._bars: dict[Symbol, pl.DataFrame] = {}
        self._forecasts: dict[Symbol, pl.DataFrame] = {}

    def history_start(self, month: Month) -> Micros:
        """Give the open time of the first bar that rows of a month may depend on."""
        features = None if self._model is None else self._model.features
        sees_regimes = self._regimes is not None
        return history_start(self._strategy, month, features, sees_regimes=sees_regimes)

    def append(self, symbol: Symbol, bars: pl.DataFrame) -> None:
        """Add bars that are later than all that are there (RESAMPLED_SCHEMA, ascending)."""
        if not bars.height:
            return
        held = self._bars.get(symbol)
        joined = bars if held is None else held.vstack(bars)
        self._bars[symbol] = joined if joined.n_chunks() < _MOST_CHUNKS else joined.rechunk()

    def forget_before(self, month: Month) -> None:
        """Drop the bars that rows of this month and of later ones do not depend on."""
        start = self.history_start(month)
        for symbol, frame in self._bars.items():
            if int(frame["ts"].to_physical()[0]) < start:
                self._bars[symbol] = frame.filter(pl.col("ts") >= instant(start))
        if self._regimes is not None:
            self._regimes.forget_before(start)

    def bars(self, symbol: Symbol, start: Micros, end: Micros) -> pl.DataFrame:
        """Give the bars of a symbol with open time in [start, end)."""
        return self._bars[symbol].filter(between(start, end))

    def rows(
        self, symbol: Symbol, instants: Sequence[Micros]
    ) -> Mapping[Micros, tuple[SignalRow, ...]]:
        """Give the signal rows of a symbol at some of its bars, by open time.

        Several at once cost as much as one: a row does not depend on later bars.
        """
        if not instants or symbol not in self._bars:
            return {}
        frame = self._bars[symbol].filter(pl.col("ts") <= instant(max(instants)))
        ids: dict[Micros, str] = {}
        if self._model is not None:
            forecasts = self._forecast(symbol, frame, Month.of(min(instants)), self._model)
            frame = with_forecasts(frame, forecasts, str(self._strategy.horizon))
            ids = _ids(forecasts, instants)
        if self._regimes is not None:
            known = self._regimes.known(symbol, self._bars[symbol], instants)
            frame = known_regimes(frame, known, self._regimes.bar_size)
        found: dict[Micros, tuple[SignalRow, ...]] = {}
        for month in sorted({Month.of(ts) for ts in instants}):
            signals = month_signals(self._strategy, frame, month)
            wanted = signals.filter(pl.col("ts").dt.epoch("us").is_in(list(instants)))
            rows = signal_rows(symbol, self._strategy.family, wanted, ids)
            found |= {row.ts: (replace(row, tag=self._tag),) for row in rows}
        return found

    def behind(self, symbol: Symbol, ts: Micros) -> tuple[pl.DataFrame, pl.DataFrame] | None:
        """Give the row of features and the forecast behind a signal row, computed for it alone.

        Returns:
            One row each, or none where the features are not complete; None for a strategy that
            follows no forecast.
        """
        if self._model is None:
            return None
        pinned, month = self._model, Month.of(ts)
        frame = self.bars(symbol, anchor(month, pinned.features.warm_up), ts + 1)
        features = pinned.features.compute(frame).filter(pl.col("ts") == instant(ts))
        return features, pinned.model.predict(features)

    def _forecast(
        self, symbol: Symbol, frame: pl.DataFrame, month: Month, pinned: PinnedModel
    ) -> pl.DataFrame:
        """Give the forecasts that rows from `month` on may look at, computing new ones only.

        Features of a month's rows are computed from that month's own anchor on.
        """
        first = Month.of(anchor(month, memory(self._strategy)))
        held = self._forecasts.get(symbol)
        done = first.start if held is None or not held.height else _last(held) + 1
        parts = [] if held is None else [held.filter(pl.col("ts") >= instant(first.start))]
        for each in months_between(max(first, Month.of(done)), Month.of(_last(frame))):
            anchored = frame.filter(between(anchor(each, pinned.features.warm_up), each.end))
            features = pinned.features.compute(anchored)
            new = features.filter(between(max(each.start, done), each.end))
            if new.height:
                parts.append(pinned.model.predict(new))
        self._forecasts[symbol] = pl.concat(parts)
        return self._forecasts[symbol]


def _last(frame: pl.DataFrame) -> Micros:
    return int(frame["ts"].to_physical()[-1])


def _ids(forecasts: pl.DataFrame, instants: Sequence[Micros]) -> dict[Micros, str]:
    wanted = forecasts.filter(pl.col("ts").dt.epoch("us").is_in(list(instants)))
    return dict(zip(wanted["ts"].to_physical().to_list(), wanted["forecast_id"], strict=True))
